package dev.redmobile.demo.benchmark

import org.json.JSONArray
import org.json.JSONObject
import java.util.Locale

/** One reason not to trust figures: a flag of the schema, and a sentence. */
data class Doubt(val flag: String, val says: String)

/** Whether figures can be trusted, by the rules of redmobile/bench/stability.py as far as a phone tells what they ask. */
object Trust {
    private const val PERCENT = 100

    fun judge(record: Record, rules: Rules, threads: Int, cores: Int, incomplete: String?): List<Doubt> {
        val found = ArrayList<Doubt>()
        incomplete?.let { found += Doubt("incomplete", "it ended before its time: $it") }
        if (record.work.size < rules.minSamples) {
            found += Doubt("too_few_samples", "only ${record.work.size} samples, at least ${rules.minSamples} are needed")
        } else {
            found += ofSamples(Statistics(record.work), rules)
        }
        if (record.seconds < rules.minSeconds) {
            found += Doubt("too_short", String.format(Locale.ROOT, "measured for only %.2f s, at least %.1f s are needed", record.seconds, rules.minSeconds))
        }
        if (threads > cores) found += Doubt("too_many_threads", "$threads threads on $cores cores")
        return found + ofDevice(record.samples, rules)
    }

    fun toJson(doubts: List<Doubt>): JSONObject = JSONObject().put("trusted", doubts.isEmpty())
        .put("reasons", JSONArray(doubts.map { JSONObject().put("flag", it.flag).put("says", it.says) }))

    private fun ofSamples(found: Statistics, rules: Rules): List<Doubt> = listOfNotNull(
        Doubt("spread", "the middle half of the samples spreads over ${percent(found.relativeIqr)} of the median, at most ${percent(rules.maxRelativeIqr)} is expected")
            .takeIf { found.relativeIqr > rules.maxRelativeIqr },
        Doubt("drift", "the last third differs by ${percent(found.drift)} from the first, at most ${percent(rules.maxDrift)} is expected")
            .takeIf { Math.abs(found.drift) > rules.maxDrift },
    )

    private fun ofDevice(samples: List<DeviceSample>, rules: Rules): List<Doubt> {
        val heat = samples.mapNotNull { it.thermalStatus }.maxOrNull() ?: 0
        val clocks = samples.mapNotNull { it.clocks.values.maxOrNull() }.filter { it > 0 }
        val change = if (clocks.isEmpty()) 0.0 else (clocks.max() - clocks.min()) / clocks.max()
        return listOfNotNull(
            Doubt("heat", "Android's thermal status rose to $heat, at most ${rules.maxThermalStatus} is expected").takeIf { heat > rules.maxThermalStatus },
            Doubt("clock", "the processor's clock changed by ${percent(change)}, at most ${percent(rules.maxClockChange)} is expected")
                .takeIf { change > rules.maxClockChange },
        )
    }

    private fun percent(part: Double) = "${Math.round(part * PERCENT)} %"
}
