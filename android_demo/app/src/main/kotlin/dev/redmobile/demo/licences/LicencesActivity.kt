package dev.redmobile.demo.licences

import android.app.Activity
import android.os.Bundle
import android.widget.TextView
import dev.redmobile.demo.R
import dev.redmobile.demo.ui.Page
import dev.redmobile.demo.ui.shown

/** Whose work the app is made of, and on which terms; a touch on a name opens the text of its licence. */
class LicencesActivity : Activity() {
    private val texts = ArrayList<TextView>()

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        val page = Page(this)
        page.text(getString(R.string.licences_explained))
        Component.ALL.forEach { component ->
            page.row("${component.name} · ${component.licence}") { text(component).let { it.shown = !it.shown } }
            texts += page.text().also { it.shown = false }
        }
        page.showIn(this)
        savedInstanceState?.getIntArray(OPEN)?.forEach { text(Component.ALL[it]).shown = true }
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putIntArray(OPEN, texts.indices.filter { texts[it].shown }.toIntArray())
    }

    /** Where the text of a component's licence is shown, read from the assets when it is asked for. */
    private fun text(component: Component): TextView {
        val view = texts[Component.ALL.indexOf(component)]
        if (view.text.isEmpty()) {
            val licence = assets.open("licences/${component.text}").use { it.reader().readText() }
            view.text = "${component.copyright}\n\n$licence"
        }
        return view
    }

    private companion object {
        const val OPEN = "open"
    }
}
