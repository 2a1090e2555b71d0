package dev.redmobile.demo.gallery

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ColorSpace
import android.graphics.Matrix
import android.media.ExifInterface
import android.net.Uri
import dev.redmobile.demo.R
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream

/** Why a picture cannot be taken or kept: string resources, one sentence each. */
class PictureException(val sentence: Int, val remedy: Int, cause: Throwable? = null) : Exception(cause)

/** Opens pictures that other apps hand over. */
class Pictures(private val resolver: ContentResolver) {
    /** The whole picture, upright, in sRGB, 8 bits a channel, to be drawn on. Throws [PictureException]; OutOfMemoryError where the phone has too little. */
    fun open(uri: Uri): Bitmap {
        if (uri.scheme != ContentResolver.SCHEME_CONTENT) throw PictureException(R.string.fault_picture_gone, R.string.remedy_picture)
        val size = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        read(uri) { BitmapFactory.decodeStream(it, null, size) }
        if (size.outWidth <= 0 || size.outHeight <= 0) throw PictureException(R.string.fault_picture_broken, R.string.remedy_picture)
        if (size.outWidth.toLong() * size.outHeight > MAX_PIXELS) throw PictureException(R.string.fault_picture_large, R.string.remedy_picture_large)
        val wanted = BitmapFactory.Options().apply {
            inPreferredConfig = Bitmap.Config.ARGB_8888
            inMutable = true
            inPreferredColorSpace = ColorSpace.get(ColorSpace.Named.SRGB)
        }
        val found = read(uri) { BitmapFactory.decodeStream(it, null, wanted) } ?: throw PictureException(R.string.fault_picture_broken, R.string.remedy_picture)
        return upright(found, read(uri, ::orientation))
    }

    /** What the file tells beside its pixels. Throws [PictureException]. */
    fun exif(uri: Uri): Exif = read(uri, Exif::read)

    private fun <T> read(uri: Uri, block: (InputStream) -> T): T = try {
        (resolver.openInputStream(uri) ?: throw FileNotFoundException(uri.toString())).use(block)
    } catch (error: IOException) {
        throw PictureException(R.string.fault_picture_gone, R.string.remedy_picture, error)
    } catch (error: SecurityException) { // the other app's permission to read it has ended
        throw PictureException(R.string.fault_picture_gone, R.string.remedy_picture, error)
    }

    private fun orientation(stream: InputStream): Int = try {
        ExifInterface(stream).getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL)
    } catch (_: IOException) { // a kind of file without EXIF
        ExifInterface.ORIENTATION_NORMAL
    }

    private fun upright(picture: Bitmap, orientation: Int): Bitmap {
        val turn = Matrix()
        val flipped = setOf(ExifInterface.ORIENTATION_FLIP_HORIZONTAL, ExifInterface.ORIENTATION_FLIP_VERTICAL, ExifInterface.ORIENTATION_TRANSPOSE, ExifInterface.ORIENTATION_TRANSVERSE)
        turn.postRotate(DEGREES[orientation] ?: 0f)
        if (orientation in flipped) turn.postScale(-1f, 1f)
        return if (turn.isIdentity) picture else Bitmap.createBitmap(picture, 0, 0, picture.width, picture.height, turn, false)
    }

    private companion object {
        const val MAX_PIXELS = 120_000_000L

        /** Clockwise, before what is flipped is flipped from left to right. */
        val DEGREES = mapOf(
            ExifInterface.ORIENTATION_ROTATE_90 to 90f,
            ExifInterface.ORIENTATION_TRANSPOSE to 90f,
            ExifInterface.ORIENTATION_ROTATE_180 to 180f,
            ExifInterface.ORIENTATION_FLIP_VERTICAL to 180f,
            ExifInterface.ORIENTATION_ROTATE_270 to 270f,
            ExifInterface.ORIENTATION_TRANSVERSE to 270f,
        )
    }
}
