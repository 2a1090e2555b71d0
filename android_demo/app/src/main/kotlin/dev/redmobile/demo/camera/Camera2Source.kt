package dev.redmobile.demo.camera

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CameraMetadata
import android.hardware.camera2.CaptureFailure
import android.hardware.camera2.CaptureRequest
import android.media.ImageReader
import android.opengl.GLES11Ext
import android.opengl.GLES30
import android.os.Handler
import android.os.Looper
import android.os.SystemClock
import android.util.Log
import android.util.Range
import android.view.Surface

/** The phone's cameras, through Camera2. What Android says of them arrives on the thread that opens one. */
class Camera2Source(context: Context) : FrameSource {
    private val manager: CameraManager? = context.getSystemService(CameraManager::class.java)
    private var opened: OpenCamera? = null

    override fun lenses(): List<Lens> = try {
        manager?.cameraIdList.orEmpty().mapNotNull(::describe)
    } catch (error: CameraAccessException) {
        Log.w(TAG, "no list of cameras: ${error.message}")
        emptyList()
    }

    @SuppressLint("MissingPermission") // without it: SecurityException
    override fun open(lens: Lens, listener: FrameSource.Listener): FrameFeed {
        close()
        val handler = Handler(Looper.myLooper()!!)
        val feed = CameraFeed(lens, handler, listener)
        val camera = OpenCamera(lens, feed, handler, listener)
        opened = camera
        try {
            val found = manager ?: throw CameraAccessException(CameraAccessException.CAMERA_DISABLED)
            found.openCamera(lens.id, camera, handler)
        } catch (error: CameraAccessException) {
            camera.fail(of(error), error)
        } catch (error: SecurityException) { // the permission went, or a profile forbids cameras
            camera.fail(CameraFault.DISABLED, error)
        } catch (error: IllegalArgumentException) { // unplugged since it was listed
            camera.fail(CameraFault.NONE, error)
        }
        return feed
    }

    override fun takeStill(degrees: Int) {
        opened?.takeStill(degrees)
    }

    override fun whenFree(lens: Lens, then: () -> Unit): AutoCloseable {
        val callback = object : CameraManager.AvailabilityCallback() {
            override fun onCameraAvailable(cameraId: String) {
                if (cameraId == lens.id) then()
            }
        }
        manager?.registerAvailabilityCallback(callback, Handler(Looper.getMainLooper()))
        return AutoCloseable { manager?.unregisterAvailabilityCallback(callback) }
    }

    override fun close() {
        opened?.close()
        opened = null
    }

    private fun describe(id: String): Lens? {
        val facts = manager?.getCameraCharacteristics(id) ?: return null
        val streams = facts.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP) ?: return null
        return Lens(
            id,
            isFront = facts.get(CameraCharacteristics.LENS_FACING) == CameraMetadata.LENS_FACING_FRONT,
            sizes = streams.getOutputSizes(SurfaceTexture::class.java).orEmpty().map { Pixels(it.width, it.height) },
            stills = streams.getOutputSizes(ImageFormat.JPEG).orEmpty().map { Pixels(it.width, it.height) },
            rates = facts.get(CameraCharacteristics.CONTROL_AE_AVAILABLE_TARGET_FPS_RANGES).orEmpty().map { it.lower..it.upper },
            sensorDegrees = facts.get(CameraCharacteristics.SENSOR_ORIENTATION) ?: 0,
            countsSleep = facts.get(CameraCharacteristics.SENSOR_INFO_TIMESTAMP_SOURCE) == CameraMetadata.SENSOR_INFO_TIMESTAMP_SOURCE_REALTIME,
            focuses = (facts.get(CameraCharacteristics.CONTROL_AF_AVAILABLE_MODES) ?: IntArray(0)).contains(CameraMetadata.CONTROL_AF_MODE_CONTINUOUS_VIDEO),
        )
    }

    companion object {
        private const val TAG = "redmobile"

        fun of(error: CameraAccessException): CameraFault = when (error.reason) {
            CameraAccessException.CAMERA_IN_USE, CameraAccessException.MAX_CAMERAS_IN_USE, CameraAccessException.CAMERA_DISCONNECTED -> CameraFault.IN_USE
            CameraAccessException.CAMERA_DISABLED -> CameraFault.DISABLED
            else -> CameraFault.BROKEN
        }
    }
}

/** One camera from the wish to open it until it is closed. */
private class OpenCamera(private val lens: Lens, private val feed: CameraFeed, private val handler: Handler, private val listener: FrameSource.Listener) :
    CameraDevice.StateCallback(), AutoCloseable {
    private val stills: ImageReader? = lens.still?.let { ImageReader.newInstance(it.width, it.height, ImageFormat.JPEG, 2) }
    private var camera: CameraDevice? = null
    private var session: CameraCaptureSession? = null
    private var isClosed = false

    init {
        stills?.setOnImageAvailableListener({ reader -> read(reader) }, handler)
    }

    override fun onOpened(camera: CameraDevice) {
        this.camera = camera
        if (isClosed) camera.close() else asking { startSession(camera) }
    }

    override fun onDisconnected(camera: CameraDevice) = fail(CameraFault.IN_USE, null)

    override fun onError(camera: CameraDevice, error: Int) = fail(
        when (error) {
            ERROR_CAMERA_IN_USE, ERROR_MAX_CAMERAS_IN_USE -> CameraFault.IN_USE
            ERROR_CAMERA_DISABLED -> CameraFault.DISABLED
            else -> CameraFault.BROKEN
        },
        null,
    )

    fun fail(fault: CameraFault, cause: Exception?) {
        if (isClosed) return
        Log.w(TAG, "camera ${lens.id}: $fault ${cause?.message.orEmpty()}")
        close()
        listener.broke(fault)
    }

    /** A JPEG through [FrameSource.Listener.still]. */
    fun takeStill(degrees: Int) {
        val (reader, running) = (stills ?: return) to (session ?: return)
        asking {
            val request = running.device.createCaptureRequest(CameraDevice.TEMPLATE_STILL_CAPTURE)
            request.addTarget(reader.surface)
            focus(request, CameraMetadata.CONTROL_AF_MODE_CONTINUOUS_PICTURE)
            request.set(CaptureRequest.JPEG_ORIENTATION, degrees)
            request.set(CaptureRequest.JPEG_QUALITY, JPEG_QUALITY)
            running.capture(request.build(), Failing(), handler)
        }
    }

    override fun close() {
        isClosed = true
        session = null
        camera?.close() // ends the session too
        camera = null
        feed.close()
        stills?.close()
    }

    private fun startSession(camera: CameraDevice) {
        val configured = object : CameraCaptureSession.StateCallback() {
            override fun onConfigured(session: CameraCaptureSession) {
                if (!isClosed) asking { begin(session) }
            }

            override fun onConfigureFailed(session: CameraCaptureSession) = fail(CameraFault.BROKEN, null)
        }
        @Suppress("DEPRECATION") // what replaces it came with API 28
        camera.createCaptureSession(listOfNotNull(feed.surface, stills?.surface), configured, handler)
    }

    private fun begin(next: CameraCaptureSession) {
        val request = next.device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
        request.addTarget(feed.surface)
        lens.rate?.let { request.set(CaptureRequest.CONTROL_AE_TARGET_FPS_RANGE, Range(it.first, it.last)) }
        focus(request, CameraMetadata.CONTROL_AF_MODE_CONTINUOUS_VIDEO)
        next.setRepeatingRequest(request.build(), null, handler)
        session = next
    }

    private fun focus(request: CaptureRequest.Builder, mode: Int) {
        if (lens.focuses) request.set(CaptureRequest.CONTROL_AF_MODE, mode)
    }

    private fun read(reader: ImageReader) {
        val jpeg = reader.acquireNextImage()?.use { image -> image.planes[0].buffer.let { buffer -> ByteArray(buffer.remaining()).also { buffer.get(it) } } }
        if (jpeg != null && !isClosed) listener.still(jpeg)
    }

    private fun asking(work: () -> Unit) = try {
        work()
    } catch (error: CameraAccessException) {
        fail(Camera2Source.of(error), error)
    } catch (error: IllegalStateException) { // it was closed in between, by Android
        fail(CameraFault.IN_USE, error)
    } catch (error: IllegalArgumentException) { // it does not take sizes that it offered
        fail(CameraFault.BROKEN, error)
    }

    private inner class Failing : CameraCaptureSession.CaptureCallback() {
        override fun onCaptureFailed(session: CameraCaptureSession, request: CaptureRequest, failure: CaptureFailure) = fail(CameraFault.BROKEN, null)
    }

    private companion object {
        const val TAG = "redmobile"
        const val JPEG_QUALITY: Byte = 97
    }
}

/** The camera's frames through SurfaceTexture. On the GL thread; `listener` is told of each. */
private class CameraFeed(private val lens: Lens, handler: Handler, listener: FrameSource.Listener) : FrameFeed, AutoCloseable {
    override val target = GLES11Ext.GL_TEXTURE_EXTERNAL_OES
    override val texture = IntArray(1).also { GLES30.glGenTextures(1, it, 0) }[0]
    override val matrix = FloatArray(SIXTEEN)
    override var exposedNs = 0L
        private set
    private val frames = SurfaceTexture(texture)
    private var waiting = 0
    val surface: Surface

    init {
        lens.frame?.let { frames.setDefaultBufferSize(it.width, it.height) }
        frames.setOnFrameAvailableListener({
            waiting++
            listener.frame()
        }, handler)
        surface = Surface(frames)
    }

    override fun update(): Int {
        val came = waiting
        if (came == 0) return 0
        while (waiting > 0) { // they queue: the last one is the newest
            frames.updateTexImage()
            waiting--
        }
        frames.getTransformMatrix(matrix)
        val asleep = if (lens.countsSleep) SystemClock.elapsedRealtimeNanos() - System.nanoTime() else 0
        exposedNs = frames.timestamp - asleep
        return came
    }

    override fun close() {
        waiting = 0
        frames.setOnFrameAvailableListener(null)
        surface.release()
        frames.release()
        GLES30.glDeleteTextures(1, intArrayOf(texture), 0)
    }

    private companion object {
        const val SIXTEEN = 16
    }
}
