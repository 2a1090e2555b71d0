"""The files under /proc and /sys by which Linux tells programs what processor there is. QEMU opens them in place of this machine's.

Without them XNNPACK's library cpuinfo reads those of an x86 machine and crashes.
"""

from __future__ import annotations

from pathlib import Path

from redmobile.core.artifact import write_text
from redmobile.core.device import CpuFacts, Processor

_ARCHITECTURE = 8
_KILOHERTZ = 1_000_000
"""What is claimed where the device names no clock; programs only want a number."""


def write_arm_files(cpu: CpuFacts, root: Path, cores: int = 1) -> None:
    """Write /proc/cpuinfo and /sys/devices/system/cpu below `root`, for `cores` equal cores."""
    write_text(root / "proc" / "cpuinfo", "\n".join(_cpuinfo(cpu.processor, core) for core in range(cores)))
    folder = root / "sys" / "devices" / "system" / "cpu"
    every = "0" if cores == 1 else f"0-{cores - 1}"
    for name in ("possible", "present", "online"):
        write_text(folder / name, f"{every}\n")
    write_text(folder / "kernel_max", f"{cores - 1}\n")
    kilohertz = int(cpu.clock_mhz.value * 1000) if cpu.clock_mhz else _KILOHERTZ
    for core in range(cores):
        one = folder / f"cpu{core}"
        values = {
            "topology/core_id": core,
            "topology/physical_package_id": 0,
            "topology/core_siblings_list": every,
            "topology/package_cpus_list": every,
            "topology/thread_siblings_list": core,
            "cpufreq/cpuinfo_max_freq": kilohertz,
            "cpufreq/cpuinfo_min_freq": kilohertz,
        }
        for name, value in values.items():
            write_text(one / name, f"{value}\n")


def _cpuinfo(processor: Processor, core: int) -> str:
    lines = {
        "processor\t": core,
        "BogoMIPS\t": "50.00",
        "Features\t": " ".join(processor.features),
        "CPU implementer\t": f"0x{processor.implementer:02x}",
        "CPU architecture": _ARCHITECTURE,
        "CPU variant\t": f"0x{processor.variant:x}",
        "CPU part\t": f"0x{processor.part:03x}",
        "CPU revision\t": processor.revision,
    }
    return "".join(f"{key}: {value}\n" for key, value in lines.items())
