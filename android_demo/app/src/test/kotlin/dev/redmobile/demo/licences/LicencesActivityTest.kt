package dev.redmobile.demo.licences

import android.widget.Button
import android.widget.TextView
import dev.redmobile.demo.DemoTestRunner
import dev.redmobile.demo.below
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment

@RunWith(DemoTestRunner::class)
class LicencesActivityTest {
    private val screen = Robolectric.buildActivity(LicencesActivity::class.java).setup()

    @Test
    fun `every work shows its copyright and its licence when it is touched, also after a turn`() {
        for ((name, expected) in mapOf("XNNPACK · BSD-3-Clause" to "Google LLC", "FarmHash · MIT" to "Permission is hereby granted")) {
            assertFalse(texts().any { expected in it.text && it.isShown })
            all().filterIsInstance<Button>().first { it.text == name }.performClick()
            assertTrue(name, texts().any { expected in it.text && it.isShown })
        }
        screen.recreate()
        assertEquals(2, texts().count { it.isShown && it.text.length > 500 })
        all().filterIsInstance<Button>().first { it.text == "FarmHash · MIT" }.performClick()
        assertEquals(1, texts().count { it.isShown && it.text.length > 500 })
    }

    @Test
    fun `every text is there, and none is without a work`() {
        val stored = RuntimeEnvironment.getApplication().assets.list("licences").orEmpty().toSet()
        assertEquals(stored, Component.ALL.map { it.text }.toSet())
        assertEquals(Component.ALL.size, Component.ALL.map { it.name }.toSet().size)
    }

    private fun texts() = all().filterIsInstance<TextView>().filter { it !is Button }

    private fun all() = below(screen.get().window.decorView)
}
