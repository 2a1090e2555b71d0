package dev.redmobile.demo.settings

import android.app.Activity
import android.content.Intent
import android.os.Bundle
import android.view.View
import dev.redmobile.demo.R
import dev.redmobile.demo.engine.Accelerator
import dev.redmobile.demo.engine.AssetModel
import dev.redmobile.demo.engine.Choice
import dev.redmobile.demo.engine.TfLiteEngine
import dev.redmobile.demo.licences.LicencesActivity
import dev.redmobile.demo.ui.Page
import dev.redmobile.demo.ui.sentence

/** What networks are run on; each choice is tried at once, so that one that this phone cannot do is known before a picture is waiting. */
class SettingsActivity : Activity() {
    private val engine = TfLiteEngine()
    private lateinit var listening: AutoCloseable
    private lateinit var choice: Choice

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        choice = Choice(this)
        val page = Page(this)
        page.heading(R.string.run_on)
        val accelerators = Accelerator.values()
        page.choice(ACCELERATORS, accelerators.map { getString(it.words) }, accelerators.indexOf(choice.accelerator)) { chosen ->
            choice.accelerator = accelerators[chosen]
            tryIt()
        }
        page.heading(R.string.threads)
        val words = Choice.OFFERED.map { resources.getQuantityString(R.plurals.threads_of, it, it) }
        page.choice(THREADS, words, Choice.OFFERED.indexOf(choice.threads)) { chosen ->
            choice.threads = Choice.OFFERED[chosen]
            tryIt()
        }
        val says = page.text()
        says.accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_POLITE
        page.button(R.string.licences) { startActivity(Intent(this, LicencesActivity::class.java)) }
        page.showIn(this)
        listening = engine.listen { state -> runOnUiThread { says.text = state.sentence(this) } }
        tryIt()
    }

    override fun onDestroy() {
        listening.close()
        engine.close()
        super.onDestroy()
    }

    private fun tryIt() = engine.load(AssetModel(this), choice.settings)

    private companion object {
        const val ACCELERATORS = 100
        const val THREADS = 200
    }
}
