package dev.redmobile.demo

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.Canvas
import android.view.View
import android.view.ViewGroup
import org.robolectric.Shadows.shadowOf
import android.os.Looper
import java.io.File

/** The activity's window as Robolectric draws it, as a PNG among the tests' screenshots; the picture is returned. */
fun screenshot(activity: Activity, name: String): Bitmap {
    shadowOf(Looper.getMainLooper()).idle()
    val view = activity.window.decorView
    val picture = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
    view.draw(Canvas(picture))
    File(System.getProperty("redmobile.screenshots"), "$name.png").outputStream().use { picture.compress(Bitmap.CompressFormat.PNG, 100, it) }
    return picture
}

/** A view and everything in it. */
fun below(view: View): List<View> = listOf(view) + if (view is ViewGroup) (0 until view.childCount).flatMap { below(view.getChildAt(it)) } else emptyList()

/** Wait, at most two minutes, until `condition` holds, and let the main thread do its work meanwhile. */
fun waitUntil(what: String, condition: () -> Boolean) {
    val until = System.nanoTime() + 120_000_000_000
    while (!condition()) {
        if (System.nanoTime() > until) throw AssertionError("not within two minutes: $what")
        shadowOf(Looper.getMainLooper()).idle()
        Thread.sleep(20)
    }
    shadowOf(Looper.getMainLooper()).idle()
}
