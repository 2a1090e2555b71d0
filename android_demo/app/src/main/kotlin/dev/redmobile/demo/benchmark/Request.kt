package dev.redmobile.demo.benchmark

import android.os.Bundle
import dev.redmobile.demo.engine.Accelerator
import dev.redmobile.demo.engine.Settings
import dev.redmobile.tflite.DelegateException
import java.util.UUID

/** What the activity was asked to do; [model]: path of a .tflite, null: the app's own. android_demo/BENCHMARK.md has the extras. */
data class Request(val plan: BenchPlan, val runId: String, val model: String?, val delegates: List<String>, val threads: List<Int>) {
    companion object {
        private const val GPU = "gpu" // TFLite has such a delegate, though not the build that this app carries
        private val UNITS = Accelerator.values().map { it.id } + GPU
        private val RUN_ID = Regex("[A-Za-z0-9-]{1,64}")
        private const val MAX_THREADS = 64
        private const val THREADS = 4

        /** Throws [RequestException]. */
        fun of(extras: Bundle): Request {
            val name = extras.getString("plan", "model_latency")
            val plan = BenchPlan.ALL.find { it.name == name } ?: refuse("There is no plan '$name'; there are ${BenchPlan.ALL.joinToString { it.name }}.")
            val runId = extras.getString("run_id") ?: newId()
            if (!RUN_ID.matches(runId)) refuse("The run_id holds something else than letters, digits and '-'.")
            val delegates = extras.getString("delegates", "cpu").split(',').map { it.trim() }
            delegates.find { it !in UNITS }?.let { refuse("There is no delegate '$it'; there are ${UNITS.joinToString()}.") }
            val threads = extras.getString("threads", defaultThreads().toString()).split(',').map { word ->
                word.trim().toIntOrNull()?.takeIf { it in 1..MAX_THREADS } ?: refuse("Threads must be 1 to $MAX_THREADS; found '$word'.")
            }
            return Request(changed(plan, extras), runId, extras.getString("model"), delegates, threads)
        }

        fun newId(): String = UUID.randomUUID().toString().replace("-", "").take(12)

        fun defaultThreads(): Int = Math.min(THREADS, Runtime.getRuntime().availableProcessors())

        private fun changed(plan: BenchPlan, extras: Bundle): BenchPlan = plan.copy(
            seconds = number(extras, "seconds", plan.seconds.toInt()).toDouble(),
            runs = number(extras, "runs", plan.runs),
            warmUp = number(extras, "warm_up", plan.warmUp),
            fps = extras.getFloat("fps", plan.fps.toFloat()).toDouble().also { if (!(it > 0)) refuse("fps must be more than 0; found $it.") },
        )

        private fun number(extras: Bundle, name: String, missing: Int): Int {
            val found = extras.getInt(name, missing)
            if (found < 1 && extras.containsKey(name)) refuse("$name must be at least 1; found $found.")
            return found
        }

        private fun refuse(sentence: String): Nothing = throw RequestException(sentence)
    }
}

/** Extras that nobody can carry out; the message is a sentence. */
class RequestException(sentence: String) : RuntimeException(sentence)

/** One way to run the network: a delegate's name, as in the extras, and threads. */
data class Configuration(val unit: String, val threads: Int) {
    /** Throws [DelegateException] where this app has none of that name. */
    fun settings(): Settings = Settings(
        threads,
        Accelerator.of(unit)?.delegate ?: throw DelegateException("TFLite 2.21 of Maven Central, which this app is built with, has no delegate for the GPU"),
    )
}
