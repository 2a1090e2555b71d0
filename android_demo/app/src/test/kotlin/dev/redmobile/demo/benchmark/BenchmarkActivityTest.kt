package dev.redmobile.demo.benchmark

import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.view.View
import android.widget.Button
import android.widget.CheckBox
import android.widget.TextView
import dev.redmobile.demo.DemoTestRunner
import dev.redmobile.demo.R
import dev.redmobile.demo.below
import dev.redmobile.demo.engine.Accelerator
import dev.redmobile.demo.ui.HistogramView
import dev.redmobile.demo.waitUntil
import org.json.JSONObject
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowLog
import java.io.File
import java.io.FileNotFoundException
import java.security.MessageDigest

/** `am start` to a result on disk, with the real network through the real bridge. tests/android holds the results against the schema. */
@RunWith(DemoTestRunner::class)
class BenchmarkActivityTest {
    private val application = RuntimeEnvironment.getApplication()
    private val opened = ArrayList<ActivityController<BenchmarkActivity>>()

    @Before
    fun clear() = ShadowLog.clear()

    @After
    fun close() {
        Benchmark.cancel()
        waitUntil("the run ends") { Benchmark.state !is BenchmarkState.Running }
        opened.forEach { it.pause().stop().destroy() }
    }

    @Test
    fun `model_latency leaves a whole result, and says so`() {
        val activity = open("model_latency", "latency-1") { putInt("runs", 5).also { putInt("warm_up", 2) } }
        val result = finished("latency-1")
        assertEquals("latency", result.getString("kind"))
        val measured = result.getJSONObject("measured")
        assertEquals(5 to 2, measured.getJSONArray("samples_ms").length() to measured.getJSONArray("warm_up_ms").length())
        assertEquals(sha256(File(System.getProperty("redmobile.model"))), measured.getJSONObject("model").getString("sha256"))
        assertEquals("XNNPACK", measured.getJSONObject("load").getJSONObject("delegate").getString("ran"))
        assertEquals("not to be trusted", result.getJSONObject("verdict").getString("outcome")) // 5 runs are too few
        assertTrue(result.getJSONObject("conditions").getJSONArray("samples").length() >= 2)
        assertEquals("run latency-1 progress 0.00", said("latency-1").first())
        assertEquals("run latency-1 done", said("latency-1").last())
        assertFalse(ResultFiles(application).part("latency-1").exists())
        assertEquals(1, all(activity).count { it is HistogramView })
    }

    @Test
    fun `a stream counts every frame, and several configurations make a bundle`() {
        open("video_1080p30", "video-1") { putInt("seconds", 2).also { putInt("warm_up", 1) }.also { putString("threads", "1,2") } }
        val bundle = finished("video-1")
        assertEquals("bundle", bundle.getString("kind"))
        val results = bundle.getJSONArray("results")
        assertEquals(2, results.length())
        for (index in 0 until results.length()) {
            val result = results.getJSONObject(index)
            val frames = result.getJSONArray("frames")
            val drops = result.getJSONArray("drops")
            val numbers = List(frames.length()) { frames.getJSONObject(it).getInt("number") } + List(drops.length()) { drops.getJSONObject(it).getInt("number") }
            assertEquals((0 until 60).toList(), numbers.sorted())
            assertEquals(59, frames.getJSONObject(frames.length() - 1).getInt("number"))
            assertEquals(60, result.getInt("offered"))
            assertEquals(60, result.getInt("on_time") + result.getInt("late") + result.getInt("dropped"))
        }
    }

    @Test
    fun `each delegate is measured, and one that is missing is told apart and does not spoil the others`() {
        open("model_latency", "nodelegate") { putString("delegates", "gpu") }
        waitUntil("the run ends") { said("nodelegate").any { "failed" in it } }
        val sentence = said("nodelegate").last()
        assertTrue(sentence, sentence.startsWith("run nodelegate failed ${application.getString(R.string.fault_delegate_unavailable)}"))
        assertFalse(ResultFiles(application).whole("nodelegate").exists())

        open("model_latency", "both") { putInt("runs", 2).also { putInt("warm_up", 1) }.also { putString("delegates", "cpu,gpu,redmobile") } }
        val bundle = finished("both")
        val ran = bundle.getJSONArray("results").let { all ->
            List(all.length()) { all.getJSONObject(it).getJSONObject("measured").getJSONObject("load").getJSONObject("delegate").getString("ran") }
        }
        assertEquals("XNNPACK", ran[0])
        assertTrue(ran[1], ran[1].startsWith("libredmobile_delegate.so") && "plain" !in ran[1])
        assertTrue(bundle.getString("incomplete"), "gpu" in bundle.getString("incomplete"))
    }

    @Test
    fun `what cannot be carried out has a sentence each`() {
        val model = System.getProperty("redmobile.model.rgb")
        val cases = listOf<Pair<String, Bundle.() -> Unit>>(
            "There is no plan 'x'" to { putString("plan", "x") },
            "There is no delegate 'tpu'" to { putString("delegates", "cpu,tpu") },
            "Threads must be 1 to 64; found '0'" to { putString("threads", "0") },
            "runs must be at least 1; found -3" to { putInt("runs", -3) },
            "fps must be more than 0" to { putFloat("fps", 0f) },
            application.getString(R.string.fault_model_missing) to { putString("model", "/no/such.tflite") },
            application.getString(R.string.fault_model_unsuitable) to { putString("model", model) },
        )
        cases.forEachIndexed { index, (expected, extras) ->
            open("model_latency", "bad-$index", extras)
            waitUntil(expected) { said("bad-$index").any { "failed" in it } }
            assertTrue(said("bad-$index").last(), expected in said("bad-$index").last())
        }
        open("model_latency", "no/name") { }
        assertTrue(said("no/name").last(), "something else than letters" in said("no/name").last())
    }

    @Test
    fun `only one run goes on at a time, turning the phone does not disturb it, and it can be cancelled`() {
        val activity = open("soak_1080p30", "long-1") { }
        open("model_latency", "late-1") { }
        assertEquals(listOf("run late-1 failed another run is going on"), said("late-1"))
        opened.first().recreate()
        assertTrue(Benchmark.state is BenchmarkState.Running)
        val part = ResultFiles(application).part("long-1")
        waitUntil("what there is of it is written") { part.isFile }
        assertEquals("the run was still going on", JSONObject(part.readText()).getString("incomplete"))
        part.copyTo(File(System.getProperty("redmobile.screenshots"), "long-1.json"))
        button(opened.first().get(), R.string.cancel).performClick()
        waitUntil("the run ends") { Benchmark.state is BenchmarkState.Failed }
        assertEquals("run long-1 failed ${application.getString(R.string.benchmark_cancelled)}", said("long-1").last())
        assertTrue(activity.isDestroyed)
    }

    @Test
    fun `by hand, what is ticked is measured, and nothing ticked is nothing to start`() {
        val activity = Robolectric.buildActivity(BenchmarkActivity::class.java).also { opened += it }.setup().get()
        val start = button(activity, R.string.benchmark_start)
        val boxes = all(activity).filterIsInstance<CheckBox>()
        assertEquals(Accelerator.values().map { activity.getString(it.words) }, boxes.map { it.text.toString() })
        boxes.filter { it.isChecked }.forEach { it.performClick() }
        assertFalse(start.isEnabled)
        boxes[Accelerator.REDMOBILE.ordinal].performClick()
        assertTrue(start.isEnabled)
        start.performClick()
        val request = (Benchmark.state as BenchmarkState.Running).request
        assertEquals(listOf("redmobile"), request.delegates)
        assertEquals("model_latency", request.plan.name)
        assertFalse(boxes.first().isShown)
    }

    @Test
    fun `another app may read a shared result, and nothing else`() {
        val activity = open("model_latency", "share-1") { putInt("runs", 1).also { putInt("warm_up", 1) } }
        val whole = finished("share-1")
        button(activity, R.string.share_json).performClick()
        val chooser = shadowOf(activity).nextStartedActivity
        @Suppress("DEPRECATION")
        val send = chooser.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        assertEquals("application/json" to Intent.FLAG_GRANT_READ_URI_PERMISSION, send.type to send.flags)
        val provider = Robolectric.setupContentProvider(ResultProvider::class.java, "dev.redmobile.demo.results")
        val read = provider.openFile(send.clipData!!.getItemAt(0).uri, "r").let { android.os.ParcelFileDescriptor.AutoCloseInputStream(it).readBytes() }
        assertEquals(whole.toString(), JSONObject(String(read)).toString())
        for (name in listOf("..%2Fsecret.json", "other.json", "share-1.json.part")) {
            assertThrows(FileNotFoundException::class.java) { provider.openFile(Uri.parse("content://dev.redmobile.demo.results/$name"), "r") }
        }
        assertThrows(FileNotFoundException::class.java) { provider.openFile(ResultProvider.uri(application, "share-1"), "w") }
    }

    @Test
    @Config(qualifiers = "+de")
    fun `in German`() {
        val activity = open("model_latency", "german") { putInt("runs", 40).also { putInt("warm_up", 1) } }
        finished("german")
        val words = all(activity).filterIsInstance<TextView>().joinToString("\n") { it.text }
        assertTrue(words, "Leistungstest" in words && "Bildern" in words)
    }

    private fun open(plan: String, runId: String, more: Bundle.() -> Unit): BenchmarkActivity {
        val extras = Bundle().apply {
            putString("plan", plan)
            putString("run_id", runId)
            putString("threads", "2")
            more()
        }
        val controller = Robolectric.buildActivity(BenchmarkActivity::class.java, Intent().putExtras(extras)).setup()
        opened += controller
        return controller.get()
    }

    /** The whole result of a run; kept beside the screenshots, for tests/android. */
    private fun finished(runId: String): JSONObject {
        waitUntil("run $runId") { said(runId).any { "done" in it || "failed" in it } }
        waitUntil("the state") { Benchmark.state !is BenchmarkState.Running }
        val file = ResultFiles(application).whole(runId)
        assertTrue(said(runId).last(), file.isFile)
        file.copyTo(File(System.getProperty("redmobile.screenshots"), file.name))
        return JSONObject(file.readText())
    }

    private fun said(runId: String): List<String> = ShadowLog.getLogsForTag("redmobile").orEmpty().map { it.msg }.filter { it.startsWith("run $runId ") }

    private fun button(activity: BenchmarkActivity, words: Int) = all(activity).filterIsInstance<Button>().first { it.text == activity.getString(words) }

    private fun all(activity: BenchmarkActivity): List<View> = below(activity.window.decorView)

    private fun sha256(file: File) = MessageDigest.getInstance("SHA-256").digest(file.readBytes()).joinToString("") { "%02x".format(it) }
}
