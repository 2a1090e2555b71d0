package dev.redmobile.demo.camera

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class LiveMeterTest {
    private val meter = LiveMeter()

    @Test
    fun `figures of a steady stream`() {
        assertNull(meter.read(0))
        repeat(31) { meter.record(modelNs = 20 * MS, latencyNs = 60 * MS, shownNs = it * SECOND / 30) }
        val found = meter.read(SECOND)!!
        assertEquals(31, found.frames)
        assertEquals(30.0, found.fps, 1e-6)
        assertEquals(listOf(20.0, 20.0, 60.0, 60.0), listOf(found.modelP50Ms, found.modelP90Ms, found.latencyP50Ms, found.latencyP90Ms))
    }

    @Test
    fun `nine of ten frames lie within p90`() {
        repeat(101) { meter.record((it + 1) * MS, 2 * (it + 1) * MS, it * SECOND / 30) }
        val found = meter.read(0)!!
        assertEquals(51.0, found.modelP50Ms, 1e-9)
        assertEquals(91.0, found.modelP90Ms, 1e-9)
        assertEquals(182.0, found.latencyP90Ms, 1e-9)
    }

    @Test
    fun `old frames are forgotten`() {
        repeat(LiveMeter.SPAN) { meter.record(100 * MS, 100 * MS, it * SECOND / 10) }
        repeat(LiveMeter.SPAN) { meter.record(10 * MS, 20 * MS, (LiveMeter.SPAN / 10 + 1) * SECOND + it * SECOND / 30) }
        val found = meter.read(0)!!
        assertEquals(30.0, found.fps, 1e-6)
        assertEquals(10.0, found.modelP90Ms, 1e-9)
        meter.clear()
        assertNull(meter.read(0))
    }

    @Test
    fun `a stream that stands still has ever fewer frames a second`() {
        repeat(31) { meter.record(MS, MS, it * SECOND / 30) }
        assertEquals(30.0, meter.read(SECOND + SECOND / 2)!!.fps, 1e-6)
        assertEquals(10.0, meter.read(3 * SECOND + SECOND / 2)!!.fps, 1e-6)
    }

    private companion object {
        const val MS = 1_000_000L
        const val SECOND = 1_000_000_000L
    }
}
