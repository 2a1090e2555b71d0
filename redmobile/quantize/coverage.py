"""What the calibration frames cover: how dark, how bright, and whether half of them would have given the same ranges."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from redmobile.data.calibration import Sample
from redmobile.graph.tflite_model import TfliteModel
from redmobile.quantize.calibrate import OnProgress, sample, visit
from redmobile.quantize.observers import OBSERVERS, Observer, Range
from redmobile.quantize.statistics import Statistics
from redmobile.quantize.ties import roots

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

    changes: name of a tensor → the larger of the changes of both halves, largest first; observer: what made the ranges, of every third
    row of images.
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
    """frames: how many; halving: None for a single frame, which has no half."""

    frames: int
    brightness: Brightness
    halving: Halving | None


def measure_coverage(
    model: TfliteModel, frames: Sequence[Sample], input_range: Range, observer: str, on_progress: OnProgress | None = None
) -> Coverage:
    """The Coverage of `frames` for the float `model`. observer: a name of OBSERVERS. Raises as `calibrate.calibrate`."""
    means = [float(frame.mean()) for frame in frames]
    brightness = Brightness(*(round(float(value), 2) for value in np.percentile(means, (0, 25, 50, 75, 100))))
    halves = _halves(model, frames, input_range, on_progress) if len(frames) > 1 else None
    return Coverage(len(frames), brightness, Halving(observer, _changes(halves, OBSERVERS[observer])) if halves else None)


Halves = dict[str, tuple[Statistics, Statistics]]
"""Name of a tensor → what was seen in the even frames, and in the odd ones."""


def _halves(model: TfliteModel, frames: Sequence[Sample], input_range: Range, on_progress: OnProgress | None) -> Halves:
    outer = {id(tensor) for tensor in model.inputs}
    halves = {tensor.name: (Statistics(), Statistics()) for tensor in roots(model) if id(tensor) not in outer}

    def look(index: int, name: str, values: NDArray[np.float32]) -> None:
        if name in halves:
            halves[name][index % 2].add(sample(values), name)

    visit(model, frames, input_range, list(halves), look, "measuring coverage", on_progress)
    return halves


def _changes(halves: Halves, observer: Observer) -> dict[str, float]:
    changes = {}
    for name, (even, odd) in halves.items():
        both = Statistics()
        both.merge(even)
        both.merge(odd)
        low, high = observer(both)
        ends = [observer(half) for half in (even, odd)]
        farthest = max(max(abs(low - each[0]), abs(high - each[1])) for each in ends)
        changes[name] = farthest / (high - low) if high > low else 0.0
    return dict(sorted(changes.items(), key=lambda change: -change[1]))
