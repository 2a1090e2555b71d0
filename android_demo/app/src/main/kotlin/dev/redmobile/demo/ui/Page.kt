package dev.redmobile.demo.ui

import android.app.Activity
import android.content.Context
import android.os.Build
import android.view.Gravity
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.LinearLayout
import android.widget.RadioButton
import android.widget.RadioGroup
import android.widget.ScrollView
import android.widget.TextView

/** A page of widgets one under the other, which scrolls, so that nothing is cut off with large fonts; it keeps clear of the system's bars. */
class Page(private val context: Context) {
    private val column = LinearLayout(context).apply { orientation = LinearLayout.VERTICAL }

    fun <V : View> add(view: V, height: Int = ViewGroup.LayoutParams.WRAP_CONTENT): V {
        val place = LinearLayout.LayoutParams(ViewGroup.LayoutParams.MATCH_PARENT, height)
        place.bottomMargin = dp(context, GAP)
        column.addView(view, place)
        return view
    }

    fun text(words: CharSequence = ""): TextView = add(TextView(context).apply {
        setTextAppearance(android.R.style.TextAppearance_Material_Body1)
        text = words
        textSize = BODY_SP
        textAlignment = View.TEXT_ALIGNMENT_VIEW_START // also of words that run the other way than the screen
        setTextIsSelectable(true)
    })

    /** The title of what comes below it; TalkBack jumps from one to the next, from Android 9 on. */
    fun heading(words: Int): TextView = add(TextView(context).apply {
        setTextAppearance(android.R.style.TextAppearance_Material_Title)
        textAlignment = View.TEXT_ALIGNMENT_VIEW_START
        setText(words)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) HeadingApi28.mark(this)
    })

    fun button(words: Int, onClick: () -> Unit): Button = add(Button(context).apply {
        setText(words)
        isAllCaps = false
        setOnClickListener { onClick() }
    })

    /** One of a list, to be opened. */
    fun row(words: CharSequence, onClick: () -> Unit): Button = add(Button(context, null, android.R.attr.borderlessButtonStyle).apply {
        text = words
        isAllCaps = false
        gravity = Gravity.START or Gravity.CENTER_VERTICAL
        textAlignment = View.TEXT_ALIGNMENT_VIEW_START
        setOnClickListener { onClick() }
    })

    /** One of several. firstId: of the first one's view, the others' follow, so that they must be free on this page; onChoice: with the index. */
    fun choice(firstId: Int, words: List<CharSequence>, chosen: Int, onChoice: (Int) -> Unit): RadioGroup = add(RadioGroup(context)).apply {
        words.forEachIndexed { index, each ->
            addView(RadioButton(context).apply {
                id = firstId + index
                text = each
                minHeight = dp(context, TOUCHABLE)
            })
        }
        check(firstId + chosen)
        setOnCheckedChangeListener { _, id -> onChoice(id - firstId) }
    }

    fun showIn(activity: Activity) {
        val scroll = ScrollView(context)
        scroll.isFillViewport = true
        scroll.addView(column)
        scroll.clipToPadding = false
        scroll.scrollBarStyle = View.SCROLLBARS_OUTSIDE_OVERLAY
        val edge = dp(context, EDGE)
        scroll.setPadding(edge, edge, edge, edge)
        val outer = LinearLayout(context)
        outer.fitsSystemWindows = true // Android 15 draws every app from edge to edge
        outer.addView(scroll, ViewGroup.LayoutParams(ViewGroup.LayoutParams.MATCH_PARENT, ViewGroup.LayoutParams.MATCH_PARENT))
        activity.setContentView(outer)
    }

    companion object {
        private const val GAP = 12
        private const val EDGE = 16
        private const val BODY_SP = 16f
        private const val TOUCHABLE = 48

        fun dp(context: Context, size: Int): Int = Math.round(size * context.resources.displayMetrics.density)
    }
}

private object HeadingApi28 {
    fun mark(view: View) {
        view.isAccessibilityHeading = true
    }
}

/** Whether people can see it; where not, it takes no room. */
var View.shown: Boolean
    get() = visibility == View.VISIBLE
    set(value) {
        visibility = if (value) View.VISIBLE else View.GONE
    }
