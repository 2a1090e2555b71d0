package dev.redmobile.demo.camera

import android.Manifest
import android.content.Context
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CameraMetadata
import android.os.Handler
import android.os.HandlerThread
import android.util.Range
import android.util.Size
import dev.redmobile.demo.DemoTestRunner
import dev.redmobile.demo.waitUntil
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowCameraCharacteristics
import org.robolectric.shadows.StreamConfigurationMapBuilder
import java.util.concurrent.CopyOnWriteArrayList

/** With Robolectric's cameras: they open, and are taken away; frames they do not give. */
@RunWith(DemoTestRunner::class)
class Camera2SourceTest {
    private val application = RuntimeEnvironment.getApplication()
    private val manager = application.getSystemService(Context.CAMERA_SERVICE) as CameraManager
    private val source = Camera2Source(application)
    private val thread = HandlerThread("gl").apply { start() }
    private val faults = CopyOnWriteArrayList<CameraFault>()
    private val listener = object : FrameSource.Listener {
        override fun frame() = Unit

        override fun still(jpeg: ByteArray) = Unit

        override fun broke(fault: CameraFault) {
            faults += fault
        }
    }

    @After
    fun end() {
        onThread { source.close() }
        thread.quitSafely()
        thread.join()
    }

    @Test
    fun `cameras are described`() {
        assertEquals(emptyList<Lens>(), source.lenses())
        add("0", CameraMetadata.LENS_FACING_BACK)
        add("1", CameraMetadata.LENS_FACING_FRONT)
        val (back, front) = source.lenses()
        assertEquals(Lens("0", false, SIZES, SIZES, listOf(15..30, 30..30), 90, countsSleep = true, focuses = true), back)
        assertEquals(true to "1", front.isFront to front.id)
    }

    @Test
    fun `a camera opens, and another app takes it`() {
        val lens = opened()
        waitUntil("it is open") { isOpen() }
        assertEquals(emptyList<CameraFault>(), faults.toList())
        shadowOf(manager).triggerDisconnect()
        waitUntil("it is said") { faults.toList() == listOf(CameraFault.IN_USE) }
        onThread { source.takeStill(90) } // too late: nothing happens
        assertEquals(1, faults.size)
        assertEquals("0", lens.id)
    }

    @Test
    fun `what is closed says nothing`() {
        opened()
        waitUntil("it is open") { isOpen() }
        onThread { source.close() }
        shadowOf(manager).triggerDisconnect()
        onThread { }
        assertEquals(emptyList<CameraFault>(), faults.toList())
    }

    @Test
    fun `a camera that becomes free is told of`() {
        add("0", CameraMetadata.LENS_FACING_BACK)
        val lens = source.lenses().single()
        shadowOf(manager).removeCamera("0")
        var free = 0
        val waiting = source.whenFree(lens) { free++ }
        add("7", CameraMetadata.LENS_FACING_BACK)
        add("0", CameraMetadata.LENS_FACING_BACK)
        waitUntil("the camera is free, not another") { free == 1 }
        waiting.close()
        shadowOf(manager).removeCamera("0")
        add("0", CameraMetadata.LENS_FACING_BACK)
        assertEquals(1, free)
    }

    @Test
    fun `Android's reasons are told apart`() {
        val expected = mapOf(
            CameraAccessException.CAMERA_IN_USE to CameraFault.IN_USE, CameraAccessException.MAX_CAMERAS_IN_USE to CameraFault.IN_USE,
            CameraAccessException.CAMERA_DISCONNECTED to CameraFault.IN_USE, CameraAccessException.CAMERA_DISABLED to CameraFault.DISABLED,
            CameraAccessException.CAMERA_ERROR to CameraFault.BROKEN,
        )
        expected.forEach { (reason, fault) -> assertEquals(fault, Camera2Source.of(CameraAccessException(reason))) }
    }

    private fun opened(): Lens {
        shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
        add("0", CameraMetadata.LENS_FACING_BACK)
        val lens = source.lenses().single()
        onThread { assertTrue(source.open(lens, listener).texture >= 0) }
        return lens
    }

    /** Robolectric's camera tells of its session on the thread that opened it. */
    private fun isOpen(): Boolean {
        val camera = Camera2Source::class.java.getDeclaredField("opened").apply { isAccessible = true }.get(source)
        return camera.javaClass.getDeclaredField("session").apply { isAccessible = true }.get(camera) != null
    }

    private fun onThread(work: () -> Unit) {
        var failed: Throwable? = null
        val done = java.util.concurrent.CountDownLatch(1)
        Handler(thread.looper).post {
            try {
                work()
            } catch (error: AssertionError) {
                failed = error
            }
            done.countDown()
        }
        assertTrue(done.await(1, java.util.concurrent.TimeUnit.MINUTES))
        failed?.let { throw it }
    }

    private fun add(id: String, facing: Int) {
        val facts = ShadowCameraCharacteristics.newCameraCharacteristics()
        val streams = StreamConfigurationMapBuilder.newBuilder()
        SIZES.forEach { streams.addOutputSize(Size(it.width, it.height)).addOutputSize(JPEG, Size(it.width, it.height)) }
        shadowOf(facts).apply {
            set(CameraCharacteristics.LENS_FACING, facing)
            set(CameraCharacteristics.SENSOR_ORIENTATION, 90)
            set(CameraCharacteristics.SENSOR_INFO_TIMESTAMP_SOURCE, CameraMetadata.SENSOR_INFO_TIMESTAMP_SOURCE_REALTIME)
            set(CameraCharacteristics.CONTROL_AE_AVAILABLE_TARGET_FPS_RANGES, arrayOf(Range(15, 30), Range(30, 30)))
            set(CameraCharacteristics.CONTROL_AF_AVAILABLE_MODES, intArrayOf(CameraMetadata.CONTROL_AF_MODE_OFF, CameraMetadata.CONTROL_AF_MODE_CONTINUOUS_VIDEO))
            set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, streams.build())
        }
        shadowOf(manager).addCamera(id, facts)
    }

    private companion object {
        /** HAL_PIXEL_FORMAT_BLOB, by which a camera's JPEGs go below Android's public names. */
        const val JPEG = 0x21
        val SIZES = listOf(Pixels(1920, 1080), Pixels(640, 480))
    }
}
