package dev.redmobile.demo.settings

import android.app.Activity
import android.content.Intent
import android.graphics.Rect
import android.os.Bundle
import android.view.View
import android.widget.TextView
import dev.redmobile.demo.R
import dev.redmobile.demo.engine.Accelerator
import dev.redmobile.demo.engine.AssetModel
import dev.redmobile.demo.engine.Choice
import dev.redmobile.demo.engine.EngineState
import dev.redmobile.demo.engine.TfLiteEngine
import dev.redmobile.demo.licences.LicencesActivity
import dev.redmobile.demo.ui.Page
import dev.redmobile.demo.ui.sentence

/** What networks are run on; each choice is tried at once, so that one that this phone cannot do is known before a picture is waiting. */
class SettingsActivity : Activity() {
    private var engine: TfLiteEngine? = null
    private lateinit var choice: Choice
    private lateinit var says: TextView
    private var isChosen = false

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        choice = Choice(this)
        val page = Page(this)
        page.heading(R.string.run_on)
        val accelerators = Accelerator.values()
        page.choice(ACCELERATORS, accelerators.map { getString(it.words) }, accelerators.indexOf(choice.accelerator)) { chosen ->
            choice.accelerator = accelerators[chosen]
            tryIt()
            isChosen = true
        }
        page.heading(R.string.threads)
        val words = Choice.OFFERED.map { resources.getQuantityString(R.plurals.threads_of, it, it) }
        page.choice(THREADS, words, Choice.OFFERED.indexOf(choice.threads)) { chosen ->
            choice.threads = Choice.OFFERED[chosen]
            tryIt()
            isChosen = true
        }
        says = page.text()
        says.accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_POLITE
        says.setTextIsSelectable(false) // else the page scrolls to it when it opens
        page.button(R.string.licences) { startActivity(Intent(this, LicencesActivity::class.java)) }
        page.showIn(this)
    }

    override fun onStart() {
        super.onStart()
        engine = TfLiteEngine().also { next -> next.listen { state -> runOnUiThread { if (engine === next) show(state) } } }
        tryIt()
    }

    /** The network's memory is for the screen that is seen. */
    override fun onStop() {
        engine?.close()
        engine = null
        super.onStop()
    }

    private fun tryIt() {
        engine?.load(AssetModel(this), choice.settings)
    }

    /** What a choice comes to is brought into view: with large fonts, or in landscape, it lies below. */
    private fun show(state: EngineState) {
        says.text = state.sentence(this)
        if (isChosen) says.post { says.requestRectangleOnScreen(Rect(0, 0, says.width, says.height), true) }
    }

    private companion object {
        const val ACCELERATORS = 100
        const val THREADS = 200
    }
}
