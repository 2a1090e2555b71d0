@file:Suppress("UNUSED_PARAMETER") // what Robolectric calls has the signatures of what it replaces

package dev.redmobile.demo.camera

import android.graphics.Bitmap
import android.opengl.EGL14
import android.opengl.EGLConfig
import android.opengl.EGLContext
import android.opengl.EGLDisplay
import android.opengl.EGLSurface
import android.opengl.GLES20
import android.opengl.GLES30
import dev.redmobile.tflite.Mesa
import org.junit.Assume.assumeTrue
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.robolectric.util.ReflectionHelpers
import org.robolectric.util.ReflectionHelpers.ClassParameter
import java.nio.Buffer
import java.nio.ByteBuffer

/** A phone's screen, for the surfaces that the app draws into. */
object PlayedScreen {
    /** Its size in pixels, for the next surface. */
    @Volatile
    var size = Pixels(64, 64)

    /** What was drawn last, row by row from the bottom, RGBA; and how often something was. */
    @Volatile
    var shown: ByteArray = ByteArray(0)
        private set

    @Volatile
    var swaps = 0

    fun needMesa() = assumeTrue("no EGL on this machine: apt-get install libegl1 libgl1-mesa-dri", Mesa.openDisplay() != 0L)

    fun swap(width: Int, height: Int) {
        val pixels = ByteBuffer.allocateDirect(4 * width * height)
        Mesa.glReadPixels(width, height, GLES20.GL_RGBA, GLES20.GL_UNSIGNED_BYTE, pixels)
        shown = ByteArray(pixels.capacity()).also { pixels.get(it) }
        swaps++
    }

    /** The same, upright. */
    fun picture(): Bitmap {
        val rows = ByteBuffer.allocate(shown.size)
        for (row in size.height - 1 downTo 0) rows.put(shown, row * size.width * 4, size.width * 4)
        rows.rewind()
        return Bitmap.createBitmap(size.width, size.height, Bitmap.Config.ARGB_8888).apply { copyPixelsFromBuffer(rows) }
    }
}

@Implements(EGL14::class)
class MesaEgl {
    companion object {
        private val sizes = HashMap<Long, Pixels>()

        private inline fun <reified T> handle(native: Long): T? =
            if (native == 0L) null else ReflectionHelpers.callConstructor(T::class.java, ClassParameter.from(Long::class.javaPrimitiveType, native))

        @Implementation @JvmStatic
        fun eglGetDisplay(id: Int): EGLDisplay? = handle(Mesa.openDisplay())

        @Implementation @JvmStatic
        fun eglInitialize(display: EGLDisplay?, major: IntArray?, majorAt: Int, minor: IntArray?, minorAt: Int) = display != null

        @Implementation @JvmStatic
        @Suppress("LongParameterList")
        fun eglChooseConfig(display: EGLDisplay, wanted: IntArray, at: Int, found: Array<EGLConfig?>, foundAt: Int, most: Int, count: IntArray, countAt: Int): Boolean {
            val onPhone = EGL14.EGL_WINDOW_BIT or EGL14.EGL_PBUFFER_BIT
            val here = wanted.map { if (it == onPhone) EGL14.EGL_PBUFFER_BIT else it }.toIntArray() // there is no window here
            found[0] = handle(Mesa.chooseConfig(display.nativeHandle, here))
            count[0] = if (found[0] == null) 0 else 1
            return true
        }

        @Implementation @JvmStatic
        fun eglCreateContext(display: EGLDisplay, config: EGLConfig, shared: EGLContext?, wanted: IntArray, at: Int): EGLContext? =
            handle(Mesa.createContext(display.nativeHandle, config.nativeHandle))

        @Implementation @JvmStatic
        fun eglCreatePbufferSurface(display: EGLDisplay, config: EGLConfig, wanted: IntArray, at: Int): EGLSurface? = surface(display, config, Pixels(1, 1))

        @Implementation @JvmStatic
        fun eglCreateWindowSurface(display: EGLDisplay, config: EGLConfig, window: Any, wanted: IntArray, at: Int): EGLSurface? =
            surface(display, config, PlayedScreen.size)

        @Implementation @JvmStatic
        fun eglMakeCurrent(display: EGLDisplay, draw: EGLSurface?, read: EGLSurface?, context: EGLContext?): Boolean =
            Mesa.makeCurrent(display.nativeHandle, draw?.nativeHandle ?: 0, context?.nativeHandle ?: 0)

        @Implementation @JvmStatic
        fun eglSwapBuffers(display: EGLDisplay, surface: EGLSurface): Boolean {
            val size = synchronized(sizes) { sizes.getValue(surface.nativeHandle) }
            PlayedScreen.swap(size.width, size.height)
            return true
        }

        @Implementation @JvmStatic
        fun eglDestroySurface(display: EGLDisplay, surface: EGLSurface): Boolean {
            Mesa.destroySurface(display.nativeHandle, surface.nativeHandle)
            return true
        }

        @Implementation @JvmStatic
        fun eglDestroyContext(display: EGLDisplay, context: EGLContext): Boolean {
            Mesa.destroyContext(display.nativeHandle, context.nativeHandle)
            return true
        }

        @Implementation @JvmStatic
        fun eglReleaseThread() = true

        @Implementation @JvmStatic
        fun eglGetError() = EGL14.EGL_SUCCESS

        private fun surface(display: EGLDisplay, config: EGLConfig, size: Pixels): EGLSurface? {
            val native = Mesa.createSurface(display.nativeHandle, config.nativeHandle, size.width, size.height)
            synchronized(sizes) { sizes[native] = size }
            return handle(native)
        }
    }
}

@Implements(GLES20::class)
@Suppress("TooManyFunctions")
class MesaGles20 {
    @Suppress("TooManyFunctions", "LongParameterList")
    companion object {
        @Implementation @JvmStatic
        fun glCompileShader(a: Int) = Mesa.glCompileShader(a)

        @Implementation @JvmStatic
        fun glAttachShader(a: Int, b: Int) = Mesa.glAttachShader(a, b)

        @Implementation @JvmStatic
        fun glLinkProgram(a: Int) = Mesa.glLinkProgram(a)

        @Implementation @JvmStatic
        fun glUseProgram(a: Int) = Mesa.glUseProgram(a)

        @Implementation @JvmStatic
        fun glDeleteProgram(a: Int) = Mesa.glDeleteProgram(a)

        @Implementation @JvmStatic
        fun glDeleteShader(a: Int) = Mesa.glDeleteShader(a)

        @Implementation @JvmStatic
        fun glUniform1i(a: Int, b: Int) = Mesa.glUniform1i(a, b)

        @Implementation @JvmStatic
        fun glBindTexture(a: Int, b: Int) = Mesa.glBindTexture(a, b)

        @Implementation @JvmStatic
        fun glTexParameteri(a: Int, b: Int, c: Int) = Mesa.glTexParameteri(a, b, c)

        @Implementation @JvmStatic
        fun glActiveTexture(a: Int) = Mesa.glActiveTexture(a)

        @Implementation @JvmStatic
        fun glBindFramebuffer(a: Int, b: Int) = Mesa.glBindFramebuffer(a, b)

        @Implementation @JvmStatic
        fun glFramebufferTexture2D(a: Int, b: Int, c: Int, d: Int, e: Int) = Mesa.glFramebufferTexture2D(a, b, c, d, e)

        @Implementation @JvmStatic
        fun glViewport(a: Int, b: Int, c: Int, d: Int) = Mesa.glViewport(a, b, c, d)

        @Implementation @JvmStatic
        fun glClear(a: Int) = Mesa.glClear(a)

        @Implementation @JvmStatic
        fun glBindBuffer(a: Int, b: Int) = Mesa.glBindBuffer(a, b)

        @Implementation @JvmStatic
        fun glEnableVertexAttribArray(a: Int) = Mesa.glEnableVertexAttribArray(a)

        @Implementation @JvmStatic
        fun glDrawArrays(a: Int, b: Int, c: Int) = Mesa.glDrawArrays(a, b, c)

        @Implementation @JvmStatic
        fun glCreateShader(a: Int): Int = Mesa.glCreateShader(a)

        @Implementation @JvmStatic
        fun glCheckFramebufferStatus(a: Int): Int = Mesa.glCheckFramebufferStatus(a)

        @Implementation @JvmStatic
        fun glCreateProgram(): Int = Mesa.glCreateProgram()

        @Implementation @JvmStatic
        fun glGetError(): Int = Mesa.glGetError()

        @Implementation @JvmStatic
        fun glGenTextures(count: Int, values: IntArray, at: Int) = Mesa.glGenTextures(count, values)

        @Implementation @JvmStatic
        fun glGenFramebuffers(count: Int, values: IntArray, at: Int) = Mesa.glGenFramebuffers(count, values)

        @Implementation @JvmStatic
        fun glGenBuffers(count: Int, values: IntArray, at: Int) = Mesa.glGenBuffers(count, values)

        @Implementation @JvmStatic
        fun glDeleteTextures(count: Int, values: IntArray, at: Int) = Mesa.glDeleteTextures(count, values)

        @Implementation @JvmStatic
        fun glDeleteFramebuffers(count: Int, values: IntArray, at: Int) = Mesa.glDeleteFramebuffers(count, values)

        @Implementation @JvmStatic
        fun glDeleteBuffers(count: Int, values: IntArray, at: Int) = Mesa.glDeleteBuffers(count, values)

        @Implementation @JvmStatic
        fun glGetShaderiv(shader: Int, what: Int, values: IntArray, at: Int) = Mesa.glGetShaderiv(shader, what, values)

        @Implementation @JvmStatic
        fun glGetProgramiv(program: Int, what: Int, values: IntArray, at: Int) = Mesa.glGetProgramiv(program, what, values)

        @Implementation @JvmStatic
        fun glGetShaderInfoLog(shader: Int): String = Mesa.glGetShaderInfoLog(shader)

        @Implementation @JvmStatic
        fun glGetProgramInfoLog(program: Int): String = Mesa.glGetProgramInfoLog(program)

        @Implementation @JvmStatic
        fun glShaderSource(shader: Int, text: String) = Mesa.glShaderSource(shader, text)

        @Implementation @JvmStatic
        fun glBindAttribLocation(program: Int, index: Int, name: String) = Mesa.glBindAttribLocation(program, index, name)

        @Implementation @JvmStatic
        fun glGetUniformLocation(program: Int, name: String): Int = Mesa.glGetUniformLocation(program, name)

        @Implementation @JvmStatic
        fun glUniform1f(place: Int, value: Float) = Mesa.glUniform1f(place, value)

        @Implementation @JvmStatic
        fun glUniformMatrix3fv(place: Int, count: Int, transposed: Boolean, values: FloatArray, at: Int) = Mesa.glUniformMatrix3fv(place, values)

        @Implementation @JvmStatic
        fun glClearColor(r: Float, g: Float, b: Float, a: Float) = Mesa.glClearColor(r, g, b, a)

        @Implementation @JvmStatic
        fun glTexImage2D(target: Int, level: Int, kept: Int, width: Int, height: Int, border: Int, format: Int, type: Int, pixels: Buffer?) =
            Mesa.glTexImage2D(target, level, kept, width, height, border, format, type, pixels)

        @Implementation @JvmStatic
        fun glTexSubImage2D(target: Int, level: Int, x: Int, y: Int, width: Int, height: Int, format: Int, type: Int, pixels: Buffer?) =
            Mesa.glTexSubImage2D(target, level, x, y, width, height, format, type, pixels)

        @Implementation @JvmStatic
        fun glBufferData(target: Int, bytes: Int, data: Buffer?, usage: Int) = Mesa.glBufferData(target, bytes, data, usage)

        @Implementation @JvmStatic
        fun glVertexAttribPointer(index: Int, size: Int, type: Int, normalized: Boolean, stride: Int, at: Int) = Mesa.glVertexAttribPointer(index, size, type, at)
    }
}

@Implements(GLES30::class)
class MesaGles30 {
    companion object {
        @Implementation @JvmStatic
        @Suppress("LongParameterList")
        fun glReadPixels(x: Int, y: Int, width: Int, height: Int, format: Int, type: Int, at: Int) = Mesa.glReadPixels(width, height, format, type, null)

        @Implementation @JvmStatic
        fun glFenceSync(condition: Int, flags: Int): Long = Mesa.glFenceSync(condition, flags)

        @Implementation @JvmStatic
        fun glClientWaitSync(sync: Long, flags: Int, nanoseconds: Long): Int = Mesa.glClientWaitSync(sync, flags, nanoseconds)

        @Implementation @JvmStatic
        fun glDeleteSync(sync: Long) = Mesa.glDeleteSync(sync)
    }
}
