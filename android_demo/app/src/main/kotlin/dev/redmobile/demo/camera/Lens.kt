package dev.redmobile.demo.camera

/**
 * One camera of the phone. sizes: of the frames that it gives to a texture, stills: of its JPEGs; rates: ranges of frames a second.
 * sensorDegrees: clockwise, how far its picture must be turned to stand upright in the phone's natural position. countsSleep: whether its
 * timestamps are of SystemClock.elapsedRealtimeNanos, not of System.nanoTime.
 */
data class Lens(
    val id: String,
    val isFront: Boolean,
    val sizes: List<Pixels>,
    val stills: List<Pixels>,
    val rates: List<IntRange>,
    val sensorDegrees: Int,
    val countsSleep: Boolean,
    val focuses: Boolean,
) {
    /** 1920×1080, or the smallest that holds it, or the largest; null: it gives none. */
    val frame: Pixels?
        get() = sizes.find { it == WANTED } ?: sizes.filter { it.width >= WANTED.width && it.height >= WANTED.height }.minByOrNull { it.count } ?: sizes.maxByOrNull { it.count }

    /** The largest that the phone's memory is sure to hold thrice; null: it takes no stills. */
    val still: Pixels? get() = stills.filter { it.count <= MOST_PIXELS }.maxByOrNull { it.count }

    /** Thirty a second, as steadily as the camera can; null: it does not say. */
    val rate: IntRange? get() = rates.filter { it.last == FPS }.maxByOrNull { it.first } ?: rates.maxWithOrNull { a, b -> if (a.last != b.last) a.last - b.last else a.first - b.first }

    /** A frame's size, upright in the phone's natural position. */
    val natural: Pixels? get() = frame?.turned(sensorDegrees)

    /** How a still must be turned, clockwise, to stand upright on a display that is turned by `displayDegrees`. */
    fun stillDegrees(displayDegrees: Int): Int = (sensorDegrees + (if (isFront) displayDegrees else -displayDegrees) + WHOLE_TURN) % WHOLE_TURN

    companion object {
        const val FPS = 30
        private val WANTED = Pixels(1920, 1080)
        private const val MOST_PIXELS = 16_500_000L
        private const val WHOLE_TURN = 360

        /** The one to show: of the side asked for, else of the other; null: there is none. */
        fun choose(lenses: List<Lens>, front: Boolean): Lens? = lenses.filter { it.frame != null }.let { usable -> usable.find { it.isFront == front } ?: usable.firstOrNull() }
    }
}
