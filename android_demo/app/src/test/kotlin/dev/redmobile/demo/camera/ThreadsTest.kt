package dev.redmobile.demo.camera

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test
import java.io.File
import java.util.concurrent.CountDownLatch

class ThreadsTest {
    private val folder = kotlin.io.path.createTempDirectory("tasks").toFile().apply { deleteOnExit() }

    @Test
    fun `a thread's helpers have its name`() {
        task("7", "main")
        task("12", "redmobile-engin")
        task("9", "redmobile-engin")
        File(folder, "13").mkdirs() // has ended: no name
        assertArrayEquals(intArrayOf(9, 12), Threads.likeThis(folder, File(folder, "12/comm")))
        assertEquals(0, Threads.likeThis(folder, File(folder, "99/comm")).size)
    }

    @Test
    fun `of this process`() {
        val (ready, done) = CountDownLatch(2) to CountDownLatch(2)
        val found = arrayOfNulls<IntArray>(2)
        val threads = List(2) { index ->
            Thread({
                ready.countDown()
                ready.await()
                found[index] = Threads.likeThis()
                done.countDown()
                done.await() // neither ends before both have looked
            }, "redmobile-like-me").apply { start() }
        }
        threads.forEach { it.join() }
        found.forEach { assertEquals(2, it!!.size) }
    }

    private fun task(id: String, name: String) = File(folder, id).apply { mkdirs() }.let { File(it, "comm").writeText("$name\n") }
}
