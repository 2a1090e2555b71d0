package dev.redmobile.demo.benchmark

/** One finished frame; in milliseconds. waited: from its arrival until somebody took it; stages: as [Record.STAGES]. */
class FrameTimes(val number: Int, val waited: Double, val stages: DoubleArray, val latency: Double)

/**
 * What is measured, run by run, while it goes on: one thread writes, others may take a [copy] at any time.
 *
 * runs: of the network alone; frames, drops: of a stream.
 */
class Record {
    val warmUp = ArrayList<Double>()
    val runs = ArrayList<Double>()
    val frames = ArrayList<FrameTimes>()
    val drops = ArrayList<Int>()
    val samples = ArrayList<DeviceSample>()
    var seconds = 0.0
    var progress = 0.0

    /** Nothing that counts was finished. */
    val isEmpty: Boolean get() = runs.isEmpty() && frames.isEmpty()

    /** Durations that the verdict rests on: the runs, or the frames' latencies. */
    val judged: List<Double> get() = if (frames.isEmpty()) runs else frames.map { it.latency }

    /** Durations that trust rests on: the runs, or the work on each frame, without waiting. */
    val work: List<Double> get() = if (frames.isEmpty()) runs else frames.map { it.stages.sum() }

    @Synchronized
    fun change(block: Record.() -> Unit) {
        apply(block)
    }

    @Synchronized
    fun copy(): Record {
        val copied = Record()
        copied.warmUp.addAll(warmUp)
        copied.runs.addAll(runs)
        copied.frames.addAll(frames)
        copied.drops.addAll(drops)
        copied.samples.addAll(samples)
        copied.seconds = seconds
        copied.progress = progress
        return copied
    }

    companion object {
        val STAGES = listOf("pre", "infer", "post")
    }
}
