package dev.redmobile.demo.engine

import dev.redmobile.demo.R
import dev.redmobile.tflite.Delegate

/** What this app can run a network on. id: its name in android_demo/BENCHMARK.md; words: a string resource. */
enum class Accelerator(val id: String, val words: Int, val delegate: Delegate) {
    CPU("cpu", R.string.run_on_cpu, Delegate.Cpu),

    /** This project's own kernels; their library is in the APK. */
    REDMOBILE("redmobile", R.string.run_on_redmobile, Delegate.External("libredmobile_delegate.so")),

    NNAPI("nnapi", R.string.run_on_nnapi, Delegate.Nnapi),
    ;

    companion object {
        fun of(id: String): Accelerator? = values().find { it.id == id }
    }
}
