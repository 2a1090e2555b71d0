package dev.redmobile.demo.camera

import android.content.Context
import android.net.Uri
import dev.redmobile.demo.R
import dev.redmobile.demo.gallery.EnhanceJob
import dev.redmobile.demo.gallery.JobState
import dev.redmobile.demo.gallery.PictureException
import dev.redmobile.demo.gallery.SavedPicture
import java.io.IOException

/** What becomes of a photograph that was taken. */
sealed class StillState {
    /** part: 0 to 1. */
    data class Working(val part: Float) : StillState()

    data class Saved(val uri: Uri) : StillState()

    /** sentence, remedy: string resources. */
    data class Failed(val sentence: Int, val remedy: Int) : StillState()
}

/**
 * Enhances a photograph of the camera in its full size, as the gallery does, and puts it into the phone's pictures (Android 10 and later). On
 * threads of its own; `listener` is called on any of them. strength: 0 to 1.
 */
class StillJob(private val context: Context, private val strength: Float, private val listener: (StillState) -> Unit) : AutoCloseable {
    private val stills = Stills(context)

    @Volatile
    private var job: EnhanceJob? = null

    fun start(jpeg: ByteArray) {
        try {
            job = EnhanceJob(context, stills.put(jpeg)).also { it.listener = ::follow }
            job?.start()
        } catch (_: IOException) {
            listener(StillState.Failed(R.string.fault_not_saved, R.string.remedy_not_saved))
        }
    }

    /** End it; the photograph is not kept. */
    override fun close() {
        job?.listener = {}
        job?.close()
        stills.clear()
    }

    private fun follow(state: JobState) {
        when (state) {
            is JobState.Working -> listener(StillState.Working(state.part))
            is JobState.Done -> Thread({ save(state) }, "redmobile-save").start()
            is JobState.Failed -> listener(StillState.Failed(state.sentence, state.remedy))
            is JobState.Cancelled -> Unit
        }
    }

    private fun save(done: JobState.Done) {
        val state = try {
            StillState.Saved(SavedPicture(done.whole, context.contentResolver).toMediaStore())
        } catch (error: PictureException) {
            StillState.Failed(error.sentence, error.remedy)
        }
        close()
        listener(state)
    }
}
