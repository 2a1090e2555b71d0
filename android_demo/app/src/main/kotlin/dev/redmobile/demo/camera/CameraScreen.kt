package dev.redmobile.demo.camera

import android.annotation.SuppressLint
import android.app.Activity
import android.content.res.Configuration
import android.graphics.Color
import android.os.Bundle
import android.view.Gravity
import android.view.SurfaceView
import android.view.View
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.view.ViewGroup.LayoutParams.WRAP_CONTENT
import android.view.accessibility.AccessibilityNodeInfo
import android.view.accessibility.AccessibilityNodeInfo.AccessibilityAction
import android.widget.Button
import android.widget.FrameLayout
import android.widget.LinearLayout
import android.widget.ScrollView
import android.widget.SeekBar
import android.widget.Switch
import android.widget.TextView
import dev.redmobile.demo.R
import dev.redmobile.demo.ui.Page
import dev.redmobile.demo.ui.shown

/** The camera's screen, without what moves it: the picture with its figures, below it (in landscape beside it) what can be set. */
class CameraScreen(private val activity: Activity) {
    val picture = SurfaceView(activity)

    /** Figures: over the picture, or below what can be set where the phone's fonts are so large that they would cover it. */
    val figures = words(SMALL_SP)

    /** What is wrong or being done, in the middle of the picture, and what can be done about it. */
    val message = words(BODY_SP)
    val remedy = button(R.string.camera_again)

    /** What was done, e.g. saved, and how the phone keeps up. */
    val says = TextView(activity)
    val shutter = button(R.string.camera_shutter)
    val other = button(R.string.camera_other)
    val strengthSays = TextView(activity)
    val strength = SeekBar(activity)

    @Suppress("UseSwitchCompatOrMaterialCode") // there is no AndroidX
    val smaller = Switch(activity)

    /** Called with a place on the picture's view, 0 to its width, to which the line was drawn. */
    var onLine: (Float) -> Unit = {}

    /** Called by TalkBack's gestures, with the step that the line shall make. */
    var onLineStep: (Float) -> Unit = {}

    fun showIn() {
        build()
        val isWide = activity.resources.configuration.orientation == Configuration.ORIENTATION_LANDSCAPE
        val outer = LinearLayout(activity)
        outer.orientation = if (isWide) LinearLayout.HORIZONTAL else LinearLayout.VERTICAL
        outer.fitsSystemWindows = true // Android 15 draws every app from edge to edge
        outer.addView(view(), share(isWide, PICTURE))
        outer.addView(controls(), share(isWide, CONTROLS))
        activity.setContentView(outer)
    }

    private fun build() {
        figures.setBackgroundColor(SHADE)
        figures.setPadding(gap, gap / 2, gap, gap / 2)
        message.gravity = Gravity.CENTER
        listOf(message, says).forEach { it.accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_POLITE }
        says.textSize = BODY_SP
        strengthSays.textSize = BODY_SP
        strength.id = STRENGTH_ID
        strength.max = PERCENT
        strength.minimumHeight = Page.dp(activity, TOUCHABLE)
        strengthSays.labelFor = STRENGTH_ID
        smaller.setText(R.string.camera_smaller)
        smaller.textSize = BODY_SP
        smaller.minimumHeight = Page.dp(activity, TOUCHABLE)
        picture.contentDescription = activity.getString(R.string.compare_says)
        other.shown = false
        followLine()
    }

    @SuppressLint("ClickableViewAccessibility") // there is nothing to click; TalkBack has its own way
    private fun followLine() {
        picture.setOnTouchListener { _, event ->
            onLine(event.x)
            true
        }
        picture.accessibilityDelegate = object : View.AccessibilityDelegate() {
            override fun onInitializeAccessibilityNodeInfo(host: View, info: AccessibilityNodeInfo) {
                super.onInitializeAccessibilityNodeInfo(host, info)
                info.className = SeekBar::class.java.name
                info.addAction(AccessibilityAction.ACTION_SCROLL_FORWARD)
                info.addAction(AccessibilityAction.ACTION_SCROLL_BACKWARD)
            }

            override fun performAccessibilityAction(host: View, action: Int, arguments: Bundle?): Boolean {
                val step = mapOf(AccessibilityAction.ACTION_SCROLL_FORWARD.id to STEP, AccessibilityAction.ACTION_SCROLL_BACKWARD.id to -STEP)[action]
                step?.let(onLineStep)
                return step != null || super.performAccessibilityAction(host, action, arguments)
            }
        }
    }

    private fun view(): View {
        val frame = FrameLayout(activity)
        frame.setBackgroundColor(Color.BLACK)
        frame.addView(picture, FrameLayout.LayoutParams(MATCH_PARENT, MATCH_PARENT))
        if (!hasLargeFonts) frame.addView(figures, FrameLayout.LayoutParams(WRAP_CONTENT, WRAP_CONTENT, Gravity.TOP or Gravity.START))
        val middle = column(message, remedy)
        middle.gravity = Gravity.CENTER
        frame.addView(scrolling(middle), FrameLayout.LayoutParams(MATCH_PARENT, MATCH_PARENT))
        return frame
    }

    private fun controls(): View {
        val settable = arrayOf<View>(shutter, says, strengthSays, strength, smaller, other)
        return scrolling(if (hasLargeFonts) column(*settable, figures) else column(*settable))
    }

    private fun column(vararg views: View): LinearLayout {
        val column = LinearLayout(activity)
        column.orientation = LinearLayout.VERTICAL
        column.setPadding(gap, gap / 2, gap, gap / 2)
        views.forEach { column.addView(it, LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT).apply { bottomMargin = gap / 2 }) }
        return column
    }

    private fun scrolling(content: View): ScrollView {
        val scroll = ScrollView(activity)
        scroll.isFillViewport = true
        scroll.addView(content)
        return scroll
    }

    private fun share(isWide: Boolean, weight: Float) =
        if (isWide) LinearLayout.LayoutParams(0, MATCH_PARENT, weight) else LinearLayout.LayoutParams(MATCH_PARENT, 0, weight)

    private fun words(size: Float) = TextView(activity).apply {
        textSize = size
        setTextColor(Color.WHITE)
    }

    private fun button(words: Int) = Button(activity).apply {
        setText(words)
        isAllCaps = false
    }

    private val hasLargeFonts get() = activity.resources.configuration.fontScale > LARGE

    private val gap get() = Page.dp(activity, GAP)

    companion object {
        const val PERCENT = 100
        private const val PICTURE = 0.64f
        private const val CONTROLS = 0.36f
        private const val GAP = 12
        private const val SMALL_SP = 13f
        private const val BODY_SP = 16f
        private const val LARGE = 1.3f // Android's largest before it offers still larger ones for people who see badly
        private const val TOUCHABLE = 48
        private const val STRENGTH_ID = 1
        private const val STEP = 0.1f
        private const val SHADE = 0xA0000000.toInt()
    }
}
