package dev.redmobile.tflite

import java.nio.Buffer
import java.nio.ByteBuffer

/** This machine's OpenGL ES, through test/cpp/mesa.c; in this package, since a native library can be loaded by one class loader only. */
object Mesa {
    init {
        System.loadLibrary("redmobile_mesa")
    }

    /** A display without a screen; 0: this machine has no EGL. */
    @JvmStatic external fun openDisplay(): Long

    @JvmStatic external fun chooseConfig(display: Long, wanted: IntArray): Long

    @JvmStatic external fun createContext(display: Long, config: Long): Long

    @JvmStatic external fun createSurface(display: Long, config: Long, width: Int, height: Int): Long

    @JvmStatic external fun makeCurrent(display: Long, surface: Long, context: Long): Boolean

    @JvmStatic external fun destroySurface(display: Long, surface: Long)

    @JvmStatic external fun destroyContext(display: Long, context: Long)

    @JvmStatic external fun glCompileShader(a: Int)

    @JvmStatic external fun glAttachShader(a: Int, b: Int)

    @JvmStatic external fun glLinkProgram(a: Int)

    @JvmStatic external fun glUseProgram(a: Int)

    @JvmStatic external fun glDeleteProgram(a: Int)

    @JvmStatic external fun glDeleteShader(a: Int)

    @JvmStatic external fun glUniform1i(a: Int, b: Int)

    @JvmStatic external fun glBindTexture(a: Int, b: Int)

    @JvmStatic external fun glTexParameteri(a: Int, b: Int, c: Int)

    @JvmStatic external fun glActiveTexture(a: Int)

    @JvmStatic external fun glBindFramebuffer(a: Int, b: Int)

    @JvmStatic external fun glFramebufferTexture2D(a: Int, b: Int, c: Int, d: Int, e: Int)

    @JvmStatic external fun glViewport(a: Int, b: Int, c: Int, d: Int)

    @JvmStatic external fun glClear(a: Int)

    @JvmStatic external fun glBindBuffer(a: Int, b: Int)

    @JvmStatic external fun glEnableVertexAttribArray(a: Int)

    @JvmStatic external fun glDrawArrays(a: Int, b: Int, c: Int)

    @JvmStatic external fun glCreateShader(a: Int): Int

    @JvmStatic external fun glCheckFramebufferStatus(a: Int): Int

    @JvmStatic external fun glCreateProgram(): Int

    @JvmStatic external fun glGetError(): Int

    @JvmStatic external fun glGenTextures(count: Int, values: IntArray)

    @JvmStatic external fun glGenFramebuffers(count: Int, values: IntArray)

    @JvmStatic external fun glGenBuffers(count: Int, values: IntArray)

    @JvmStatic external fun glDeleteTextures(count: Int, values: IntArray)

    @JvmStatic external fun glDeleteFramebuffers(count: Int, values: IntArray)

    @JvmStatic external fun glDeleteBuffers(count: Int, values: IntArray)

    @JvmStatic external fun glGetShaderiv(shader: Int, what: Int, values: IntArray)

    @JvmStatic external fun glGetProgramiv(program: Int, what: Int, values: IntArray)

    @JvmStatic external fun glGetShaderInfoLog(shader: Int): String

    @JvmStatic external fun glGetProgramInfoLog(program: Int): String

    @JvmStatic external fun glShaderSource(shader: Int, text: String)

    @JvmStatic external fun glBindAttribLocation(program: Int, index: Int, name: String)

    @JvmStatic external fun glGetUniformLocation(program: Int, name: String): Int

    @JvmStatic external fun glUniform1f(place: Int, value: Float)

    @JvmStatic external fun glUniformMatrix3fv(place: Int, values: FloatArray)

    @JvmStatic external fun glClearColor(r: Float, g: Float, b: Float, a: Float)

    @Suppress("LongParameterList")
    @JvmStatic external fun glTexImage2D(target: Int, level: Int, kept: Int, width: Int, height: Int, border: Int, format: Int, type: Int, pixels: Buffer?)

    @Suppress("LongParameterList")
    @JvmStatic external fun glTexSubImage2D(target: Int, level: Int, x: Int, y: Int, width: Int, height: Int, format: Int, type: Int, pixels: Buffer?)

    @JvmStatic external fun glBufferData(target: Int, bytes: Int, data: Buffer?, usage: Int)

    @JvmStatic external fun glVertexAttribPointer(index: Int, size: Int, type: Int, offset: Int)

    @JvmStatic external fun glReadPixels(width: Int, height: Int, format: Int, type: Int, pixels: ByteBuffer?)

    @JvmStatic external fun glFenceSync(condition: Int, flags: Int): Long

    @JvmStatic external fun glClientWaitSync(sync: Long, flags: Int, nanoseconds: Long): Int

    @JvmStatic external fun glDeleteSync(sync: Long)
}
