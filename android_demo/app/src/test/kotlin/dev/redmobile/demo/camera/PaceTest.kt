package dev.redmobile.demo.camera

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

class PaceTest {
    @Test
    fun `fast enough, too slow, too hot`() {
        assertEquals(Pace.FINE, Pace.of(figures(33.3), 0))
        assertEquals(Pace.SLOW, Pace.of(figures(33.4), 2))
        assertEquals(Pace.HOT, Pace.of(figures(10.0), 3))
        assertEquals("too little was seen", Pace.FINE, Pace.of(figures(50.0, frames = 29), null))
        assertEquals(Pace.FINE, Pace.of(null, null))
    }

    @Test
    fun `smaller pictures, one size at a time, when it does not get better`() {
        val steps = Steps(3).apply { isAllowed = true }
        repeat(Steps.PATIENCE - 1) { assertFalse(steps.read(Pace.SLOW)) }
        assertTrue(steps.read(Pace.SLOW))
        assertEquals(1, steps.step)
        repeat(Steps.PATIENCE - 1) { assertFalse(steps.read(Pace.HOT)) }
        assertFalse("it got better", steps.read(Pace.FINE))
        repeat(Steps.PATIENCE - 1) { assertFalse(steps.read(Pace.SLOW)) }
        assertTrue(steps.read(Pace.HOT))
        assertTrue(steps.isSmallest)
        repeat(2 * Steps.PATIENCE) { assertFalse("there is no smaller one", steps.read(Pace.SLOW)) }
        assertEquals(2, steps.step)
    }

    @Test
    fun `only where it is allowed, and back when it no longer is`() {
        val steps = Steps(2)
        repeat(2 * Steps.PATIENCE) { assertFalse(steps.read(Pace.SLOW)) }
        steps.isAllowed = true
        repeat(Steps.PATIENCE) { steps.read(Pace.SLOW) }
        assertEquals(1, steps.step)
        repeat(20) { steps.read(Pace.FINE) }
        assertEquals("never up by itself", 1, steps.step)
        steps.isAllowed = false
        assertEquals(0, steps.step)
    }

    private fun figures(p90: Double, frames: Int = 60) = LiveFigures(frames, 30.0, p90 - 1, p90, 70.0, 80.0)
}
