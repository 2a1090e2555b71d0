package dev.redmobile.demo.camera

import android.Manifest
import android.app.Activity
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import android.os.PowerManager
import android.provider.Settings
import android.view.SurfaceHolder
import android.view.WindowManager
import android.widget.SeekBar
import dev.redmobile.demo.R
import dev.redmobile.demo.engine.AssetModel
import dev.redmobile.demo.engine.Choice
import dev.redmobile.demo.engine.ModelSource
import dev.redmobile.demo.engine.TfLiteEngine
import dev.redmobile.demo.gallery.GalleryActivity
import dev.redmobile.demo.phone.Thermal
import dev.redmobile.demo.ui.shown
import java.io.IOException

/** The live picture, before and after; photographs of it. What it does next, [LiveState] says; what is drawn, [LivePipeline]. */
class CameraActivity : Activity(), SurfaceHolder.Callback {
    private val main = Handler(Looper.getMainLooper())
    private val source: FrameSource by lazy { sources(applicationContext) }
    private val words by lazy { CameraWords(this) }
    private val models: List<ModelSource> by lazy { networks(applicationContext) }
    private val steps by lazy { Steps(models.size) }
    internal lateinit var screen: CameraScreen
        private set
    internal var state: LiveState = LiveState.Away
        private set
    internal var pipeline: LivePipeline? = null
        private set
    private var ear: Ear? = null
    private var lens: Lens? = null
    private var drawn: Pixels? = null // the size of what is drawn into, while there is something
    private var isFront = false
    private var line = HALF
    private var job: StillJob? = null
    private var waiting: AutoCloseable? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        screen = CameraScreen(this)
        screen.showIn()
        screen.picture.holder.addCallback(this)
        screen.strength.progress = CameraScreen.PERCENT
        savedInstanceState?.let(::restore)
        listen()
        showStrength()
        show()
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        val refused = state as? LiveState.Refused
        outState.putBoolean(REFUSED, refused != null)
        outState.putBoolean(FOR_EVER, refused?.forEver ?: false)
        outState.putBoolean(FRONT, isFront)
        outState.putFloat(LINE, line)
        outState.putInt(STRENGTH, screen.strength.progress)
        outState.putBoolean(SMALLER, screen.smaller.isChecked)
    }

    override fun onStart() {
        super.onStart()
        on(LiveEvent.Shown(isPermitted()))
    }

    /** Not sooner: in split screen it is seen, and goes on, while the person uses the other app. */
    override fun onStop() {
        on(LiveEvent.Hidden)
        super.onStop()
    }

    override fun onRequestPermissionsResult(requestCode: Int, permissions: Array<String>, grantResults: IntArray) {
        val isAnswer = grantResults.isNotEmpty() // Android gives an empty one where the question was interrupted
        val mayAskAgain = !isAnswer || shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)
        on(LiveEvent.Answered(isAnswer && grantResults[0] == PackageManager.PERMISSION_GRANTED, mayAskAgain))
    }

    override fun surfaceCreated(holder: SurfaceHolder) = Unit

    override fun surfaceChanged(holder: SurfaceHolder, format: Int, width: Int, height: Int) {
        drawn = Pixels(width, height)
        pipeline?.show(holder, width, height)
    }

    override fun surfaceDestroyed(holder: SurfaceHolder) {
        drawn = null
        pipeline?.show(null, 0, 0)
    }

    private fun restore(state: Bundle) {
        if (state.getBoolean(REFUSED)) this.state = LiveState.Refused(state.getBoolean(FOR_EVER))
        isFront = state.getBoolean(FRONT)
        line = state.getFloat(LINE)
        screen.strength.progress = state.getInt(STRENGTH)
        screen.smaller.isChecked = state.getBoolean(SMALLER)
        steps.isAllowed = screen.smaller.isChecked
    }

    private fun listen() {
        screen.onLine = { x -> pipeline?.viewport?.let { moveLine((x - it[LEFT]) / it[WIDTH]) } }
        screen.onLineStep = { step -> moveLine(line + step) }
        screen.remedy.setOnClickListener { remedy() }
        screen.shutter.setOnClickListener { shoot() }
        screen.other.setOnClickListener { turnRound() }
        screen.smaller.setOnCheckedChangeListener { _, allowed -> allowSmaller(allowed) }
        screen.strength.setOnSeekBarChangeListener(object : SeekBar.OnSeekBarChangeListener {
            override fun onStartTrackingTouch(bar: SeekBar) = Unit

            override fun onStopTrackingTouch(bar: SeekBar) = Unit

            override fun onProgressChanged(bar: SeekBar, progress: Int, fromUser: Boolean) = showStrength()
        })
    }

    private fun on(event: LiveEvent) {
        val before = state
        state = before.after(event)
        if (state == before) return
        if (before.isOn && !state.isOn) stop()
        if (!before.isOn && state.isOn) start()
        if (state is LiveState.Asking) requestPermissions(arrayOf(Manifest.permission.CAMERA), ASK)
        waitForCamera()
        show()
    }

    private fun start() {
        val lenses = source.lenses()
        val chosen = Lens.choose(lenses, isFront) ?: return on(LiveEvent.Broke(Trouble.OfCamera(CameraFault.NONE)))
        lens = chosen
        screen.other.shown = lenses.any { it.isFront != chosen.isFront && it.frame != null }
        val next = LivePipeline(applicationContext, TfLiteEngine(), source, { name -> assets.open("shaders/$name").use { it.reader().readText() } }, Ear().also { ear = it })
        pipeline = next
        next.line = line
        showStrength()
        next.open(chosen, displayDegrees())
        next.use(models[steps.step], Choice(this).settings)
        drawn?.let { next.show(screen.picture.holder, it.width, it.height) }
        window.setSustainedPerformanceMode(getSystemService(PowerManager::class.java)?.isSustainedPerformanceModeSupported == true)
        main.postDelayed(::tick, TICK_MS)
    }

    private fun stop() {
        main.removeCallbacksAndMessages(null)
        job?.close()
        job = null
        ear = null
        pipeline?.close()
        pipeline = null
        window.setSustainedPerformanceMode(false)
    }

    /** Twice a second: the figures, and whether the phone keeps up. */
    private fun tick() {
        val running = pipeline ?: return
        running.turn(displayDegrees())
        val thermal = Thermal.status(this)
        val reading = running.read()
        screen.figures.text = words.figures(reading, thermal)
        if (state is LiveState.Live) {
            val pace = Pace.of(reading.figures, thermal)
            if (steps.read(pace)) running.use(models[steps.step], Choice(this).settings)
            words.pace(pace, steps)?.let { screen.says.text = it }
        }
        main.postDelayed(::tick, TICK_MS)
    }

    private fun show() {
        val message = words.message(state)
        screen.message.shown = message != null
        screen.message.text = message
        val remedy = words.remedy(state)
        screen.remedy.shown = remedy != null
        remedy?.let(screen.remedy::setText)
        screen.figures.shown = state.isOn
        screen.shutter.isEnabled = state is LiveState.Live && lens?.still != null
        screen.other.isEnabled = state is LiveState.Live || state is LiveState.Failed
        if (state is LiveState.Live && screen.says.text.isEmpty()) screen.says.setText(R.string.camera_explained)
    }

    private fun showStrength() {
        screen.strengthSays.text = getString(R.string.strength, screen.strength.progress)
        pipeline?.strength = screen.strength.progress.toFloat() / CameraScreen.PERCENT
    }

    private fun moveLine(to: Float) {
        line = to.coerceIn(0f, 1f)
        pipeline?.line = line
    }

    private fun allowSmaller(allowed: Boolean) {
        val before = steps.step
        steps.isAllowed = allowed
        if (steps.step != before && state is LiveState.Live) pipeline?.use(models[steps.step], Choice(this).settings)
    }

    private fun remedy() = when (val found = state) {
        is LiveState.Refused -> if (found.forEver) openSettings() else on(LiveEvent.Again(isPermitted()))
        else -> on(LiveEvent.Again(isPermitted()))
    }

    private fun openSettings() = startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", packageName, null)))

    private fun turnRound() {
        isFront = !isFront
        on(LiveEvent.Hidden)
        on(LiveEvent.Shown(isPermitted()))
    }

    private fun shoot() {
        val chosen = lens ?: return
        on(LiveEvent.Shutter)
        screen.says.setText(R.string.camera_taking)
        pipeline?.takeStill(chosen.stillDegrees(displayDegrees()))
    }

    /** Android 8 and 9 let an app without a permission of its own write only where the person says: the gallery asks. */
    private fun keep(jpeg: ByteArray) {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) return handOver(jpeg)
        pipeline?.rest()
        job = StillJob(applicationContext, screen.strength.progress.toFloat() / CameraScreen.PERCENT) { found -> later { follow(found) } }.also { it.start(jpeg) }
    }

    private fun handOver(jpeg: ByteArray) = try {
        val uri = Stills(this).put(jpeg)
        startActivity(Intent(Intent.ACTION_SEND, null, this, GalleryActivity::class.java).setType("image/jpeg").putExtra(Intent.EXTRA_STREAM, uri))
        on(LiveEvent.StillDone)
    } catch (_: IOException) {
        follow(StillState.Failed(R.string.fault_not_saved, R.string.remedy_not_saved))
    }

    private fun follow(found: StillState) {
        if (state !is LiveState.Still) return
        screen.says.text = when (found) {
            is StillState.Working -> getString(R.string.gallery_working, (found.part * CameraScreen.PERCENT).toInt())
            is StillState.Saved -> getString(R.string.camera_saved)
            is StillState.Failed -> "${getString(found.sentence)} ${getString(found.remedy)}"
        }
        if (found is StillState.Working) return
        job?.close()
        job = null
        pipeline?.use(models[steps.step], Choice(this).settings)
        on(LiveEvent.StillDone)
    }

    /** As long as another app has the camera: go on when it is free. */
    private fun waitForCamera() {
        if (state.passes == (waiting != null)) return
        waiting?.close()
        waiting = if (state.passes) lens?.let { source.whenFree(it) { main.postDelayed({ on(LiveEvent.Freed) }, FREE_MS) } } else null
    }

    private fun isPermitted() = checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

    @Suppress("DEPRECATION") // what replaces it came with API 30
    private fun displayDegrees() = windowManager.defaultDisplay.rotation * QUARTER_TURN

    private fun later(work: () -> Unit) = runOnUiThread { if (!isDestroyed) work() }

    /** What a pipeline says, on the main thread, as long as it is the one in use. */
    private inner class Ear : LivePipeline.Listener {
        override fun firstFrame() = heard { on(LiveEvent.FirstFrame) }

        override fun broke(trouble: Trouble) = heard { on(LiveEvent.Broke(trouble)) }

        override fun still(jpeg: ByteArray) = heard { if (state is LiveState.Still) keep(jpeg) }

        private fun heard(work: () -> Unit) = later { if (ear === this) work() }
    }

    internal companion object {
        /** Where the frames come from; tests, which have no camera, play one. */
        var sources: (Context) -> FrameSource = ::Camera2Source

        /** The networks, from the largest pictures to the smallest; tests take small ones. */
        var networks: (Context) -> List<ModelSource> = { AssetModel.all(it) }

        private const val ASK = 1
        private const val REFUSED = "refused"
        private const val FOR_EVER = "for_ever"
        private const val FRONT = "front"
        private const val LINE = "line"
        private const val STRENGTH = "strength"
        private const val SMALLER = "smaller"
        private const val HALF = 0.5f
        private const val LEFT = 0
        private const val WIDTH = 2
        private const val QUARTER_TURN = 90
        private const val TICK_MS = 500L
        private const val FREE_MS = 1000L
    }
}
