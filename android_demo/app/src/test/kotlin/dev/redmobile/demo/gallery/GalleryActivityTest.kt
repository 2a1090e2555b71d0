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
import android.view.KeyEvent
import android.view.MotionEvent
import android.view.View
import android.view.accessibility.AccessibilityNodeInfo
import android.widget.Button
import android.widget.SeekBar
import android.widget.TextView
import dev.redmobile.demo.DemoTestRunner
import dev.redmobile.demo.R
import dev.redmobile.demo.below
import dev.redmobile.demo.ui.CompareView
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
import java.awt.image.BufferedImage
import java.io.File
import javax.imageio.ImageIO

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
        for (kind in listOf("png", "jpg")) {
            val grey = BufferedImage(300, 200, BufferedImage.TYPE_BYTE_GRAY) // one channel in the file
            for (y in 0 until 200) for (x in 0 until 300) grey.raster.setSample(x, y, 0, 20 + (x + y) % 40)
            ImageIO.write(grey, kind, File(media.folder, "grey.$kind"))
            val found = done(share(uri("grey.$kind")))
            assertEquals(300 to 200, found.width to found.height)
            assertTrue(kind, mean(found) > 41 && !found.hasAlpha())
        }
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
    fun `what the file told is kept, but for what is no longer true`() {
        val file = File(media.folder, "told.jpg")
        val wide = Bitmap.createBitmap(200, 100, Bitmap.Config.ARGB_8888).apply { eraseColor(Color.rgb(20, 20, 20)) }
        file.outputStream().use { wide.compress(Bitmap.CompressFormat.JPEG, 95, it) }
        val told = mapOf(
            ExifInterface.TAG_DATETIME_ORIGINAL to "2026:11:24 22:15:01", ExifInterface.TAG_MODEL to "Night Phone", ExifInterface.TAG_ISO_SPEED_RATINGS to "3200",
            ExifInterface.TAG_GPS_LATITUDE to "52/1,31/1,12/1", ExifInterface.TAG_GPS_LATITUDE_REF to "N",
        )
        ExifInterface(file).apply {
            told.forEach { (tag, value) -> setAttribute(tag, value) }
            setAttribute(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_ROTATE_90.toString())
        }.saveAttributes()
        val activity = share(uri("told.jpg"))
        done(activity)
        val kept = ExifInterface(save(activity))
        assertEquals(told, told.keys.associateWith { kept.getAttribute(it) })
        assertEquals(ExifInterface.ORIENTATION_NORMAL, kept.getAttributeInt(ExifInterface.TAG_ORIENTATION, -1))
    }

    @Test
    fun `half the strength is half way, on the screen and in the file, and can be saved again`() {
        val dark = Bitmap.createBitmap(256, 128, Bitmap.Config.ARGB_8888).apply { eraseColor(Color.rgb(24, 24, 24)) }
        val activity = share(put("dark.png", dark))
        val whole = done(activity)
        assertEquals(application.getString(R.string.strength, 100), strengthSays(activity))
        val full = BitmapFactory.decodeFile(save(activity).path)
        val bar = field(activity, "strength") as SeekBar
        moveTo(bar, 50)
        assertEquals(application.getString(R.string.strength, 50), strengthSays(activity))
        assertTrue(button(activity, R.string.save).isEnabled)
        val half = BitmapFactory.decodeFile(save(activity).path)
        assertEquals((24 + mean(whole)) / 2, mean(half), 1.5)
        assertEquals(mean(whole), mean(full), 1.5)
        moveTo(bar, 0)
        assertEquals(24.0, mean(BitmapFactory.decodeFile(save(activity).path)), 1.5)
        val view = field(activity, "compare") as CompareView
        assertEquals(24.0, Color.green(drawn(view).getPixel(view.width * 9 / 10, view.height / 2)).toDouble(), 1.5)
    }

    @Test
    fun `what is transparent stays so at any strength`() {
        val clear = Bitmap.createBitmap(64, 64, Bitmap.Config.ARGB_8888).apply { eraseColor(Color.argb(128, 40, 30, 20)) }
        val activity = share(put("clear.png", clear))
        done(activity)
        moveTo(field(activity, "strength") as SeekBar, 30)
        val read = BitmapFactory.decodeFile(save(activity).path)
        assertEquals("image/png", media.inserted.last().second.getAsString("mime_type"))
        assertEquals(128.0, Color.alpha(read.getPixel(30, 30)).toDouble(), 1.0)
    }

    @Test
    fun `fifty megapixels are enhanced and saved whole`() {
        val large = Bitmap.createBitmap(8192, 6144, Bitmap.Config.ARGB_8888).apply { eraseColor(Color.rgb(28, 26, 24)) }
        val file = File(media.folder, "large.jpg")
        file.outputStream().use { large.compress(Bitmap.CompressFormat.JPEG, 80, it) }
        large.recycle()
        val activity = share(uri("large.jpg"))
        val whole = done(activity)
        assertEquals(8192 to 6144, whole.width to whole.height)
        assertTrue(mean(whole) > 30)
        val size = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        BitmapFactory.decodeFile(save(activity).path, size)
        assertEquals(8192 to 6144, size.outWidth to size.outHeight)
    }

    @Test
    fun `the line is moved by keys and by TalkBack, and says where it is`() {
        val activity = share(put("small.png", Bitmap.createBitmap(64, 48, Bitmap.Config.ARGB_8888)))
        done(activity)
        val view = field(activity, "compare") as CompareView
        assertTrue(view.performAccessibilityAction(AccessibilityNodeInfo.ACTION_SCROLL_FORWARD, null))
        view.onKeyDown(KeyEvent.KEYCODE_DPAD_RIGHT, KeyEvent(KeyEvent.ACTION_DOWN, KeyEvent.KEYCODE_DPAD_RIGHT))
        assertEquals(0.7f, view.split, 1e-4f)
        assertTrue(view.contentDescription.toString(), "70 %" in view.contentDescription)
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
        moveTo(field(controller.get(), "strength") as SeekBar, 40)
        (field(controller.get(), "compare") as CompareView).split = 0.25f
        save(controller.get())
        controller.recreate()
        assertTrue("still saved", button(controller.get(), R.string.share).isEnabled)
        val state = android.os.Bundle().also { controller.saveInstanceState(it) }
        val later = Robolectric.buildActivity(GalleryActivity::class.java).also { opened += it }
        later.create(state).start().restoreInstanceState(state).resume().visible()
        assertTrue(done(later.get()).sameAs(whole))
        assertEquals(application.getString(R.string.strength, 40), strengthSays(later.get()))
        assertEquals(0.25f, (field(later.get(), "compare") as CompareView).split)
        assertTrue("still saved", button(later.get(), R.string.share).isEnabled)
    }

    @Test
    fun `picking asks the phone's own picker`() {
        val activity = Robolectric.buildActivity(GalleryActivity::class.java).also { opened += it }.setup().get()
        assertEquals(application.getString(R.string.gallery_explained), says(activity))
        button(activity, R.string.pick).performClick()
        val asked = shadowOf(activity).nextStartedActivityForResult
        assertEquals(MediaStore.ACTION_PICK_IMAGES to "image/*", asked.intent.action to asked.intent.type)
        shadowOf(activity).receiveResult(asked.intent, android.app.Activity.RESULT_OK, Intent().setData(put("picked.png", photograph("cafe"))))
        assertEquals(1080, done(activity).height)
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

    /** The file that it is saved as. */
    private fun save(activity: GalleryActivity): File {
        button(activity, R.string.save).performClick()
        waitUntil("it is saved; now ${says(activity)}") { button(activity, R.string.share).isEnabled }
        return media.inserted.last().first
    }

    /** As a finger does. */
    private fun moveTo(bar: SeekBar, progress: Int) {
        val x = bar.paddingLeft + (bar.width - bar.paddingLeft - bar.paddingRight) * progress / 100f
        for (action in listOf(MotionEvent.ACTION_DOWN, MotionEvent.ACTION_MOVE, MotionEvent.ACTION_UP)) {
            bar.onTouchEvent(MotionEvent.obtain(0, 0, action, x, bar.height / 2f, 0))
        }
        assertEquals(progress, bar.progress)
    }

    private fun drawn(view: View): Bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888).also { view.draw(Canvas(it)) }

    private fun strengthSays(activity: GalleryActivity) = (field(activity, "strengthSays") as TextView).text.toString()

    private fun photograph(name: String): Bitmap = BitmapFactory.decodeFile(File(System.getProperty("redmobile.photographs"), "$name.jpg").path)

    private fun put(name: String, picture: Bitmap): Uri {
        File(media.folder, name).outputStream().use { picture.compress(Bitmap.CompressFormat.PNG, 100, it) }
        return uri(name)
    }

    private fun uri(name: String): Uri = Uri.parse("content://${MediaStore.AUTHORITY}/$name")

    private fun says(activity: GalleryActivity) = (field(activity, "says") as TextView).text.toString()

    private fun field(activity: GalleryActivity, name: String): Any = GalleryActivity::class.java.getDeclaredField(name).apply { isAccessible = true }.get(activity)!!

    private fun button(activity: GalleryActivity, words: Int) = below(activity.window.decorView).filterIsInstance<Button>().first { it.text == activity.getString(words) }

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
