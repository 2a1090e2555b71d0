package dev.redmobile.demo.camera

/** How the phone keeps up. */
enum class Pace {
    FINE,

    /** The network takes more than a frame's time in more than one of ten frames: frames are dropped. */
    SLOW,

    /** Android has slowed the phone down, or is about to, because it is hot. */
    HOT,
    ;

    companion object {
        /** A frame's time at 30 a second. */
        const val BUDGET_MS = 1000.0 / Lens.FPS

        /** Frames before a judgement. */
        const val ENOUGH = 30
        private const val THERMAL_SEVERE = 3 // PowerManager.THERMAL_STATUS_SEVERE

        /** figures: null: too little was seen. thermal: Android's status from 0 to 6; null: it does not tell. */
        fun of(figures: LiveFigures?, thermal: Int?): Pace = when {
            thermal != null && thermal >= THERMAL_SEVERE -> HOT
            figures != null && figures.frames >= ENOUGH && figures.modelP90Ms > BUDGET_MS -> SLOW
            else -> FINE
        }
    }
}

/**
 * Which of `sizes` pictures, largest first, the network gets. It goes down one where the phone did not keep up for [PATIENCE] readings on end
 * and the user allows it; it never goes up by itself, since the phone would get too slow again.
 */
class Steps(private val sizes: Int) {
    var step = 0
        private set

    /** Whether smaller pictures are allowed; if no longer, the largest are due again. */
    var isAllowed = false
        set(value) {
            field = value
            bad = 0
            if (!value) step = 0
        }

    val isSmallest: Boolean get() = step >= sizes - 1
    private var bad = 0

    /** After each reading; true: a smaller size is due now. */
    fun read(pace: Pace): Boolean {
        bad = if (pace == Pace.FINE) 0 else bad + 1
        if (!isAllowed || isSmallest || bad < PATIENCE) return false
        step++
        bad = 0
        return true
    }

    companion object {
        const val PATIENCE = 6
    }
}
