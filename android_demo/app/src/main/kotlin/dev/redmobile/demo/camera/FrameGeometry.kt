package dev.redmobile.demo.camera

/** Width and height in pixels. */
data class Pixels(val width: Int, val height: Int) {
    val count: Long get() = width.toLong() * height
    val isWide: Boolean get() = width >= height

    /** After a turn by `degrees`, a multiple of 90. */
    fun turned(degrees: Int): Pixels = if (degrees % HALF_TURN == 0) this else Pixels(height, width)

    override fun toString() = "$width×$height"

    private companion object {
        const val HALF_TURN = 180
    }
}

/**
 * What part of the camera's frame the network sees, how it is turned for that, and how it is turned back for the screen.
 *
 * natural: the frame's size when it stands upright in the phone's natural position, as SurfaceTexture's own matrix puts it (mirrored for a front
 * camera). displayDegrees: how far the display is turned from that position, as `Display.getRotation` says. Where the network's picture is
 * wide and the upright one tall, or the other way round, the network gets it on its side: so it sees all of it, and one model is enough.
 *
 * Places run from 0 to 1, x to the right, y down, as a picture's rows lie in memory.
 */
class FrameGeometry(natural: Pixels, displayDegrees: Int, private val model: Pixels) {
    /** Clockwise, from the natural position to what the network sees. */
    val packTurn: Int

    /** Clockwise, from what the network sees to what the screen shows. */
    val drawTurn: Int

    /** What the screen shows; its proportions are those of the picture. */
    val shown: Pixels get() = model.turned(drawTurn)

    private val cropX: Float
    private val cropY: Float

    /** From a place on the screen, whose y runs up, to one in the network's picture: nine numbers, column by column. */
    val toPicture = FloatArray(NINE)

    init {
        val upright = (WHOLE_TURN - displayDegrees % WHOLE_TURN) % WHOLE_TURN
        drawTurn = if (natural.turned(upright).isWide == model.isWide) 0 else QUARTER_TURN
        packTurn = (upright + WHOLE_TURN - drawTurn) % WHOLE_TURN
        val seen = natural.turned(packTurn)
        val wider = seen.width.toFloat() * model.height / (seen.height.toFloat() * model.width)
        cropX = Math.min(1f, 1 / wider)
        cropY = Math.min(1f, wider)
        val turn = turn(drawTurn)
        put(toPicture, turn[0], -turn[1], turn[2] + turn[1], turn[3], -turn[4], turn[5] + turn[4]) // y up: 1 - y instead of y
    }

    /** From a place in the network's picture to one in the texture: nine numbers, column by column, into `result`. texture: SurfaceTexture's matrix. */
    fun toFrame(texture: FloatArray, result: FloatArray) {
        val t = turns
        // Cropped about the middle, turned, then y up as SurfaceTexture has it.
        val ux = t[0] * cropX
        val uy = t[1] * cropY
        val vx = -t[3] * cropX
        val vy = -t[4] * cropY
        val u0 = t[2] + (t[0] * (1 - cropX) + t[1] * (1 - cropY)) / 2
        val v0 = 1 - t[5] - (t[3] * (1 - cropX) + t[4] * (1 - cropY)) / 2
        put(
            result,
            texture[0] * ux + texture[4] * vx, texture[0] * uy + texture[4] * vy, texture[0] * u0 + texture[4] * v0 + texture[12],
            texture[1] * ux + texture[5] * vx, texture[1] * uy + texture[5] * vy, texture[1] * u0 + texture[5] * v0 + texture[13],
        )
    }

    /** Where the picture lies in a view of this size, whole and in its proportions, in the middle: left, bottom, width, height. */
    fun fit(width: Int, height: Int): IntArray {
        val scale = Math.min(width.toDouble() / shown.width, height.toDouble() / shown.height)
        val (fitted, tall) = Math.max(1, Math.round(shown.width * scale).toInt()) to Math.max(1, Math.round(shown.height * scale).toInt())
        return intArrayOf((width - fitted) / 2, (height - tall) / 2, fitted, tall)
    }

    private val turns = turn(packTurn)

    private companion object {
        const val NINE = 9
        const val QUARTER_TURN = 90
        const val WHOLE_TURN = 360

        /** x' = t0 x + t1 y + t2, y' = t3 x + t4 y + t5: from a place in a picture that was turned clockwise to its place before. */
        fun turn(degrees: Int): FloatArray = when (degrees) {
            0 -> floatArrayOf(1f, 0f, 0f, 0f, 1f, 0f)
            90 -> floatArrayOf(0f, 1f, 0f, -1f, 0f, 1f)
            180 -> floatArrayOf(-1f, 0f, 1f, 0f, -1f, 1f)
            270 -> floatArrayOf(0f, -1f, 1f, 1f, 0f, 0f)
            else -> throw IllegalArgumentException("A turn by a multiple of 90 degrees, found $degrees.")
        }

        /** Two rows of three, as columns. */
        @Suppress("LongParameterList")
        fun put(matrix: FloatArray, xx: Float, xy: Float, x0: Float, yx: Float, yy: Float, y0: Float) {
            matrix[0] = xx
            matrix[1] = yx
            matrix[2] = 0f
            matrix[3] = xy
            matrix[4] = yy
            matrix[5] = 0f
            matrix[6] = x0
            matrix[7] = y0
            matrix[8] = 1f
        }
    }
}
