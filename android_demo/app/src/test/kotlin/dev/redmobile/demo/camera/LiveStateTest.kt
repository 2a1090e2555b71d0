package dev.redmobile.demo.camera

import dev.redmobile.demo.engine.Fault
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test

class LiveStateTest {
    private val all = listOf(
        LiveState.Away, LiveState.Asking, LiveState.Refused(false), LiveState.Refused(true), LiveState.Opening, LiveState.Live, LiveState.Still,
        LiveState.Failed(IN_USE), LiveState.Failed(BROKEN), LiveState.Failed(ENGINE),
    )

    @Test
    fun `permitted, it opens and goes live, and ends when it is left`() {
        val live = follow(LiveState.Away, LiveEvent.Shown(true), LiveEvent.FirstFrame)
        assertEquals(LiveState.Live, live)
        assertEquals(LiveState.Away, live.after(LiveEvent.Hidden))
    }

    @Test
    fun `a person says no once, is asked again, says no for ever, and allows it in the settings`() {
        val once = follow(LiveState.Away, LiveEvent.Shown(false), LiveEvent.Answered(false, mayAskAgain = true))
        assertEquals(LiveState.Refused(forEver = false), once)
        assertEquals("not asked whenever the app is opened", once, follow(once, LiveEvent.Hidden, LiveEvent.Shown(false)))
        val forEver = follow(once, LiveEvent.Again(false), LiveEvent.Answered(false, mayAskAgain = false))
        assertEquals(LiveState.Refused(forEver = true), forEver)
        assertEquals("asking would do nothing", forEver, forEver.after(LiveEvent.Again(false)))
        assertEquals(LiveState.Opening, follow(forEver, LiveEvent.Hidden, LiveEvent.Shown(true)))
    }

    @Test
    fun `Android's question hides the screen, and its answer comes before the screen is back`() {
        val asking = follow(LiveState.Away, LiveEvent.Shown(false), LiveEvent.Hidden)
        assertEquals(LiveState.Asking, asking)
        assertEquals(LiveState.Opening, follow(asking, LiveEvent.Answered(true, true), LiveEvent.Shown(true)))
    }

    @Test
    fun `another app takes the camera, and gives it back`() {
        val taken = follow(LiveState.Live, LiveEvent.Broke(IN_USE))
        assertTrue(taken.passes)
        assertEquals(LiveState.Opening, taken.after(LiveEvent.Freed))
        assertEquals(LiveState.Opening, taken.after(LiveEvent.Again(true)))
        assertSame(LiveState.Away, follow(taken, LiveEvent.Hidden, LiveEvent.Freed))
    }

    @Test
    fun `what does not pass by itself waits for a person`() {
        for (trouble in listOf(BROKEN, ENGINE)) {
            val failed = LiveState.Opening.after(LiveEvent.Broke(trouble))
            assertEquals(failed, failed.after(LiveEvent.Freed))
            assertEquals(LiveState.Opening, failed.after(LiveEvent.Again(true)))
        }
    }

    @Test
    fun `one photograph at a time`() {
        assertEquals(LiveState.Still, LiveState.Live.after(LiveEvent.Shutter))
        assertEquals(LiveState.Still, follow(LiveState.Live, LiveEvent.Shutter, LiveEvent.Shutter, LiveEvent.FirstFrame))
        assertEquals(LiveState.Live, follow(LiveState.Live, LiveEvent.Shutter, LiveEvent.StillDone))
        assertEquals(LiveState.Opening, LiveState.Opening.after(LiveEvent.Shutter))
    }

    @Test
    fun `what comes too late changes nothing`() {
        for (state in all.filterNot { it.isOn }) {
            for (event in listOf(LiveEvent.FirstFrame, LiveEvent.Shutter, LiveEvent.StillDone, LiveEvent.Broke(BROKEN))) assertEquals(state, state.after(event))
        }
        for (state in all.filterNot { it is LiveState.Asking || it is LiveState.Refused }) assertEquals(state, state.after(LiveEvent.Answered(true, true)))
    }

    @Test
    fun `left in any state, nothing is in use`() {
        for (state in all) assertFalse(state.after(LiveEvent.Hidden).isOn)
    }

    private fun follow(state: LiveState, vararg events: LiveEvent) = events.fold(state) { found, event -> found.after(event) }

    private companion object {
        val IN_USE = Trouble.OfCamera(CameraFault.IN_USE)
        val BROKEN = Trouble.OfCamera(CameraFault.BROKEN)
        val ENGINE = Trouble.OfEngine(Fault.DELEGATE_UNAVAILABLE)
    }
}
