package dev.redmobile.demo.benchmark

import org.json.JSONObject

/** Durations in milliseconds, and what they come down to; the same formulas as redmobile/bench/stats.py. */
class Statistics(private val samples: List<Double>) {
    private val sorted = samples.sorted()
    val n: Int get() = sorted.size
    val mean: Double get() = sorted.average()
    val min: Double get() = sorted.first()
    val max: Double get() = sorted.last()

    init {
        require(samples.isNotEmpty()) { "No durations." }
    }

    /** Linear between the two nearest ranks. part: 0 to 1. */
    fun percentile(part: Double): Double {
        val place = part * (n - 1)
        val low = place.toInt()
        val high = Math.min(low + 1, n - 1)
        return sorted[low] + (sorted[high] - sorted[low]) * (place - low)
    }

    fun over(limit: Double): Int = sorted.count { it > limit }

    /** Distance of the quartiles over the median. */
    val relativeIqr: Double get() = (percentile(HIGH) - percentile(LOW)) / percentile(HALF)

    val first: Double get() = Statistics(samples.take(third)).percentile(HALF)
    val last: Double get() = Statistics(samples.takeLast(third)).percentile(HALF)

    /** (median of the last third - of the first) / median of all. */
    val drift: Double get() = if (n >= THIRDS) (last - first) / percentile(HALF) else 0.0

    private val third: Int get() = Math.max(1, n / THIRDS)

    private val deviation: Double get() = if (n > 1) Math.sqrt(sorted.sumOf { (it - mean) * (it - mean) } / (n - 1)) else 0.0

    fun toJson(): JSONObject = JSONObject().put("n", n).put("p50_ms", percentile(HALF)).put("p90_ms", percentile(P90)).put("p95_ms", percentile(P95))
        .put("p99_ms", percentile(P99)).put("mean_ms", mean).put("std_ms", deviation).put("min_ms", min).put("max_ms", max)

    fun driftJson(): JSONObject = JSONObject().put("first_ms", first).put("last_ms", last).put("relative", drift)

    private companion object {
        const val LOW = 0.25
        const val HALF = 0.5
        const val HIGH = 0.75
        const val P90 = 0.9
        const val P95 = 0.95
        const val P99 = 0.99
        const val THIRDS = 3
    }
}
