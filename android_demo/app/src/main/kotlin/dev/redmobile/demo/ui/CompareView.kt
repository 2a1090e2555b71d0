package dev.redmobile.demo.ui

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Matrix
import android.graphics.Paint
import android.view.MotionEvent
import android.view.ScaleGestureDetector
import android.view.View
import dev.redmobile.demo.R

/** Two pictures of one size, the one before left of a line and the one after right of it. One finger moves the line, two zoom and move both. */
class CompareView(context: Context) : View(context) {
    private var before: Bitmap? = null
    private var after: Bitmap? = null
    private val smooth = Paint(Paint.FILTER_BITMAP_FLAG)
    private val edge = Paint()
    private val place = Matrix()
    private var zoom = 1f
    private var panX = 0f
    private var panY = 0f

    /** Where the line is: 0 left, 1 right. */
    var split = HALF
        set(value) {
            field = value.coerceIn(0f, 1f)
            invalidate()
        }

    private val scaling = ScaleGestureDetector(
        context,
        object : ScaleGestureDetector.SimpleOnScaleGestureListener() {
            private var lastX = 0f
            private var lastY = 0f

            override fun onScaleBegin(detector: ScaleGestureDetector): Boolean {
                lastX = detector.focusX
                lastY = detector.focusY
                return true
            }

            override fun onScale(detector: ScaleGestureDetector): Boolean {
                val next = (zoom * detector.scaleFactor).coerceIn(1f, MAX_ZOOM)
                panX = (panX + detector.focusX - lastX) * next / zoom
                panY = (panY + detector.focusY - lastY) * next / zoom
                zoom = next
                lastX = detector.focusX
                lastY = detector.focusY
                invalidate()
                return true
            }
        },
    )

    init {
        edge.color = context.getColor(R.color.budget)
        edge.strokeWidth = Page.dp(context, 2).toFloat()
        contentDescription = context.getString(R.string.compare_says)
    }

    fun show(before: Bitmap, after: Bitmap) {
        this.before = before
        this.after = after
        invalidate()
    }

    @SuppressLint("ClickableViewAccessibility") // there is nothing to click; the description says what is seen
    override fun onTouchEvent(event: MotionEvent): Boolean {
        parent.requestDisallowInterceptTouchEvent(true) // the page around it scrolls
        scaling.onTouchEvent(event)
        if (event.pointerCount == 1 && !scaling.isInProgress) split = event.x / Math.max(1, width)
        return true
    }

    override fun onDraw(canvas: Canvas) {
        val (left, right) = (before ?: return) to (after ?: return)
        val fit = Math.min(width.toFloat() / left.width, height.toFloat() / left.height) * zoom
        val roomX = Math.max(0f, (left.width * fit - width) / 2)
        val roomY = Math.max(0f, (left.height * fit - height) / 2)
        panX = panX.coerceIn(-roomX, roomX)
        panY = panY.coerceIn(-roomY, roomY)
        place.setScale(fit, fit)
        place.postTranslate((width - left.width * fit) / 2 + panX, (height - left.height * fit) / 2 + panY)
        val x = split * width
        half(canvas, left, 0f, x)
        half(canvas, right, x, width.toFloat())
        canvas.drawLine(x, 0f, x, height.toFloat(), edge)
    }

    private fun half(canvas: Canvas, picture: Bitmap, from: Float, to: Float) {
        canvas.save()
        canvas.clipRect(from, 0f, to, height.toFloat())
        canvas.drawBitmap(picture, place, smooth)
        canvas.restore()
    }

    private companion object {
        const val HALF = 0.5f
        const val MAX_ZOOM = 16f
    }
}
