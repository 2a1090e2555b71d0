package dev.redmobile.demo.benchmark

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException

/** Lets another app, to which a result was shared, read it: those files alone, and only while Android grants it. */
class ResultProvider : ContentProvider() {
    override fun onCreate() = true

    override fun getType(uri: Uri) = JSON

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor {
        if (mode != "r") throw FileNotFoundException("$uri is for reading only")
        return ParcelFileDescriptor.open(file(uri), ParcelFileDescriptor.MODE_READ_ONLY)
    }

    override fun query(uri: Uri, columns: Array<String>?, selection: String?, arguments: Array<String>?, order: String?): Cursor {
        val file = file(uri)
        return MatrixCursor(arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)).apply { addRow(arrayOf(file.name, file.length())) }
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri = refuse()

    override fun update(uri: Uri, values: ContentValues?, selection: String?, arguments: Array<String>?): Int = refuse()

    override fun delete(uri: Uri, selection: String?, arguments: Array<String>?): Int = refuse()

    /** Throws [FileNotFoundException], also for a name that leads elsewhere. */
    private fun file(uri: Uri): File {
        val name = uri.lastPathSegment.orEmpty()
        val context = context
        if (context == null || !NAME.matches(name)) throw FileNotFoundException("$uri is no result")
        return ResultFiles(context).whole(name.removeSuffix(".json")).takeIf { it.isFile } ?: throw FileNotFoundException("$uri is no longer there")
    }

    private fun refuse(): Nothing = throw UnsupportedOperationException("Results are for reading only.")

    companion object {
        const val JSON = "application/json"
        private val NAME = Regex("[A-Za-z0-9-]{1,64}\\.json")

        fun uri(context: Context, runId: String): Uri = Uri.parse("content://${context.packageName}.results/$runId.json")
    }
}
