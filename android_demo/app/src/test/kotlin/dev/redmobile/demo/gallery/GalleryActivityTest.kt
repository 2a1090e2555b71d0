package dev.redmobile.demo.gallery

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Intent
import android.database.Cursor
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.LinearGradient
import android.graphics.Paint
import android.graphics.Shader
import android.media.ExifInterface
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.MediaStore
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.TextView
import dev.redmobile.demo.DemoTestRunner
import dev.redmobile.demo.R
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
import java.io.File

/** From a picture that is shared or picked to the saved file, with the real network; the phone's media store is played by [Media]. */
@RunWith(DemoTestRunner::class)
class GalleryActivityTest {
    private val application = RuntimeEnvironment.getApplication()
    private val media = Robolectric.setupContentProvider(Media::class.java, MediaStore.AUTHORITY)
    private val opened = ArrayList<ActivityController<GalleryActivity>>()

    @Before
    fun folder() = assertTrue(media.folder.isDirectory)

    @After
    fun close() = opened.forEach { it.pause().stop().destroy() }

    @Test
    fun `a shared picture is enhanced, compared, saved and shared`() {
        val activity = share(put("dark.png", photograph("cabin_window")))
        assertFalse(button(activity, R.string.pick).isShown)
        val whole = done(activity)
        assertEquals(1920 to 1080, whole.width to whole.height)
        assertTrue(says(activity), application.getString(R.string.gallery_done, 1920, 1080) == says(activity))
        screenshot(activity, "gallery_done")
        assertFalse(button(activity, R.string.share).isEnabled)
        button(activity, R.string.save).performClick()
        waitUntil("it is saved") { button(activity, R.string.share).isEnabled }
        val (file, values) = media.inserted.single()
        assertEquals("image/jpeg" to 0, values.getAsString("mime_type") to values.getAsInteger("is_pending"))
        val read = BitmapFactory.decodeFile(file.path)
        assertEquals(1920 to 1080, read.width to read.height)
        assertTrue(mean(read) > 1.5 * mean(photograph("cabin_window")))
        button(activity, R.string.share).performClick()
        assertEquals(Intent.ACTION_CHOOSER, shadowOf(activity).nextStartedActivity.action)
    }

    @Test
    fun `tiles leave no seams`() {
        val large = Bitmap.createBitmap(4000, 1600, Bitmap.Config.ARGB_8888)
        val ramp = Paint().apply { shader = LinearGradient(0f, 0f, 0f, 1600f, Color.rgb(20, 22, 26), Color.rgb(60, 55, 50), Shader.TileMode.CLAMP) }
        Canvas(large).drawPaint(ramp)
        val whole = done(share(put("large.png", large)))
        assertEquals(4000 to 1600, whole.width to whole.height)
        for (y in listOf(100, 700, 800, 900, 1500)) {
            val row = IntArray(4000).also { whole.getPixels(it, 0, 4000, 0, y, 4000, 1) }
            val steps = (1 until 4000).maxOf { x -> difference(row[x - 1], row[x]) }
            assertTrue("a step of $steps in row $y", steps <= MAX_STEP)
            assertTrue(row.all { Color.alpha(it) == 255 })
        }
        for (x in listOf(50, 1900, 2000, 3900)) {
            val column = IntArray(1600).also { whole.getPixels(it, 0, 1, x, 0, 1, 1600) }
            val steps = (1 until 1600).maxOf { y -> difference(column[y - 1], column[y]) }
            assertTrue("a step of $steps in column $x", steps <= MAX_STEP)
        }
    }

    @Test
    fun `tiny, grey and transparent pictures stay what they are`() {
        assertEquals(1 to 1, done(share(put("tiny.png", Bitmap.createBitmap(1, 1, Bitmap.Config.ARGB_8888)))).let { it.width to it.height })
        val grey = Bitmap.createBitmap(300, 200, Bitmap.Config.ARGB_8888).apply { eraseColor(Color.rgb(30, 30, 30)) }
        assertTrue(mean(done(share(put("grey.png", grey)))) > 31)
        val clear = Bitmap.createBitmap(300, 200, Bitmap.Config.ARGB_8888).apply { eraseColor(Color.argb(128, 40, 30, 20)) }
        val found = done(share(put("clear.png", clear)))
        assertTrue(found.hasAlpha())
        assertEquals(128, Color.alpha(found.getPixel(150, 100)))
    }

    @Test
    fun `a picture that was taken upright comes out upright`() {
        val file = File(media.folder, "turned.jpg")
        val wide = Bitmap.createBitmap(200, 100, Bitmap.Config.ARGB_8888).apply { eraseColor(Color.rgb(20, 20, 20)) }
        Canvas(wide).drawRect(0f, 0f, 40f, 100f, Paint().apply { color = Color.rgb(200, 30, 30) })
        file.outputStream().use { wide.compress(Bitmap.CompressFormat.JPEG, 95, it) }
        ExifInterface(file).apply { setAttribute(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_ROTATE_90.toString()) }.saveAttributes()
        val whole = done(share(uri("turned.jpg")))
        assertEquals(100 to 200, whole.width to whole.height)
        assertTrue(Color.red(whole.getPixel(50, 10)) > 2 * Color.green(whole.getPixel(50, 10))) // what was left is now above
    }

    @Test
    fun `what cannot be opened has a sentence each`() {
        val half = File(media.folder, "half.png").apply { writeBytes(ByteArray(3000) { (it * 7).toByte() }) }
        assertFails(uri(half.name), R.string.fault_picture_broken)
        assertFails(uri("no such.png"), R.string.fault_picture_gone)
        assertFails(Uri.fromFile(half), R.string.fault_picture_gone)
        File(media.folder, "huge.bmp").writeBytes(bitmapHeader(20000, 20000))
        assertFails(uri("huge.bmp"), R.string.fault_picture_large)
    }

    @Test
    fun `a full phone is said, and it can be tried again`() {
        val activity = share(put("small.png", Bitmap.createBitmap(64, 64, Bitmap.Config.ARGB_8888)))
        done(activity)
        media.isFull = true
        button(activity, R.string.save).performClick()
        waitUntil("it is said") { says(activity).startsWith(application.getString(R.string.fault_not_saved)) }
        assertTrue(button(activity, R.string.save).isEnabled)
        assertTrue("nothing half is left", media.inserted.isEmpty())
    }

    @Test
    fun `cancelled after a tile, and nothing is kept`() {
        val activity = share(put("long.png", Bitmap.createBitmap(6000, 4000, Bitmap.Config.RGB_565)))
        button(activity, R.string.cancel).performClick()
        waitUntil("it ends") { says(activity) == application.getString(R.string.gallery_cancelled) }
        assertTrue(button(activity, R.string.pick).isShown)
    }

    @Test
    fun `turning the phone keeps the work, and a new process does it again`() {
        val activity = share(put("kept.png", photograph("cafe")))
        val whole = done(activity)
        val controller = opened.last()
        controller.recreate()
        assertTrue("the same pixels", done(controller.get()) === whole)
        val state = android.os.Bundle().also { controller.saveInstanceState(it) }
        val later = Robolectric.buildActivity(GalleryActivity::class.java).also { opened += it }
        later.create(state).start().restoreInstanceState(state).resume().visible()
        assertTrue(done(later.get()).sameAs(whole))
    }

    @Test
    fun `picking asks the phone's own picker`() {
        val activity = Robolectric.buildActivity(GalleryActivity::class.java).also { opened += it }.setup().get()
        assertEquals(application.getString(R.string.gallery_explained), says(activity))
        screenshot(activity, "gallery_empty")
        button(activity, R.string.pick).performClick()
        val asked = shadowOf(activity).nextStartedActivityForResult
        assertEquals(MediaStore.ACTION_PICK_IMAGES to "image/*", asked.intent.action to asked.intent.type)
        shadowOf(activity).receiveResult(asked.intent, android.app.Activity.RESULT_OK, Intent().setData(put("picked.png", photograph("cafe"))))
        assertEquals(1080, done(activity).height)
    }

    @Test
    @Config(qualifiers = "+de-land-night")
    fun `in German, in the dark, turned, with large fonts`() {
        RuntimeEnvironment.setFontScale(2f)
        val activity = share(put("dark.png", photograph("cafe")))
        done(activity)
        assertTrue(says(activity), says(activity).startsWith("Fertig: 1920 × 1080."))
        screenshot(activity, "gallery_german_dark_landscape_200_percent")
    }

    private fun assertFails(uri: Uri, sentence: Int) {
        val activity = share(uri)
        waitUntil(uri.toString()) { says(activity).startsWith(application.getString(sentence)) }
        assertTrue(button(activity, R.string.pick).isShown)
        assertFalse(button(activity, R.string.save).isShown)
        assertNull(shadowOf(activity).nextStartedActivity)
    }

    private fun share(uri: Uri): GalleryActivity {
        val intent = Intent(Intent.ACTION_SEND).setType("image/*").putExtra(Intent.EXTRA_STREAM, uri)
        return Robolectric.buildActivity(GalleryActivity::class.java, intent).also { opened += it }.setup().get()
    }

    private fun done(activity: GalleryActivity): Bitmap {
        val job = GalleryActivity::class.java.getDeclaredField("job").apply { isAccessible = true }.get(activity) as EnhanceJob
        waitUntil("the picture is done; now ${says(activity)}") { job.state !is JobState.Working }
        return (job.state as? JobState.Done)?.whole ?: throw AssertionError(says(activity))
    }

    private fun photograph(name: String): Bitmap = BitmapFactory.decodeFile(File(System.getProperty("redmobile.photographs"), "$name.jpg").path)

    private fun put(name: String, picture: Bitmap): Uri {
        File(media.folder, name).outputStream().use { picture.compress(Bitmap.CompressFormat.PNG, 100, it) }
        return uri(name)
    }

    private fun uri(name: String): Uri = Uri.parse("content://${MediaStore.AUTHORITY}/$name")

    private fun says(activity: GalleryActivity) = (field(activity, "says") as TextView).text.toString()

    private fun field(activity: GalleryActivity, name: String): Any = GalleryActivity::class.java.getDeclaredField(name).apply { isAccessible = true }.get(activity)!!

    private fun button(activity: GalleryActivity, words: Int) = below(activity.window.decorView).filterIsInstance<Button>().first { it.text == activity.getString(words) }

    private fun below(view: View): List<View> = listOf(view) + if (view is ViewGroup) (0 until view.childCount).flatMap { below(view.getChildAt(it)) } else emptyList()

    private fun mean(picture: Bitmap): Double {
        val small = Bitmap.createScaledBitmap(picture, 32, 32, true)
        return (0 until 32 * 32).sumOf { Color.green(small.getPixel(it % 32, it / 32)) } / 1024.0
    }

    private fun difference(one: Int, other: Int) =
        maxOf(Math.abs(Color.red(one) - Color.red(other)), Math.abs(Color.green(one) - Color.green(other)), Math.abs(Color.blue(one) - Color.blue(other)))

    /** Of a BMP of 24 bits without its pixels. */
    private fun bitmapHeader(width: Int, height: Int): ByteArray {
        val found = java.nio.ByteBuffer.allocate(54).order(java.nio.ByteOrder.LITTLE_ENDIAN)
        found.put('B'.code.toByte()).put('M'.code.toByte()).putInt(54 + 3 * width * height).putInt(0).putInt(54)
        return found.putInt(40).putInt(width).putInt(height).putShort(1).putShort(24).array()
    }

    private companion object {
        const val MAX_STEP = 8
    }
}

/** Stands for the phone's media store: files in a folder. */
class Media : ContentProvider() {
    val folder: File = kotlin.io.path.createTempDirectory("media").toFile().apply { deleteOnExit() }
    val inserted = ArrayList<Pair<File, ContentValues>>()
    var isFull = false

    override fun onCreate() = true

    override fun getType(uri: Uri) = "image/*"

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor {
        if (isFull && "w" in mode) throw java.io.FileNotFoundException("no space left on device")
        return ParcelFileDescriptor.open(File(folder, uri.lastPathSegment!!), ParcelFileDescriptor.parseMode(mode))
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri {
        val file = File(folder, "saved-${inserted.size}")
        inserted += file to ContentValues(values)
        return Uri.parse("content://${MediaStore.AUTHORITY}/${file.name}")
    }

    override fun update(uri: Uri, values: ContentValues?, selection: String?, arguments: Array<String>?): Int {
        inserted.first { it.first.name == uri.lastPathSegment }.second.putAll(values)
        return 1
    }

    override fun delete(uri: Uri, selection: String?, arguments: Array<String>?): Int = if (inserted.removeIf { it.first.name == uri.lastPathSegment }) 1 else 0

    override fun query(uri: Uri, columns: Array<String>?, selection: String?, arguments: Array<String>?, order: String?): Cursor? = null
}
