package dev.redmobile.demo.gallery

import android.content.Context
import android.graphics.Bitmap
import android.net.Uri
import dev.redmobile.demo.engine.AssetModel
import dev.redmobile.demo.engine.Choice
import dev.redmobile.demo.engine.EngineState
import dev.redmobile.demo.engine.Fault
import dev.redmobile.demo.engine.TfLiteEngine

/** What becomes of one picture. */
sealed class JobState {
    /** part: 0 to 1. */
    data class Working(val part: Float) : JobState()

    /** before, after: small enough to be drawn; whole: every pixel; exif: of the file that it came from. */
    class Done(val before: Bitmap, val after: Bitmap, val whole: Bitmap, val exif: Exif) : JobState()

    object Cancelled : JobState()

    /** sentence, remedy: string resources. */
    data class Failed(val sentence: Int, val remedy: Int) : JobState()
}

/** Whether what came out is kept. */
sealed class Keeping {
    object Not : Keeping()

    object Writing : Keeping()

    data class Kept(val uri: Uri) : Keeping()

    /** sentence, remedy: string resources. */
    data class Failed(val sentence: Int, val remedy: Int) : Keeping()
}

/**
 * Opens a picture, enhances it and keeps what comes out, on threads of its own; the listener is called on any of them when something changes.
 * context: the application's, as a job outlives screens.
 */
class EnhanceJob(private val context: Context, val uri: Uri, kept: Uri? = null) : AutoCloseable {
    private val pictures = Pictures(context.contentResolver)
    private val engine = TfLiteEngine()

    @Volatile
    private var cancelled = false

    @Volatile
    var state: JobState = JobState.Working(0f)
        private set(value) {
            field = value
            listener()
        }

    @Volatile
    var keeping: Keeping = kept?.let { Keeping.Kept(it) } ?: Keeping.Not
        private set(value) {
            field = value
            listener()
        }

    @Volatile
    var listener: () -> Unit = {}

    fun start() = Thread(::open, "redmobile-picture").start()

    /** End it after the tile that is being enhanced. */
    fun cancel() {
        cancelled = true
    }

    /** Write what came out; encoding takes seconds, so that this returns before. strength: see [SavedPicture]. */
    fun keep(strength: Float, writing: (SavedPicture) -> Uri) {
        val done = state as? JobState.Done ?: return
        keeping = Keeping.Writing
        Thread({
            keeping = try {
                Keeping.Kept(writing(SavedPicture(context, uri, done, strength)))
            } catch (error: PictureException) {
                Keeping.Failed(error.sentence, error.remedy)
            }
        }, "redmobile-save").start()
    }

    /** Another strength was chosen: what is kept is not what is shown. */
    fun changed() {
        if (keeping !is Keeping.Writing) keeping = Keeping.Not
    }

    override fun close() {
        cancel()
        engine.close()
    }

    private fun open() {
        val (picture, exif) = try {
            pictures.open(uri) to pictures.exif(uri)
        } catch (error: PictureException) {
            state = JobState.Failed(error.sentence, error.remedy)
            return
        } catch (_: OutOfMemoryError) {
            state = OUT_OF_MEMORY
            return
        }
        engine.listen { found -> if (found is EngineState.Failed) state = JobState.Failed(found.fault.sentence, found.fault.remedy) }
        engine.load(AssetModel(context), Choice(context).settings)
        engine.submit { session ->
            val whole = TileEnhancer(session).enhance(picture) { done, all ->
                if (!cancelled) state = JobState.Working(done.toFloat() / all)
                !cancelled
            }
            state = if (whole == null) JobState.Cancelled else JobState.Done(small(picture), small(whole), whole, exif)
        }
    }

    /** A canvas on the GPU takes bitmaps of some 100 MB at most. */
    private fun small(picture: Bitmap): Bitmap {
        val scale = MAX_SIDE.toFloat() / Math.max(picture.width, picture.height)
        if (scale >= 1) return picture
        return Bitmap.createScaledBitmap(picture, Math.max(1, (picture.width * scale).toInt()), Math.max(1, (picture.height * scale).toInt()), true)
    }

    private companion object {
        const val MAX_SIDE = 3072
        val OUT_OF_MEMORY = Fault.OUT_OF_MEMORY.let { JobState.Failed(it.sentence, it.remedy) }
    }
}
