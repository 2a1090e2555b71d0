package dev.redmobile.tflite

import java.nio.ByteBuffer

/** The functions of cpp/tflite_bridge.c and cpp/pixel_buffer.c. They check nothing; [Interpreter] does. */
internal object Bridge {
    init {
        System.loadLibrary("redmobile_tflite") // brings libjnitensorflowlite.so along
    }

    @JvmStatic external fun version(): String

    @JvmStatic external fun create(
        model: ByteBuffer,
        threads: Int,
        kind: Int,
        path: String,
        keys: Array<String>,
        values: Array<String>,
    ): Long

    @JvmStatic external fun destroy(handle: Long)

    @JvmStatic external fun invoke(handle: Long)

    @JvmStatic external fun coverage(handle: Long): IntArray

    @JvmStatic external fun count(handle: Long, output: Boolean): Int

    @JvmStatic external fun data(handle: Long, output: Boolean, index: Int): ByteBuffer

    @JvmStatic external fun describe(handle: Long, output: Boolean, index: Int): IntArray

    @JvmStatic external fun flip(from: ByteBuffer, fromAt: Int, to: ByteBuffer, toAt: Int, bytes: Int)

    @JvmStatic external fun readPixelBuffer(to: ByteBuffer, bytes: Int): Boolean
}
