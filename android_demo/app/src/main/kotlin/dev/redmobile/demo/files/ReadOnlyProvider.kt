package dev.redmobile.demo.files

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

/** Lets another app, to which one of the files was shared, read it: those files alone, and only while Android grants it. type: their MIME type. */
abstract class ReadOnlyProvider(private val type: String) : ContentProvider() {
    /** The file of this name; null for one that leads elsewhere, or that is no longer there. */
    protected abstract fun find(context: Context, name: String): File?

    override fun onCreate() = true

    override fun getType(uri: Uri) = type

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

    private fun file(uri: Uri): File {
        val found = context?.let { find(it, uri.lastPathSegment.orEmpty()) }
        return found?.takeIf { it.isFile } ?: throw FileNotFoundException("$uri is not there, or no longer")
    }

    private fun refuse(): Nothing = throw UnsupportedOperationException("These files are for reading only.")
}
