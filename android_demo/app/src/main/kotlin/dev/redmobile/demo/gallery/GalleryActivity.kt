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
import android.widget.SeekBar
import android.widget.TextView
import dev.redmobile.demo.R
import dev.redmobile.demo.ui.CompareView
import dev.redmobile.demo.ui.Page
import dev.redmobile.demo.ui.shown

/** Enhances one picture in its full size: one that is picked here, or that another app shares. Saves and shares what comes out. */
class GalleryActivity : Activity() {
    private var job: EnhanceJob? = null
    private lateinit var pick: Button
    private lateinit var cancel: Button
    private lateinit var save: Button
    private lateinit var share: Button
    private lateinit var bar: ProgressBar
    private lateinit var says: TextView
    private lateinit var compare: CompareView
    private lateinit var strength: SeekBar
    private lateinit var strengthSays: TextView

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        build()
        savedInstanceState?.let { compare.split = it.getFloat(SPLIT) }
        strength.progress = savedInstanceState?.getInt(STRENGTH) ?: PERCENT
        showStrength()
        @Suppress("DEPRECATION")
        val kept = lastNonConfigurationInstance as EnhanceJob?
        when {
            kept != null -> follow(kept)
            else -> uriToOpen(savedInstanceState)?.let { open(it, savedInstanceState) } ?: saySomething(R.string.gallery_explained)
        }
    }

    /** A job outlives the turning of the phone. */
    @Deprecated("of Activity, but there is nothing else without AndroidX")
    override fun onRetainNonConfigurationInstance(): Any? = job?.also { it.listener = {} }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putParcelable(URI, job?.uri)
        outState.putParcelable(SAVED, saved())
        outState.putFloat(SPLIT, compare.split)
        outState.putInt(STRENGTH, strength.progress)
    }

    override fun onDestroy() {
        job?.listener = {}
        if (!isChangingConfigurations) job?.close()
        super.onDestroy()
    }

    @Deprecated("of Activity, but there is nothing else without AndroidX")
    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        val uri = data?.data?.takeIf { resultCode == RESULT_OK } ?: return
        if (requestCode == PICK) open(uri, null) else keep { picture -> uri.also { picture.write(it) } }
    }

    private fun build() {
        val page = Page(this)
        says = page.text()
        says.accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_POLITE
        bar = page.add(ProgressBar(this, null, android.R.attr.progressBarStyleHorizontal))
        bar.max = PERCENT
        cancel = page.button(R.string.cancel) { job?.cancel() }
        compare = page.add(CompareView(this))
        buildStrength(page)
        save = page.button(R.string.save) { save() }
        share = page.button(R.string.share) { share() }
        pick = page.button(R.string.pick) { pick() }
        page.showIn(this)
    }

    private fun buildStrength(page: Page) {
        strengthSays = page.text()
        strength = page.add(SeekBar(this), Page.dp(this, TOUCHABLE))
        strength.id = STRENGTH_ID
        strength.max = PERCENT
        strengthSays.labelFor = STRENGTH_ID
        strength.setOnSeekBarChangeListener(object : SeekBar.OnSeekBarChangeListener {
            override fun onStartTrackingTouch(bar: SeekBar) = Unit

            override fun onStopTrackingTouch(bar: SeekBar) = Unit

            override fun onProgressChanged(bar: SeekBar, progress: Int, fromUser: Boolean) {
                showStrength()
                if (fromUser) job?.changed()
            }
        })
    }

    private fun showStrength() {
        strengthSays.text = getString(R.string.strength, strength.progress)
        compare.strength = part()
    }

    private fun part() = strength.progress.toFloat() / PERCENT

    private fun uriToOpen(state: Bundle?): Uri? {
        @Suppress("DEPRECATION") // the ones that replace these came with API 33
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

    /** state: of a process that has ended, in which the picture may have been saved already. */
    private fun open(uri: Uri, state: Bundle?) {
        job?.close()
        @Suppress("DEPRECATION")
        follow(EnhanceJob(applicationContext, uri, state?.getParcelable<Uri>(SAVED)).also { it.start() })
    }

    private fun follow(next: EnhanceJob) {
        job = next
        next.listener = { runOnUiThread { if (job === next) show(next) } }
        show(next)
    }

    private fun show(job: EnhanceJob) {
        val state = job.state
        val working = state is JobState.Working
        bar.shown = working
        cancel.shown = working
        pick.shown = !working
        listOf(compare, strengthSays, strength, save, share).forEach { it.shown = state is JobState.Done }
        when (state) {
            is JobState.Working -> {
                bar.progress = (state.part * PERCENT).toInt()
                says.text = getString(R.string.gallery_working, bar.progress)
            }
            is JobState.Done -> {
                compare.show(state.before, state.after)
                showKept(state, job.keeping)
            }
            is JobState.Cancelled -> says.setText(R.string.gallery_cancelled)
            is JobState.Failed -> says.text = sentence(state.sentence, state.remedy)
        }
    }

    private fun saySomething(words: Int) {
        listOf(bar, cancel, compare, strengthSays, strength, save, share).forEach { it.shown = false }
        says.setText(words)
    }

    private fun showKept(state: JobState.Done, keeping: Keeping) {
        says.text = when (keeping) {
            is Keeping.Not -> getString(R.string.gallery_done, state.whole.width, state.whole.height)
            is Keeping.Writing -> getString(R.string.gallery_saving)
            is Keeping.Kept -> getString(R.string.gallery_saved)
            is Keeping.Failed -> sentence(keeping.sentence, keeping.remedy)
        }
        save.isEnabled = keeping is Keeping.Not || keeping is Keeping.Failed
        strength.isEnabled = keeping !is Keeping.Writing
        share.isEnabled = keeping is Keeping.Kept
    }

    private fun save() {
        val done = job?.state as? JobState.Done ?: return
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) {
            keep { it.toMediaStore() }
        } else {
            val document = Intent(Intent.ACTION_CREATE_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType(SavedPicture.typeOf(done))
            ask(document.putExtra(Intent.EXTRA_TITLE, SavedPicture.nameOf(done)), SAVE)
        }
    }

    private fun keep(writing: (SavedPicture) -> Uri) = job?.keep(part(), writing)

    private fun saved(): Uri? = (job?.keeping as? Keeping.Kept)?.uri

    private fun share() {
        val send = Intent(Intent.ACTION_SEND).setType(IMAGES).putExtra(Intent.EXTRA_STREAM, saved() ?: return)
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
        const val STRENGTH = "strength"
        const val STRENGTH_ID = 1
        const val PERCENT = 100
        const val TOUCHABLE = 48
    }
}
