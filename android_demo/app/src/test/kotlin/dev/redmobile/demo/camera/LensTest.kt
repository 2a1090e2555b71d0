package dev.redmobile.demo.camera

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class LensTest {
    @Test
    fun `frames of 1080p, or the smallest that hold them, or the largest`() {
        assertEquals(Pixels(1920, 1080), lens(sizes = listOf(Pixels(4000, 3000), Pixels(1920, 1080), Pixels(640, 480))).frame)
        assertEquals(Pixels(2560, 1440), lens(sizes = listOf(Pixels(4000, 3000), Pixels(2560, 1440), Pixels(640, 480))).frame)
        assertEquals(Pixels(1280, 720), lens(sizes = listOf(Pixels(640, 480), Pixels(1280, 720))).frame)
        assertNull(lens(sizes = emptyList()).frame)
    }

    @Test
    fun `thirty frames a second, as steadily as can be`() {
        assertEquals(30..30, lens(rates = listOf(15..30, 30..30, 60..60)).rate)
        assertEquals(24..30, lens(rates = listOf(15..30, 24..30)).rate)
        assertEquals(24..24, lens(rates = listOf(15..24, 24..24)).rate)
        assertNull(lens(rates = emptyList()).rate)
    }

    @Test
    fun `stills that the memory holds`() {
        assertEquals(Pixels(4608, 3456), lens(stills = listOf(Pixels(9248, 6936), Pixels(4608, 3456), Pixels(1920, 1080))).still)
        assertNull(lens(stills = listOf(Pixels(9248, 6936))).still)
    }

    @Test
    fun `stills stand upright however the phone is held`() {
        assertEquals(listOf(90, 0, 270, 180), listOf(0, 90, 180, 270).map { lens().stillDegrees(it) })
        assertEquals(listOf(270, 0, 90, 180), listOf(0, 90, 180, 270).map { lens(front = true, degrees = 270).stillDegrees(it) })
    }

    @Test
    fun `the side that was asked for, if the phone has it`() {
        val (back, front) = lens() to lens(front = true)
        assertEquals(front, Lens.choose(listOf(back, front), front = true))
        assertEquals(back, Lens.choose(listOf(back, front), front = false))
        assertEquals(back, Lens.choose(listOf(back), front = true))
        assertNull(Lens.choose(listOf(lens(sizes = emptyList())), front = false))
    }

    @Test
    fun `a sensor on its side sees tall pictures`() {
        assertEquals(Pixels(1080, 1920), lens().natural)
        assertEquals(Pixels(1920, 1080), lens(degrees = 180).natural)
    }

    @Suppress("LongParameterList")
    private fun lens(
        front: Boolean = false,
        sizes: List<Pixels> = listOf(Pixels(1920, 1080)),
        stills: List<Pixels> = emptyList(),
        rates: List<IntRange> = emptyList(),
        degrees: Int = 90,
    ) = Lens("0", front, sizes, stills, rates, degrees, countsSleep = false, focuses = true)
}
