package dev.redmobile.demo.benchmark

import android.content.Context
import android.net.Uri
import dev.redmobile.demo.files.ReadOnlyProvider
import java.io.File

/** Results, for an app to which one was shared. */
class ResultProvider : ReadOnlyProvider(JSON) {
    override fun find(context: Context, name: String): File? = if (NAME.matches(name)) ResultFiles(context).whole(name.removeSuffix(".json")) else null

    companion object {
        const val JSON = "application/json"
        private val NAME = Regex("[A-Za-z0-9-]{1,64}\\.json")

        fun uri(context: Context, runId: String): Uri = Uri.parse("content://${context.packageName}.results/$runId.json")
    }
}
