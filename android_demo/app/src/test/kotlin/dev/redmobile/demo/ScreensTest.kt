package dev.redmobile.demo

import android.app.Activity
import android.content.Intent
import android.graphics.BitmapFactory
import android.net.Uri
import android.provider.MediaStore
import android.view.View
import android.view.ViewGroup
import android.widget.ProgressBar
import android.widget.ScrollView
import android.widget.SeekBar
import android.widget.TextView
import dev.redmobile.demo.benchmark.Benchmark
import dev.redmobile.demo.benchmark.BenchmarkActivity
import dev.redmobile.demo.benchmark.BenchmarkState
import dev.redmobile.demo.gallery.GalleryActivity
import dev.redmobile.demo.gallery.Media
import dev.redmobile.demo.licences.LicencesActivity
import dev.redmobile.demo.settings.SettingsActivity
import dev.redmobile.demo.ui.HistogramView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import java.io.File

/**
 * Every screen in every look: drawn, for people to look at (`redmobile android screens`), and held to what a machine can see: no text cut off,
 * nothing to touch smaller than 48 dp, and words for everything that is not text.
 */
@RunWith(DemoTestRunner::class)
class ScreensTest {
    private val faults = ArrayList<String>()

    @Test
    fun `the first screen`() = each("1_start", MainActivity::class.java, Intent()) { activity ->
        val ready = RuntimeEnvironment.getApplication().getString(R.string.state_ready, 0, 0, "", 0).takeWhile { it != ':' }
        below(activity.window.decorView).any { it is TextView && it.text.startsWith(ready) }
    }

    @Test
    fun `settings`() = each("2_settings", SettingsActivity::class.java, Intent()) { activity ->
        below(activity.window.decorView).any { it is TextView && "1920 × 1088" in it.text }
    }

    @Test
    fun `licences`() = each("3_licences", LicencesActivity::class.java, Intent()) { true }

    @Test
    fun `the gallery, empty`() = each("4_gallery", GalleryActivity::class.java, Intent()) { true }

    @Test
    fun `the gallery with a picture`() {
        val media = Robolectric.setupContentProvider(Media::class.java, MediaStore.AUTHORITY)
        val photograph = BitmapFactory.decodeFile(File(System.getProperty("redmobile.photographs"), "cafe.jpg").path)
        File(media.folder, "dark.jpg").outputStream().use { photograph.compress(android.graphics.Bitmap.CompressFormat.JPEG, 95, it) }
        each("5_enhanced", GalleryActivity::class.java, sharing("dark.jpg")) { isIdle(it) }
    }

    @Test
    fun `the gallery with what is no picture`() {
        val media = Robolectric.setupContentProvider(Media::class.java, MediaStore.AUTHORITY)
        File(media.folder, "broken.jpg").writeBytes(ByteArray(100))
        each("6_broken", GalleryActivity::class.java, sharing("broken.jpg")) { isIdle(it) }
    }

    @Test
    fun `the benchmark, and its result`() {
        each("7_benchmark", BenchmarkActivity::class.java, Intent()) { Benchmark.state !is BenchmarkState.Running }
        val asked = Intent().putExtra("runs", 40).putExtra("threads", "2").putExtra("run_id", "screen")
        val screen = Robolectric.buildActivity(BenchmarkActivity::class.java, asked).setup()
        waitUntil("it is measured") { Benchmark.state is BenchmarkState.Done }
        screen.pause().stop().destroy()
        each("8_result", BenchmarkActivity::class.java, Intent()) { isAtTheChart(it) }
    }

    private fun sharing(name: String) =
        Intent(Intent.ACTION_SEND).setType("image/*").putExtra(Intent.EXTRA_STREAM, Uri.parse("content://${MediaStore.AUTHORITY}/$name"))

    /** The result lies below what can be chosen: scrolled to, once it is laid out. */
    private fun isAtTheChart(activity: Activity): Boolean {
        val all = below(activity.window.decorView)
        if (all.filterIsInstance<HistogramView>().single().height == 0) return false
        all.filterIsInstance<ScrollView>().single().let { it.scrollTo(0, it.getChildAt(0).height) }
        return true
    }

    private fun isIdle(activity: Activity) = below(activity.window.decorView).none { it is ProgressBar && it !is SeekBar && it.isShown }

    private fun <A : Activity> each(name: String, kind: Class<A>, intent: Intent, isReady: (A) -> Boolean) {
        for ((look, qualifiers, scale) in LOOKS) {
            RuntimeEnvironment.setQualifiers(PHONE)
            RuntimeEnvironment.setQualifiers(qualifiers)
            RuntimeEnvironment.setFontScale(scale)
            val screen = Robolectric.buildActivity(kind, intent).setup()
            waitUntil("$name is ready") { isReady(screen.get()) }
            if (qualifiers == RIGHT_TO_LEFT) assertEquals(View.LAYOUT_DIRECTION_RTL, screen.get().window.decorView.layoutDirection)
            screenshot(screen.get(), "screen.$name.$look")
            below(screen.get().window.decorView).filter { it.isShown }.forEach { view -> fault(view)?.let { faults += "$name, $look: $it" } }
            screen.pause().stop().destroy()
        }
        assertTrue(faults.joinToString("\n"), faults.isEmpty())
    }

    private fun fault(view: View): String? {
        val small = Math.round(TOUCHABLE * view.resources.displayMetrics.density)
        return when {
            (view.isClickable || view is SeekBar) && view !is ViewGroup && !(view is TextView && view.isTextSelectable) && view.height < small -> "${words(view)} is ${view.height} pixels high, $small are needed"
            view is TextView && view.text.isNotEmpty() && cut(view) -> "${words(view)} is cut off"
            view !is TextView && view !is ViewGroup && view.isFocusable && words(view).isEmpty() && labelOf(view) == null -> "a ${view.javaClass.simpleName} has no words"
            else -> null
        }
    }

    private fun cut(view: TextView): Boolean {
        val lines = view.layout ?: return true
        return lines.height > view.height - view.paddingTop - view.paddingBottom || (0 until lines.lineCount).any { lines.getEllipsisCount(it) > 0 || lines.getLineMax(it) > lines.width + 1 }
    }

    private fun words(view: View): String = ((view as? TextView)?.text ?: view.contentDescription ?: "").toString()

    private fun labelOf(view: View) = below(view.rootView).find { it.labelFor == view.id && it.labelFor != View.NO_ID }

    private companion object {
        const val TOUCHABLE = 48
        const val PHONE = "en-ldltr-w360dp-h640dp-port-notnight-xhdpi"
        const val RIGHT_TO_LEFT = "+ldrtl"

        /** Name, Robolectric's qualifiers, size of the font. */
        val LOOKS = listOf(
            Triple("light", "+notnight", 1f),
            Triple("dark", "+night", 1f),
            Triple("large_german", "+de", 2f),
            Triple("right_to_left", RIGHT_TO_LEFT, 1f),
            Triple("landscape", "+land", 1f),
        )
    }
}
