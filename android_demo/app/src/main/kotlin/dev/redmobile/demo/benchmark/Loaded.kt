package dev.redmobile.demo.benchmark

import dev.redmobile.demo.engine.ModelSource
import dev.redmobile.tflite.Delegate
import dev.redmobile.tflite.Interpreter
import dev.redmobile.tflite.Tensor
import org.json.JSONArray
import org.json.JSONObject
import java.security.MessageDigest

/** A network that is ready, and what the result says of it. initMs: from the file to here. */
class Loaded(private val source: ModelSource, val configuration: Configuration) : AutoCloseable {
    private val bytes = source.map()
    private val sha256 = MessageDigest.getInstance("SHA-256").apply { update(bytes.duplicate()) }.digest().joinToString("") { "%02x".format(it) }
    private val began = System.nanoTime()
    private val settings = configuration.settings()
    val interpreter = Interpreter(bytes, settings.threads, settings.delegate)
    private val initMs = (System.nanoTime() - began) / NS_A_MS

    override fun close() = interpreter.close()

    fun modelJson(): JSONObject = JSONObject().put("file", source.name).put("sha256", sha256).put("bytes", bytes.capacity())

    fun loadJson(firstMs: Double): JSONObject = JSONObject().put("runtime", "TFLite ${Interpreter.version()}").put("init_ms", initMs).put("first_ms", firstMs)
        .put("inputs", tensors("input", interpreter.inputs)).put("outputs", tensors("output", interpreter.outputs))
        .put("delegate", JSONObject().put("asked", configuration.unit).put("ran", ran()))

    /** What really did the work: the delegate that was asked for, XNNPACK for what that left, plain kernels for what both left. */
    private fun ran(): String {
        val found = interpreter.coverage
        val names = listOfNotNull(
            settings.delegate.toString().takeIf { settings.delegate != Delegate.Cpu },
            "XNNPACK".takeIf { settings.delegate == Delegate.Cpu || found.partitions > found.byAsked },
            "plain kernels".takeIf { found.left > 0 },
        )
        return names.joinToString("+")
    }

    private fun tensors(name: String, found: List<Tensor>) = JSONArray(
        found.mapIndexed { index, tensor ->
            JSONObject().put("name", "$name $index").put("shape", JSONArray(tensor.shape)).put("dtype", "int8").put("layout", "NHWC")
                .put("quantization", JSONArray(listOf(tensor.scale.toDouble(), tensor.zeroPoint)))
        },
    )

    private companion object {
        const val NS_A_MS = 1e6
    }
}
