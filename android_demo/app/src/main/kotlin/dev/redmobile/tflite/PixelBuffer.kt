package dev.redmobile.tflite

import java.nio.ByteBuffer

/** OpenGL ES's pixel buffers, without an object for each frame. */
object PixelBuffer {
    /**
     * Copy the first [bytes] bytes of what is bound to GL_PIXEL_PACK_BUFFER to the beginning of [to], a direct buffer that holds as many; its
     * position and limit are neither used nor moved. On the thread of the context. False: OpenGL ES did not hand them over.
     */
    fun read(to: ByteBuffer, bytes: Int): Boolean = Bridge.readPixelBuffer(to, bytes)
}
