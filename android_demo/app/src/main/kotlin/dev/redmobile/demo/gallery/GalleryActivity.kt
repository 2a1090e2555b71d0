package dev.redmobile.demo.gallery

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.provider.MediaStore
import android.view.View
import android.widget.Button
import android.widget.ProgressBar
import android.widget.TextView
import dev.redmobile.demo.R
import dev.redmobile.demo.ui.CompareView
import dev.redmobile.demo.ui.Page
import dev.redmobile.demo.ui.shown

/** Enhances one picture in its full size: one that is picked here, or that another app shares. Saves and shares what comes out. */
class GalleryActivity : Activity() {
    private var job: EnhanceJob? = null
    private var saved: Uri? = null
    private lateinit var pick: Button
    private lateinit var cancel: Button
    private lateinit var save: Button
    private lateinit var share: Button
    private lateinit var bar: ProgressBar
    private lateinit var says: TextView
    private lateinit var compare: CompareView

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        build()
        @Suppress("DEPRECATION") // the one that replaces it came with API 33
        saved = savedInstanceState?.getParcelable<Uri>(SAVED)
        savedInstanceState?.let { compare.split = it.getFloat(SPLIT) }
        @Suppress("DEPRECATION")
        val kept = lastNonConfigurationInstance as EnhanceJob?
        when {
            kept != null -> follow(kept)
            else -> uriToOpen(savedInstanceState)?.let(::open) ?: saySomething(R.string.gallery_explained)
        }
    }

    /** A job outlives the turning of the phone. */
    @Deprecated("of Activity, but there is nothing else without AndroidX")
    override fun onRetainNonConfigurationInstance(): Any? = job?.also { it.listener = {} }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putParcelable(URI, job?.uri)
        outState.putParcelable(SAVED, saved)
        outState.putFloat(SPLIT, compare.split)
    }

    override fun onDestroy() {
        job?.listener = {}
        if (!isChangingConfigurations) job?.close()
        super.onDestroy()
    }

    @Deprecated("of Activity, but there is nothing else without AndroidX")
    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        val uri = data?.data?.takeIf { resultCode == RESULT_OK } ?: return
        if (requestCode == PICK) open(uri) else write { picture -> uri.also { picture.write(it) } }
    }

    private fun build() {
        val page = Page(this)
        says = page.text()
        says.accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_POLITE
        bar = page.add(ProgressBar(this, null, android.R.attr.progressBarStyleHorizontal))
        bar.max = PERCENT
        cancel = page.button(R.string.cancel) { job?.cancel() }
        compare = page.add(CompareView(this), Page.dp(this, PICTURE))
        save = page.button(R.string.save) { save() }
        share = page.button(R.string.share) { share() }
        pick = page.button(R.string.pick) { pick() }
        page.showIn(this)
    }

    private fun uriToOpen(state: Bundle?): Uri? {
        @Suppress("DEPRECATION")
        return when {
            state != null -> state.getParcelable<Uri>(URI)
            intent.action == Intent.ACTION_SEND -> intent.getParcelableExtra<Uri>(Intent.EXTRA_STREAM)
            else -> null
        }
    }

    private fun pick() {
        val photos = Intent(MediaStore.ACTION_PICK_IMAGES).setType(IMAGES)
        val documents = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType(IMAGES)
        ask(if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) photos else documents, PICK)
    }

    private fun open(uri: Uri) {
        job?.close()
        saved = null
        follow(EnhanceJob(this, uri).also { it.start() })
    }

    private fun follow(next: EnhanceJob) {
        job = next
        next.listener = { state -> runOnUiThread { if (job === next) show(state) } }
        show(next.state)
    }

    private fun show(state: JobState) {
        val working = state is JobState.Working
        bar.shown = working
        cancel.shown = working
        pick.shown = !working
        listOf(compare, save, share).forEach { it.shown = state is JobState.Done }
        when (state) {
            is JobState.Working -> {
                bar.progress = (state.part * PERCENT).toInt()
                says.text = getString(R.string.gallery_working, bar.progress)
            }
            is JobState.Done -> {
                compare.show(state.before, state.after)
                showSaved(state)
            }
            is JobState.Cancelled -> says.setText(R.string.gallery_cancelled)
            is JobState.Failed -> says.text = sentence(state.sentence, state.remedy)
        }
    }

    private fun saySomething(words: Int) {
        listOf(bar, cancel, compare, save, share).forEach { it.shown = false }
        says.setText(words)
    }

    private fun showSaved(state: JobState.Done) {
        says.text = if (saved == null) getString(R.string.gallery_done, state.whole.width, state.whole.height) else getString(R.string.gallery_saved)
        save.isEnabled = saved == null
        share.isEnabled = saved != null
    }

    private fun save() {
        val picture = whole() ?: return
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) {
            write { it.toMediaStore() }
        } else {
            ask(Intent(Intent.ACTION_CREATE_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType(picture.type).putExtra(Intent.EXTRA_TITLE, picture.name), SAVE)
        }
    }

    private fun whole(): SavedPicture? = (job?.state as? JobState.Done)?.let { SavedPicture(it.whole, contentResolver) }

    /** Encoding takes seconds: on a thread of its own. */
    private fun write(writing: (SavedPicture) -> Uri) {
        val picture = whole() ?: return
        save.isEnabled = false
        says.setText(R.string.gallery_saving)
        Thread({
            try {
                val uri = writing(picture)
                runOnUiThread {
                    saved = uri
                    job?.let { show(it.state) }
                }
            } catch (error: PictureException) {
                runOnUiThread { notSaved(error) }
            }
        }, "redmobile-save").start()
    }

    private fun notSaved(error: PictureException) {
        save.isEnabled = true
        says.text = sentence(error.sentence, error.remedy)
    }

    private fun share() {
        val send = Intent(Intent.ACTION_SEND).setType(IMAGES).putExtra(Intent.EXTRA_STREAM, saved ?: return)
        startActivity(Intent.createChooser(send.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION), getString(R.string.share)))
    }

    private fun ask(what: Intent, code: Int) = try {
        @Suppress("DEPRECATION")
        startActivityForResult(what, code)
    } catch (_: ActivityNotFoundException) {
        says.setText(R.string.fault_no_picker)
    }

    private fun sentence(what: Int, remedy: Int) = "${getString(what)} ${getString(remedy)}"

    private companion object {
        const val PICK = 1
        const val SAVE = 2
        const val IMAGES = "image/*"
        const val URI = "uri"
        const val SAVED = "saved"
        const val SPLIT = "split"
        const val PERCENT = 100
        const val PICTURE = 360
    }
}
