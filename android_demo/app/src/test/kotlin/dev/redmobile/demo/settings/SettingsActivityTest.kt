package dev.redmobile.demo.settings

import android.widget.RadioButton
import android.widget.TextView
import dev.redmobile.demo.DemoTestRunner
import dev.redmobile.demo.MainActivity
import dev.redmobile.demo.R
import dev.redmobile.demo.below
import dev.redmobile.demo.engine.Accelerator
import dev.redmobile.demo.engine.Choice
import dev.redmobile.demo.engine.Fault
import dev.redmobile.demo.waitUntil
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.android.controller.ActivityController

@RunWith(DemoTestRunner::class)
class SettingsActivityTest {
    private val application = RuntimeEnvironment.getApplication()
    private val opened = ArrayList<ActivityController<*>>()

    @After
    fun close() = opened.forEach { it.pause().stop().destroy() }

    @Test
    fun `each choice is tried at once, kept, and what other screens run on`() {
        val settings = open(SettingsActivity::class.java)
        waitUntil("it is tried") { says(settings, ready("XNNPACK")) }
        button(settings, R.string.run_on_redmobile).performClick()
        waitUntil("our kernels are tried") { says(settings, ready("libredmobile_delegate.so")) }
        assertEquals(Accelerator.REDMOBILE, Choice(application).accelerator)
        settings.recreate()
        assertTrue(button(settings, R.string.run_on_redmobile).isChecked)
        val main = open(MainActivity::class.java)
        waitUntil("the first screen runs on them") { says(main, ready("libredmobile_delegate.so")) }
    }

    @Test
    fun `threads can be chosen, as many as the phone has cores`() {
        val settings = open(SettingsActivity::class.java)
        val offered = Choice.OFFERED
        assertTrue(offered.toString(), offered.first() == 1 && offered.last() <= Runtime.getRuntime().availableProcessors())
        all<RadioButton>(settings).first { it.text == application.resources.getQuantityString(R.plurals.threads_of, 1, 1) }.performClick()
        waitUntil("it is tried") { says(settings, application.getString(R.string.state_ready, 1920, 1088, "XNNPACK", 1)) }
        assertEquals(1, Choice(application).threads)
    }

    @Test
    fun `an accelerator that this phone has not is said, with what to do`() {
        val settings = open(SettingsActivity::class.java)
        button(settings, R.string.run_on_nnapi).performClick()
        val fault = Fault.DELEGATE_UNAVAILABLE
        waitUntil("it is said") { says(settings, "${application.getString(fault.sentence)} ${application.getString(fault.remedy)}") }
        button(settings, R.string.run_on_cpu).performClick()
        waitUntil("back") { says(settings, ready("XNNPACK")) }
    }

    private fun ready(on: String) = application.getString(R.string.state_ready, 1920, 1088, on, Choice(application).threads)

    private fun <A : android.app.Activity> open(kind: Class<A>): ActivityController<A> = Robolectric.buildActivity(kind).also { opened += it }.setup()

    private fun says(screen: ActivityController<*>, words: String) = all<TextView>(screen).any { it.text.toString() == words }

    private fun button(screen: ActivityController<*>, words: Int) = all<RadioButton>(screen).first { it.text == application.getString(words) }

    private inline fun <reified V> all(screen: ActivityController<*>): List<V> = below(screen.get().window.decorView).filterIsInstance<V>()
}
