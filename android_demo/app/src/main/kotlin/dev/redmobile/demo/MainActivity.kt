package dev.redmobile.demo

import android.app.Activity
import android.content.Intent
import android.os.Bundle
import dev.redmobile.demo.benchmark.BenchmarkActivity
import dev.redmobile.demo.camera.CameraActivity
import dev.redmobile.demo.engine.AssetModel
import dev.redmobile.demo.engine.EngineState
import dev.redmobile.demo.engine.TfLiteEngine
import dev.redmobile.demo.gallery.GalleryActivity
import dev.redmobile.demo.ui.Page

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
        page.showIn(this)
        listening = engine.listen { state -> runOnUiThread { text.text = sentence(state) } }
        engine.load(AssetModel(this))
    }

    override fun onDestroy() {
        listening.close()
        engine.close()
        super.onDestroy()
    }

    private fun sentence(state: EngineState): String = when (state) {
        is EngineState.Idle -> getString(R.string.state_idle)
        is EngineState.Loading -> getString(R.string.state_loading)
        is EngineState.Ready -> getString(R.string.state_ready, state.model.width, state.model.height, state.model.settings.delegate, state.model.settings.threads)
        is EngineState.Running -> getString(R.string.state_running)
        is EngineState.Failed -> "${getString(state.fault.sentence)} ${getString(state.fault.remedy)}"
    }
}
