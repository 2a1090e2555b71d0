package dev.redmobile.demo.engine

import java.nio.ByteBuffer

/** A loaded model, on the engine's thread. Pictures are RGBA, row by row, one byte a channel with its sign bit flipped: the model's own memory. */
interface Session {
    val model: ModelInfo
    val input: ByteBuffer
    val output: ByteBuffer

    /** One inference from [input] to [output]; how long it took, in nanoseconds. */
    fun run(): Long
}

/**
 * Loads a model and runs it, on a thread of its own. All functions return at once and may be called from any thread.
 *
 * Whoever shows an engine to people listens to its [state]; whoever feeds it calls [submit].
 */
interface Engine : AutoCloseable {
    val state: EngineState

    /** Call `listener` with the state now, and on the engine's thread with each that follows, until what is returned is closed. */
    fun listen(listener: (EngineState) -> Unit): AutoCloseable

    /** Load a model in place of the one before: Loading, then Ready or Failed. */
    fun load(source: ModelSource, settings: Settings = Settings())

    /**
     * Run `work` with the loaded model, after what was submitted before; false if the engine is closed. Where nothing is loaded when its turn
     * comes (the load failed), `work` is dropped and `dropped` called instead. A [Fault] in `work` makes the engine Failed, and calls `dropped`.
     */
    fun submit(dropped: () -> Unit = {}, work: (Session) -> Unit): Boolean

    /** Unload and end the thread, after what was submitted before. */
    override fun close()
}
