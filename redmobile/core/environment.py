"""Where a figure was taken: machine, operating system, versions. A number never travels without it."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

PACKAGES = (
    "redmobile",
    "numpy",
    "opencv-python-headless",
    "onnx",
    "onnxruntime",
    "ai-edge-litert",
    "torch",
    "tensorflow",
    "tflite-runtime",
    "ethos-u-vela",
)
"""The packages whose versions decide figures."""


def version_of(package: str) -> str | None:
    """The installed version of a distribution, or None. Does not import it."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def cpu_name() -> str:
    """The processor's name as the operating system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def describe() -> dict[str, Any]:
    """Date, machine and versions, ready for JSON."""
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": platform.machine(),
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {package: version for package in PACKAGES if (version := version_of(package))},
    }
