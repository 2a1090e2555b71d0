package dev.redmobile.demo.camera

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.os.Looper
import android.view.View
import dev.redmobile.demo.engine.AssetModel
import dev.redmobile.demo.waitUntil
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.util.ReflectionHelpers
import org.robolectric.util.ReflectionHelpers.ClassParameter
import java.io.File
import java.nio.ByteBuffer

/** What the camera's screen needs around it: a played camera, a screen to draw on, the real network for small pictures. To be closed. */
class CameraStage : AutoCloseable {
    private val application = RuntimeEnvironment.getApplication()
    val opened = ArrayList<ActivityController<CameraActivity>>()
    var camera = PlayedCamera()

    init {
        PlayedScreen.needMesa()
        CameraActivity.sources = { camera }
        CameraActivity.networks = { AssetModel.all(it).takeLast(1) }
    }

    override fun close() {
        opened.forEach { it.pause().stop().destroy() }
        CameraActivity.sources = ::Camera2Source
        CameraActivity.networks = { AssetModel.all(it) }
    }

    fun live(): CameraActivity = open(permitted = true).also(::goLive)

    fun open(permitted: Boolean = false): CameraActivity {
        if (permitted) permit()
        return Robolectric.buildActivity(CameraActivity::class.java).also { opened += it }.setup().get().also(::surface)
    }

    fun permit() = shadowOf(application).grantPermissions(Manifest.permission.CAMERA)

    /** What Android does once the screen is laid out. */
    private fun surface(activity: CameraActivity) {
        shadowOf(Looper.getMainLooper()).idle()
        val picture = activity.screen.picture
        resize(activity, Pixels(picture.width, picture.height))
    }

    /** What it does where the window then gets another size. */
    fun resize(activity: CameraActivity, size: Pixels) {
        PlayedScreen.size = size
        activity.surfaceChanged(activity.screen.picture.holder, 0, size.width, size.height)
    }

    /** Laid out, and with a first picture. */
    fun show(activity: CameraActivity) {
        surface(activity)
        goLive(activity)
    }

    /** Frames that come before the network is ready are dropped. */
    fun goLive(activity: CameraActivity) {
        val swaps = PlayedScreen.swaps
        waitUntil("it is live") {
            if (camera.opened != null) camera.give(frame)
            activity.state == LiveState.Live && PlayedScreen.swaps > swaps
        }
    }

    /** As Android's own screen does: by the activity, which then knows that no question is open any more. */
    fun answer(activity: CameraActivity, code: Int, result: Int, mayAskAgain: Boolean) {
        shadowOf(application.packageManager).setShouldShowRequestPermissionRationale(Manifest.permission.CAMERA, mayAskAgain)
        val data = Intent()
            .putExtra("android.content.pm.extra.REQUEST_PERMISSIONS_NAMES", arrayOf(Manifest.permission.CAMERA))
            .putExtra("android.content.pm.extra.REQUEST_PERMISSIONS_RESULTS", intArrayOf(result))
        val arguments = arrayOf(ClassParameter.from(Int::class.javaPrimitiveType, code), ClassParameter.from(Intent::class.java, data))
        ReflectionHelpers.callInstanceMethod<Unit>(Activity::class.java, activity, "dispatchRequestPermissionsResult", *arguments)
    }

    fun refuse(activity: CameraActivity, mayAskAgain: Boolean) =
        answer(activity, shadowOf(activity).lastRequestedPermission.requestCode, PackageManager.PERMISSION_DENIED, mayAskAgain)

    private val frame by lazy {
        val picture = photograph()
        ByteBuffer.allocateDirect(picture.byteCount).also { picture.copyPixelsToBuffer(it) }
    }

    companion object {
        fun photograph(): Bitmap = BitmapFactory.decodeFile(File(System.getProperty("redmobile.photographs"), "cabin_window.jpg").path)

        /** Into a picture of the window, what OpenGL ES drew where its surface lies: the window itself does not hold it. */
        fun drawSurface(activity: CameraActivity, window: Bitmap) {
            if (!activity.state.isOn) return
            val canvas = Canvas(window)
            drawOver(canvas, activity.screen.picture) { canvas.drawBitmap(PlayedScreen.picture(), 0f, 0f, null) }
            if (activity.screen.figures.parent == activity.screen.picture.parent) drawOver(canvas, activity.screen.figures) { activity.screen.figures.draw(canvas) }
        }

        /** What a phone that is too slow would say: nothing here can tell how fast one is. */
        fun slowFigures(activity: CameraActivity): String {
            val reading = LiveReading(LiveFigures(150, 22.4, 41.6, 44.9, 96.2, 104.8), 670, 168, activity.pipeline!!.read().model)
            return CameraWords(activity).figures(reading, 2)
        }

        private fun drawOver(canvas: Canvas, view: View, draw: () -> Unit) {
            val place = IntArray(2).also(view::getLocationInWindow)
            canvas.save()
            canvas.translate(place[0].toFloat(), place[1].toFloat())
            draw()
            canvas.restore()
        }
    }
}
