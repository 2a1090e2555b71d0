package dev.redmobile.demo.camera

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Color
import android.graphics.Matrix
import dev.redmobile.demo.DemoTestRunner
import dev.redmobile.demo.engine.AssetModel
import dev.redmobile.demo.engine.Engine
import dev.redmobile.demo.engine.Fault
import dev.redmobile.demo.engine.Settings
import dev.redmobile.demo.engine.TfLiteEngine
import dev.redmobile.demo.waitUntil
import dev.redmobile.tflite.Interpreter
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.TimeUnit
import kotlin.random.Random

/** The app's own OpenGL ES and shaders on Mesa, its engine and the real network; only the camera's frames and the screen are played. */
@RunWith(DemoTestRunner::class)
@Config(shadows = [MesaEgl::class, MesaGles20::class, MesaGles30::class])
class LivePipelineTest {
    private val application = RuntimeEnvironment.getApplication()
    private val heard = Heard()
    private var pipeline: LivePipeline? = null

    @Before
    fun mesa() = PlayedScreen.needMesa()

    @After
    fun close() {
        pipeline?.close()
    }

    @Test
    fun `a frame becomes the split view, before on the left and what the network makes of it on the right`() {
        val model = AssetModel.all(application).last()
        val size = Interpreter(model.map()).use { it.inputs[0].shape.let { (_, height, width, _) -> Pixels(width, height) } }
        val camera = PlayedCamera(size = size)
        val live = open(camera, TfLiteEngine(), Pixels(size.height, size.width))
        live.use(model, Settings(threads = 2))
        val frame = photograph(size)
        waitForRun(live)
        camera.give(frame)
        waitUntil("the first frame is seen") { heard.said == listOf("first frame") }
        val shown = PlayedScreen.picture()
        val (before, after) = upright(frame) to upright(enhanced(model, frame))
        assertNear(before, shown, 0, size.height / 2 - 3)
        assertNear(after, shown, size.height / 2 + 3, size.height)
        assertTrue("it is brighter", mean(after) > 1.3 * mean(before))
        live.strength = 0f
        waitUntil("it is drawn again") { PlayedScreen.picture().getPixel(size.height - 1, 0).let { near(it, before.getPixel(size.height - 1, 0)) } }
        live.strength = 1f
        live.line = 1f
        waitUntil("the line is moved") { PlayedScreen.picture().let { now -> near(now.getPixel(size.height - 9, 9), before.getPixel(size.height - 9, 9)) } }
        val reading = live.read()
        assertEquals(1L to 0L, reading.offered to reading.dropped)
        assertEquals(size, reading.model!!.let { Pixels(it.width, it.height) })
    }

    @Test
    fun `while the network is busy, frames come and are shown, and the newest one is next`() {
        val engine = PlayedEngine(SMALL)
        val camera = PlayedCamera(size = SMALL)
        val live = open(camera, engine, TALL)
        live.use(AssetModel(application), Settings())
        waitForRun(live)
        engine.ends.release()
        camera.give(plain(10))
        waitUntil("the first is seen") { level() == 10 }
        assertTrue(engine.begun.tryAcquire(1, TimeUnit.MINUTES))
        camera.give(plain(20))
        assertTrue("the second is in the network, and stays there", engine.begun.tryAcquire(1, TimeUnit.MINUTES))
        val swaps = PlayedScreen.swaps
        live.line = 0.25f
        waitUntil("the line is drawn meanwhile") { PlayedScreen.swaps > swaps }
        for (level in listOf(30, 40, 50)) {
            camera.give(plain(level))
            waitUntil("frame $level is taken meanwhile") { live.read().offered == level / 10L }
        }
        engine.ends.release()
        waitUntil("the second is seen") { level() == 20 }
        engine.ends.release()
        waitUntil("then the newest") { level() == 50 }
        assertEquals(5L to 2L, live.read().let { it.offered to it.dropped })
    }

    @Test
    fun `however the phone is held, the picture is upright`() {
        val frame = noise(SMALL)
        for ((degrees, turn) in mapOf(0 to 90f, 90 to 0f, 180 to 270f, 270 to 180f)) { // the sensor is turned by 90 itself
            val engine = PlayedEngine(SMALL).apply { ends.release() }
            val camera = PlayedCamera(size = SMALL)
            val expected = turned(frame, turn)
            val live = open(camera, engine, Pixels(expected.width, expected.height), degrees)
            live.use(AssetModel(application), Settings())
            waitForRun(live)
            live.line = 0f
            val until = heard.said.size + 1
            camera.give(frame)
            waitUntil("turned by $degrees") { heard.said.size == until }
            assertNear(expected, PlayedScreen.picture(), 3, expected.width)
            live.close()
        }
    }

    @Test
    fun `another model takes over while the camera goes on`() {
        val engine = PlayedEngine(SMALL).apply { ends.release(100) }
        val camera = PlayedCamera(size = SMALL)
        val live = open(camera, engine, TALL)
        live.use(AssetModel(application), Settings())
        waitForRun(live)
        camera.give(plain(50))
        waitUntil("the first is seen") { level() == 50 }
        live.rest()
        camera.give(plain(60))
        live.use(AssetModel(application), Settings(threads = 1))
        waitUntil("the next are seen") { // those that come before the model is ready are dropped
            camera.give(plain(70))
            level() == 70
        }
        assertEquals(1, live.read().model!!.settings.threads)
        assertEquals(0, camera.closed)
        live.close()
        waitUntil("the camera is let go") { camera.closed == 1 }
    }

    @Test
    fun `what breaks is said`() {
        val engine = PlayedEngine(SMALL).apply { fault = Fault.DELEGATE_UNAVAILABLE }
        val camera = PlayedCamera(size = SMALL).apply { fault = CameraFault.IN_USE }
        open(camera, engine, TALL).use(AssetModel(application), Settings())
        waitUntil("both") { heard.said.size == 2 }
        assertEquals(setOf(Trouble.OfCamera(CameraFault.IN_USE).toString(), Trouble.OfEngine(Fault.DELEGATE_UNAVAILABLE).toString()), heard.said.toSet())
    }

    @Test
    fun `shaders that the phone refuses are trouble with its graphics`() {
        val live = LivePipeline(application, PlayedEngine(SMALL), PlayedCamera(), { "#version 300 es\nno shader" }, heard).also { pipeline = it }
        live.open(PlayedCamera().lenses()[0], 0)
        waitUntil("it is said") { heard.said == listOf(Trouble.OfCamera(CameraFault.GRAPHICS).toString()) }
    }

    private fun open(camera: PlayedCamera, engine: Engine, screen: Pixels, degrees: Int = 0): LivePipeline {
        PlayedScreen.size = screen
        val shader = { name: String -> application.assets.open("shaders/$name").use { it.reader().readText() } }
        val live = LivePipeline(application, engine, camera, shader, heard)
        pipeline = live
        live.open(camera.lenses()[0], degrees)
        live.show(Any(), screen.width, screen.height)
        return live
    }

    /** Frames that come sooner are dropped, as on a phone. */
    private fun waitForRun(live: LivePipeline) = waitUntil("the model is there") { live.viewport != null && live.read().model != null }

    private fun enhanced(model: AssetModel, frame: Bitmap): Bitmap = Interpreter(model.map(), 2).use { interpreter ->
        val bytes = ByteBuffer.allocateDirect(frame.byteCount)
        frame.copyPixelsToBuffer(bytes)
        Interpreter.flip(bytes, 0, interpreter.inputs[0].data, 0, bytes.capacity())
        interpreter.run()
        Interpreter.flip(interpreter.outputs[0].data, 0, bytes, 0, bytes.capacity())
        bytes.rewind()
        Bitmap.createBitmap(frame.width, frame.height, Bitmap.Config.ARGB_8888).apply { copyPixelsFromBuffer(bytes) }
    }

    private fun photograph(size: Pixels): Bitmap {
        val whole = BitmapFactory.decodeFile(File(System.getProperty("redmobile.photographs"), "cafe.jpg").path)
        return Bitmap.createScaledBitmap(whole, size.width, size.height, true)
    }

    private fun upright(sensor: Bitmap) = turned(sensor, 90f)

    private fun turned(picture: Bitmap, degrees: Float): Bitmap =
        Bitmap.createBitmap(picture, 0, 0, picture.width, picture.height, Matrix().apply { setRotate(degrees) }, false).copy(Bitmap.Config.ARGB_8888, false)

    private fun noise(size: Pixels): Bitmap {
        val random = Random(5)
        val colours = IntArray(size.count.toInt()) { Color.rgb(random.nextInt(256), random.nextInt(256), random.nextInt(256)) }
        return Bitmap.createBitmap(colours, size.width, size.height, Bitmap.Config.ARGB_8888)
    }

    private fun plain(level: Int): ByteBuffer = ByteBuffer.allocateDirect(4 * SMALL.count.toInt()).also { buffer ->
        while (buffer.hasRemaining()) repeat(4) { buffer.put((if (it == 3) 255 else level).toByte()) }
        buffer.rewind()
    }

    /** Of the last picture, in a corner. */
    private fun level(): Int = PlayedScreen.shown.getOrNull(0)?.toInt() ?: -1

    private fun assertNear(expected: Bitmap, found: Bitmap, fromX: Int, toX: Int) {
        assertEquals(expected.width to expected.height, found.width to found.height)
        for (y in 0 until expected.height) for (x in fromX until toX) if (!near(expected.getPixel(x, y), found.getPixel(x, y))) {
            throw AssertionError("at $x, $y: expected ${Integer.toHexString(expected.getPixel(x, y))}, found ${Integer.toHexString(found.getPixel(x, y))}")
        }
    }

    private fun near(one: Int, other: Int) = listOf(Color.red(one) - Color.red(other), Color.green(one) - Color.green(other), Color.blue(one) - Color.blue(other)).all { Math.abs(it) <= 1 }

    private fun mean(picture: Bitmap) = (0 until 1000).sumOf { Color.green(picture.getPixel(it * 37 % picture.width, it * 91 % picture.height)) } / 1000.0

    private class Heard : LivePipeline.Listener {
        val said = CopyOnWriteArrayList<String>()

        override fun firstFrame() {
            said += "first frame"
        }

        override fun still(jpeg: ByteArray) {
            said += "still"
        }

        override fun broke(trouble: Trouble) {
            said += trouble.toString()
        }
    }

    private companion object {
        val SMALL = Pixels(64, 32)
        val TALL = Pixels(32, 64)
    }
}
