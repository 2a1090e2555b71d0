package dev.redmobile.demo.camera

import android.Manifest
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Color
import android.media.ExifInterface
import android.os.Bundle
import android.os.Looper
import android.os.PowerManager
import android.provider.MediaStore
import android.provider.Settings
import android.view.MotionEvent
import android.view.View
import android.view.accessibility.AccessibilityNodeInfo.AccessibilityAction
import dev.redmobile.demo.DemoTestRunner
import dev.redmobile.demo.R
import dev.redmobile.demo.engine.AssetModel
import dev.redmobile.demo.engine.Fault
import dev.redmobile.demo.engine.FileModel
import dev.redmobile.demo.gallery.Media
import dev.redmobile.demo.waitUntil
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import java.io.File
import java.time.Duration

/** The camera's screen in all its states, with the real network (for small pictures), the app's own OpenGL ES on Mesa, and a played camera. */
@RunWith(DemoTestRunner::class)
@Config(shadows = [MesaEgl::class, MesaGles20::class, MesaGles30::class])
class CameraActivityTest {
    private val application = RuntimeEnvironment.getApplication()
    private val media = Robolectric.setupContentProvider(Media::class.java, MediaStore.AUTHORITY)
    private lateinit var stage: CameraStage
    private val camera get() = stage.camera
    private val controller get() = stage.opened.last()

    @Before
    fun play() {
        stage = CameraStage()
        Robolectric.setupContentProvider(StillProvider::class.java, "dev.redmobile.demo.stills")
        assertTrue(media.folder.isDirectory)
    }

    @After
    fun close() = stage.close()

    @Test
    fun `the live picture, its line and its strength`() {
        val activity = stage.live()
        tick()
        assertTrue(text(activity.screen.figures), text(activity.screen.figures).contains("XNNPACK"))
        assertEquals(application.getString(R.string.camera_explained), text(activity.screen.says))
        val viewport = activity.pipeline!!.viewport!!
        touch(activity.screen.picture, viewport[0] + viewport[2] * 0.25f)
        assertEquals(0.25f, activity.pipeline!!.line, 0.01f)
        activity.screen.picture.performAccessibilityAction(AccessibilityAction.ACTION_SCROLL_FORWARD.id, null)
        assertEquals(0.35f, activity.pipeline!!.line, 0.01f)
        activity.screen.strength.progress = 40
        assertEquals(0.4f, activity.pipeline!!.strength, 0.001f)
        assertEquals(application.getString(R.string.strength, 40), text(activity.screen.strengthSays))
    }

    @Test
    fun `turned, or in a new process, everything set is kept`() {
        val activity = stage.live()
        activity.screen.strength.progress = 40
        activity.screen.smaller.isChecked = true
        activity.screen.onLineStep(-0.25f)
        controller.recreate()
        assertKept(controller.get())
        val state = Bundle().also { controller.saveInstanceState(it) }
        val later = Robolectric.buildActivity(CameraActivity::class.java).also { stage.opened += it }
        later.create(state).start().restoreInstanceState(state).resume().visible()
        assertKept(later.get())
        assertEquals(LiveState.Opening, later.get().state)
    }

    @Test
    fun `refused once, refused for ever, and allowed in the settings`() {
        val activity = stage.open()
        val asked = shadowOf(activity).lastRequestedPermission
        assertEquals(listOf(Manifest.permission.CAMERA), asked.requestedPermissions.toList())
        assertEquals(LiveState.Asking, activity.state)
        stage.refuse(activity, mayAskAgain = true)
        assertEquals(application.getString(R.string.camera_refused), text(activity.screen.message))
        assertEquals(application.getString(R.string.camera_allow), text(activity.screen.remedy))
        controller.recreate()
        val turned = controller.get()
        assertEquals("not asked again by turning the phone", LiveState.Refused(false), turned.state)
        turned.screen.remedy.performClick()
        assertEquals(LiveState.Asking, turned.state)
        stage.answer(turned, asked.requestCode, PackageManager.PERMISSION_DENIED, mayAskAgain = false)
        assertEquals(application.getString(R.string.camera_refused_for_ever), text(turned.screen.message))
        turned.screen.remedy.performClick()
        assertEquals(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, shadowOf(turned).nextStartedActivity.action)
        controller.pause().stop()
        stage.permit()
        controller.start().resume()
        assertEquals(LiveState.Opening, turned.state)
    }

    @Test
    fun `a question that was interrupted can be asked again`() {
        val activity = stage.open()
        activity.onRequestPermissionsResult(1, emptyArray(), IntArray(0))
        assertEquals(LiveState.Refused(forEver = false), activity.state)
    }

    @Test
    fun `no camera`() {
        camera.isThere = false
        val activity = stage.open(permitted = true)
        assertTrue(text(activity.screen.message), text(activity.screen.message).startsWith(application.getString(R.string.fault_camera_none)))
        assertFalse(activity.screen.shutter.isEnabled)
        assertNull(activity.pipeline)
    }

    @Test
    fun `another app takes the camera and gives it back`() {
        val activity = stage.live()
        camera.listener!!.broke(CameraFault.IN_USE)
        waitUntil("it is said") { text(activity.screen.message).startsWith(application.getString(R.string.fault_camera_in_use)) }
        waitUntil("the camera is let go") { camera.closed == 1 && activity.pipeline == null }
        assertTrue(camera.isWaitedFor)
        camera.free()
        shadowOf(Looper.getMainLooper()).idleFor(Duration.ofSeconds(2))
        assertEquals(LiveState.Opening, activity.state)
        assertFalse(camera.isWaitedFor)
        stage.goLive(activity)
    }

    @Test
    fun `paused and resumed, the camera is free for others in between`() {
        val activity = stage.live()
        controller.pause()
        assertEquals("in split screen it is still seen", LiveState.Live, activity.state)
        controller.stop()
        assertEquals(LiveState.Away, activity.state)
        waitUntil("the camera is let go") { camera.closed == 1 }
        camera.listener!!.broke(CameraFault.BROKEN) // too late
        controller.start().resume()
        stage.goLive(activity)
    }

    @Test
    fun `the other camera`() {
        stage.camera = PlayedCamera(front = true)
        val activity = stage.live()
        assertTrue(activity.screen.other.isShown)
        activity.screen.other.performClick()
        waitUntil("it is opened") { camera.opened?.isFront == true }
        stage.goLive(activity)
        controller.recreate()
        waitUntil("it is kept") { camera.opened?.isFront == true }
    }

    @Test
    fun `a photograph is enhanced in its full size and saved`() {
        val activity = stage.live()
        activity.screen.shutter.performClick()
        waitUntil("the camera is asked") { camera.askedDegrees == 90 }
        assertFalse(activity.screen.shutter.isEnabled)
        camera.listener!!.still(jpeg(CameraStage.photograph()))
        waitUntil("it is saved") { activity.state == LiveState.Live }
        assertEquals(application.getString(R.string.camera_saved), text(activity.screen.says))
        val (file, values) = media.inserted.single()
        assertEquals("image/jpeg" to 0, values.getAsString("mime_type") to values.getAsInteger("is_pending"))
        val saved = BitmapFactory.decodeFile(file.path)
        assertEquals(CameraStage.photograph().let { it.width to it.height }, saved.width to saved.height)
        assertTrue(mean(saved) > 1.3 * mean(CameraStage.photograph()))
        assertEquals("what the camera told is kept", "RED-mobile's test", ExifInterface(file.path).getAttribute(ExifInterface.TAG_MODEL))
        assertTrue("nothing is left of it", File(application.cacheDir, "stills").listFiles().orEmpty().isEmpty())
        stage.goLive(activity)
    }

    @Test
    fun `a photograph that cannot be kept is said, and the picture goes on`() {
        val activity = stage.live()
        media.isFull = true
        activity.screen.shutter.performClick()
        camera.listener!!.still(jpeg(Bitmap.createBitmap(32, 32, Bitmap.Config.ARGB_8888)))
        waitUntil("it is said") { text(activity.screen.says).startsWith(application.getString(R.string.fault_not_saved)) }
        assertEquals(LiveState.Live, activity.state)
        activity.screen.shutter.performClick()
        camera.listener!!.still(ByteArray(100))
        waitUntil("this is no picture") { text(activity.screen.says).startsWith(application.getString(R.string.fault_picture_broken)) }
        stage.goLive(activity)
    }

    @Test
    fun `hot, it says so, and steps down if it may`() {
        CameraActivity.networks = { AssetModel.all(it).takeLast(2) }
        val activity = stage.live()
        val first = activity.pipeline!!.read().model!!
        shadowOf(application.getSystemService(PowerManager::class.java)).setCurrentThermalStatus(PowerManager.THERMAL_STATUS_SEVERE)
        repeat(2 * Steps.PATIENCE) { tick() }
        assertTrue(text(activity.screen.says).startsWith(application.getString(R.string.pace_hot)))
        assertEquals("it may not", first, activity.pipeline!!.read().model)
        activity.screen.smaller.isChecked = true
        repeat(Steps.PATIENCE) { tick() }
        waitUntil("smaller pictures") { activity.pipeline!!.read().model?.let { it.width < first.width } == true }
        tick()
        assertTrue(text(activity.screen.says), text(activity.screen.says).endsWith(application.getString(R.string.pace_smallest)))
        activity.screen.smaller.isChecked = false
        waitUntil("the first again") { activity.pipeline!!.read().model?.width == first.width }
        shadowOf(application.getSystemService(PowerManager::class.java)).setCurrentThermalStatus(PowerManager.THERMAL_STATUS_NONE)
        tick()
        assertEquals("what no longer holds is not said", application.getString(R.string.camera_explained), text(activity.screen.says))
    }

    @Test
    fun `a window that gets another size is drawn in it`() {
        val activity = stage.live()
        val smaller = PlayedScreen.size.let { Pixels(it.width, it.height / 2) }
        stage.resize(activity, smaller)
        assertEquals(4 * smaller.count.toInt(), PlayedScreen.shown.size)
        assertEquals(LiveState.Live, activity.state)
    }

    @Test
    fun `whatever breaks has a sentence and a remedy, and can be tried again`() {
        val faults = CameraFault.values()
        camera.fault = faults[0]
        val activity = stage.open(permitted = true)
        for ((index, fault) in faults.withIndex()) {
            waitUntil("$fault is said") { text(activity.screen.message) == sentence(fault.sentence, fault.remedy) }
            assertTrue(activity.screen.remedy.isShown && !activity.screen.shutter.isEnabled)
            camera.fault = faults.getOrNull(index + 1)
            activity.screen.remedy.performClick()
        }
        stage.goLive(activity)
    }

    @Test
    fun `a network that cannot be loaded is said in place of the picture`() {
        CameraActivity.networks = { listOf(FileModel(File(it.cacheDir, "none.tflite"))) }
        val activity = stage.open(permitted = true)
        waitUntil("it is said") { text(activity.screen.message) == sentence(Fault.MODEL_MISSING.sentence, Fault.MODEL_MISSING.remedy) }
        assertNull(activity.pipeline)
    }

    private fun sentence(what: Int, remedy: Int) = "${application.getString(what)} ${application.getString(remedy)}"

    private fun assertKept(activity: CameraActivity) {
        assertEquals(40, activity.screen.strength.progress)
        assertTrue(activity.screen.smaller.isChecked)
        assertEquals(0.25f to 0.4f, activity.pipeline!!.line to activity.pipeline!!.strength)
    }

    private fun tick() = shadowOf(Looper.getMainLooper()).idleFor(Duration.ofMillis(500))

    private fun text(view: android.widget.TextView) = view.text.toString()

    private fun touch(view: View, x: Float) {
        val event = MotionEvent.obtain(0, 0, MotionEvent.ACTION_DOWN, x, view.height / 2f, 0)
        view.dispatchTouchEvent(event)
        event.recycle()
    }

    private fun jpeg(picture: Bitmap): ByteArray {
        val file = File.createTempFile("still", ".jpg").apply { deleteOnExit() }
        file.outputStream().use { picture.compress(Bitmap.CompressFormat.JPEG, 95, it) }
        ExifInterface(file).apply { setAttribute(ExifInterface.TAG_MODEL, "RED-mobile's test") }.saveAttributes()
        return file.readBytes()
    }

    private fun mean(picture: Bitmap): Double {
        val small = Bitmap.createScaledBitmap(picture, 32, 32, true)
        return (0 until 32 * 32).sumOf { Color.green(small.getPixel(it % 32, it / 32)) } / 1024.0
    }
}
