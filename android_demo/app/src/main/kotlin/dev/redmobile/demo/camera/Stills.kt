package dev.redmobile.demo.camera

import android.content.Context
import android.net.Uri
import dev.redmobile.demo.files.ReadOnlyProvider
import java.io.File
import java.io.IOException

/** The camera's last photograph, as it came, for as long as it is being enhanced. */
class Stills(private val context: Context) {
    private val folder = File(context.cacheDir, "stills")

    /** Keep this one alone. Throws [IOException]. */
    fun put(jpeg: ByteArray): Uri {
        clear()
        if (!folder.isDirectory && !folder.mkdirs()) throw IOException("$folder could not be made")
        val name = "${System.currentTimeMillis()}.jpg"
        file(name).writeBytes(jpeg)
        return Uri.parse("content://${context.packageName}.stills/$name")
    }

    fun clear() {
        folder.listFiles().orEmpty().forEach { it.delete() }
    }

    fun file(name: String) = File(folder, name)
}

/** That photograph, for the job that enhances it. */
class StillProvider : ReadOnlyProvider("image/jpeg") {
    override fun find(context: Context, name: String): File? = if (NAME.matches(name)) Stills(context).file(name) else null

    private companion object {
        val NAME = Regex("[0-9]{1,20}\\.jpg")
    }
}
