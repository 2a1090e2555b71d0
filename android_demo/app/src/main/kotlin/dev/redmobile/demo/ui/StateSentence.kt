package dev.redmobile.demo.ui

import android.content.Context
import dev.redmobile.demo.R
import dev.redmobile.demo.engine.EngineState

/** The state in the words of the phone's language; what to do about it, too, where something went wrong. */
fun EngineState.sentence(context: Context): String = when (this) {
    is EngineState.Idle -> context.getString(R.string.state_idle)
    is EngineState.Loading -> context.getString(R.string.state_loading)
    is EngineState.Ready -> context.getString(R.string.state_ready, model.width, model.height, model.settings.delegate, model.settings.threads)
    is EngineState.Running -> context.getString(R.string.state_running)
    is EngineState.Failed -> "${context.getString(fault.sentence)} ${context.getString(fault.remedy)}"
}
