package dev.redmobile.demo.camera

import android.opengl.GLES11Ext
import android.opengl.GLES30
import java.nio.ByteBuffer

/**
 * The two drawings of the live picture: the camera's frame to codes for the network, and the split view. On the GL thread alone; nothing is
 * allocated for a frame. shader: the text of a file of assets/shaders. Throws [GlException].
 */
class LiveRenderer(private val shader: (String) -> String) : AutoCloseable {
    val screen = GlScreen()
    private val split: GlProgram
    private var packs: GlProgram? = null
    private var frames: List<GlFrame> = emptyList()
    private val toFrame = FloatArray(NINE)
    private var shown = FrameSlots.NONE

    init {
        GlProgram.bindCorners()
        split = GlProgram(shader("whole.vert"), shader("split.frag"), listOf("before", "after", "line", "strength", "halfWidth", "toPicture"))
        split.use()
        GLES30.glUniform1i(split.place("before"), 0)
        GLES30.glUniform1i(split.place("after"), 1)
    }

    private val line = split.place("line")
    private val strength = split.place("strength")
    private val halfWidth = split.place("halfWidth")
    private val toPicture = split.place("toPicture")
    private var toFramePlace = 0

    /** Frames of `size` pixels from a feed of this kind, `count` of them at a time, from now on. */
    fun prepare(feed: FrameFeed, size: Pixels, count: Int) {
        packs?.close()
        val text = shader("pack.frag")
        val camera = feed.target == GLES11Ext.GL_TEXTURE_EXTERNAL_OES
        packs = GlProgram(shader("whole.vert"), if (camera) text.replaceFirst("\n", "\n#define CAMERA\n") else text, listOf("frame", "toFrame")).also {
            it.use()
            GLES30.glUniform1i(it.place("frame"), 0)
            toFramePlace = it.place("toFrame")
        }
        frames.forEach { it.close() }
        frames = emptyList()
        frames = List(count) { GlFrame(size) }
        shown = FrameSlots.NONE
    }

    /** The feed's newest frame, into `slot` and into `codes`. */
    fun pack(feed: FrameFeed, geometry: FrameGeometry, slot: Int, codes: ByteBuffer) {
        val frame = frames[slot]
        val program = packs ?: return
        frame.drawInto()
        program.use()
        GLES30.glActiveTexture(GLES30.GL_TEXTURE0)
        GLES30.glBindTexture(feed.target, feed.texture)
        geometry.toFrame(feed.matrix, toFrame)
        GLES30.glUniformMatrix3fv(toFramePlace, 1, false, toFrame, 0)
        program.draw()
        frame.read(frame.startReading(), codes)
    }

    /** The frame in `slot`, with what the network made of it, is the one to draw. */
    fun take(slot: Int, codes: ByteBuffer) {
        GLES30.glActiveTexture(GLES30.GL_TEXTURE1)
        frames[slot].upload(codes)
        shown = slot
    }

    /** Draw the split view on the screen, if there is one. line, strength: 0 to 1. */
    fun draw(geometry: FrameGeometry, viewport: IntArray, line: Float, strength: Float) {
        if (screen.width == 0) return
        GLES30.glBindFramebuffer(GLES30.GL_FRAMEBUFFER, 0)
        GLES30.glViewport(0, 0, screen.width, screen.height)
        GLES30.glClearColor(0f, 0f, 0f, 1f)
        GLES30.glClear(GLES30.GL_COLOR_BUFFER_BIT)
        if (shown != FrameSlots.NONE) drawSplit(geometry, viewport, line, strength)
        screen.swap()
    }

    private fun drawSplit(geometry: FrameGeometry, viewport: IntArray, lineAt: Float, strengthOf: Float) {
        GLES30.glViewport(viewport[0], viewport[1], viewport[2], viewport[3])
        split.use()
        GLES30.glActiveTexture(GLES30.GL_TEXTURE0)
        GLES30.glBindTexture(GLES30.GL_TEXTURE_2D, frames[shown].before)
        GLES30.glActiveTexture(GLES30.GL_TEXTURE1)
        GLES30.glBindTexture(GLES30.GL_TEXTURE_2D, frames[shown].after)
        GLES30.glUniform1f(line, lineAt)
        GLES30.glUniform1f(strength, strengthOf)
        GLES30.glUniform1f(halfWidth, HALF_LINE / viewport[2])
        GLES30.glUniformMatrix3fv(toPicture, 1, false, geometry.toPicture, 0)
        split.draw()
    }

    override fun close() {
        frames.forEach { it.close() }
        packs?.close()
        split.close()
        screen.close()
    }

    private companion object {
        const val NINE = 9

        /** Half the line's width in pixels of the screen. */
        const val HALF_LINE = 2f
    }
}
