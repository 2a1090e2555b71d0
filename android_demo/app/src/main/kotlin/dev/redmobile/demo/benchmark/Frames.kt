package dev.redmobile.demo.benchmark

import android.content.res.AssetManager
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.BitmapShader
import android.graphics.Canvas
import android.graphics.Matrix
import android.graphics.Paint
import android.graphics.Shader
import java.io.IOException
import java.nio.ByteBuffer

/** The benchmark's frames: dark photographs in assets/frames, the same for every phone: PNG, each pixel made four by four, mirrored on below. */
object Frames {
    private const val FOLDER = "frames"
    private const val SCALE = 4f

    /** RGBA bytes of each frame, in direct buffers. Throws [IOException]. */
    fun load(assets: AssetManager, width: Int, height: Int): List<ByteBuffer> {
        val names = assets.list(FOLDER).orEmpty().filter { it.endsWith(".png") }.sorted()
        if (names.isEmpty()) throw IOException("assets/$FOLDER holds no frames")
        return names.map { name -> assets.open("$FOLDER/$name").use { pixels(BitmapFactory.decodeStream(it) ?: throw IOException(name), width, height) } }
    }

    private fun pixels(picture: Bitmap, width: Int, height: Int): ByteBuffer {
        val shader = BitmapShader(picture, Shader.TileMode.MIRROR, Shader.TileMode.MIRROR)
        shader.setLocalMatrix(Matrix().apply { setScale(SCALE, SCALE) })
        val frame = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
        val paint = Paint() // which filters nothing
        paint.isFilterBitmap = false
        paint.shader = shader
        Canvas(frame).drawPaint(paint)
        val bytes = ByteBuffer.allocateDirect(frame.byteCount)
        frame.copyPixelsToBuffer(bytes)
        return bytes
    }
}
