package dev.redmobile.demo.camera

/** The camera's newest frame, as a texture of OpenGL ES. On the GL thread alone. */
interface FrameFeed {
    /** GL_TEXTURE_EXTERNAL_OES or, without a camera, GL_TEXTURE_2D. */
    val target: Int
    val texture: Int

    /** From a place in the upright frame, y up, to one in the texture: sixteen numbers, column by column, as SurfaceTexture has it. */
    val matrix: FloatArray

    /** When the newest frame was exposed, in nanoseconds of System.nanoTime. */
    val exposedNs: Long

    /** Take the newest frame; how many came since the last time, so that all but one of them were overtaken. */
    fun update(): Int
}

/** Where frames come from: the phone's cameras. */
interface FrameSource : AutoCloseable {
    /** Empty where the phone has none, or does not let the app see them. */
    fun lenses(): List<Lens>

    /** Begin to give frames of `lens`. On the GL thread, whose context the texture is of; what goes wrong later, [Listener.broke] says. */
    fun open(lens: Lens, listener: Listener): FrameFeed

    /** A JPEG of this lens, to be turned clockwise by `degrees` to stand upright; it comes through [Listener.still]. */
    fun takeStill(degrees: Int)

    /** Call `then` each time that the camera becomes free, at once if it is, until what is returned is closed. */
    fun whenFree(lens: Lens, then: () -> Unit): AutoCloseable

    /** On the GL thread. */
    override fun close()

    /** Called on any thread. */
    interface Listener {
        /** There is a new frame to [FrameFeed.update]. */
        fun frame()

        fun still(jpeg: ByteArray)

        fun broke(fault: CameraFault)
    }
}
