package dev.redmobile.demo.camera

import android.content.Context
import dev.redmobile.demo.R

/** What the camera's screen says, in the phone's language. */
class CameraWords(private val context: Context) {
    /** In the middle of the picture; null: nothing. */
    fun message(state: LiveState): String? = when (state) {
        is LiveState.Away, is LiveState.Live, is LiveState.Still -> null
        is LiveState.Asking -> context.getString(R.string.camera_asking)
        is LiveState.Refused -> context.getString(if (state.forEver) R.string.camera_refused_for_ever else R.string.camera_refused)
        is LiveState.Opening -> context.getString(R.string.camera_opening)
        is LiveState.Failed -> "${context.getString(state.trouble.sentence)} ${context.getString(state.trouble.remedy)}"
    }

    /** On the button below it; null: there is none. */
    fun remedy(state: LiveState): Int? = when (state) {
        is LiveState.Refused -> if (state.forEver) R.string.camera_settings else R.string.camera_allow
        is LiveState.Failed -> R.string.camera_again
        else -> null
    }

    /** Figures over the picture. thermal: Android's status; null: it does not tell. */
    fun figures(reading: LiveReading, thermal: Int?): String {
        val figures = reading.figures
        val model = reading.model
        return listOfNotNull(
            figures?.let { context.getString(R.string.live_rate, it.fps, reading.dropped, reading.offered) },
            figures?.let { times(R.string.live_model, it.modelP50Ms, it.modelP90Ms) },
            figures?.let { times(R.string.live_latency, it.latencyP50Ms, it.latencyP90Ms) },
            model?.let { context.getString(R.string.live_runs, it.width, it.height, it.settings.delegate, it.settings.threads) },
            context.getString(warmth(thermal)),
        ).joinToString("\n")
    }

    /** How the phone keeps up, and what is done about it; null: it does. */
    fun pace(pace: Pace, steps: Steps): String? {
        if (pace == Pace.FINE) return if (steps.step > 0) context.getString(R.string.pace_smaller) else null
        val what = context.getString(if (pace == Pace.HOT) R.string.pace_hot else R.string.pace_slow)
        val then = when {
            steps.isSmallest -> R.string.pace_smallest
            steps.isAllowed -> R.string.pace_steps_down
            else -> R.string.pace_may_step_down
        }
        return "$what ${context.getString(then)}"
    }

    private fun times(words: Int, p50: Double, p90: Double): String =
        "${context.getString(words, p50, p90)} ${context.getString(if (p90 <= Pace.BUDGET_MS) R.string.live_in_time else R.string.live_late, Pace.BUDGET_MS)}"

    private fun warmth(thermal: Int?): Int = when {
        thermal == null -> R.string.thermal_unknown
        thermal == 0 -> R.string.thermal_none
        thermal < SEVERE -> R.string.thermal_warm
        else -> R.string.thermal_hot
    }

    private companion object {
        const val SEVERE = 3
    }
}
