"""The device while it measures: what it says of itself, as the documents want it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from redmobile.android.facts import Facts
from redmobile.android.vitals import THERMAL_STATUS, Vitals
from redmobile.bench.conditions import Conditions, DeviceSample
from redmobile.bench.header import DeviceFacts

_LOW_PERCENT = 20.0


def device_facts(facts: Facts, serial: str, before: Vitals, **more: str) -> DeviceFacts:
    """What did the work. before: the device when it was asked; more: label → text."""
    status = before.thermal_status
    details = {
        "serial": serial,
        "Android": facts.android,
        "API": str(facts.api),
        "build": facts.fingerprint,
        "security patch": facts.security_patch,
        "ABIs": ", ".join(facts.abis),
        "processor features": " ".join(facts.features),
        "cores": ", ".join(f"{core.number}: {core.max_mhz:.0f} MHz ({core.governor or 'governor unknown'})" for core in facts.cores),
        "thermal status": "not told" if status is None else THERMAL_STATUS[min(status, len(THERMAL_STATUS) - 1)],
        "battery": _battery(before),
        **more,
    }
    return DeviceFacts(
        name=facts.name,
        soc=facts.soc or None,
        abi=facts.abis[0] if facts.abis else None,
        system=f"Android {facts.android} (API {facts.api})",
        cores=len(facts.cores) or None,
        memory_bytes=facts.memory_bytes,
        details={label: text for label, text in details.items() if text},
    )


def remarks(before: Vitals) -> tuple[str, ...]:
    """What is worth knowing of the device before it began."""
    low = before.battery_percent is not None and before.battery_percent < _LOW_PERCENT and not before.charging
    return (f"the battery was at {before.battery_percent:.0f} %: Android may hold the processor back",) if low else ()


def conditions(facts: Facts, mask: int | None, start: Vitals, samples: Sequence[Vitals], began: float, seconds: float) -> Conditions:
    """The device during a measurement that began at `began` (time.monotonic) and took `seconds`. mask: of the cores that could be used.

    start: the device just before. Its heat counts, its clocks do not: they were those of a device at rest.
    """
    used = [core for core in facts.cores if mask is None or mask >> core.number & 1]
    governors = sorted({core.governor for core in used if core.governor})
    first = dataclasses.replace(start, moment=began, clocks_mhz={})
    return Conditions(
        cores=len(used) or 1,
        seconds=seconds,
        governor=", ".join(governors) or None,
        samples=tuple(_sample(one, began, {f"cpu{core.number}" for core in used}) for one in (first, *samples)),
    )


def _sample(vitals: Vitals, began: float, used: set[str]) -> DeviceSample:
    """Only the clocks of cores that could be used: the others' say nothing about the work."""
    return DeviceSample(
        seconds=vitals.moment - began,
        thermal_status=vitals.thermal_status,
        temperatures_c=vitals.temperatures_c,
        clocks_mhz={name: mhz for name, mhz in vitals.clocks_mhz.items() if name in used},
        battery_percent=vitals.battery_percent,
        battery_c=vitals.battery_c,
        battery_ma=vitals.battery_ma,
    )


def _battery(vitals: Vitals) -> str:
    if vitals.battery_percent is None:
        return ""
    heat = "" if vitals.battery_c is None else f", {vitals.battery_c:.1f} °C"
    return f"{vitals.battery_percent:.0f} %{heat}, {'charging' if vitals.charging else 'not charging'}"
