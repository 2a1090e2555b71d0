"""Our own converter, called as its user calls it. Runs in the environment of the running program."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from redmobile.bench.peers.drivers.protocol import Job

PACKAGES = ("ai-edge-litert", "numpy", "onnx", "onnxruntime")


def convert(job: Job) -> Path:
    """`redmobile convert NETWORK.onnx --with RECIPE --out FILE`, with --calibrate where it quantizes."""
    file = Path(job.folder) / f"{job.precision}.tflite"
    sys.argv = ["redmobile", "convert", job.onnx, "--with", job.recipe, "--out", str(file)]
    if job.precision == "int8":
        sys.argv += ["--calibrate", job.calibration, "--samples", str(job.samples)]
    try:
        runpy.run_module("redmobile", run_name="__main__")
    except SystemExit as ended:
        if ended.code:
            raise
    return file
