package dev.redmobile.demo.camera

import android.content.Context
import android.os.Build
import android.os.PerformanceHintManager
import java.io.File
import java.io.IOException

/**
 * Tells Android how long the network's thread was at each frame, so that it gives the cores their speed in time (Android 12 and later). To be
 * made on that thread, after its helpers were.
 */
class Hints(context: Context, targetNs: Long) : AutoCloseable {
    private val api31 = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) HintsApi31(context, Threads.likeThis(), targetNs) else null

    fun report(durationNs: Long) {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) api31?.report(durationNs)
    }

    override fun close() {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) api31?.close()
    }
}

private class HintsApi31(context: Context, threads: IntArray, targetNs: Long) : AutoCloseable {
    private val session: PerformanceHintManager.Session? = try {
        val manager = context.getSystemService(PerformanceHintManager::class.java)
        if (threads.isEmpty()) null else manager?.createHintSession(threads, targetNs) // null: the phone has none
    } catch (_: SecurityException) { // one of the threads has ended meanwhile
        null
    }

    fun report(durationNs: Long) {
        session?.reportActualWorkDuration(Math.max(1, durationNs))
    }

    override fun close() {
        session?.close()
    }
}

/** The kernel's numbers of threads. */
object Threads {
    /** This one and those that it began in native code: they have its name. */
    fun likeThis(tasks: File = File("/proc/self/task"), self: File = File("/proc/thread-self/comm")): IntArray {
        val name = name(self) ?: return IntArray(0)
        return tasks.listFiles().orEmpty().filter { name(File(it, "comm")) == name }.mapNotNull { it.name.toIntOrNull() }.sorted().toIntArray()
    }

    private fun name(file: File): String? = try {
        file.readText().trim()
    } catch (_: IOException) { // that thread has ended
        null
    }
}
