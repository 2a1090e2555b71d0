package dev.redmobile.demo.benchmark

import dev.redmobile.tflite.Interpreter
import java.nio.ByteBuffer
import java.util.concurrent.CancellationException
import java.util.concurrent.locks.LockSupport

/**
 * Carries out a plan with a loaded network, on the caller's thread. frames: RGBA bytes, each as large as the network's input.
 *
 * A stream's frames arrive at the plan's rate, whether or not the last is finished; one frame waits at most, and the newest takes its place.
 * One thread does all of a frame's stages, so that a frame must be through in one frame's time to keep up: a camera app may overlap them.
 */
class Measurer(
    private val interpreter: Interpreter,
    private val frames: List<ByteBuffer>,
    private val plan: BenchPlan,
    private val record: Record,
    private val cancelled: () -> Boolean,
) {
    private val input = interpreter.inputs[0].data
    private val output = interpreter.outputs[0].data
    private val shown = ByteBuffer.allocateDirect(output.capacity())

    /** Throws [CancellationException], and RunException of TFLite. */
    fun measure() {
        repeat(plan.warmUp) { index ->
            val took = ms(if (plan.stream) work(index).sum() else run(index))
            record.change { warmUp += took }
            goOn()
        }
        if (plan.stream) stream() else backToBack()
    }

    private fun backToBack() {
        val began = System.nanoTime()
        var done = 0
        while (done < plan.runs && (done == 0 || since(began) < plan.seconds)) {
            val took = ms(run(done++))
            record.change {
                runs += took
                seconds = since(began)
                progress = Math.max(done.toDouble() / plan.runs, Math.min(1.0, seconds / plan.seconds))
            }
            goOn()
        }
    }

    private fun stream() {
        val period = NS / plan.fps
        val began = System.nanoTime()
        var next = 0
        while (next < plan.offered) {
            waitUntil(began + (next * period).toLong())
            val taken = Math.min(((System.nanoTime() - began) / period).toInt(), plan.offered - 1).coerceAtLeast(next)
            val arrived = began + (taken * period).toLong()
            val started = System.nanoTime()
            val stages = work(taken)
            val finished = System.nanoTime()
            record.change {
                drops += next until taken
                frames += FrameTimes(taken, ms(started - arrived), DoubleArray(stages.size) { ms(stages[it]) }, ms(finished - arrived))
                seconds = since(began)
                progress = (taken + 1.0) / plan.offered
            }
            next = taken + 1
            goOn()
        }
    }

    /** The network alone, in nanoseconds: the frame lies in its input already. */
    private fun run(number: Int): Long {
        put(number)
        val start = System.nanoTime()
        interpreter.run()
        return System.nanoTime() - start
    }

    /** All stages of a frame, in nanoseconds each. */
    private fun work(number: Int): LongArray {
        val start = System.nanoTime()
        put(number)
        val packed = System.nanoTime()
        interpreter.run()
        val ran = System.nanoTime()
        Interpreter.flip(output, 0, shown, 0, shown.capacity())
        return longArrayOf(packed - start, ran - packed, System.nanoTime() - ran)
    }

    private fun put(number: Int) = Interpreter.flip(frames[number % frames.size], 0, input, 0, input.capacity())

    private fun goOn() {
        if (cancelled()) throw CancellationException()
    }

    private fun waitUntil(moment: Long) {
        while (true) {
            val left = moment - System.nanoTime()
            if (left <= 0) return
            LockSupport.parkNanos(left)
            goOn()
        }
    }

    private fun since(began: Long) = (System.nanoTime() - began) / NS

    private fun ms(nanoseconds: Long) = nanoseconds / NS_A_MS

    private companion object {
        const val NS = 1e9
        const val NS_A_MS = 1e6
    }
}
