package dev.redmobile.demo.camera

import dev.redmobile.demo.engine.Engine
import dev.redmobile.demo.engine.EngineState
import dev.redmobile.demo.engine.Fault
import dev.redmobile.demo.engine.ModelInfo
import dev.redmobile.demo.engine.ModelSource
import dev.redmobile.demo.engine.Session
import dev.redmobile.demo.engine.Settings
import dev.redmobile.tflite.Coverage
import java.nio.ByteBuffer
import java.util.concurrent.Executors
import java.util.concurrent.Semaphore

/** An engine whose network gives what it gets, when a test lets it: to try what happens meanwhile. */
class PlayedEngine(private val size: Pixels) : Engine {
    /** One permit lets one inference end. */
    val ends = Semaphore(0)

    /** One is there for each inference that began. */
    val begun = Semaphore(0)
    private val thread = Executors.newSingleThreadExecutor()
    private var model: ModelInfo? = null

    @Volatile
    override var state: EngineState = EngineState.Idle
        private set

    /** What the next model comes to; null: it loads. */
    @Volatile
    var fault: Fault? = null

    override fun listen(listener: (EngineState) -> Unit) = AutoCloseable { }

    override fun load(source: ModelSource, settings: Settings) = thread.execute {
        model = ModelInfo(source.name, size.width, size.height, settings, Coverage(1, 0, 1, 1)).takeIf { fault == null }
        state = fault?.let { EngineState.Failed(it, "played") } ?: EngineState.Ready(model!!)
    }

    override fun submit(dropped: () -> Unit, work: (Session) -> Unit): Boolean {
        thread.execute { model?.let { work(Same(it)) } ?: dropped() }
        return true
    }

    override fun close() = thread.shutdown()

    private inner class Same(override val model: ModelInfo) : Session {
        override val input: ByteBuffer = ByteBuffer.allocateDirect(model.bytes)
        override val output: ByteBuffer get() = input

        override fun run(): Long {
            begun.release()
            ends.acquireUninterruptibly()
            return 1
        }
    }
}
