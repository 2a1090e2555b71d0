package dev.redmobile.demo

import android.app.Activity
import android.os.Bundle
import android.widget.TextView
import dev.redmobile.demo.engine.AssetModel
import dev.redmobile.demo.engine.EngineState
import dev.redmobile.demo.engine.TfLiteEngine

/** Loads the model and says how it went. */
class MainActivity : Activity() {
    private val engine = TfLiteEngine()
    private lateinit var listening: AutoCloseable

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        val text = TextView(this)
        setContentView(text)
        listening = engine.listen { state -> runOnUiThread { text.text = sentence(state) } }
        engine.load(AssetModel(this))
    }

    override fun onDestroy() {
        listening.close()
        engine.close()
        super.onDestroy()
    }

    private fun sentence(state: EngineState): String = when (state) {
        is EngineState.Idle -> getString(R.string.state_idle)
        is EngineState.Loading -> getString(R.string.state_loading)
        is EngineState.Ready -> getString(R.string.state_ready, state.model.width, state.model.height, state.model.settings.delegate, state.model.settings.threads)
        is EngineState.Running -> getString(R.string.state_running)
        is EngineState.Failed -> "${getString(state.fault.sentence)} ${getString(state.fault.remedy)}"
    }
}
