"""How much memory this process ever held at once."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import psutil

_STATUS = Path("/proc/self/status")


def peak_bytes() -> int:
    """The high-water mark of this process's resident memory.

    On Linux VmHWM, which begins anew with the program; getrusage's ru_maxrss would also remember the process that started it.
    """
    if _STATUS.exists():
        lines = _STATUS.read_text().splitlines()
        for line in lines:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def resident_bytes() -> int:
    """This process's resident memory now."""
    return int(psutil.Process().memory_info().rss)
