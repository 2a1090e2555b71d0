package dev.redmobile.demo.gallery

import android.content.Context
import android.graphics.Bitmap
import android.net.Uri
import dev.redmobile.demo.engine.AssetModel
import dev.redmobile.demo.engine.EngineState
import dev.redmobile.demo.engine.Fault
import dev.redmobile.demo.engine.TfLiteEngine

/** What becomes of one picture. */
sealed class JobState {
    /** part: 0 to 1. */
    data class Working(val part: Float) : JobState()

    /** before, after: small enough to be drawn; whole: every pixel. */
    class Done(val before: Bitmap, val after: Bitmap, val whole: Bitmap) : JobState()

    object Cancelled : JobState()

    /** sentence, remedy: string resources. */
    data class Failed(val sentence: Int, val remedy: Int) : JobState()
}

/** Opens a picture and enhances it, on threads of its own; the listener is called on any of them. */
class EnhanceJob(context: Context, val uri: Uri) : AutoCloseable {
    private val pictures = Pictures(context.contentResolver)
    private val model = AssetModel(context.applicationContext)
    private val engine = TfLiteEngine()

    @Volatile
    private var cancelled = false

    @Volatile
    var state: JobState = JobState.Working(0f)
        private set(value) {
            field = value
            listener(value)
        }

    @Volatile
    var listener: (JobState) -> Unit = {}

    fun start() = Thread(::open, "redmobile-picture").start()

    /** End it after the tile that is being enhanced. */
    fun cancel() {
        cancelled = true
    }

    override fun close() {
        cancel()
        engine.close()
    }

    private fun open() {
        val picture = try {
            pictures.open(uri)
        } catch (error: PictureException) {
            state = JobState.Failed(error.sentence, error.remedy)
            return
        } catch (_: OutOfMemoryError) {
            state = OUT_OF_MEMORY
            return
        }
        engine.listen { found -> if (found is EngineState.Failed) state = JobState.Failed(found.fault.sentence, found.fault.remedy) }
        engine.load(model)
        engine.submit { session ->
            val whole = TileEnhancer(session).enhance(picture) { done, all ->
                if (!cancelled) state = JobState.Working(done.toFloat() / all)
                !cancelled
            }
            state = if (whole == null) JobState.Cancelled else JobState.Done(small(picture), small(whole), whole)
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
