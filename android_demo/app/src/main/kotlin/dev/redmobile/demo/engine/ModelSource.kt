package dev.redmobile.demo.engine

import android.content.Context
import java.io.File
import java.io.FileInputStream
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

/** Where a model's bytes come from. */
interface ModelSource {
    /** For people: the file's name. */
    val name: String

    /** The bytes in a direct buffer, mapped, not read. Throws [IOException]. */
    fun map(): ByteBuffer
}

/** A model in the APK, stored there without compression so that it can be mapped. */
class AssetModel(private val context: Context, override val name: String = DEFAULT) : ModelSource {
    override fun map(): ByteBuffer = context.assets.openFd(name).use { asset -> // which closes the descriptor; the stream only borrows it
        FileInputStream(asset.fileDescriptor).channel.map(FileChannel.MapMode.READ_ONLY, asset.startOffset, asset.declaredLength)
    }

    companion object {
        const val DEFAULT = "red_mobile_rgba_int8.tflite"

        /** Where the same network lies for smaller pictures, as HEIGHTxWIDTH.tflite: `redmobile android build` puts them there. */
        private const val SMALLER = "smaller"

        /** The app's model, and the same for smaller pictures, from the largest to the smallest. */
        fun all(context: Context): List<AssetModel> {
            val names = context.assets.list(SMALLER).orEmpty().sortedByDescending { name -> name.removeSuffix(".tflite").split('x').fold(1L) { all, side -> all * side.toLong() } }
            return listOf(AssetModel(context)) + names.map { AssetModel(context, "$SMALLER/$it") }
        }
    }
}

/** A model in a file, e.g. one that was pushed for a benchmark. */
class FileModel(private val file: File) : ModelSource {
    override val name: String get() = file.name

    override fun map(): ByteBuffer = FileInputStream(file).use {
        if (it.channel.size() == 0L) throw IOException("$file is empty")
        it.channel.map(FileChannel.MapMode.READ_ONLY, 0, it.channel.size())
    }
}
