package dev.redmobile.demo.camera

import android.opengl.GLES30
import dev.redmobile.tflite.PixelBuffer
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** OpenGL ES or its driver refused; the message says what. */
class GlException(message: String) : RuntimeException(message)

/** A program of the app's shaders: a rectangle over the whole target, whose corners are its only input. */
class GlProgram(vertex: String, fragment: String, uniforms: List<String>) : AutoCloseable {
    private val id = GLES30.glCreateProgram()
    private val places: Map<String, Int>

    init {
        val parts = listOf(compile(GLES30.GL_VERTEX_SHADER, vertex), compile(GLES30.GL_FRAGMENT_SHADER, fragment))
        parts.forEach { GLES30.glAttachShader(id, it) }
        GLES30.glBindAttribLocation(id, CORNER, "corner")
        GLES30.glLinkProgram(id)
        parts.forEach(GLES30::glDeleteShader)
        val linked = IntArray(1)
        GLES30.glGetProgramiv(id, GLES30.GL_LINK_STATUS, linked, 0)
        if (linked[0] == 0) throw GlException("the shaders do not fit together: ${GLES30.glGetProgramInfoLog(id)}")
        places = uniforms.associateWith { GLES30.glGetUniformLocation(id, it) }
    }

    /** Where a uniform is: to be asked once, not for each frame. */
    fun place(uniform: String): Int = places.getValue(uniform)

    fun use() = GLES30.glUseProgram(id)

    /** Draw with what is bound and set. */
    fun draw() = GLES30.glDrawArrays(GLES30.GL_TRIANGLE_STRIP, 0, CORNERS)

    override fun close() = GLES30.glDeleteProgram(id)

    private fun compile(kind: Int, text: String): Int {
        val shader = GLES30.glCreateShader(kind)
        GLES30.glShaderSource(shader, text)
        GLES30.glCompileShader(shader)
        val compiled = IntArray(1)
        GLES30.glGetShaderiv(shader, GLES30.GL_COMPILE_STATUS, compiled, 0)
        if (compiled[0] == 0) throw GlException("a shader was refused: ${GLES30.glGetShaderInfoLog(shader)}")
        return shader
    }

    companion object {
        private const val CORNER = 0
        private const val CORNERS = 4
        private const val BYTES = 4

        /** Bind the rectangle's corners, for all programs. */
        fun bindCorners() {
            val corners = ByteBuffer.allocateDirect(2 * CORNERS * BYTES).order(ByteOrder.nativeOrder())
            floatArrayOf(0f, 0f, 1f, 0f, 0f, 1f, 1f, 1f).forEach { corners.putFloat(it) }
            corners.rewind()
            val buffer = IntArray(1)
            GLES30.glGenBuffers(1, buffer, 0)
            GLES30.glBindBuffer(GLES30.GL_ARRAY_BUFFER, buffer[0])
            GLES30.glBufferData(GLES30.GL_ARRAY_BUFFER, corners.capacity(), corners, GLES30.GL_STATIC_DRAW)
            GLES30.glVertexAttribPointer(CORNER, 2, GLES30.GL_FLOAT, false, 0, 0)
            GLES30.glEnableVertexAttribArray(CORNER)
        }
    }
}

/** What one frame has on the GPU: the picture before and after, as codes, and the pixel buffer through which it leaves. */
class GlFrame(private val size: Pixels) : AutoCloseable {
    val before = texture(size)
    val after = texture(size)
    private val target = one { GLES30.glGenFramebuffers(1, it, 0) }
    private val pixels = one { GLES30.glGenBuffers(1, it, 0) }
    private val bytes = (size.count * CHANNELS).toInt()

    init {
        GLES30.glBindFramebuffer(GLES30.GL_FRAMEBUFFER, target)
        GLES30.glFramebufferTexture2D(GLES30.GL_FRAMEBUFFER, GLES30.GL_COLOR_ATTACHMENT0, GLES30.GL_TEXTURE_2D, before, 0)
        val status = GLES30.glCheckFramebufferStatus(GLES30.GL_FRAMEBUFFER)
        if (status != GLES30.GL_FRAMEBUFFER_COMPLETE) throw GlException("the GPU cannot draw pictures of $size (status $status)")
        GLES30.glBindBuffer(GLES30.GL_PIXEL_PACK_BUFFER, pixels)
        GLES30.glBufferData(GLES30.GL_PIXEL_PACK_BUFFER, bytes, null, GLES30.GL_STREAM_READ)
        GLES30.glBindBuffer(GLES30.GL_PIXEL_PACK_BUFFER, 0)
    }

    /** What is drawn from here on becomes [before]. */
    fun drawInto() {
        GLES30.glBindFramebuffer(GLES30.GL_FRAMEBUFFER, target)
        GLES30.glViewport(0, 0, size.width, size.height)
    }

    /** Begin to copy what was drawn into the pixel buffer, and say when that is done: a fence. Does not wait. */
    fun startReading(): Long {
        GLES30.glBindBuffer(GLES30.GL_PIXEL_PACK_BUFFER, pixels)
        GLES30.glReadPixels(0, 0, size.width, size.height, GLES30.GL_RGBA, GLES30.GL_UNSIGNED_BYTE, 0)
        GLES30.glBindBuffer(GLES30.GL_PIXEL_PACK_BUFFER, 0)
        return GLES30.glFenceSync(GLES30.GL_SYNC_GPU_COMMANDS_COMPLETE, 0)
    }

    /** Wait for the fence, and copy the pixel buffer into `codes`, a direct buffer. */
    fun read(fence: Long, codes: ByteBuffer) {
        val waited = GLES30.glClientWaitSync(fence, GLES30.GL_SYNC_FLUSH_COMMANDS_BIT, WAIT_NS)
        GLES30.glDeleteSync(fence)
        if (waited != GLES30.GL_ALREADY_SIGNALED && waited != GLES30.GL_CONDITION_SATISFIED) throw GlException("the GPU did not finish a frame ($waited)")
        GLES30.glBindBuffer(GLES30.GL_PIXEL_PACK_BUFFER, pixels)
        val copied = PixelBuffer.read(codes, bytes)
        GLES30.glBindBuffer(GLES30.GL_PIXEL_PACK_BUFFER, 0)
        if (!copied) throw GlException("the GPU did not hand over a frame's pixels (error ${GLES30.glGetError()})")
    }

    /** Make [after] of `codes`. */
    fun upload(codes: ByteBuffer) {
        GLES30.glBindTexture(GLES30.GL_TEXTURE_2D, after)
        GLES30.glTexSubImage2D(GLES30.GL_TEXTURE_2D, 0, 0, 0, size.width, size.height, GLES30.GL_RGBA, GLES30.GL_UNSIGNED_BYTE, codes)
    }

    override fun close() {
        GLES30.glDeleteTextures(2, intArrayOf(before, after), 0)
        GLES30.glDeleteFramebuffers(1, intArrayOf(target), 0)
        GLES30.glDeleteBuffers(1, intArrayOf(pixels), 0)
    }

    private companion object {
        const val CHANNELS = 4
        const val WAIT_NS = 1_000_000_000L

        fun one(generate: (IntArray) -> Unit): Int = IntArray(1).also(generate)[0]

        /** Sampled by whole pixels: codes must not be mixed before their sign bit is flipped back. */
        fun texture(size: Pixels): Int {
            val id = one { GLES30.glGenTextures(1, it, 0) }
            GLES30.glBindTexture(GLES30.GL_TEXTURE_2D, id)
            GLES30.glTexImage2D(GLES30.GL_TEXTURE_2D, 0, GLES30.GL_RGBA8, size.width, size.height, 0, GLES30.GL_RGBA, GLES30.GL_UNSIGNED_BYTE, null)
            for (filter in listOf(GLES30.GL_TEXTURE_MIN_FILTER, GLES30.GL_TEXTURE_MAG_FILTER)) GLES30.glTexParameteri(GLES30.GL_TEXTURE_2D, filter, GLES30.GL_NEAREST)
            for (wrap in listOf(GLES30.GL_TEXTURE_WRAP_S, GLES30.GL_TEXTURE_WRAP_T)) GLES30.glTexParameteri(GLES30.GL_TEXTURE_2D, wrap, GLES30.GL_CLAMP_TO_EDGE)
            return id
        }
    }
}
