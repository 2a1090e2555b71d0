package dev.redmobile.demo.engine

import android.content.Context

/** How the person in front of the phone wants networks to be run; kept in the app's preferences. */
class Choice(context: Context) {
    private val kept = context.getSharedPreferences("choice", Context.MODE_PRIVATE)

    var accelerator: Accelerator
        get() = Accelerator.of(kept.getString(ACCELERATOR, null).orEmpty()) ?: Accelerator.CPU
        set(value) = kept.edit().putString(ACCELERATOR, value.id).apply()

    var threads: Int
        get() = kept.getInt(THREADS, Math.min(DEFAULT, CORES))
        set(value) = kept.edit().putInt(THREADS, value).apply()

    val settings: Settings get() = Settings(threads, accelerator.delegate)

    companion object {
        private const val ACCELERATOR = "accelerator"
        private const val THREADS = "threads"
        private const val DEFAULT = 4
        private val CORES = Runtime.getRuntime().availableProcessors()

        /** Numbers of threads that can be chosen here. */
        val OFFERED: List<Int> = (listOf(1, 2, 4, 8) + Math.min(DEFAULT, CORES)).filter { it <= CORES }.distinct().sorted()
    }
}
