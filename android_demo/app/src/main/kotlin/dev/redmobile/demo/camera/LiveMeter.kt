package dev.redmobile.demo.camera

import dev.redmobile.demo.benchmark.Statistics

/**
 * The last seconds of the live picture. fps: enhanced frames shown a second. model: the network alone; latency: from the camera's exposure until
 * the picture is handed to the screen, which shows it at its next refresh or the one after.
 */
data class LiveFigures(val frames: Int, val fps: Double, val modelP50Ms: Double, val modelP90Ms: Double, val latencyP50Ms: Double, val latencyP90Ms: Double)

/** Keeps the times of the last [SPAN] frames. All are in nanoseconds; [record] allocates nothing. */
class LiveMeter {
    private val model = LongArray(SPAN)
    private val latency = LongArray(SPAN)
    private val shownAt = LongArray(SPAN)
    private var count = 0L

    /** shownNs: of System.nanoTime(). */
    @Synchronized
    fun record(modelNs: Long, latencyNs: Long, shownNs: Long) {
        val at = (count++ % SPAN).toInt()
        model[at] = modelNs
        latency[at] = latencyNs
        shownAt[at] = shownNs
    }

    @Synchronized
    fun clear() {
        count = 0
    }

    /** Null until there are two frames. */
    @Synchronized
    fun read(nowNs: Long): LiveFigures? {
        val kept = Math.min(count, SPAN.toLong()).toInt()
        if (kept < 2) return null
        val first = shownAt[((count - kept) % SPAN).toInt()]
        val last = Math.max(shownAt[((count - 1) % SPAN).toInt()], nowNs - STILL_FLOWING_NS)
        val (models, latencies) = Statistics(milliseconds(model, kept)) to Statistics(milliseconds(latency, kept))
        val fps = (kept - 1) * NS / Math.max(1, last - first)
        return LiveFigures(kept, fps, models.percentile(HALF), models.percentile(P90), latencies.percentile(HALF), latencies.percentile(P90))
    }

    private fun milliseconds(times: LongArray, kept: Int): List<Double> = List(kept) { times[it] / NS_A_MS }

    companion object {
        /** Five seconds at 30 frames a second. */
        const val SPAN = 150
        private const val STILL_FLOWING_NS = 500_000_000L
        private const val NS = 1e9
        private const val NS_A_MS = 1e6
        private const val HALF = 0.5
        private const val P90 = 0.9
    }
}
