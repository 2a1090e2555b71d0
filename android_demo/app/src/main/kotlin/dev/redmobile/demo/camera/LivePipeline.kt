package dev.redmobile.demo.camera

import android.content.Context
import android.os.Handler
import android.os.HandlerThread
import android.os.Looper
import android.os.Message
import android.os.Process
import android.util.Log
import dev.redmobile.demo.engine.Engine
import dev.redmobile.demo.engine.EngineState
import dev.redmobile.demo.engine.ModelInfo
import dev.redmobile.demo.engine.ModelSource
import dev.redmobile.demo.engine.Session
import dev.redmobile.demo.engine.Settings
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit

/** How the live picture fares. figures: null: too few frames yet; model: null: none is loaded. */
data class LiveReading(val figures: LiveFigures?, val offered: Long, val dropped: Long, val model: ModelInfo?)

/**
 * From the camera's frames to the split view: the camera, OpenGL ES on a thread of its own, the network on the engine's, so that taking a frame,
 * enhancing the one before and showing the one before that overlap. The newest frame wins. Nothing is allocated for a frame.
 *
 * It owns `engine` and `source` and closes them. All functions are for the main thread; shader: the text of a file of assets/shaders.
 */
class LivePipeline(
    private val context: Context,
    private val engine: Engine,
    private val source: FrameSource,
    private val shader: (String) -> String,
    private val listener: Listener,
) : FrameSource.Listener, AutoCloseable {
    /** Called on any thread. */
    interface Listener {
        fun firstFrame()

        fun still(jpeg: ByteArray)

        fun broke(trouble: Trouble)
    }

    private val thread = HandlerThread("redmobile-gl", Process.THREAD_PRIORITY_DISPLAY).also { it.start() }
    private val gl = Gl(thread.looper)
    private val meter = LiveMeter()
    private var ticket = 0

    @Volatile
    private var current: LiveRun? = null

    /** Where the line of the split view is: 0 left, 1 right. */
    @Volatile
    var line = HALF
        set(value) {
            field = value.coerceIn(0f, 1f)
            redraw()
        }

    /** Of the enhancement: 0 none, 1 all. */
    @Volatile
    var strength = 1f
        set(value) {
            field = value.coerceIn(0f, 1f)
            redraw()
        }

    /** Where the picture lies on the screen: left, bottom, width, height in pixels; null: nothing was drawn. */
    @Volatile
    var viewport: IntArray? = null
        private set

    /** Begin to take frames. displayDegrees: how far the display is turned from the phone's natural position. */
    fun open(lens: Lens, displayDegrees: Int) {
        gl.post { gl.guarded { gl.open(lens, displayDegrees) } }
    }

    /** Enhance them with this model, in place of the one before. */
    fun use(model: ModelSource, settings: Settings) {
        rest()
        val mine = ticket
        engine.load(model, settings)
        engine.submit(dropped = ::engineFailed) { session -> begin(mine, session)?.let { serve(it, session) } }
    }

    /** Enhance no more frames, and leave the last one on the screen, until [use]. */
    @Synchronized
    fun rest() {
        ticket++
        current?.slots?.close()
        current = null
    }

    /** Draw into `window` (a SurfaceHolder or Surface) from now on; null: nowhere. Returns when the one before is no longer drawn into. */
    fun show(window: Any?, width: Int, height: Int) {
        val done = CountDownLatch(1)
        val posted = gl.post {
            gl.guarded { gl.show(window, width, height) }
            done.countDown()
        }
        if (posted) done.await(PATIENCE_S, TimeUnit.SECONDS)
    }

    fun turn(displayDegrees: Int) {
        gl.post { gl.turn(displayDegrees) }
    }

    fun takeStill(degrees: Int) {
        gl.post { source.takeStill(degrees) }
    }

    fun read(): LiveReading {
        val run = current
        return LiveReading(if (run == null) null else meter.read(System.nanoTime()), run?.slots?.offered ?: 0, run?.slots?.dropped ?: 0, run?.model)
    }

    override fun frame() {
        if (!gl.hasMessages(FRAME)) gl.sendEmptyMessage(FRAME)
    }

    override fun still(jpeg: ByteArray) = listener.still(jpeg)

    override fun broke(fault: CameraFault) = listener.broke(Trouble.OfCamera(fault))

    /** Returns when the camera is free for others. */
    override fun close() {
        rest()
        engine.close()
        gl.post { gl.close() }
        thread.quitSafely()
        thread.join(TimeUnit.SECONDS.toMillis(PATIENCE_S))
    }

    private fun redraw() {
        if (!gl.hasMessages(REDRAW)) gl.sendEmptyMessage(REDRAW)
    }

    private fun engineFailed() {
        (engine.state as? EngineState.Failed)?.let { listener.broke(Trouble.OfEngine(it.fault)) }
    }

    @Synchronized
    private fun begin(mine: Int, session: Session): LiveRun? {
        if (mine != ticket) return null
        return LiveRun(session.model).also {
            current = it
            gl.sendMessage(gl.obtainMessage(PREPARE, it))
        }
    }

    /** On the engine's thread, until the run's slots are closed. */
    private fun serve(run: LiveRun, session: Session) = Hints(context, BUDGET_NS).use { hints ->
        while (true) {
            val slot = run.slots.take()
            if (slot == FrameSlots.NONE) break
            hints.report(run.enhance(slot, session))
            run.slots.finish(slot)
            gl.sendEmptyMessage(DONE)
        }
    }

    /** What happens on the thread of OpenGL ES. */
    private inner class Gl(looper: Looper) : Handler(looper) {
        private var renderer: LiveRenderer? = null
        private var feed: FrameFeed? = null
        private var lens: Lens? = null
        private var degrees = 0
        private var run: LiveRun? = null
        private var geometry: FrameGeometry? = null

        override fun handleMessage(message: Message) = guarded {
            when (message.what) {
                FRAME -> frame()
                DONE -> done()
                REDRAW -> draw()
                PREPARE -> prepare(message.obj as LiveRun)
            }
        }

        inline fun guarded(work: () -> Unit) = try {
            work()
        } catch (error: GlException) {
            Log.e(TAG, error.message.orEmpty())
            listener.broke(Trouble.OfCamera(CameraFault.GRAPHICS))
        }

        fun open(lens: Lens, displayDegrees: Int) {
            this.lens = lens
            degrees = displayDegrees
            renderer = renderer ?: LiveRenderer(shader)
            feed = source.open(lens, this@LivePipeline)
        }

        fun show(window: Any?, width: Int, height: Int) {
            renderer?.screen?.show(window, width, height)
            place()
            draw()
        }

        fun turn(displayDegrees: Int) {
            if (degrees == displayDegrees) return
            degrees = displayDegrees
            run?.let { geometry = geometryOf(it.model) }
            place()
        }

        fun close() {
            source.close()
            renderer?.close()
            renderer = null
            feed = null
        }

        private fun prepare(next: LiveRun) {
            if (next !== current) return
            val (renderer, feed) = (renderer ?: return) to (feed ?: return)
            run = null
            renderer.prepare(feed, next.size, FrameSlots.COUNT)
            geometry = geometryOf(next.model)
            place()
            meter.clear()
            run = next
        }

        private fun geometryOf(model: ModelInfo): FrameGeometry? = lens?.natural?.let { FrameGeometry(it, degrees, Pixels(model.width, model.height)) }

        private fun place() {
            val screen = renderer?.screen ?: return
            viewport = if (screen.width == 0) null else geometry?.fit(screen.width, screen.height)
        }

        private fun frame() {
            val came = feed?.update() ?: return
            val run = run
            val geometry = geometry
            if (came == 0 || run == null || geometry == null || run !== current) return
            run.slots.skip(came - 1)
            val slot = run.slots.claim()
            if (slot == FrameSlots.NONE) return
            run.exposedNs[slot] = feed!!.exposedNs
            renderer!!.pack(feed!!, geometry, slot, run.codes[slot])
            run.slots.publish(slot)
        }

        private fun done() {
            val run = run ?: return
            val slot = run.slots.show()
            if (slot == FrameSlots.NONE) return
            renderer!!.take(slot, run.codes[slot])
            draw()
            val now = System.nanoTime()
            meter.record(run.modelNs[slot], now - run.exposedNs[slot], now)
            if (!run.wasSeen) listener.firstFrame()
            run.wasSeen = true
        }

        private fun draw() {
            val geometry = geometry
            val viewport = viewport
            if (geometry != null && viewport != null) renderer?.draw(geometry, viewport, line, strength)
        }
    }

    private companion object {
        const val TAG = "redmobile"
        const val FRAME = 1
        const val DONE = 2
        const val REDRAW = 3
        const val PREPARE = 4
        const val HALF = 0.5f
        const val PATIENCE_S = 4L
        const val BUDGET_NS = 1_000_000_000L / Lens.FPS
    }
}

/** The frames that are enhanced with one model, between thread and thread. codes: each frame's bytes, before and then after the network. */
class LiveRun(val model: ModelInfo) {
    val size = Pixels(model.width, model.height)
    val slots = FrameSlots()
    val codes: List<ByteBuffer> = List(FrameSlots.COUNT) { ByteBuffer.allocateDirect(model.bytes) }
    val exposedNs = LongArray(FrameSlots.COUNT)
    val modelNs = LongArray(FrameSlots.COUNT)

    /** Whether one of them was shown; the GL thread's. */
    var wasSeen = false

    /** The frame in `slot` through the network; how long the engine's thread was at it, in nanoseconds. */
    fun enhance(slot: Int, session: Session): Long {
        val began = System.nanoTime()
        copy(codes[slot], session.input)
        modelNs[slot] = session.run()
        copy(session.output, codes[slot])
        return System.nanoTime() - began
    }

    private fun copy(from: ByteBuffer, to: ByteBuffer) {
        from.clear()
        to.clear()
        to.put(from)
        from.clear()
        to.clear()
    }
}
