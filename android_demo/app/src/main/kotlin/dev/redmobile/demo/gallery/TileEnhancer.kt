package dev.redmobile.demo.gallery

import android.graphics.Bitmap
import android.graphics.BitmapShader
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.ComposeShader
import android.graphics.LinearGradient
import android.graphics.Matrix
import android.graphics.Paint
import android.graphics.PorterDuff
import android.graphics.PorterDuffXfermode
import android.graphics.Shader
import dev.redmobile.demo.engine.Session
import dev.redmobile.tflite.Interpreter
import java.nio.ByteBuffer

/** Enhances pictures of any size, tile by tile, each fading in over its neighbours, so that no seam is seen. On the engine's thread. */
class TileEnhancer(private val session: Session) {
    private val width = session.model.width
    private val height = session.model.height
    private val tile = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
    private val bytes = ByteBuffer.allocateDirect(tile.byteCount)

    /**
     * The enhanced picture, of the same size, or null if `goOn` said no; it is asked before each tile with (tiles done, all). What is not
     * opaque is enhanced before black, and is as transparent afterwards as it was.
     */
    fun enhance(picture: Bitmap, goOn: (Int, Int) -> Boolean): Bitmap? {
        val result = Bitmap.createBitmap(picture.width, picture.height, Bitmap.Config.ARGB_8888)
        val canvas = Canvas(result)
        val columns = Tiles.along(picture.width, width)
        val rows = Tiles.along(picture.height, height)
        val all = rows.size * columns.size
        rows.forEachIndexed { y, row ->
            columns.forEachIndexed { x, column ->
                if (!goOn(y * columns.size + x, all)) return null
                run(picture, column.origin, row.origin)
                draw(canvas, column, row)
            }
        }
        if (picture.hasAlpha()) canvas.drawBitmap(picture, 0f, 0f, Paint().apply { xfermode = PorterDuffXfermode(PorterDuff.Mode.DST_IN) })
        result.setHasAlpha(picture.hasAlpha())
        return result
    }

    /** The picture from (x, y) on, mirrored where it ends, through the network and back into [tile]. */
    private fun run(picture: Bitmap, x: Int, y: Int) {
        val whole = BitmapShader(picture, Shader.TileMode.MIRROR, Shader.TileMode.MIRROR)
        whole.setLocalMatrix(Matrix().apply { setTranslate(-x.toFloat(), -y.toFloat()) })
        val canvas = Canvas(tile)
        canvas.drawColor(Color.BLACK)
        canvas.drawPaint(paint(whole))
        bytes.clear()
        tile.copyPixelsToBuffer(bytes)
        Interpreter.flip(bytes, 0, session.input, 0, bytes.capacity())
        session.run()
        Interpreter.flip(session.output, 0, bytes, 0, bytes.capacity())
        bytes.clear()
        tile.copyPixelsFromBuffer(bytes)
    }

    private fun draw(canvas: Canvas, column: Span, row: Span) {
        var shader: Shader = BitmapShader(tile, Shader.TileMode.CLAMP, Shader.TileMode.CLAMP)
        shader.setLocalMatrix(Matrix().apply { setTranslate(column.origin.toFloat(), row.origin.toFloat()) })
        if (column.fade > 0) shader = faded(shader, LinearGradient(column.from.toFloat(), 0f, (column.from + column.fade).toFloat(), 0f, 0, OPAQUE, Shader.TileMode.CLAMP))
        if (row.fade > 0) shader = faded(shader, LinearGradient(0f, row.from.toFloat(), 0f, (row.from + row.fade).toFloat(), 0, OPAQUE, Shader.TileMode.CLAMP))
        canvas.drawRect(column.from.toFloat(), row.from.toFloat(), column.to.toFloat(), row.to.toFloat(), paint(shader))
    }

    private fun faded(tile: Shader, ramp: Shader) = ComposeShader(tile, ramp, PorterDuff.Mode.DST_IN)

    private fun paint(what: Shader) = Paint().apply {
        isFilterBitmap = false
        shader = what
    }

    private companion object {
        const val OPAQUE = Color.BLACK
    }
}
