package dev.redmobile.demo.benchmark

import android.content.Context
import android.os.Process
import android.util.Log
import dev.redmobile.demo.R
import dev.redmobile.demo.engine.AssetModel
import dev.redmobile.demo.engine.Fault
import dev.redmobile.demo.engine.FileModel
import dev.redmobile.demo.engine.UnsuitableModelException
import dev.redmobile.tflite.Interpreter
import dev.redmobile.tflite.Tensor
import org.json.JSONObject
import java.io.File
import java.nio.ByteBuffer
import java.util.Locale
import java.util.concurrent.CancellationException
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit

/** What the process's one benchmark is doing. */
sealed class BenchmarkState {
    object Idle : BenchmarkState()

    data class Running(val request: Request, val progress: Double) : BenchmarkState()

    data class Done(val runId: String, val file: File) : BenchmarkState()

    data class Failed(val runId: String, val sentence: String) : BenchmarkState()
}

/** Carries out requests, one at a time, in this process, whatever becomes of the screen that asked. May be called from any thread. */
object Benchmark {
    private const val TAG = "redmobile"
    private val listeners = CopyOnWriteArrayList<(BenchmarkState) -> Unit>()

    @Volatile
    private var cancelled = false

    @Volatile
    var state: BenchmarkState = BenchmarkState.Idle
        private set(value) {
            field = value
            listeners.forEach { it(value) }
        }

    /** Call `listener` with the state now, and on any thread with each that follows, until what is returned is closed. */
    fun listen(listener: (BenchmarkState) -> Unit): AutoCloseable {
        listeners += listener
        listener(state)
        return AutoCloseable { listeners -= listener }
    }

    /** Begin, unless another run is going on: that is said in logcat, and false is returned. */
    @Synchronized
    fun start(context: Context, request: Request): Boolean {
        if (state is BenchmarkState.Running) {
            Log.i(TAG, "run ${request.runId} failed another run is going on")
            return false
        }
        cancelled = false
        progress(request, 0.0)
        val application = context.applicationContext
        Thread({ carryOut(application, request) }, "redmobile-benchmark").start()
        return true
    }

    /** End the run after the frame that is being measured. */
    fun cancel() {
        cancelled = true
    }

    /** A request that nobody can carry out. */
    fun refuse(runId: String, sentence: String) {
        Log.i(TAG, "run $runId failed $sentence")
        if (state !is BenchmarkState.Running) state = BenchmarkState.Failed(runId, sentence)
    }

    internal fun progress(request: Request, part: Double) {
        Log.i(TAG, String.format(Locale.ROOT, "run %s progress %.2f", request.runId, part))
        state = BenchmarkState.Running(request, part)
    }

    private fun carryOut(application: Context, request: Request) {
        state = try {
            val file = BenchmarkRun(application, request) { cancelled }.result()
            Log.i(TAG, "run ${request.runId} done")
            BenchmarkState.Done(request.runId, file)
        } catch (error: Throwable) {
            val sentence = sentence(application, error) ?: throw error
            Log.i(TAG, "run ${request.runId} failed $sentence")
            BenchmarkState.Failed(request.runId, sentence)
        }
    }

    private fun sentence(context: Context, error: Throwable): String? {
        if (error is CancellationException) return context.getString(R.string.benchmark_cancelled)
        val fault = Fault.of(error) ?: return null
        val detail = error.message?.replace('\n', ' ').orEmpty()
        return "${context.getString(fault.sentence)} ${context.getString(fault.remedy)}" + if (detail.isEmpty()) "" else " ($detail)"
    }
}

/** One request, configuration by configuration. */
private class BenchmarkRun(private val context: Context, private val request: Request, private val cancelled: () -> Boolean) {
    private val files = ResultFiles(context)
    private val source = request.model?.let { FileModel(File(it)) } ?: AssetModel(context)
    private val report by lazy { Report(request, context.packageManager.getPackageInfo(context.packageName, 0).versionName ?: "", Interpreter.version()) }
    private val configurations = request.delegates.flatMap { unit -> request.threads.map { Configuration(unit, it) } }
    private val results = ArrayList<JSONObject>()
    private val problems = ArrayList<Pair<Configuration, Throwable>>()

    /** The file with the result. Throws what went wrong where nothing was measured. */
    fun result(): File {
        configurations.forEachIndexed { index, configuration ->
            try {
                results += measure(configuration, index)
            } catch (error: Throwable) {
                if (Fault.of(error) == null || configurations.size == 1) throw error
                problems += configuration to error
            }
        }
        if (results.isEmpty()) throw problems.first().second
        val missing = problems.joinToString("; ") { (configuration, error) -> "${configuration.unit}, ${configuration.threads} threads: ${error.message}" }
        val whole = if (configurations.size == 1) results[0] else report.bundle(results, missing.ifEmpty { null })
        return files.writeWhole(request.runId, whole)
    }

    private fun measure(configuration: Configuration, index: Int): JSONObject = Loaded(source, configuration).use { loaded ->
        val frames = frames(loaded.interpreter)
        val record = Record()
        val watch = Watch(loaded, record, index)
        try {
            Measurer(loaded.interpreter, frames, request.plan, record, cancelled).measure()
        } finally {
            watch.close()
        }
        report.result(loaded, record.copy(), null)
    }

    private fun frames(interpreter: Interpreter): List<ByteBuffer> {
        val (input, output) = interpreter.inputs[0] to interpreter.outputs[0]
        if (input.type != Tensor.INT8 || input.shape.size != RANK || input.shape.last() != CHANNELS || output.shape != input.shape) {
            val found = "${input.shape.joinToString("×")} to ${output.shape.joinToString("×")}"
            throw UnsuitableModelException("The network turns $found; 1×H×W×4 int8, in and out, is needed.")
        }
        val (_, height, width, _) = input.shape
        return Frames.load(context.assets, width, height)
    }

    /** Beside the run, on a thread of its own: says how far it is, samples the phone, writes what there is. */
    private inner class Watch(private val loaded: Loaded, private val record: Record, private val index: Int) : AutoCloseable {
        private val began = System.nanoTime()
        private var ticks = 0
        private val thread = Executors.newSingleThreadScheduledExecutor { task -> Thread(task, "redmobile-watch") }

        init {
            thread.execute { Process.setThreadPriority(Process.THREAD_PRIORITY_BACKGROUND) }
            thread.scheduleWithFixedDelay(::tick, 0, 1, TimeUnit.SECONDS)
        }

        /** The last sample is taken, and nothing is written after it. */
        override fun close() {
            thread.execute(::sample)
            thread.shutdown()
            thread.awaitTermination(WAIT_S, TimeUnit.SECONDS)
        }

        private fun tick() {
            Benchmark.progress(request, (index + record.copy().progress) / configurations.size)
            if (ticks % SAMPLE_EVERY == 0) sample()
            if (ticks > 0 && ticks % WRITE_EVERY == 0) write()
            ticks++
        }

        private fun sample() {
            val sample = DeviceSample.take(context, (System.nanoTime() - began) / NS)
            record.change { samples += sample }
        }

        private fun write() {
            val now = record.copy()
            if (!now.isEmpty) files.writePart(request.runId, report.result(loaded, now, "the run was still going on"))
        }
    }

    private companion object {
        const val RANK = 4
        const val CHANNELS = 4
        const val SAMPLE_EVERY = 4
        const val WRITE_EVERY = 10
        const val WAIT_S = 30L
        const val NS = 1e9
    }
}
