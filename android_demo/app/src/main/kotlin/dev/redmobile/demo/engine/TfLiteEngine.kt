package dev.redmobile.demo.engine

import dev.redmobile.tflite.Interpreter
import dev.redmobile.tflite.Tensor
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.RejectedExecutionException

/** The engine on TFLite. onThread: called once, first, on the engine's thread (priorities, hints). */
class TfLiteEngine(onThread: () -> Unit = {}) : Engine {
    private val thread: ExecutorService = Executors.newSingleThreadExecutor { task ->
        Thread({
            onThread()
            task.run()
        }, "redmobile-engine")
    }
    private val listeners = CopyOnWriteArrayList<(EngineState) -> Unit>()
    private var session: TfLiteSession? = null // the engine's thread alone

    @Volatile
    override var state: EngineState = EngineState.Idle
        private set(value) {
            field = value
            listeners.forEach { it(value) }
        }

    override fun listen(listener: (EngineState) -> Unit): AutoCloseable {
        listeners += listener
        listener(state)
        return AutoCloseable { listeners -= listener }
    }

    override fun load(source: ModelSource, settings: Settings) {
        enqueue {
            unload()
            state = EngineState.Loading(settings)
            guarded {
                val opened = TfLiteSession(source, settings)
                session = opened
                state = EngineState.Ready(opened.model)
            }
        }
    }

    override fun submit(dropped: () -> Unit, work: (Session) -> Unit): Boolean = enqueue {
        val open = session
        if (open == null || !worked(open, work)) dropped()
    }

    override fun close() {
        enqueue {
            unload()
            state = EngineState.Idle
        }
        thread.shutdown()
    }

    private fun worked(open: TfLiteSession, work: (Session) -> Unit): Boolean = guarded {
        state = EngineState.Running(open.model)
        work(open)
        state = EngineState.Ready(open.model)
    }

    /** Whether `work` ended well. A fault unloads the model; what is no fault is a mistake in the program and is thrown on. */
    private fun guarded(work: () -> Unit): Boolean {
        try {
            work()
            return true
        } catch (error: Throwable) {
            val fault = Fault.of(error) ?: throw error
            unload()
            state = EngineState.Failed(fault, error.message ?: error.javaClass.simpleName)
            return false
        }
    }

    private fun unload() {
        session?.close()
        session = null
    }

    private fun enqueue(task: () -> Unit): Boolean = try {
        thread.execute(task)
        true
    } catch (_: RejectedExecutionException) {
        false
    }
}

private class TfLiteSession(source: ModelSource, settings: Settings) : Session, AutoCloseable {
    private val interpreter = Interpreter(source.map(), settings.threads, settings.delegate)
    override val model: ModelInfo
    override val input get() = interpreter.inputs[0].data
    override val output get() = interpreter.outputs[0].data

    init {
        try {
            model = describe(source.name, settings)
        } catch (error: UnsuitableModelException) {
            interpreter.close()
            throw error
        }
    }

    override fun run(): Long {
        val start = System.nanoTime()
        interpreter.run()
        return System.nanoTime() - start
    }

    override fun close() = interpreter.close()

    private fun describe(name: String, settings: Settings): ModelInfo {
        val tensors = interpreter.inputs + interpreter.outputs
        val found = tensors.joinToString(" to ") { "${it.shape.joinToString("x")} of type ${it.type}" }
        if (interpreter.inputs.size != 1 || interpreter.outputs.size != 1 || !tensors.all(::isPicture) || tensors[0].shape != tensors[1].shape) {
            throw UnsuitableModelException("$name: expected one RGBA picture of int8, 1xHxWx4, in and out; found $found")
        }
        val (_, height, width, _) = tensors[0].shape
        return ModelInfo(name, width, height, settings, interpreter.coverage)
    }

    /** Whether a code is a byte with its sign bit flipped, up to the rounding of 1/255. */
    private fun isPicture(tensor: Tensor) = tensor.type == Tensor.INT8 && tensor.shape.size == RANK && tensor.shape[0] == 1 &&
        tensor.shape.last() == ModelInfo.CHANNELS && tensor.zeroPoint == Byte.MIN_VALUE.toInt() && Math.abs(tensor.scale * LEVELS - 1) < TOLERANCE

    private companion object {
        const val RANK = 4
        const val LEVELS = 255f
        const val TOLERANCE = 1e-3f
    }
}
