package dev.redmobile.demo.engine

import dev.redmobile.tflite.Coverage
import dev.redmobile.tflite.Delegate

/** What an [Engine] is doing. */
sealed class EngineState {
    /** Nothing is loaded. */
    object Idle : EngineState()

    data class Loading(val settings: Settings) : EngineState()

    /** A model is loaded and waits for pictures. */
    data class Ready(val model: ModelInfo) : EngineState()

    data class Running(val model: ModelInfo) : EngineState()

    /** Nothing is loaded, because of [fault]. [detail]: what the system or TFLite said, for a log or a report; not translated. */
    data class Failed(val fault: Fault, val detail: String) : EngineState()
}

/** How to run a model. */
data class Settings(val threads: Int = 4, val delegate: Delegate = Delegate.Cpu)

/** The model that is loaded: its pictures' size in pixels (RGBA, one byte a channel), how it runs, and who runs its nodes. */
data class ModelInfo(val name: String, val width: Int, val height: Int, val settings: Settings, val coverage: Coverage) {
    val bytes: Int get() = width * height * CHANNELS

    companion object {
        const val CHANNELS = 4
    }
}
