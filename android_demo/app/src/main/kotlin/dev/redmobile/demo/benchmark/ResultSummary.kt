package dev.redmobile.demo.benchmark

import org.json.JSONArray
import org.json.JSONObject
import java.io.File

/** What the screen shows of one result. samples, budget: milliseconds. */
class ResultSummary private constructor(result: JSONObject) {
    private val verdict = result.getJSONObject("verdict")
    private val isVideo = result.getString("kind") == "video"
    private val measured = if (isVideo) result else result.getJSONObject("measured")
    private val latency = measured.getJSONObject("latency")
    val threads = result.getInt("threads")
    val ran: String = measured.getJSONObject("load").getJSONObject("delegate").getString("ran")
    val outcome: String = verdict.getString("outcome")
    val samples: List<Double> = measured.getJSONArray(if (isVideo) "frames" else "samples_ms").let { row ->
        List(row.length()) { if (isVideo) row.getJSONObject(it).getDouble("latency_ms") else row.getDouble(it) }
    }
    val budget: Double = if (isVideo) result.getDouble("deadline_ms") else MS / result.getJSONObject("settings").getDouble("fps")
    val offered: Int = if (isVideo) result.getInt("offered") else samples.size
    val inTime: Int = samples.count { it <= budget }
    val p50 = latency.getDouble("p50_ms")
    val p90 = latency.getDouble("p90_ms")
    val p99 = latency.getDouble("p99_ms")

    companion object {
        private const val MS = 1000.0

        /** The results in a file that [ResultFiles] wrote. */
        fun read(file: File): List<ResultSummary> {
            val document = JSONObject(file.readText())
            val rows = if (document.getString("kind") == "bundle") document.getJSONArray("results") else JSONArray(listOf(document))
            return List(rows.length()) { ResultSummary(rows.getJSONObject(it)) }
        }
    }
}
