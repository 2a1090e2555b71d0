package dev.redmobile.demo.benchmark

import android.content.Context
import org.json.JSONObject
import java.io.File
import java.io.IOException

/** The results' folder. A file there is whole: it is written under another name and renamed. */
class ResultFiles(context: Context) {
    private val folder: File = File(context.getExternalFilesDir(FOLDER) ?: File(context.filesDir, FOLDER).also { it.mkdirs() }, "")

    fun whole(runId: String) = File(folder, "$runId.json")

    fun part(runId: String) = File(folder, "$runId.json.part")

    /** Write what there is of a run that goes on. Throws [IOException]. */
    fun writePart(runId: String, result: JSONObject) = write(part(runId), result)

    /** Write a result that is whole; what there was of it goes. Throws [IOException]. */
    fun writeWhole(runId: String, result: JSONObject): File {
        writePart(runId, result)
        return whole(runId).also { rename(part(runId), it) }
    }

    private fun write(file: File, result: JSONObject) {
        val written = File(folder, "${file.name}.new")
        written.writeText(result.toString())
        rename(written, file)
    }

    private fun rename(from: File, to: File) {
        if (!from.renameTo(to)) throw IOException("$from could not be renamed to $to")
    }

    companion object {
        const val FOLDER = "benchmark"
    }
}
