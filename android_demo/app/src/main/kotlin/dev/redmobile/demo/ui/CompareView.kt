package dev.redmobile.demo.ui

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Matrix
import android.graphics.Paint
import android.graphics.RectF
import android.os.Bundle
import android.view.KeyEvent
import android.view.MotionEvent
import android.view.ScaleGestureDetector
import android.view.View
import android.view.accessibility.AccessibilityNodeInfo
import android.widget.SeekBar
import dev.redmobile.demo.R

/**
 * Two pictures of one size, the one before left of a line and the one after right of it. One finger, the arrow keys and TalkBack's gestures for
 * sliders move the line; two fingers zoom and move both.
 */
class CompareView(context: Context) : View(context) {
    private var before: Bitmap? = null
    private var after: Bitmap? = null
    private val smooth = Paint(Paint.FILTER_BITMAP_FLAG)
    private val mixed = Paint(Paint.FILTER_BITMAP_FLAG)
    private val edge = Paint()
    private val place = Matrix()
    private val covered = RectF()
    private var zoom = 1f
    private var panX = 0f
    private var panY = 0f

    /** Where the line is: 0 left, 1 right. */
    var split = HALF
        set(value) {
            field = value.coerceIn(0f, 1f)
            contentDescription = "${context.getString(R.string.compare_says)}, ${context.getString(R.string.split_says, Math.round(field * PERCENT))}"
            invalidate()
        }

    /** How much of the picture after is seen right of the line: 0, as before, to 1. */
    var strength = 1f
        set(value) {
            field = value
            mixed.alpha = Math.round(value * OPAQUE)
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
        isFocusable = true
        split = HALF
    }

    fun show(before: Bitmap, after: Bitmap) {
        this.before = before
        this.after = after
        requestLayout()
        invalidate()
    }

    /** As wide as there is room, and as high as the pictures then are, but never more than most of the screen. */
    override fun onMeasure(widthMeasureSpec: Int, heightMeasureSpec: Int) {
        val width = getDefaultSize(suggestedMinimumWidth, widthMeasureSpec)
        val picture = before
        val height = if (picture == null) 0f else Math.min(width.toFloat() * picture.height / picture.width, MOST * resources.displayMetrics.heightPixels)
        setMeasuredDimension(width, Math.max(Page.dp(context, LEAST), Math.round(height)))
    }

    override fun onKeyDown(keyCode: Int, event: KeyEvent): Boolean = when (keyCode) {
        KeyEvent.KEYCODE_DPAD_LEFT -> step(-STEP)
        KeyEvent.KEYCODE_DPAD_RIGHT -> step(STEP)
        else -> super.onKeyDown(keyCode, event)
    }

    override fun getAccessibilityClassName(): CharSequence = SeekBar::class.java.name

    override fun onInitializeAccessibilityNodeInfo(info: AccessibilityNodeInfo) {
        super.onInitializeAccessibilityNodeInfo(info)
        info.addAction(AccessibilityNodeInfo.AccessibilityAction.ACTION_SCROLL_FORWARD)
        info.addAction(AccessibilityNodeInfo.AccessibilityAction.ACTION_SCROLL_BACKWARD)
    }

    override fun performAccessibilityAction(action: Int, arguments: Bundle?): Boolean = when (action) {
        AccessibilityNodeInfo.ACTION_SCROLL_FORWARD -> step(STEP)
        AccessibilityNodeInfo.ACTION_SCROLL_BACKWARD -> step(-STEP)
        else -> super.performAccessibilityAction(action, arguments)
    }

    private fun step(by: Float): Boolean {
        split += by
        return true
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
        covered.set(0f, 0f, left.width.toFloat(), left.height.toFloat())
        place.mapRect(covered)
        val x = split * width
        canvas.drawBitmap(left, place, smooth)
        canvas.save()
        canvas.clipRect(x, 0f, width.toFloat(), height.toFloat())
        canvas.drawBitmap(right, place, mixed)
        canvas.restore()
        if (x in covered.left..covered.right) canvas.drawLine(x, covered.top, x, covered.bottom, edge)
    }

    private companion object {
        const val HALF = 0.5f
        const val MAX_ZOOM = 16f
        const val STEP = 0.1f
        const val LEAST = 48
        const val MOST = 0.6f
        const val PERCENT = 100
        const val OPAQUE = 255
    }
}
