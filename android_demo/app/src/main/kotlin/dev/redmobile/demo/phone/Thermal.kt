package dev.redmobile.demo.phone

import android.content.Context
import android.os.Build
import android.os.PowerManager

/** How hot Android finds the phone. */
object Thermal {
    /** 0 (none) to 6 (shutdown); null before Android 10, which does not tell. */
    fun status(context: Context): Int? = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) ThermalApi29.status(context) else null
}

private object ThermalApi29 {
    fun status(context: Context): Int? = context.getSystemService(PowerManager::class.java)?.currentThermalStatus
}
