"""What the machine did while something was measured on it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil

from redmobile.core.documents import Document
from redmobile.runtimes.base import available_threads

_CPUS = Path("/sys/devices/system/cpu")
_OS_ERRORS = (OSError, ValueError)


class DeviceSample(Document):
    """The device at one moment of a measurement. seconds: since it began.

    thermal_status: Android's, 0 (none) to 6 (shutdown). temperatures_c: zone → °C; clocks_mhz: core or cluster → MHz.
    battery_percent: charge; battery_c: its temperature; battery_ma: its current, negative while it is drained. None: the device does not say.
    """

    seconds: float
    thermal_status: int | None = None
    temperatures_c: dict[str, float] = msgspec.field(default_factory=dict)
    clocks_mhz: dict[str, float] = msgspec.field(default_factory=dict)
    battery_percent: float | None = None
    battery_c: float | None = None
    battery_ma: float | None = None


class Conditions(Document):
    """The machine during one measurement. cores: those the measuring process may use; seconds: how long it took.

    load_before: the one-minute load average when it began. own_share, other_share, steal_share: parts of all cores' time spent in
    the process, in others, and taken away by a virtual machine's host. clock_first_mhz, clock_last_mhz: the processor's
    frequency; clock_cap_mhz: the highest it was allowed when measuring ended, clock_top_mhz: the highest it can do; of the fastest core.
    governor: what decides it; throttle_events: how often a core was slowed down for its heat. None: the system does not say.
    samples: of clocks, heat and battery, in the order of time.
    """

    cores: int
    seconds: float
    load_before: float | None = None
    own_share: float | None = None
    other_share: float | None = None
    steal_share: float | None = None
    clock_first_mhz: float | None = None
    clock_last_mhz: float | None = None
    clock_cap_mhz: float | None = None
    clock_top_mhz: float | None = None
    governor: str | None = None
    throttle_events: int | None = None
    samples: tuple[DeviceSample, ...] = ()


class Watch:
    """Looks at the machine when it is made, every second, and again when asked: `watch = Watch(); measure(); watch.conditions()`.

    A look takes less than a millisecond of one core.
    """

    def __init__(self, period_s: float = 1.0) -> None:
        self._load = _load_average()
        self._clock = _clock_mhz()
        self._throttled = _throttle_events()
        self._samples: list[DeviceSample] = []
        self._ended = threading.Event()
        self._looking = threading.Thread(target=self._look, args=(period_s,), daemon=True)
        self._began = time.monotonic()
        self._machine = psutil.cpu_times()
        self._own = psutil.Process().cpu_times()
        self._looking.start()

    def conditions(self) -> Conditions:
        """What happened since this object was made. It then looks no more."""
        all_cores = psutil.cpu_count() or 1
        seconds = max(time.monotonic() - self._began, 1e-9)
        machine, own = psutil.cpu_times(), psutil.Process().cpu_times()
        self._ended.set()
        self._looking.join()
        busy_all = _busy(machine) - _busy(self._machine)
        busy_own = own.user + own.system - self._own.user - self._own.system
        throttled = _throttle_events()
        return Conditions(
            cores=available_threads(),
            seconds=seconds,
            load_before=self._load,
            own_share=_share(busy_own, all_cores * seconds),
            other_share=_share(busy_all - busy_own, all_cores * seconds),
            steal_share=_share(getattr(machine, "steal", 0.0) - getattr(self._machine, "steal", 0.0), all_cores * seconds),
            clock_first_mhz=self._clock,
            clock_last_mhz=_clock_mhz(),
            clock_cap_mhz=max(_frequencies("scaling_max_freq").values(), default=None),
            clock_top_mhz=max(_frequencies("cpuinfo_max_freq").values(), default=None),
            governor=_governor(),
            throttle_events=None if throttled is None or self._throttled is None else throttled - self._throttled,
            samples=tuple(self._samples),
        )

    def _look(self, period_s: float) -> None:
        while not self._ended.wait(period_s):
            seconds = round(time.monotonic() - self._began, 3)
            self._samples.append(DeviceSample(seconds=seconds, clocks_mhz=_frequencies("scaling_cur_freq"), temperatures_c=_temperatures()))


def _share(part: float, whole: float) -> float:
    """In [0, 1]: the system counts in ticks of some milliseconds, and in short times a tick too many or too few is seen."""
    return min(1.0, max(0.0, part / whole))


def _busy(times: Any) -> float:
    """Seconds of all cores in which a process or the kernel worked. `user` already holds what guests of this machine took."""
    return sum(float(getattr(times, field, 0.0)) for field in ("user", "nice", "system", "irq", "softirq"))


def _load_average() -> float | None:
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None


def _clock_mhz() -> float | None:
    """Of the fastest core now."""
    clocks = _frequencies("scaling_cur_freq")
    if clocks:
        return max(clocks.values())
    try:
        frequency = psutil.cpu_freq()
    except (*_OS_ERRORS, NotImplementedError):
        return None
    return float(frequency.current) if frequency and frequency.current else None


def _frequencies(kind: str) -> dict[str, float]:
    """Core → MHz, of a file that the kernel has for each: 'scaling_cur_freq' (now), 'scaling_max_freq' (allowed), 'cpuinfo_max_freq' (possible)."""
    found = {}
    for file in sorted(_CPUS.glob(f"cpu[0-9]*/cpufreq/{kind}")):
        with contextlib.suppress(*_OS_ERRORS):
            found[file.parent.parent.name] = int(file.read_text()) / 1000
    return found


def _temperatures() -> dict[str, float]:
    """Zone → °C."""
    if not hasattr(psutil, "sensors_temperatures"):
        return {}
    zones = psutil.sensors_temperatures()
    return {f"{name} {one.label or place}": float(one.current) for name, ones in zones.items() for place, one in enumerate(ones)}


def _governor() -> str | None:
    try:
        return (_CPUS / "cpu0/cpufreq/scaling_governor").read_text().strip()
    except _OS_ERRORS:
        return None


def _throttle_events() -> int | None:
    counters = list(_CPUS.glob("cpu[0-9]*/thermal_throttle/*_throttle_count"))
    try:
        return sum(int(counter.read_text()) for counter in counters) if counters else None
    except _OS_ERRORS:
        return None
