"""A glance at how fast a file is, to choose between files made in one process; for figures to quote, take `redmobile bench`."""

from __future__ import annotations

import statistics
import time

from redmobile.runtimes.litert_tensors import LitertTensors

_WARM_UP, _RUNS = 2, 7


def quick_latency_ms(data: bytes) -> float:
    """Median of seven runs in LiteRT on all cores, in milliseconds; inputs are zeros. data: a .tflite. Raises InputError, DeviceError."""
    engine = LitertTensors(data)
    zeros = engine.zeros()
    took_ms = []
    for _ in range(_WARM_UP + _RUNS):
        began_ns = time.perf_counter_ns()
        engine.run(zeros)
        took_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
    return statistics.median(took_ms[_WARM_UP:])
