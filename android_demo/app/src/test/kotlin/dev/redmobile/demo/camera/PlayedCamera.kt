package dev.redmobile.demo.camera

import android.graphics.Bitmap
import android.opengl.GLES20
import android.opengl.GLES30
import java.nio.ByteBuffer

/** Plays the phone's cameras: frames that a test gives, as plain textures, as a sensor that is mounted on its side would. */
class PlayedCamera(private val front: Boolean = false, private val size: Pixels = Pixels(1920, 1080)) : FrameSource {
    @Volatile
    var listener: FrameSource.Listener? = null
        private set

    @Volatile
    var opened: Lens? = null
        private set

    @Volatile
    var closed = 0
        private set

    @Volatile
    var askedDegrees: Int? = null
        private set

    /** What opening it comes to; null: it works. */
    @Volatile
    var fault: CameraFault? = null
    var isThere = true
    private var then: (() -> Unit)? = null
    private val waiting = ArrayDeque<ByteBuffer>()

    override fun lenses(): List<Lens> = if (isThere) listOfNotNull(lens("0", false), if (front) lens("1", true) else null) else emptyList()

    override fun open(lens: Lens, listener: FrameSource.Listener): FrameFeed {
        this.listener = listener
        opened = lens
        fault?.let(listener::broke)
        return Feed()
    }

    /** The camera has one more frame. */
    fun give(frame: ByteBuffer) {
        synchronized(waiting) { waiting.addLast(frame) }
        listener!!.frame()
    }

    fun give(picture: Bitmap) = give(ByteBuffer.allocateDirect(picture.byteCount).also { picture.copyPixelsToBuffer(it) })

    override fun takeStill(degrees: Int) {
        askedDegrees = degrees
    }

    override fun whenFree(lens: Lens, then: () -> Unit): AutoCloseable {
        this.then = then
        return AutoCloseable { this.then = null }
    }

    fun free() = then?.invoke()

    val isWaitedFor: Boolean get() = then != null

    override fun close() {
        opened = null
        closed++
    }

    private fun lens(id: String, isFront: Boolean) =
        Lens(id, isFront, listOf(size), listOf(size), listOf(15..30, 30..30), sensorDegrees = if (isFront) 270 else 90, countsSleep = false, focuses = true)

    private inner class Feed : FrameFeed {
        override val target = GLES20.GL_TEXTURE_2D
        override val texture = IntArray(1).also { GLES30.glGenTextures(1, it, 0) }[0]

        /** A quarter turn: s = 1 - v, t = 1 - u. */
        override val matrix = floatArrayOf(0f, -1f, 0f, 0f, -1f, 0f, 0f, 0f, 0f, 0f, 1f, 0f, 1f, 1f, 0f, 1f)
        override var exposedNs = 0L
            private set

        override fun update(): Int {
            val (came, newest) = synchronized(waiting) { (waiting.size to waiting.lastOrNull()).also { waiting.clear() } }
            newest ?: return 0
            newest.rewind()
            GLES30.glBindTexture(target, texture)
            GLES30.glTexImage2D(target, 0, GLES30.GL_RGBA8, size.width, size.height, 0, GLES30.GL_RGBA, GLES30.GL_UNSIGNED_BYTE, newest)
            for (filter in listOf(GLES30.GL_TEXTURE_MIN_FILTER, GLES30.GL_TEXTURE_MAG_FILTER)) GLES30.glTexParameteri(target, filter, GLES30.GL_LINEAR)
            for (wrap in listOf(GLES30.GL_TEXTURE_WRAP_S, GLES30.GL_TEXTURE_WRAP_T)) GLES30.glTexParameteri(target, wrap, GLES30.GL_CLAMP_TO_EDGE)
            exposedNs = System.nanoTime()
            return came
        }
    }
}
