package dev.redmobile.demo.engine

import dev.redmobile.demo.DemoTestRunner
import dev.redmobile.tflite.Delegate
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RuntimeEnvironment
import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit

/** The real model through the real bridge. */
@RunWith(DemoTestRunner::class)
class TfLiteEngineTest {
    private val asset = AssetModel(RuntimeEnvironment.getApplication())
    private val seen = LinkedBlockingQueue<EngineState>()
    private val engine = TfLiteEngine()
    private val listening = engine.listen { seen += it }

    @After
    fun close() {
        listening.close()
        engine.close()
    }

    @Test
    fun `loads the model that is in the APK`() {
        engine.load(asset, Settings(threads = 2))
        assertEquals(listOf(EngineState.Idle, EngineState.Loading(Settings(threads = 2))), listOf(next(), next()))
        val model = (next() as EngineState.Ready).model
        assertEquals(1920 to 1088, model.width to model.height)
        assertEquals(0, model.coverage.left)
        assertEquals(1, model.coverage.partitions)
        assertEquals(asset.map().capacity().toLong(), File(System.getProperty("redmobile.model")).length())
    }

    @Test
    fun `brightens, keeps alpha, and says that it runs`() {
        engine.load(asset, Settings(threads = 2))
        repeat(3) { next() }
        var mean = 0.0
        var alpha = 0
        var took = 0L
        assertTrue(engine.submit { session ->
            fill(session.input, 20)
            took = session.run()
            mean = (0 until session.output.capacity() step 4).sumOf { byte(session.output, it) }.toDouble() / (session.output.capacity() / 4)
            alpha = (3 until session.output.capacity() step 4).minOf { byte(session.output, it) }
        })
        assertTrue(next() is EngineState.Running)
        assertTrue(next() is EngineState.Ready)
        assertTrue("a mean of $mean of 20", mean > 30)
        assertEquals(255, alpha)
        assertTrue(took > 0)
    }

    @Test
    fun `what is no model, or not all of one, is told apart from what is missing`() {
        val whole = File(System.getProperty("redmobile.model")).readBytes()
        assertFault(Fault.MODEL_MISSING, FileModel(File("/no/such.tflite")))
        assertFault(Fault.MODEL_MISSING, file(ByteArray(0)))
        assertFault(Fault.MODEL_BROKEN, file(ByteArray(5000)))
        assertFault(Fault.MODEL_BROKEN, file(whole.copyOf(whole.size / 2)))
    }

    @Test
    fun `a model of other pictures is unsuitable, with what was found`() {
        val failed = assertFault(Fault.MODEL_UNSUITABLE, FileModel(File(System.getProperty("redmobile.model.rgb"))))
        assertTrue(failed.detail, failed.detail.contains("1x1088x1920x3"))
    }

    @Test
    fun `a delegate that is not there is no reason to run on another`() {
        val missing = assertFault(Fault.DELEGATE_UNAVAILABLE, asset, Settings(delegate = Delegate.External("/no/such.so", mapOf("a" to "b"))))
        assertTrue(missing.detail, missing.detail.contains("/no/such.so"))
        assertFault(Fault.DELEGATE_UNAVAILABLE, asset, Settings(delegate = Delegate.External("libc.so.6")))
        assertFault(Fault.DELEGATE_UNAVAILABLE, asset, Settings(delegate = Delegate.Nnapi))
    }

    @Test
    fun `after a fault another model can be loaded`() {
        assertFault(Fault.MODEL_BROKEN, file(ByteArray(5000)))
        engine.load(asset)
        next()
        assertTrue(next() is EngineState.Ready)
    }

    @Test
    fun `work is dropped where nothing is loaded, and refused once closed`() {
        val dropped = CountDownLatch(1)
        assertTrue(engine.submit({ dropped.countDown() }) { throw AssertionError("there is no session") })
        assertTrue(dropped.await(10, TimeUnit.SECONDS))
        engine.close()
        assertFalse(engine.submit { })
    }

    @Test
    fun `every fault has a sentence and a remedy`() {
        val resources = RuntimeEnvironment.getApplication().resources
        Fault.values().forEach { fault ->
            val sentence = resources.getString(fault.sentence)
            assertTrue(sentence, sentence.endsWith("."))
            assertNotEquals(sentence, resources.getString(fault.remedy))
        }
    }

    private fun assertFault(fault: Fault, source: ModelSource, settings: Settings = Settings(threads = 1)): EngineState.Failed {
        seen.clear()
        engine.load(source, settings)
        assertTrue(next() is EngineState.Loading)
        val failed = next() as EngineState.Failed
        assertEquals(failed.detail, fault, failed.fault)
        return failed
    }

    private fun next(): EngineState = seen.poll(60, TimeUnit.SECONDS) ?: throw AssertionError("no further state within a minute")

    private fun file(bytes: ByteArray) = FileModel(File.createTempFile("model", ".tflite").apply { deleteOnExit() }.also { it.writeBytes(bytes) })

    private fun fill(tensor: ByteBuffer, level: Int) {
        for (index in 0 until tensor.capacity()) tensor.put(index, ((if (index % 4 == 3) 255 else level) xor 0x80).toByte())
    }

    private fun byte(tensor: ByteBuffer, index: Int): Int = (tensor.get(index).toInt() and 0xFF) xor 0x80
}
