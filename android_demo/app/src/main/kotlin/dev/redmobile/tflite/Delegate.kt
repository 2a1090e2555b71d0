package dev.redmobile.tflite

/** What runs the network's nodes. XNNPACK, on the CPU, always takes what the others leave. */
sealed class Delegate(internal val kind: Int) {
    /** XNNPACK alone. */
    object Cpu : Delegate(0) {
        override fun toString() = "XNNPACK"
    }

    /** Android's NNAPI, deprecated since Android 15; its own CPU path is not used. */
    object Nnapi : Delegate(1) {
        override fun toString() = "NNAPI"
    }

    /** A library that exports `tflite_plugin_create_delegate`, by path or by the name of one in the APK, with its options (at most 32). */
    data class External(val library: String, val options: Map<String, String> = emptyMap()) : Delegate(2) {
        init {
            require(options.size <= MAX_OPTIONS) { "At most $MAX_OPTIONS options, found ${options.size}." }
        }

        override fun toString() = library.substringAfterLast('/') + options.entries.joinToString("") { " ${it.key}=${it.value}" }
    }

    private companion object {
        const val MAX_OPTIONS = 32
    }
}

/**
 * Who runs the nodes. [nodes]: of the model. [left]: that no delegate took; TFLite's plain kernels run them, slowly. [partitions]: connected
 * pieces that delegates took. [byAsked]: those of them that the delegate took which was asked for.
 */
data class Coverage(val nodes: Int, val left: Int, val partitions: Int, val byAsked: Int)
