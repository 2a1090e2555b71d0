package dev.redmobile.demo.camera

import android.opengl.EGL14
import android.opengl.EGLConfig
import android.opengl.EGLContext
import android.opengl.EGLDisplay
import android.opengl.EGLExt
import android.opengl.EGLSurface

/** OpenGL ES 3 on the thread that makes it, which draws into a surface where there is one. Throws [GlException]. */
class GlScreen : AutoCloseable {
    private val display: EGLDisplay = EGL14.eglGetDisplay(EGL14.EGL_DEFAULT_DISPLAY)
    private val config: EGLConfig
    private val context: EGLContext
    private val nowhere: EGLSurface
    private var surface: EGLSurface? = null

    /** Size of the surface in pixels; 0: there is none. */
    var width = 0
        private set
    var height = 0
        private set

    init {
        val version = IntArray(2)
        need(EGL14.eglInitialize(display, version, 0, version, 1), "starting EGL")
        val found = arrayOfNulls<EGLConfig>(1)
        val count = IntArray(1)
        need(EGL14.eglChooseConfig(display, WANTED, 0, found, 0, 1, count, 0) && count[0] > 0, "finding a format to draw in")
        config = found[0]!!
        context = EGL14.eglCreateContext(display, config, EGL14.EGL_NO_CONTEXT, intArrayOf(EGL14.EGL_CONTEXT_CLIENT_VERSION, 3, EGL14.EGL_NONE), 0)
        need(context != EGL14.EGL_NO_CONTEXT, "OpenGL ES 3")
        nowhere = EGL14.eglCreatePbufferSurface(display, config, intArrayOf(EGL14.EGL_WIDTH, 1, EGL14.EGL_HEIGHT, 1, EGL14.EGL_NONE), 0)
        makeCurrent()
    }

    /** Draw into `window`, a Surface, SurfaceHolder or SurfaceTexture, from now on; null: nowhere. */
    fun show(window: Any?, width: Int, height: Int) {
        val before = surface
        surface = window?.let { EGL14.eglCreateWindowSurface(display, config, it, intArrayOf(EGL14.EGL_NONE), 0) }
        need(window == null || surface != EGL14.EGL_NO_SURFACE, "drawing on the screen")
        this.width = if (window == null) 0 else width
        this.height = if (window == null) 0 else height
        makeCurrent()
        before?.let { EGL14.eglDestroySurface(display, it) }
    }

    fun swap() {
        EGL14.eglSwapBuffers(display, surface)
    }

    override fun close() {
        EGL14.eglMakeCurrent(display, EGL14.EGL_NO_SURFACE, EGL14.EGL_NO_SURFACE, EGL14.EGL_NO_CONTEXT)
        surface?.let { EGL14.eglDestroySurface(display, it) }
        EGL14.eglDestroySurface(display, nowhere)
        EGL14.eglDestroyContext(display, context)
        EGL14.eglReleaseThread()
    }

    private fun makeCurrent() {
        val target = surface ?: nowhere
        need(EGL14.eglMakeCurrent(display, target, target, context), "OpenGL ES on this thread")
    }

    private fun need(done: Boolean, what: String) {
        if (!done) throw GlException("EGL refused: $what (error ${EGL14.eglGetError()})")
    }

    private companion object {
        private const val BITS = 8
        val WANTED = intArrayOf(
            EGL14.EGL_RENDERABLE_TYPE, EGLExt.EGL_OPENGL_ES3_BIT_KHR,
            EGL14.EGL_SURFACE_TYPE, EGL14.EGL_WINDOW_BIT or EGL14.EGL_PBUFFER_BIT,
            EGL14.EGL_RED_SIZE, BITS, EGL14.EGL_GREEN_SIZE, BITS, EGL14.EGL_BLUE_SIZE, BITS, EGL14.EGL_ALPHA_SIZE, BITS,
            EGL14.EGL_NONE,
        )
    }
}
