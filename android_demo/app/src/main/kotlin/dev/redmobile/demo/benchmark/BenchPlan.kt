package dev.redmobile.demo.benchmark

import org.json.JSONObject

/**
 * What is measured. The three of [ALL] are those of benchmarks/NAME.toml in the repository, and a test holds them together.
 *
 * fps: 1000/fps ms is the budget; share: the part of the frames that must be in time; warmUp: runs before those that count; seconds: how long
 * frames arrive, or without [stream] the longest time that it may take; runs: how many count, without [stream].
 */
data class BenchPlan(
    val name: String,
    val says: String,
    val share: Double,
    val warmUp: Int,
    val seconds: Double,
    val runs: Int = 0,
    val stream: Boolean = true,
    val windowSeconds: Double = 10.0,
    val rules: Rules = Rules(),
    val fps: Double = 30.0,
) {
    val frameMs: Double get() = MS / fps
    val deadlineMs: Double get() = if (stream) DEADLINE_FRAMES * frameMs else frameMs
    val offered: Int get() = Math.max(1, Math.round(seconds * fps).toInt())

    /** The plan as it is carried out, as `redmobile bench` writes it. */
    fun toJson(threads: Int): JSONObject {
        val settings = JSONObject().put("says", says).put("fps", fps).put("threads", threads)
        if (stream) {
            settings.put(
                "open_loop",
                JSONObject().put("seconds", seconds).put("warm_up", warmUp).put("height", HEIGHT).put("width", WIDTH).put("photographs", "red_mobile")
                    .put("queue", 1).put("policy", "drop-oldest").put("deadline_frames", DEADLINE_FRAMES).put("window_seconds", windowSeconds),
            )
        } else {
            settings.put("closed_loop", JSONObject().put("warm_up", warmUp).put("runs", runs).put("block", BLOCK).put("max_seconds", seconds))
        }
        return settings.put("budget", JSONObject().put("share", share)).put("stability", rules.toJson())
    }

    companion object {
        const val HEIGHT = 1080
        const val WIDTH = 1920
        private const val MS = 1000.0
        private const val BLOCK = 4
        private const val DEADLINE_FRAMES = 2.0

        val ALL = listOf(
            BenchPlan(
                "model_latency",
                "Latency of the network alone: runs back to back, against the time of one frame at 30 frames a second.",
                share = 0.90, warmUp = 10, seconds = 90.0, runs = 120, stream = false,
            ),
            BenchPlan(
                "video_1080p30",
                "1080p video at 30 frames a second: frames arrive whether or not the network is ready; late and dropped ones are counted.",
                share = 0.99, warmUp = 10, seconds = 10.0, rules = Rules(maxRelativeIqr = 0.15),
            ),
            BenchPlan(
                "soak_1080p30",
                "1080p video at 30 frames a second for ten minutes: does it slow down when the device gets warm? Told in windows of half a minute.",
                share = 0.99, warmUp = 10, seconds = 600.0, windowSeconds = 30.0,
                rules = Rules(maxRelativeIqr = 0.15, maxDrift = 1.0, maxClockChange = 1.0, maxThrottleEvents = 1_000_000, maxThermalStatus = 6),
            ),
        )
    }
}

/** When figures are not to be trusted; see StabilityRules in benchmarks/result.schema.json. */
data class Rules(
    val minSamples: Int = 30,
    val minSeconds: Double = 0.5,
    val maxRelativeIqr: Double = 0.10,
    val maxDrift: Double = 0.05,
    val maxClockChange: Double = 0.1,
    val maxThrottleEvents: Int = 0,
    val maxThermalStatus: Int = 1,
) {
    fun toJson(): JSONObject = JSONObject().put("min_samples", minSamples).put("min_seconds", minSeconds).put("max_relative_iqr", maxRelativeIqr)
        .put("max_drift", maxDrift).put("max_other_share", MAX_OTHER).put("max_steal_share", MAX_STEAL).put("max_clock_change", maxClockChange)
        .put("max_throttle_events", maxThrottleEvents).put("max_thermal_status", maxThermalStatus)

    private companion object {
        const val MAX_OTHER = 0.1
        const val MAX_STEAL = 0.02
    }
}
