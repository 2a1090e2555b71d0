"""What the calibration frames cover: how dark, how bright, and whether half of them would have given the same ranges."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence

import numpy as np

from redmobile.data.calibration import Sample
from redmobile.quantize.calibrate import Calibration
from redmobile.quantize.observers import OBSERVERS, Observer

STEADY = 0.25
"""Ranges that change by less when half of the frames are left out count as steady."""


@dataclasses.dataclass(frozen=True)
class Brightness:
    """Means of the frames' values in codes (0 … 255), all channels together: of the darkest frame, the quarters, the brightest."""

    darkest: float
    quarter: float
    median: float
    three_quarters: float
    brightest: float


@dataclasses.dataclass(frozen=True)
class Halving:
    """How far each tensor's range from every other frame is from the range of all, relative to the width of the latter.

    changes: name of a tensor whose range was measured → the larger of the changes of both halves, largest first; observer: what made the
    ranges.
    """

    observer: str
    changes: dict[str, float]

    @property
    def worst(self) -> tuple[str, float]:
        """The tensor that changes most, and by how much."""
        return next(iter(self.changes.items()))

    @property
    def median(self) -> float:
        """Of the changes."""
        return statistics.median(self.changes.values())

    @property
    def is_steady(self) -> bool:
        """Whether no tensor changes by more than `STEADY`."""
        return self.worst[1] <= STEADY


@dataclasses.dataclass(frozen=True)
class Coverage:
    """frames: how many; halving: None for a single frame, which has no half, and where no range was measured."""

    frames: int
    brightness: Brightness
    halving: Halving | None


def measure_coverage(frames: Sequence[Sample], calibration: Calibration, observer: str) -> Coverage:
    """The Coverage of `frames`, with which `calibration` was made. observer: a name of OBSERVERS."""
    means = [float(frame.mean()) for frame in frames]
    brightness = Brightness(*(round(float(value), 2) for value in np.percentile(means, (0, 25, 50, 75, 100))))
    changes = _changes(calibration, OBSERVERS[observer]) if len(frames) > 1 else {}
    return Coverage(len(frames), brightness, Halving(observer, changes) if changes else None)


def _changes(calibration: Calibration, observer: Observer) -> dict[str, float]:
    changes = {}
    for name, halves in calibration.halves.items():
        low, high = observer(calibration.statistics[name])
        ends = [observer(half) for half in halves]
        farthest = max(max(abs(low - each[0]), abs(high - each[1])) for each in ends)
        changes[name] = farthest / (high - low) if high > low else 0.0
    return dict(sorted(changes.items(), key=lambda change: -change[1]))
