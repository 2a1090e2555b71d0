package dev.redmobile.demo.benchmark

import android.os.Build
import org.json.JSONArray
import org.json.JSONObject
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale
import java.util.TimeZone

/** Results as benchmarks/result.schema.json has them, from single runs. */
class Report(private val request: Request, private val version: String, private val tflite: String) {
    private val plan = request.plan
    private val date = SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'Z'", Locale.ROOT).apply { timeZone = TimeZone.getTimeZone("UTC") }.format(Date())
    private val cores = Runtime.getRuntime().availableProcessors()

    /** One configuration's result. At least one run or frame must have been finished. */
    fun result(loaded: Loaded, record: Record, incomplete: String?): JSONObject {
        val threads = loaded.configuration.threads
        val doubts = Trust.judge(record, plan.rules, threads, cores, incomplete)
        val found = header(threads).put("kind", if (plan.stream) "video" else "latency").put("threads", threads)
            .put("verdict", verdict(record, doubts)).put("conditions", conditions(record))
        incomplete?.let { found.put("incomplete", it) }
        val load = loaded.loadJson(record.warmUp.firstOrNull() ?: record.work.first())
        return if (plan.stream) stream(found, loaded, load, record, doubts) else found.put("measured", measured(loaded, load, record, doubts))
    }

    /** Several results of one request. */
    fun bundle(results: List<JSONObject>, incomplete: String?): JSONObject {
        val found = JSONObject().put("kind", "bundle").put("format", FORMAT).put("results", JSONArray(results))
        incomplete?.let { found.put("incomplete", it) }
        return found
    }

    private fun header(threads: Int) = JSONObject().put("format", FORMAT).put("run_id", request.runId).put("plan", plan.name)
        .put("settings", plan.toJson(threads)).put("target", "app").put("device", device()).put("environment", environment())
        .put("command", "am start -n dev.redmobile.demo/.benchmark.BenchmarkActivity --es plan ${plan.name} --es run_id ${request.runId}")

    private fun device() = JSONObject().put("name", "${Build.MANUFACTURER} ${Build.MODEL}").put("abi", Build.SUPPORTED_ABIS.firstOrNull() ?: JSONObject.NULL)
        .put("system", SYSTEM).put("cores", cores).put("details", JSONObject().put("build", Build.FINGERPRINT ?: "unknown"))
        .put("soc", if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) SocApi31.name() else Build.HARDWARE)

    private fun environment() = JSONObject().put("date", date).put("machine", Build.MODEL).put("cpu", Build.HARDWARE).put("cores", cores)
        .put("system", SYSTEM).put("packages", JSONObject().put("dev.redmobile.demo", version).put("tflite", tflite))

    private fun conditions(record: Record) = JSONObject().put("cores", cores).put("seconds", record.seconds)
        .put("samples", JSONArray(record.samples.map { it.toJson() }))

    private fun verdict(record: Record, doubts: List<Doubt>): JSONObject {
        val offered = record.judged.size + record.drops.size
        val inTime = record.judged.count { it <= plan.deadlineMs }
        val share = inTime.toDouble() / offered
        val needed = Math.max(1, Math.ceil(plan.share * offered).toInt())
        val outcome = if (doubts.isNotEmpty()) "not to be trusted" else if (share >= plan.share) "met" else "missed"
        val says = String.format(Locale.ROOT, "%d of %d frames (%.1f %%) within %.1f ms", inTime, offered, PERCENT * share, plan.deadlineMs) +
            if (doubts.isEmpty()) "." else "; not to be trusted: ${doubts.joinToString("; ") { it.says }}."
        val found = JSONObject().put("outcome", outcome).put("says", says).put("on_time_share", share).put("percentile", PERCENT * plan.share)
        record.judged.sorted().getOrNull(needed - 1)?.let { found.put("percentile_ms", it) }
        return found
    }

    private fun measured(loaded: Loaded, load: JSONObject, record: Record, doubts: List<Doubt>): JSONObject {
        val statistics = Statistics(record.runs)
        return JSONObject().put("model", loaded.modelJson()).put("load", load).put("latency", statistics.toJson()).put("drift", statistics.driftJson())
            .put("over_budget", statistics.over(plan.frameMs)).put("stability", Trust.toJson(doubts))
            .put("samples_ms", JSONArray(record.runs)).put("warm_up_ms", JSONArray(record.warmUp))
    }

    private fun stream(found: JSONObject, loaded: Loaded, load: JSONObject, record: Record, doubts: List<Doubt>): JSONObject {
        val latency = Statistics(record.judged)
        val late = latency.over(plan.deadlineMs)
        val lateness = record.judged.zipWithNext { before, after -> Math.abs(after - before) }.ifEmpty { listOf(0.0) }
        return found.put("model", loaded.modelJson()).put("load", load).put("source", SOURCE).put("offered", latency.n + record.drops.size)
            .put("deadline_ms", plan.deadlineMs).put("fps", pace(record.frames)).put("on_time", latency.n - late).put("late", late)
            .put("dropped", record.drops.size).put("latency", latency.toJson()).put("jitter", Statistics(lateness).toJson())
            .put("stages", JSONArray(Record.STAGES.mapIndexed { index, name -> stage(record, index, name) }))
            .put("drift", Statistics(record.work).driftJson()).put("stability", Trust.toJson(doubts))
            .put("frames", JSONArray(record.frames.map(::frame)))
            .put("drops", JSONArray(record.drops.map { JSONObject().put("number", it).put("before", Record.STAGES[0]) }))
            .put("windows", JSONArray(windows(record)))
    }

    private fun stage(record: Record, index: Int, name: String) =
        JSONObject().put("name", name).put("time", Statistics(record.frames.map { it.stages[index] }).toJson())

    private fun frame(times: FrameTimes) = JSONObject().put("number", times.number).put("waits_ms", JSONArray(listOf(times.waited, 0.0, 0.0)))
        .put("stages_ms", JSONArray(times.stages.toList())).put("latency_ms", times.latency)

    /** Finished frames a second, between the first and the last of them. */
    private fun pace(frames: List<FrameTimes>): Double {
        val span = (frames.last().number - frames[0].number) * plan.frameMs + frames.last().latency - frames[0].latency
        return if (span > 0) MS * (frames.size - 1) / span else 0.0
    }

    private fun windows(record: Record): List<JSONObject> {
        val length = Math.max(1, Math.round(plan.windowSeconds * plan.fps).toInt())
        val offered = record.judged.size + record.drops.size
        val byWindow = record.frames.groupBy { it.number / length }
        return (0 until offered step length).map { first -> window(first, Math.min(first + length, offered), byWindow[first / length].orEmpty()) }
    }

    private fun window(first: Int, end: Int, frames: List<FrameTimes>): JSONObject {
        val late = frames.count { it.latency > plan.deadlineMs }
        val found = JSONObject().put("from_s", first / plan.fps).put("to_s", end / plan.fps).put("on_time", frames.size - late).put("late", late)
            .put("dropped", end - first - frames.size)
        if (frames.isNotEmpty()) Statistics(frames.map { it.latency }).let { found.put("p50_ms", it.percentile(HALF)).put("p99_ms", it.percentile(P99)) }
        return found
    }

    companion object {
        const val FORMAT = "redmobile.bench/2"
        private const val SOURCE = "the app's own frames, one thread for all stages of a frame"
        private const val PERCENT = 100
        private const val MS = 1000.0
        private const val HALF = 0.5
        private const val P99 = 0.99
        private val SYSTEM = "Android ${Build.VERSION.RELEASE} (API ${Build.VERSION.SDK_INT})"
    }
}

private object SocApi31 {
    fun name(): String = "${Build.SOC_MANUFACTURER} ${Build.SOC_MODEL}"
}
