package dev.redmobile.tflite

import dev.redmobile.demo.DemoTestRunner
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import java.io.File
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.security.MessageDigest

@RunWith(DemoTestRunner::class)
class InterpreterTest {
    private val model: ByteBuffer = FileInputStream(System.getProperty("redmobile.model")).use {
        it.channel.map(FileChannel.MapMode.READ_ONLY, 0, it.channel.size())
    }

    @Test
    fun `gives the bytes that LiteRT gives`() {
        val frame = File(System.getProperty("redmobile.frame")).readBytes()
        Interpreter(model, threads = 2).use { interpreter ->
            val input = interpreter.inputs.single()
            val output = interpreter.outputs.single()
            assertEquals(frame.size, input.bytes)
            input.data.put(frame)
            interpreter.run()
            val made = ByteArray(output.bytes).also { output.data.get(it) }
            assertEquals(System.getProperty("redmobile.frame.enhanced"), sha256(made))
        }
        assertEquals("2.21.0", Interpreter.version())
    }

    @Test
    fun `our kernels take what they know, leave the rest to XNNPACK, and the bytes are those that LiteRT gives`() {
        Interpreter(model, threads = 2, Delegate.External("libredmobile_delegate.so", mapOf("threads" to "2"))).use { interpreter ->
            assertEquals(0 to 1, interpreter.coverage.left to interpreter.coverage.byAsked)
            interpreter.inputs.single().data.put(File(System.getProperty("redmobile.frame")).readBytes())
            interpreter.run()
            val output = interpreter.outputs.single()
            assertEquals(System.getProperty("redmobile.frame.enhanced"), sha256(ByteArray(output.bytes).also { output.data.get(it) }))
        }
    }

    @Test
    fun `an option that a delegate does not know is refused in its words`() {
        val refused = assertThrows(DelegateException::class.java) { Interpreter(model, delegate = Delegate.External("libredmobile_delegate.so", mapOf("speed" to "9"))) }
        assertTrue(refused.message, "made no delegate of these options" in refused.message.orEmpty())
    }

    @Test
    fun `says what its tensors are`() {
        Interpreter(model).use { interpreter ->
            for (tensor in interpreter.inputs + interpreter.outputs) {
                assertEquals(listOf(1, 1088, 1920, 4), tensor.shape)
                assertEquals(Tensor.INT8, tensor.type)
                assertEquals(-128, tensor.zeroPoint)
                assertEquals(1 / 255f, tensor.scale, 1e-6f)
            }
        }
    }

    @Test
    fun `a closed one says so, and may be closed again`() {
        val interpreter = Interpreter(model)
        interpreter.close()
        interpreter.close()
        assertThrows(IllegalStateException::class.java) { interpreter.run() }
    }

    @Test
    fun `refuses threads and buffers that cannot be`() {
        assertThrows(IllegalArgumentException::class.java) { Interpreter(model, threads = 0) }
        assertThrows(IllegalArgumentException::class.java) { Interpreter(ByteBuffer.wrap(ByteArray(100))) }
        assertThrows(ModelException::class.java) { Interpreter(ByteBuffer.allocateDirect(0)) }
    }

    @Test
    fun `flips sign bits where they fit, and nowhere else`() {
        val pixels = ByteBuffer.allocateDirect(5)
        val codes = ByteBuffer.allocateDirect(4)
        for (index in 0 until 5) pixels.put(index, (index * 60).toByte())
        Interpreter.flip(pixels, 1, codes, 0, 4)
        assertEquals(listOf(60 - 128, 120 - 128, 180 - 128, 240 - 128), List(4) { codes.get(it).toInt() })
        for ((from, to, bytes) in listOf(Triple(0, 0, 5), Triple(2, 0, 4), Triple(-1, 0, 2), Triple(0, 3, 2), Triple(0, 0, -1))) {
            assertThrows(IllegalArgumentException::class.java) { Interpreter.flip(pixels, from, codes, to, bytes) }
        }
        assertThrows(IllegalArgumentException::class.java) { Interpreter.flip(ByteBuffer.wrap(ByteArray(4)), 0, codes, 0, 4) }
        assertThrows(IllegalArgumentException::class.java) { Interpreter.flip(codes, 0, pixels.asReadOnlyBuffer(), 0, 4) }
    }

    private fun sha256(bytes: ByteArray) = MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }
}
