package dev.redmobile.demo.camera

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
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
import dev.redmobile.demo.gallery.Media
import dev.redmobile.demo.screenshot
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
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.util.ReflectionHelpers
import org.robolectric.util.ReflectionHelpers.ClassParameter
import java.io.File
import java.time.Duration

/** The camera's screen in all its states, with the real network (for small pictures), the app's own OpenGL ES on Mesa, and a played camera. */
@RunWith(DemoTestRunner::class)
@Config(shadows = [MesaEgl::class, MesaGles20::class, MesaGles30::class])
class CameraActivityTest {
    private val application = RuntimeEnvironment.getApplication()
    private val opened = ArrayList<ActivityController<CameraActivity>>()
    private val media = Robolectric.setupContentProvider(Media::class.java, MediaStore.AUTHORITY)
    private var camera = PlayedCamera()

    @Before
    fun play() {
        PlayedScreen.needMesa()
        Robolectric.setupContentProvider(StillProvider::class.java, "dev.redmobile.demo.stills")
        assertTrue(media.folder.isDirectory)
        CameraActivity.sources = { camera }
        CameraActivity.networks = { AssetModel.all(it).takeLast(1) }
    }

    @After
    fun close() {
        opened.forEach { it.pause().stop().destroy() }
        CameraActivity.sources = ::Camera2Source
        CameraActivity.networks = { AssetModel.all(it) }
    }

    @Test
    fun `the live picture, its line and its strength`() {
        val activity = live()
        tick()
        assertTrue(text(activity.screen.figures), text(activity.screen.figures).contains("XNNPACK"))
        assertEquals(application.getString(R.string.camera_explained), text(activity.screen.says))
        activity.screen.figures.text = slowFigures(activity)
        shot(activity, "camera_live")
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
        val activity = live()
        activity.screen.strength.progress = 40
        activity.screen.smaller.isChecked = true
        activity.screen.onLineStep(-0.25f)
        opened.last().recreate()
        assertKept(opened.last().get())
        val state = Bundle().also { opened.last().saveInstanceState(it) }
        val later = Robolectric.buildActivity(CameraActivity::class.java).also { opened += it }
        later.create(state).start().restoreInstanceState(state).resume().visible()
        assertKept(later.get())
        assertEquals(LiveState.Opening, later.get().state)
    }

    @Test
    fun `refused once, refused for ever, and allowed in the settings`() {
        val activity = open()
        val asked = shadowOf(activity).lastRequestedPermission
        assertEquals(listOf(Manifest.permission.CAMERA), asked.requestedPermissions.toList())
        assertEquals(LiveState.Asking, activity.state)
        shadowOf(application.packageManager).setShouldShowRequestPermissionRationale(Manifest.permission.CAMERA, true)
        answer(activity, asked.requestCode, PackageManager.PERMISSION_DENIED)
        assertEquals(application.getString(R.string.camera_refused), text(activity.screen.message))
        assertEquals(application.getString(R.string.camera_allow), text(activity.screen.remedy))
        shot(activity, "camera_refused")
        opened.last().recreate()
        val turned = opened.last().get()
        assertEquals("not asked again by turning the phone", LiveState.Refused(false), turned.state)
        turned.screen.remedy.performClick()
        assertEquals(LiveState.Asking, turned.state)
        shadowOf(application.packageManager).setShouldShowRequestPermissionRationale(Manifest.permission.CAMERA, false)
        answer(turned, asked.requestCode, PackageManager.PERMISSION_DENIED)
        assertEquals(application.getString(R.string.camera_refused_for_ever), text(turned.screen.message))
        shot(turned, "camera_refused_for_ever")
        turned.screen.remedy.performClick()
        assertEquals(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, shadowOf(turned).nextStartedActivity.action)
        opened.last().pause().stop()
        shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
        opened.last().start().resume()
        assertEquals(LiveState.Opening, turned.state)
    }

    @Test
    fun `a question that was interrupted can be asked again`() {
        val activity = open()
        activity.onRequestPermissionsResult(1, emptyArray(), IntArray(0))
        assertEquals(LiveState.Refused(forEver = false), activity.state)
    }

    @Test
    fun `no camera`() {
        camera.isThere = false
        val activity = open(permitted = true)
        assertTrue(text(activity.screen.message), text(activity.screen.message).startsWith(application.getString(R.string.fault_camera_none)))
        assertFalse(activity.screen.shutter.isEnabled)
        assertNull(activity.pipeline)
        shot(activity, "camera_none")
    }

    @Test
    fun `another app takes the camera and gives it back`() {
        val activity = live()
        camera.listener!!.broke(CameraFault.IN_USE)
        waitUntil("it is said") { text(activity.screen.message).startsWith(application.getString(R.string.fault_camera_in_use)) }
        waitUntil("the camera is let go") { camera.closed == 1 && activity.pipeline == null }
        shot(activity, "camera_in_use")
        assertTrue(camera.isWaitedFor)
        camera.free()
        shadowOf(Looper.getMainLooper()).idleFor(Duration.ofSeconds(2))
        assertEquals(LiveState.Opening, activity.state)
        assertFalse(camera.isWaitedFor)
        goLive(activity)
    }

    @Test
    fun `paused and resumed, the camera is free for others in between`() {
        val activity = live()
        opened.last().pause()
        assertEquals("in split screen it is still seen", LiveState.Live, activity.state)
        opened.last().stop()
        assertEquals(LiveState.Away, activity.state)
        waitUntil("the camera is let go") { camera.closed == 1 }
        camera.listener!!.broke(CameraFault.BROKEN) // too late
        opened.last().start().resume()
        goLive(activity)
    }

    @Test
    fun `the other camera`() {
        camera = PlayedCamera(front = true)
        val activity = live()
        assertTrue(activity.screen.other.isShown)
        activity.screen.other.performClick()
        waitUntil("it is opened") { camera.opened?.isFront == true }
        goLive(activity)
        opened.last().recreate()
        waitUntil("it is kept") { camera.opened?.isFront == true }
    }

    @Test
    fun `a photograph is enhanced in its full size and saved`() {
        val activity = live()
        activity.screen.shutter.performClick()
        waitUntil("the camera is asked") { camera.askedDegrees == 90 }
        assertFalse(activity.screen.shutter.isEnabled)
        camera.listener!!.still(jpeg(photograph()))
        waitUntil("it is saved") { activity.state == LiveState.Live }
        assertEquals(application.getString(R.string.camera_saved), text(activity.screen.says))
        val (file, values) = media.inserted.single()
        assertEquals("image/jpeg" to 0, values.getAsString("mime_type") to values.getAsInteger("is_pending"))
        val saved = BitmapFactory.decodeFile(file.path)
        assertEquals(photograph().let { it.width to it.height }, saved.width to saved.height)
        assertTrue(mean(saved) > 1.3 * mean(photograph()))
        assertEquals("what the camera told is kept", "RED-mobile's test", ExifInterface(file.path).getAttribute(ExifInterface.TAG_MODEL))
        assertTrue("nothing is left of it", File(application.cacheDir, "stills").listFiles().orEmpty().isEmpty())
        goLive(activity)
    }

    @Test
    fun `a photograph that cannot be kept is said, and the picture goes on`() {
        val activity = live()
        media.isFull = true
        activity.screen.shutter.performClick()
        camera.listener!!.still(jpeg(Bitmap.createBitmap(32, 32, Bitmap.Config.ARGB_8888)))
        waitUntil("it is said") { text(activity.screen.says).startsWith(application.getString(R.string.fault_not_saved)) }
        assertEquals(LiveState.Live, activity.state)
        activity.screen.shutter.performClick()
        camera.listener!!.still(ByteArray(100))
        waitUntil("this is no picture") { text(activity.screen.says).startsWith(application.getString(R.string.fault_picture_broken)) }
        goLive(activity)
    }

    @Test
    fun `hot, it says so, and steps down if it may`() {
        CameraActivity.networks = { AssetModel.all(it).takeLast(2) }
        val activity = live()
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
    }

    @Test
    @Config(qualifiers = "+de-land-night")
    fun `in German, in the dark, turned, with large fonts`() {
        RuntimeEnvironment.setFontScale(2f)
        val activity = live()
        activity.screen.figures.text = slowFigures(activity)
        shot(activity, "camera_german_dark_landscape_200_percent")
    }

    @Test
    @Config(qualifiers = "+ar-ldrtl")
    fun `from right to left`() {
        shadowOf(application.packageManager).setShouldShowRequestPermissionRationale(Manifest.permission.CAMERA, true)
        val activity = open()
        answer(activity, 1, PackageManager.PERMISSION_DENIED)
        assertEquals(View.LAYOUT_DIRECTION_RTL, activity.screen.strength.layoutDirection)
        shot(activity, "camera_right_to_left")
    }

    @Test
    fun `with large fonts`() {
        RuntimeEnvironment.setFontScale(2f)
        val activity = live()
        activity.screen.figures.text = slowFigures(activity)
        shot(activity, "camera_200_percent")
    }

    private fun live(): CameraActivity = open(permitted = true).also(::goLive)

    private fun open(permitted: Boolean = false): CameraActivity {
        if (permitted) shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
        val activity = Robolectric.buildActivity(CameraActivity::class.java).also { opened += it }.setup().get()
        surface(activity)
        return activity
    }

    /** What Android does once the screen is laid out. */
    private fun surface(activity: CameraActivity) {
        shadowOf(Looper.getMainLooper()).idle()
        val picture = activity.screen.picture
        PlayedScreen.size = Pixels(picture.width, picture.height)
        activity.surfaceChanged(picture.holder, 0, picture.width, picture.height)
    }

    /** Frames that come before the network is ready are dropped. */
    private fun goLive(activity: CameraActivity) {
        val swaps = PlayedScreen.swaps
        waitUntil("it is live") {
            if (camera.opened != null) camera.give(frame)
            activity.state == LiveState.Live && PlayedScreen.swaps > swaps
        }
    }

    private fun assertKept(activity: CameraActivity) {
        assertEquals(40, activity.screen.strength.progress)
        assertTrue(activity.screen.smaller.isChecked)
        assertEquals(0.25f to 0.4f, activity.pipeline!!.line to activity.pipeline!!.strength)
    }

    /** As Android's own screen does: by the activity, which then knows that no question is open any more. */
    private fun answer(activity: CameraActivity, code: Int, result: Int) {
        val data = Intent()
            .putExtra("android.content.pm.extra.REQUEST_PERMISSIONS_NAMES", arrayOf(Manifest.permission.CAMERA))
            .putExtra("android.content.pm.extra.REQUEST_PERMISSIONS_RESULTS", intArrayOf(result))
        val arguments = arrayOf(ClassParameter.from(Int::class.javaPrimitiveType, code), ClassParameter.from(Intent::class.java, data))
        ReflectionHelpers.callInstanceMethod<Unit>(Activity::class.java, activity, "dispatchRequestPermissionsResult", *arguments)
    }

    private fun tick() = shadowOf(Looper.getMainLooper()).idleFor(Duration.ofMillis(500))

    private fun text(view: android.widget.TextView) = view.text.toString()

    private fun touch(view: View, x: Float) {
        val event = MotionEvent.obtain(0, 0, MotionEvent.ACTION_DOWN, x, view.height / 2f, 0)
        view.dispatchTouchEvent(event)
        event.recycle()
    }

    private fun photograph(): Bitmap = BitmapFactory.decodeFile(File(System.getProperty("redmobile.photographs"), "cabin_window.jpg").path)

    private val frame by lazy {
        val picture = photograph()
        java.nio.ByteBuffer.allocateDirect(picture.byteCount).also { picture.copyPixelsToBuffer(it) }
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

    /** The window with what OpenGL ES drew where its surface lies, which the window itself does not hold. */
    private fun shot(activity: CameraActivity, name: String) {
        val window = screenshot(activity, name)
        if (!activity.state.isOn) return
        val canvas = Canvas(window)
        drawOver(canvas, activity.screen.picture) { canvas.drawBitmap(PlayedScreen.picture(), 0f, 0f, null) }
        if (activity.screen.figures.parent == activity.screen.picture.parent) drawOver(canvas, activity.screen.figures) { activity.screen.figures.draw(canvas) }
        File(System.getProperty("redmobile.screenshots"), "$name.png").outputStream().use { window.compress(Bitmap.CompressFormat.PNG, 100, it) }
    }

    private fun drawOver(canvas: Canvas, view: View, draw: () -> Unit) {
        val place = IntArray(2).also(view::getLocationInWindow)
        canvas.save()
        canvas.translate(place[0].toFloat(), place[1].toFloat())
        draw()
        canvas.restore()
    }

    private companion object {
        /** What a phone that is too slow would say: nothing here can tell how fast one is. */
        fun slowFigures(activity: CameraActivity): String {
            val reading = LiveReading(LiveFigures(150, 22.4, 41.6, 44.9, 96.2, 104.8), 670, 168, activity.pipeline!!.read().model)
            return CameraWords(activity).figures(reading, 2)
        }
    }
}
