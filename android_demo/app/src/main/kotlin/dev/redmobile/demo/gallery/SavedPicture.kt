package dev.redmobile.demo.gallery

import android.content.ContentResolver
import android.content.ContentValues
import android.graphics.Bitmap
import android.net.Uri
import android.provider.MediaStore
import dev.redmobile.demo.R
import java.io.IOException

/** Writes enhanced pictures: JPEG, or PNG where something is transparent. */
class SavedPicture(private val picture: Bitmap, private val resolver: ContentResolver) {
    val type: String get() = if (picture.hasAlpha()) "image/png" else "image/jpeg"
    val name: String = "RED-mobile ${System.currentTimeMillis()}${if (picture.hasAlpha()) ".png" else ".jpg"}"

    /** Into the phone's pictures (Android 10 and later: older ones ask for a permission that the app does not have). Throws [PictureException]. */
    fun toMediaStore(): Uri {
        val values = ContentValues().apply {
            put(MediaStore.MediaColumns.DISPLAY_NAME, name)
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
        val format = if (picture.hasAlpha()) Bitmap.CompressFormat.PNG else Bitmap.CompressFormat.JPEG
        try {
            val written = resolver.openOutputStream(uri)?.use { picture.compress(format, QUALITY, it) } ?: false
            if (!written) throw failed(null)
        } catch (error: IOException) {
            throw failed(error)
        }
    }

    private fun failed(cause: Throwable?) = PictureException(R.string.fault_not_saved, R.string.remedy_not_saved, cause)

    private companion object {
        const val QUALITY = 95
    }
}
