package dev.redmobile.demo.camera

import android.content.Context
import android.net.Uri
import dev.redmobile.demo.R
import dev.redmobile.demo.gallery.EnhanceJob
import dev.redmobile.demo.gallery.JobState
import dev.redmobile.demo.gallery.Keeping
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
 * Enhances a photograph of the camera in its full size, as the gallery does, and puts it into the phone's pictures with what the camera told
 * of it (Android 10 and later). On threads of its own; `listener` is called on any of them. strength: 0 to 1.
 */
class StillJob(private val context: Context, private val strength: Float, private val listener: (StillState) -> Unit) : AutoCloseable {
    private val stills = Stills(context)

    @Volatile
    private var job: EnhanceJob? = null

    fun start(jpeg: ByteArray) {
        val next = try {
            EnhanceJob(context, stills.put(jpeg))
        } catch (_: IOException) {
            return listener(StillState.Failed(R.string.fault_not_saved, R.string.remedy_not_saved))
        }
        job = next
        next.listener = { follow(next) }
        next.start()
    }

    /** End it; what is not saved by now is lost. */
    override fun close() {
        job?.listener = {}
        job?.close()
        stills.clear()
    }

    private fun follow(found: EnhanceJob) {
        when (val keeping = found.keeping) {
            is Keeping.Not -> follow(found, found.state)
            is Keeping.Writing -> Unit
            is Keeping.Kept -> end(StillState.Saved(keeping.uri))
            is Keeping.Failed -> end(StillState.Failed(keeping.sentence, keeping.remedy))
        }
    }

    private fun follow(found: EnhanceJob, state: JobState) {
        when (state) {
            is JobState.Working -> listener(StillState.Working(state.part))
            is JobState.Done -> found.keep(strength) { it.toMediaStore() }
            is JobState.Failed -> end(StillState.Failed(state.sentence, state.remedy))
            is JobState.Cancelled -> Unit
        }
    }

    private fun end(state: StillState) {
        close()
        listener(state)
    }
}
