package dev.redmobile.demo

import android.app.Activity
import android.content.Intent
import android.os.Bundle
import dev.redmobile.demo.benchmark.BenchmarkActivity
import dev.redmobile.demo.camera.CameraActivity
import dev.redmobile.demo.engine.AssetModel
import dev.redmobile.demo.engine.Choice
import dev.redmobile.demo.engine.TfLiteEngine
import dev.redmobile.demo.gallery.GalleryActivity
import dev.redmobile.demo.settings.SettingsActivity
import dev.redmobile.demo.ui.Page
import dev.redmobile.demo.ui.sentence

/** The first screen: whether the model loads, and the ways on from here. */
class MainActivity : Activity() {
    private val engine = TfLiteEngine()
    private lateinit var listening: AutoCloseable

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        val page = Page(this)
        val text = page.text()
        page.text(getString(R.string.promise))
        page.button(R.string.camera) { startActivity(Intent(this, CameraActivity::class.java)) }
        page.button(R.string.gallery) { startActivity(Intent(this, GalleryActivity::class.java)) }
        page.button(R.string.benchmark) { startActivity(Intent(this, BenchmarkActivity::class.java)) }
        page.button(R.string.settings) { startActivity(Intent(this, SettingsActivity::class.java)) }
        page.showIn(this)
        listening = engine.listen { state -> runOnUiThread { text.text = state.sentence(this) } }
    }

    /** Also when the person comes back from the settings. */
    override fun onStart() {
        super.onStart()
        engine.load(AssetModel(this), Choice(this).settings)
    }

    override fun onDestroy() {
        listening.close()
        engine.close()
        super.onDestroy()
    }
}
