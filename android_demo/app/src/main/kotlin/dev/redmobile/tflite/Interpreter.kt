package dev.redmobile.tflite

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A tensor. [data] is the interpreter's own memory, without copies; never touch it after [Interpreter.close]. */
class Tensor internal constructor(description: IntArray, val data: ByteBuffer) {
    /** TFLite's code of the element type, e.g. [INT8]. */
    val type = description[0]
    val zeroPoint = description[1]
    val scale = java.lang.Float.intBitsToFloat(description[2])
    val shape: List<Int> = description.drop(3)
    val bytes: Int get() = data.capacity()

    companion object {
        const val FLOAT32 = 1
        const val UINT8 = 3
        const val INT8 = 9
    }
}

/**
 * A model in TFLite 2.21, on XNNPACK and, in front of it, the [delegate] that was asked for. Not for two threads at once.
 *
 * model: a direct buffer, usually a mapped file; weights are read where they lie, so it is held until [close].
 * Throws [ModelException], [DelegateException]; also if the delegate that was asked for took no node.
 */
class Interpreter(model: ByteBuffer, val threads: Int = 1, val delegate: Delegate = Delegate.Cpu) : AutoCloseable {
    private val held = model.slice()
    private var handle = create()
    val coverage: Coverage
    val inputs: List<Tensor>
    val outputs: List<Tensor>

    init {
        val (nodes, left, partitions, byAsked) = Bridge.coverage(handle)
        coverage = Coverage(nodes, left, partitions, if (delegate == Delegate.Cpu) partitions else byAsked)
        if (coverage.byAsked == 0) {
            close()
            throw DelegateException("$delegate took none of the model's $nodes nodes")
        }
        inputs = tensors(output = false)
        outputs = tensors(output = true)
    }

    /** One inference, from [inputs] to [outputs]. Throws [RunException]. */
    fun run() {
        check(handle != 0L) { "The interpreter is closed." }
        Bridge.invoke(handle)
    }

    override fun close() {
        if (handle != 0L) Bridge.destroy(handle)
        handle = 0
    }

    private fun create(): Long {
        require(held.isDirect) { "The model must lie in a direct buffer." }
        require(threads >= 1) { "At least 1 thread, found $threads." }
        val external = delegate as? Delegate.External
        val options = external?.options.orEmpty()
        return Bridge.create(held, threads, delegate.kind, external?.library.orEmpty(), options.keys.toTypedArray(), options.values.toTypedArray())
    }

    private fun tensors(output: Boolean) = List(Bridge.count(handle, output)) { index ->
        Tensor(Bridge.describe(handle, output, index), Bridge.data(handle, output, index).order(ByteOrder.nativeOrder()))
    }

    companion object {
        /** The version of TFLite, e.g. 2.21.0. */
        fun version(): String = Bridge.version()

        /**
         * Copy [bytes] bytes from [from] at [fromAt] to [to] at [toAt] with the sign bit flipped: pixels to int8 codes, or back. Positions and
         * limits of the buffers, which must be direct, are neither used nor moved; they may be the same memory if they do not overlap partly.
         * Throws IllegalArgumentException if the bytes do not fit.
         */
        fun flip(from: ByteBuffer, fromAt: Int, to: ByteBuffer, toAt: Int, bytes: Int) {
            require(!to.isReadOnly) { "The second buffer is read-only." }
            Bridge.flip(from, fromAt, to, toAt, bytes)
        }
    }
}
