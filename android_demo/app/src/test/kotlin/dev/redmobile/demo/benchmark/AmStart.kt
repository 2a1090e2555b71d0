package dev.redmobile.demo.benchmark

import android.content.Intent
import android.os.Bundle
import android.os.Looper
import dev.redmobile.demo.DemoTestRunner
import org.json.JSONObject
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowLog
import java.io.File
import java.nio.file.Files

/**
 * No test of its own: the app's process, for a device that is played (tests/adb_device/jvm_app.py). What `am start` was told stands in the file
 * redmobile.am.extras (kind to name to value); the folder redmobile.am.files is the app's on the shared storage; logcat goes to stdout.
 */
@RunWith(DemoTestRunner::class)
class AmStart {
    @Test
    fun `opens the benchmark activity and lives until its run has ended`() {
        ShadowLog.stream = System.out
        val application = RuntimeEnvironment.getApplication()
        val folder = application.getExternalFilesDir(null)!!
        folder.deleteRecursively()
        Files.createSymbolicLink(folder.toPath(), File(System.getProperty("redmobile.am.files")).toPath())
        Robolectric.buildActivity(BenchmarkActivity::class.java, Intent().putExtras(extras())).setup()
        while (Benchmark.state.let { it is BenchmarkState.Running || it is BenchmarkState.Idle }) {
            shadowOf(Looper.getMainLooper()).idle()
            Thread.sleep(20)
        }
    }

    private fun extras(): Bundle {
        val told = JSONObject(File(System.getProperty("redmobile.am.extras")).readText())
        return Bundle().apply {
            told.getJSONObject("--es").let { words -> words.keys().forEach { putString(it, words.getString(it)) } }
            told.getJSONObject("--ei").let { numbers -> numbers.keys().forEach { putInt(it, numbers.getInt(it)) } }
            told.getJSONObject("--ef").let { numbers -> numbers.keys().forEach { putFloat(it, numbers.getDouble(it).toFloat()) } }
        }
    }
}
