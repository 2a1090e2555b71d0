package dev.redmobile.demo.camera

import com.sun.management.ThreadMXBean
import dev.redmobile.demo.camera.FrameSlots.Companion.NONE
import dev.redmobile.demo.engine.ModelInfo
import dev.redmobile.demo.engine.Session
import dev.redmobile.demo.engine.Settings
import dev.redmobile.tflite.Coverage
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Test
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit

class FrameSlotsTest {
    private val slots = FrameSlots()

    @Test
    fun `a frame goes from the camera through the network to the screen`() {
        val slot = slots.claim()
        slots.publish(slot)
        assertEquals(slot, slots.take())
        assertEquals("nothing is enhanced yet", NONE, slots.show())
        slots.finish(slot)
        assertEquals(slot, slots.show())
        assertEquals("shown already", NONE, slots.show())
        assertEquals(1L to 0L, slots.offered to slots.dropped)
    }

    @Test
    fun `the newest frame wins while the network is busy`() {
        val first = slots.claim().also(slots::publish)
        assertEquals(first, slots.take())
        val second = slots.claim().also(slots::publish)
        val third = slots.claim().also(slots::publish)
        assertNotEquals(first, third)
        slots.finish(first)
        assertEquals("not the second, which was overtaken", third, slots.take())
        assertNotEquals(second, third)
        assertEquals(3L to 1L, slots.offered to slots.dropped)
    }

    @Test
    fun `what waits gives its place where no other is free`() {
        show(slots)
        slots.claim().also(slots::publish)
        val running = slots.take()
        val waiting = slots.claim().also(slots::publish)
        assertEquals("on the screen, in the network, and this", waiting, slots.claim())
        slots.publish(waiting)
        assertEquals(1L, slots.dropped)
        slots.finish(running)
        assertEquals(waiting, slots.take())
    }

    @Test
    fun `a frame finds no place where all are in use`() {
        show(slots)
        slots.claim().also(slots::publish)
        slots.take()
        slots.claim() // is being filled
        assertEquals(NONE, slots.claim())
        assertEquals(4L to 1L, slots.offered to slots.dropped)
    }

    @Test
    fun `of two enhanced frames the newer one is shown`() {
        repeat(2) {
            slots.claim().also(slots::publish)
            slots.finish(slots.take())
        }
        slots.show()
        assertEquals(1L, slots.dropped)
        assertEquals("the other place is free", false, slots.claim() == NONE)
    }

    @Test
    fun `frames that were overtaken before they were taken count too`() {
        slots.skip(3)
        assertEquals(3L to 3L, slots.offered to slots.dropped)
    }

    @Test
    fun `who waits for a frame gets it, and is let go at the end`() {
        val taken = CompletableFuture.supplyAsync { slots.take() to slots.take() }
        val slot = slots.claim()
        slots.publish(slot)
        slots.close()
        val (first, second) = taken.get(1, TimeUnit.MINUTES)
        assertEquals(NONE, second)
        assertEquals("taken, unless it was closed before", true, first == slot || first == NONE)
        assertEquals(NONE, slots.take())
    }

    @Test
    fun `nothing is allocated for a frame`() {
        val run = LiveRun(ModelInfo("doubles", 64, 32, Settings(), Coverage(1, 0, 1, 1)))
        val session = Copying(run.model)
        val geometry = FrameGeometry(Pixels(32, 64), 0, run.size)
        val (texture, place) = FloatArray(16) to FloatArray(9)
        val meter = LiveMeter()
        val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean
        val id = Thread.currentThread().id
        var before = 0L
        for (round in 0 until 20_000) {
            if (round == 10_000) before = threads.getThreadAllocatedBytes(id)
            run.slots.skip(0)
            val slot = run.slots.claim()
            geometry.toFrame(texture, place)
            run.exposedNs[slot] = 1
            run.slots.publish(slot)
            val took = run.enhance(run.slots.take(), session)
            run.slots.finish(slot)
            meter.record(took, took, round.toLong())
            run.slots.show()
        }
        val bytes = threads.getThreadAllocatedBytes(id) - before
        assertEquals("bytes a frame", 0, bytes / 10_000) // whole ones: asking for the number allocates some itself
    }

    private fun show(slots: FrameSlots) {
        slots.claim().also(slots::publish)
        slots.finish(slots.take())
        slots.show()
        assertEquals(0L, slots.dropped)
    }

    private class Copying(override val model: ModelInfo) : Session {
        override val input: ByteBuffer = ByteBuffer.allocateDirect(model.bytes)
        override val output: ByteBuffer = ByteBuffer.allocateDirect(model.bytes)

        override fun run(): Long = 1
    }
}
