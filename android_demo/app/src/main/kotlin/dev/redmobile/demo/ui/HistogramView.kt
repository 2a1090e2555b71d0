package dev.redmobile.demo.ui

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.util.TypedValue
import android.view.View
import dev.redmobile.demo.R

/** Durations in milliseconds as bars, and the budget as a line: bars to its right are too slow. */
class HistogramView(context: Context) : View(context) {
    private var counts = IntArray(0)
    private var until = 0.0
    private var budget = 0.0
    private val bar = Paint()
    private val slow = Paint()
    private val line = Paint()
    private val words = Paint(Paint.ANTI_ALIAS_FLAG)

    init {
        bar.color = context.getColor(R.color.bar)
        slow.color = context.getColor(R.color.bar_slow)
        line.color = context.getColor(R.color.budget)
        line.strokeWidth = Page.dp(context, 2).toFloat()
        words.color = context.getColor(R.color.chart_text)
        words.textSize = TypedValue.applyDimension(TypedValue.COMPLEX_UNIT_SP, LABEL_SP, resources.displayMetrics)
    }

    /** samples, budget: milliseconds; at least one. The axis begins at 0, so that bars can be compared with the budget by eye. */
    fun show(samples: List<Double>, budget: Double) {
        this.budget = budget
        until = Math.max(samples.max(), budget) * ROOM
        counts = IntArray(BARS)
        samples.forEach { counts[(it / until * BARS).toInt().coerceIn(0, BARS - 1)]++ }
        contentDescription = context.getString(R.string.histogram_says, samples.size, samples.count { it <= budget }, budget)
        invalidate()
    }

    override fun onMeasure(widthMeasureSpec: Int, heightMeasureSpec: Int) {
        val height = Math.round(Page.dp(context, HEIGHT) + LINES * words.fontSpacing)
        setMeasuredDimension(getDefaultSize(suggestedMinimumWidth, widthMeasureSpec), resolveSize(height, heightMeasureSpec))
    }

    override fun onDraw(canvas: Canvas) {
        val most = counts.maxOrNull() ?: return
        val top = words.fontSpacing
        val bottom = height - words.fontSpacing
        val step = width.toFloat() / BARS
        counts.forEachIndexed { index, count ->
            val isSlow = (index + HALF) / BARS * until > budget
            canvas.drawRect(index * step + 1, bottom - (bottom - top) * count / most, (index + 1) * step, bottom, if (isSlow) slow else bar)
        }
        canvas.drawLine(0f, bottom, width.toFloat(), bottom, words)
        val x = (budget / until * width).toFloat()
        canvas.drawLine(x, top, x, bottom, line)
        val label = context.getString(R.string.milliseconds, budget)
        canvas.drawText(label, (x - words.measureText(label) / 2).coerceIn(0f, width - words.measureText(label)), top - words.descent(), words)
        canvas.drawText("0", 0f, height - words.descent(), words)
        val end = context.getString(R.string.milliseconds, until)
        canvas.drawText(end, width - words.measureText(end), height - words.descent(), words)
    }

    private companion object {
        const val BARS = 40
        const val ROOM = 1.05
        const val HALF = 0.5
        const val HEIGHT = 160
        const val LINES = 2
        const val LABEL_SP = 12f
    }
}
