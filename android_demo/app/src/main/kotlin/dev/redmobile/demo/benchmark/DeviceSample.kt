package dev.redmobile.demo.benchmark

import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.os.BatteryManager
import dev.redmobile.demo.phone.Thermal
import org.json.JSONObject
import java.io.File
import java.io.IOException

/** The phone at one moment. seconds: since the run began. What it does not tell is null, or missing in [clocks] (core to MHz). */
data class DeviceSample(
    val seconds: Double,
    val thermalStatus: Int?,
    val clocks: Map<String, Double>,
    val batteryPercent: Double?,
    val batteryC: Double?,
    val batteryMa: Double?,
) {
    fun toJson(): JSONObject {
        val found = JSONObject().put("seconds", seconds).put("clocks_mhz", JSONObject(clocks))
        thermalStatus?.let { found.put("thermal_status", it) }
        batteryPercent?.let { found.put("battery_percent", it) }
        batteryC?.let { found.put("battery_c", it) }
        batteryMa?.let { found.put("battery_ma", it) }
        return found
    }

    companion object {
        private const val TENTHS = 10.0
        private const val THOUSAND = 1000.0
        private const val PERCENT = 100.0
        private val CORES = File("/sys/devices/system/cpu")

        fun take(context: Context, seconds: Double): DeviceSample {
            val battery = context.registerReceiver(null, IntentFilter(Intent.ACTION_BATTERY_CHANGED)) // the last one; nothing is registered
            val level = battery?.getIntExtra(BatteryManager.EXTRA_LEVEL, -1)?.takeIf { it >= 0 }
            val scale = battery?.getIntExtra(BatteryManager.EXTRA_SCALE, -1)?.takeIf { it > 0 }
            val tenths = battery?.getIntExtra(BatteryManager.EXTRA_TEMPERATURE, Int.MIN_VALUE)?.takeIf { it != Int.MIN_VALUE }
            val current = context.getSystemService(BatteryManager::class.java)?.getIntProperty(BatteryManager.BATTERY_PROPERTY_CURRENT_NOW)
            return DeviceSample(
                seconds,
                Thermal.status(context),
                clocks(),
                if (level != null && scale != null) PERCENT * level / scale else null,
                tenths?.let { it / TENTHS },
                current?.takeIf { it != Int.MIN_VALUE && it != 0 }?.let { it / THOUSAND },
            )
        }

        private fun clocks(): Map<String, Double> = CORES.listFiles().orEmpty().filter { it.name.matches(Regex("cpu\\d+")) }.mapNotNull { core ->
            val khz = try {
                File(core, "cpufreq/scaling_cur_freq").readText().trim().toDoubleOrNull()
            } catch (_: IOException) { // this phone does not tell
                null
            }
            khz?.let { core.name to it / THOUSAND }
        }.toMap()
    }
}
