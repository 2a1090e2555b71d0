"""How a device is at one moment: heat, clocks, battery; and a thread that asks again and again while something runs on it."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import threading
import time
from types import TracebackType
from typing import Self

from redmobile.android.device import Device
from redmobile.errors import RedmobileError

THERMAL_STATUS = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
"""Android's names of its thermal status, 0 to 6 (android.os.PowerManager.THERMAL_STATUS_*)."""

_COMMAND = (
    "dumpsys thermalservice; echo; echo @battery; dumpsys battery; echo @current; cat /sys/class/power_supply/battery/current_now 2>/dev/null; "
    "echo; echo @clocks; grep -H . /sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq 2>/dev/null"
)
_TEMPERATURE = re.compile(r"Temperature\{mValue=(?P<value>-?[\d.]+), mType=-?\d+, mName=(?P<name>[^,]+), mStatus=\d+\}")
_HAL = re.compile(r"Current temperatures from HAL:(.*?)(?:\n\S|\Z)", re.DOTALL)
_COLDEST_C = -40.0
"""Below this it is a sensor's way to say that it is off (-99.9, -274)."""


@dataclasses.dataclass(frozen=True)
class Vitals:
    """moment: of time.monotonic. thermal_status: 0 to 6. temperatures_c: sensor → °C; clocks_mhz: core → MHz now.

    battery_percent, battery_c, battery_ma (negative while it is drained). charging: from a cable. None: the device does not tell.
    """

    moment: float
    thermal_status: int | None
    temperatures_c: dict[str, float]
    clocks_mhz: dict[str, float]
    battery_percent: float | None
    battery_c: float | None
    battery_ma: float | None
    charging: bool


def read_vitals(device: Device) -> Vitals:
    """Ask the device, in one command. Raises DeviceError, ToolError (adb's)."""
    return parse_vitals(device.shell(_COMMAND, what="reading heat, clocks and battery").text, time.monotonic())


def parse_vitals(said: str, moment: float) -> Vitals:
    """The Vitals in what the commands wrote."""
    thermal, _, rest = said.partition("@battery")
    battery, _, rest = rest.partition("@current")
    current, _, clocks = rest.partition("@clocks")
    status = re.search(r"Thermal Status:\s*(\d+)", thermal)
    current_ua = re.search(r"-?\d+", current)
    level, scale, tenths = (_number(battery, name) for name in ("level", "scale", "temperature"))
    return Vitals(
        moment=moment,
        thermal_status=int(status[1]) if status else None,
        temperatures_c=_temperatures(thermal),
        clocks_mhz={name: int(khz) / 1000 for name, khz in re.findall(r"/(cpu\d+)/cpufreq/scaling_cur_freq:(\d+)", clocks)},
        battery_percent=100 * level / (scale or 100) if level is not None else None,
        battery_c=tenths / 10 if tenths is not None else None,
        battery_ma=int(current_ua[0]) / 1000 if current_ua else None,
        charging=re.search(r"(AC|USB|Wireless|Dock) powered: true", battery) is not None,
    )


def _temperatures(thermal: str) -> dict[str, float]:
    """Only those that the hardware tells now; the service also prints old ones."""
    hal = _HAL.search(thermal)
    found = ((match["name"], float(match["value"])) for match in _TEMPERATURE.finditer(hal[1] if hal else ""))
    return {name: value for name, value in found if value > _COLDEST_C}


def _number(text: str, name: str) -> float | None:
    match = re.search(rf"^\s*{name}: (-?\d+)", text, re.MULTILINE)
    return float(match[1]) if match else None


class Sampler:
    """`with Sampler(device, every_s) as sampler: …`: asks for vitals at the start, every `every_s` seconds, until the block ends.

    samples: what came. A device that goes away is a sample missed: whoever works with it in the block will notice.
    """

    def __init__(self, device: Device, every_s: float) -> None:
        self.samples: list[Vitals] = []
        self._device = device
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(self._every_s):
            with contextlib.suppress(RedmobileError):
                self.samples.append(read_vitals(self._device))
