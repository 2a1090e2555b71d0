package dev.redmobile.demo.camera

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class FrameGeometryTest {
    private val phone = Pixels(1080, 1920) // what a phone's camera sees, upright
    private val model = Pixels(1920, 1088)

    @Test
    fun `held upright, the network sees the picture on its side, and the screen shows it upright`() {
        val found = FrameGeometry(phone, 0, model)
        assertEquals(270 to 90, found.packTurn to found.drawTurn)
        assertEquals(Pixels(1088, 1920), found.shown)
    }

    @Test
    fun `held on its side, the network sees it as people do`() {
        assertEquals(270 to 0, FrameGeometry(phone, 90, model).let { it.packTurn to it.drawTurn })
        assertEquals(90 to 0, FrameGeometry(phone, 270, model).let { it.packTurn to it.drawTurn })
        assertEquals(90 to 90, FrameGeometry(phone, 180, model).let { it.packTurn to it.drawTurn })
    }

    @Test
    fun `a tablet's camera is upright when it lies on its side`() {
        assertEquals(0 to 0, FrameGeometry(Pixels(1920, 1080), 0, model).let { it.packTurn to it.drawTurn })
        assertThrows(IllegalArgumentException::class.java) { FrameGeometry(phone, 45, model) }
    }

    @Test
    fun `the middle of the picture is the middle of the frame, and nothing beyond its edges is taken`() {
        for (natural in listOf(phone, Pixels(1920, 1080), Pixels(640, 480), Pixels(1080, 1080))) {
            for (degrees in listOf(0, 90, 180, 270)) {
                val found = FrameGeometry(natural, degrees, model)
                assertArrayEquals("$natural $degrees", floatArrayOf(0.5f, 0.5f), at(found, 0.5f, 0.5f), NEAR)
                val corners = listOf(0f to 0f, 1f to 0f, 0f to 1f, 1f to 1f).map { (x, y) -> at(found, x, y) }
                assertEquals("one side is taken whole", true, corners.flatMap { it.toList() }.any { Math.abs(it) < NEAR })
                assertEquals(true, corners.all { place -> place.all { it > -NEAR && it < 1 + NEAR } })
            }
        }
    }

    @Test
    fun `what is taken has the network's proportions`() {
        val found = FrameGeometry(Pixels(640, 480), 0, Pixels(1920, 1080))
        val (first, last) = at(found, 0f, 0f) to at(found, 1f, 1f)
        val (width, height) = 640 * (last[0] - first[0]) to 480 * (first[1] - last[1]) // y up in the texture
        assertEquals(16.0 / 9, (width / height).toDouble(), 1e-4)
        assertEquals(640f, width, 1e-3f)
    }

    @Test
    fun `the matrix of the texture comes last`() {
        val found = FrameGeometry(Pixels(1920, 1088), 0, model)
        val halved = floatArrayOf(0.5f, 0f, 0f, 0f, 0f, 0.5f, 0f, 0f, 0f, 0f, 1f, 0f, 0.25f, 0.125f, 0f, 1f)
        assertArrayEquals(floatArrayOf(0.25f, 0.625f), at(found, 0f, 0f, halved), NEAR)
        assertArrayEquals(floatArrayOf(0.75f, 0.125f), at(found, 1f, 1f, halved), NEAR)
    }

    @Test
    fun `on the screen the picture stands the right way up`() {
        val level = FrameGeometry(Pixels(1920, 1088), 0, model)
        assertArrayEquals("the top on the left", floatArrayOf(0f, 0f), times(level.toPicture, 0f, 1f), NEAR)
        val onSide = FrameGeometry(phone, 0, model)
        assertArrayEquals("turned clockwise, its lower left corner comes to the top left", floatArrayOf(0f, 1f), times(onSide.toPicture, 0f, 1f), NEAR)
        assertArrayEquals(floatArrayOf(0f, 0f), times(onSide.toPicture, 1f, 1f), NEAR)
    }

    @Test
    fun `the picture lies whole in the middle of its view`() {
        val found = FrameGeometry(phone, 0, model)
        assertArrayEquals(intArrayOf(0, 36, 1088, 1920), found.fit(1088, 1992))
        assertArrayEquals(intArrayOf(728, 0, 544, 960), found.fit(2000, 960))
        assertArrayEquals("never nothing", intArrayOf(0, 0, 1, 1), found.fit(1, 1))
    }

    private fun at(geometry: FrameGeometry, x: Float, y: Float, texture: FloatArray = WHOLE): FloatArray = times(FloatArray(9).also { geometry.toFrame(texture, it) }, x, y)

    private fun times(matrix: FloatArray, x: Float, y: Float) = floatArrayOf(matrix[0] * x + matrix[3] * y + matrix[6], matrix[1] * x + matrix[4] * y + matrix[7])

    private companion object {
        const val NEAR = 1e-5f
        val WHOLE = FloatArray(16) { if (it % 5 == 0) 1f else 0f }
    }
}
