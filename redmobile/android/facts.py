"""What a device says of itself: model, processor, Android, memory, and which cores are fast."""

from __future__ import annotations

import dataclasses
import re

from redmobile.android.device import Device
from redmobile.errors import DeviceError, UsageError

ABI = "arm64-v8a"
MIN_API = 26

_PROPERTIES = {
    "manufacturer": "ro.product.manufacturer",
    "model": "ro.product.model",
    "soc_manufacturer": "ro.soc.manufacturer",
    "soc_model": "ro.soc.model",
    "board": "ro.board.platform",
    "abis": "ro.product.cpu.abilist",
    "android": "ro.build.version.release",
    "api": "ro.build.version.sdk",
    "fingerprint": "ro.build.fingerprint",
    "security_patch": "ro.build.version.security_patch",
}
_PROPERTY = re.compile(r"^\[(.+?)\]: \[(.*)\]$", re.MULTILINE)
_CPUS = "/sys/devices/system/cpu"
_SOC_MAKERS = {"QTI": "Qualcomm", "Mediatek": "MediaTek", "Google": "Google", "Samsung": "Samsung", "Spreadtrum": "Unisoc"}
"""What ro.soc.manufacturer says → what people say."""

_CLUSTERS = {1: ("big",), 2: ("little", "big"), 3: ("little", "middle", "big")}
_KIB, _KHZ_PER_MHZ = 1024, 1000.0


@dataclasses.dataclass(frozen=True)
class Core:
    """One core. max_mhz: its greatest clock, 0 if it is not told; governor: what decides the clock, '' if it is not told."""

    number: int
    max_mhz: float
    governor: str


@dataclasses.dataclass(frozen=True)
class Facts:
    """A device. soc: 'Qualcomm SM8550'; abis: best first; features: as /proc/cpuinfo names them. What is not told is empty, 0 or None."""

    name: str
    soc: str
    abis: tuple[str, ...]
    android: str
    api: int
    fingerprint: str
    security_patch: str
    memory_bytes: int | None
    cores: tuple[Core, ...]
    features: tuple[str, ...]


def read_facts(device: Device) -> Facts:
    """Ask the device. What it does not tell is empty. Raises DeviceError, ToolError (adb's)."""
    said = dict(_PROPERTY.findall(device.read("getprop", what="reading what the device is")))
    found = {name: said.get(known, "").strip() for name, known in _PROPERTIES.items()}
    kernel = device.shell("cat /proc/meminfo /proc/cpuinfo", what="reading memory and processor").text
    memory = re.search(r"MemTotal:\s+(\d+) kB", kernel)
    features = re.search(r"^Features\s*:\s*(.*)$", kernel, re.MULTILINE)
    return Facts(
        name=" ".join(filter(None, (found.get("manufacturer", ""), found.get("model", "")))) or device.serial,
        soc=_soc(found),
        abis=tuple(filter(None, found.get("abis", "").split(","))),
        android=found.get("android", ""),
        api=int(found["api"]) if found.get("api", "").isdigit() else 0,
        fingerprint=found.get("fingerprint", ""),
        security_patch=found.get("security_patch", ""),
        memory_bytes=int(memory[1]) * _KIB if memory else None,
        cores=_cores(device),
        features=tuple(features[1].split()) if features else (),
    )


def check_runs_app(serial: str, facts: Facts) -> None:
    """Raise DeviceError unless the device runs arm64 programs and its Android is new enough for the demo app."""
    if ABI not in facts.abis:
        runs = ", ".join(facts.abis) or "what it does not tell"
        raise DeviceError(f"{serial}: its processor runs {runs}; {ABI} is needed. A 64-bit ARM phone is required.")
    if facts.api and facts.api < MIN_API:
        raise DeviceError(f"{serial}: has Android {facts.android} (API {facts.api}), at least 8.0 (API {MIN_API}) is needed.")


def core_mask(cores: tuple[Core, ...], wanted: str) -> int:
    """The mask of the cores `wanted`: 'all', 'big', 'middle', 'little' (by their greatest clocks), or hexadecimal digits as taskset takes them.

    Raises UsageError: no such cores on this device.
    """
    every = sum(1 << core.number for core in cores)
    if wanted == "all":
        return every
    named = _clusters(cores)
    if wanted in named:
        return named[wanted]
    mask = int(wanted, 16) if re.fullmatch(r"(0x)?[0-9a-fA-F]+", wanted) else 0
    if not mask or mask & ~every:
        known = ", ".join(f"{name} ({mask:x})" for name, mask in {"all": every, **named}.items())
        raise UsageError(f"cores={wanted}: this device has no such cores. Known: {known}, or a mask in hexadecimal.")
    return mask


def _clusters(cores: tuple[Core, ...]) -> dict[str, int]:
    clocks = sorted({core.max_mhz for core in cores})
    names = _CLUSTERS.get(len(clocks), ())
    return {name: sum(1 << core.number for core in cores if core.max_mhz == clock) for name, clock in zip(names, clocks, strict=False)}


def _cores(device: Device) -> tuple[Core, ...]:
    files = f"{_CPUS}/cpu[0-9]*/cpufreq/cpuinfo_max_freq {_CPUS}/cpu[0-9]*/cpufreq/scaling_governor"
    said = device.shell(f"ls -d {_CPUS}/cpu[0-9]*; grep -H . {files} 2>/dev/null", what="reading the processor's cores").text
    clocks = {int(number): int(khz) / _KHZ_PER_MHZ for number, khz in re.findall(r"/cpu(\d+)/cpufreq/cpuinfo_max_freq:(\d+)", said)}
    governors = {int(number): name.strip() for number, name in re.findall(r"/cpu(\d+)/cpufreq/scaling_governor:(.*)", said)}
    numbers = (int(number) for number in re.findall(r"/cpu(\d+)$", said, re.MULTILINE))
    cores = (Core(number, clocks.get(number, 0.0), governors.get(number, "")) for number in numbers)
    return tuple(sorted(cores, key=lambda core: core.number))


def _soc(found: dict[str, str]) -> str:
    maker = found.get("soc_manufacturer", "")
    known = " ".join(filter(None, (_SOC_MAKERS.get(maker, maker), found.get("soc_model", ""))))
    return known or found.get("board", "")
