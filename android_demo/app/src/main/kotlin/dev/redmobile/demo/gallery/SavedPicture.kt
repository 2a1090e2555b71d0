package dev.redmobile.demo.gallery

import android.content.ContentValues
import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.graphics.PorterDuff
import android.graphics.PorterDuffXfermode
import android.net.Uri
import android.provider.MediaStore
import dev.redmobile.demo.R
import java.io.File
import java.io.IOException

/**
 * Writes a picture that was enhanced: JPEG with what the photograph's file told, or PNG where something is transparent.
 *
 * strength: how far from the picture at `source` (0) to the enhanced one (1). Below 1 the source is opened again: to keep every picture twice
 * in memory, only because someone may change the strength, would be too much for large ones.
 */
class SavedPicture(private val context: Context, private val source: Uri, private val done: JobState.Done, private val strength: Float) {
    private val resolver = context.contentResolver
    private val enhanced = done.whole
    private val type = typeOf(done)

    /** Into the phone's pictures (Android 10 and later: older ones ask for a permission that the app does not have). Throws [PictureException]. */
    fun toMediaStore(): Uri {
        val values = ContentValues().apply {
            put(MediaStore.MediaColumns.DISPLAY_NAME, nameOf(done))
            put(MediaStore.MediaColumns.MIME_TYPE, type)
            put(MediaStore.MediaColumns.RELATIVE_PATH, "Pictures/RED-mobile")
            put(MediaStore.MediaColumns.IS_PENDING, 1)
        }
        val uri = resolver.insert(MediaStore.Images.Media.EXTERNAL_CONTENT_URI, values) ?: throw failed(null)
        try {
            write(uri)
        } catch (error: PictureException) {
            resolver.delete(uri, null, null)
            throw error
        }
        resolver.update(uri, ContentValues().apply { put(MediaStore.MediaColumns.IS_PENDING, 0) }, null, null)
        return uri
    }

    /** Into a document that was made for it. Throws [PictureException]. */
    fun write(uri: Uri) {
        val made = File(context.cacheDir, "saving") // EXIF is written into files alone, and what is open for others may be none
        try {
            encode(made)
            val stream = resolver.openOutputStream(uri) ?: throw failed(null)
            stream.use { out -> made.inputStream().use { it.copyTo(out) } }
        } catch (error: IOException) {
            throw failed(error)
        } catch (error: OutOfMemoryError) {
            throw PictureException(R.string.fault_out_of_memory_saving, R.string.remedy_out_of_memory, error)
        } finally {
            made.delete()
        }
    }

    private fun encode(file: File) {
        val picture = if (strength < 1f) mixed() else enhanced
        val format = if (enhanced.hasAlpha()) Bitmap.CompressFormat.PNG else Bitmap.CompressFormat.JPEG
        val written = file.outputStream().use { picture.compress(format, QUALITY, it) }
        if (picture !== enhanced) picture.recycle()
        if (!written) throw failed(null)
        if (!enhanced.hasAlpha()) done.exif.writeTo(file)
    }

    /** (1 - strength) · before + strength · enhanced, of colours and of what is transparent: both are premultiplied. */
    private fun mixed(): Bitmap {
        val part = Math.round(strength * OPAQUE)
        val before = Pictures(resolver).open(source)
        Canvas(before).apply {
            drawColor(Color.argb(OPAQUE - part, 0, 0, 0), PorterDuff.Mode.DST_IN)
            drawBitmap(enhanced, 0f, 0f, Paint().apply {
                alpha = part
                xfermode = PorterDuffXfermode(PorterDuff.Mode.ADD)
            })
        }
        return before
    }

    private fun failed(cause: Throwable?) = PictureException(R.string.fault_not_saved, R.string.remedy_not_saved, cause)

    companion object {
        private const val QUALITY = 95
        private const val OPAQUE = 255

        /** The MIME type that it is written as. */
        fun typeOf(done: JobState.Done): String = if (done.whole.hasAlpha()) "image/png" else "image/jpeg"

        /** A name for a new file of it. */
        fun nameOf(done: JobState.Done): String = "RED-mobile ${System.currentTimeMillis()}${if (done.whole.hasAlpha()) ".png" else ".jpg"}"
    }
}
