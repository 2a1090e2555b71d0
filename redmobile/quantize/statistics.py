"""What calibration remembers of a tensor: exact minimum and maximum, and a histogram that does not depend on the order of frames."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.errors import UnsupportedModelError

BINS_A_SIDE = 8192
"""Bins below and above zero. The larger side of a tensor fills between half and all of its own."""

LARGEST_VALUE = 1e30
"""A magnitude beyond this counts as overflow, like infinity."""

_CHUNK = 1 << 20  # values counted at a time: the counts of OpenCV's float32 histogram stay exact, the buffers in the cache
_SMALLEST_EXPONENT = -100  # below 2^-100 values count as zero: the inverse of the bin width must be a float32


def check_holdable(low: float, high: float, name: str) -> None:
    """Raise UnsupportedModelError unless a range can hold what tensor `name` takes: NaN, infinities and beyond 1e30 cannot be held."""
    if not (low >= -LARGEST_VALUE and high <= LARGEST_VALUE):  # NaN fails both
        raise UnsupportedModelError(f"Tensor '{name}' takes values from {low} to {high} in calibration; no range holds that. Mend the network.")


@dataclasses.dataclass
class Statistics:
    """Everything seen of one tensor.

    Bin i of `counts` holds the values in [(i - 8192) · 2^exponent, (i - 8191) · 2^exponent). The width is a power of two and the bins
    are anchored at zero, so a wider histogram is the exact sum of pairs of a narrower one's bins, and the width follows from the
    largest magnitude alone: whatever the order of the frames, and however they are split, the same values give the same statistics.

    low, high: exact minimum and maximum; counts: (16384,) int64; total: number of values.
    """

    low: float = math.inf
    high: float = -math.inf
    exponent: int = _SMALLEST_EXPONENT
    counts: NDArray[np.int64] = dataclasses.field(default_factory=lambda: np.zeros(2 * BINS_A_SIDE, np.int64))

    @property
    def total(self) -> int:
        """How many values were seen."""
        return int(self.counts.sum())

    @property
    def width(self) -> float:
        """Width of a bin."""
        return math.ldexp(1.0, self.exponent)

    def edges(self) -> NDArray[np.float64]:
        """Lower edges of the bins and the upper edge of the last one: (16385,) float64."""
        return np.arange(-BINS_A_SIDE, BINS_A_SIDE + 1, dtype=np.float64) * self.width

    def add(self, values: NDArray[Any], name: str = "tensor") -> None:
        """Count `values` (any shape, float32). Raises UnsupportedModelError if some are NaN, infinite or beyond 1e30."""
        flat = np.ascontiguousarray(values, np.float32).reshape(1, -1)
        if not flat.size:
            return
        low, high = _extremes(flat)
        check_holdable(low, high, name)
        self.low, self.high = min(self.low, low), max(self.high, high)
        self._widen(_exponent_for(max(abs(low), abs(high))))
        self.counts += _count(flat, self.exponent)

    def merge(self, other: Statistics) -> None:
        """Take in what `other` has seen; `other` stays as it is."""
        wider = max(self.exponent, other.exponent)
        self._widen(wider)
        self.counts += _coarser(other.counts, wider - other.exponent)
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    def _widen(self, exponent: int) -> None:
        if exponent > self.exponent:
            self.counts = _coarser(self.counts, exponent - self.exponent)
            self.exponent = exponent


def merged(*seen: Statistics) -> Statistics:
    """What all of them have seen together; they stay as they are."""
    together = Statistics()
    for each in seen:
        together.merge(each)
    return together


def _extremes(flat: NDArray[np.float32]) -> tuple[float, float]:
    low, high = float(flat.min()), float(flat.max())  # NumPy's, not OpenCV's: NaN must come through
    return low, high


def _exponent_for(magnitude: float) -> int:
    """The smallest exponent with magnitude < 8192 · 2^exponent."""
    if magnitude == 0:
        return _SMALLEST_EXPONENT
    _, above = math.frexp(magnitude)  # magnitude < 2^above
    return max(above - BINS_A_SIDE.bit_length() + 1, _SMALLEST_EXPONENT)


def _coarser(counts: NDArray[np.int64], doublings: int) -> NDArray[np.int64]:
    """The histogram of the same values with bins 2^doublings as wide."""
    if doublings == 0 or not counts.any():
        return counts
    doublings = min(doublings, BINS_A_SIDE.bit_length() - 1)  # from here on each side is one bin beside zero
    paired = counts.reshape(-1, 1 << doublings).sum(axis=1)
    half = len(paired) // 2
    wide = np.zeros_like(counts)
    wide[BINS_A_SIDE - half : BINS_A_SIDE + half] = paired
    return wide


def _count(flat: NDArray[np.float32], exponent: int) -> NDArray[np.int64]:
    """Histogram of (1, n) float32 values with bins of 2^exponent. Multiplying by a power of two and flooring are exact."""
    inverse = np.float32(math.ldexp(1.0, -exponent))
    counts = np.zeros(1 << 16, np.int64)
    for start in range(0, flat.shape[1], _CHUNK):
        values = flat[:, start : start + _CHUNK]
        scaled = values * inverse
        codes = np.floor(scaled, out=scaled).astype(np.int16)
        codes -= (codes == 0) & (values < 0)  # so small that the product vanished: still below zero
        wrapped = codes.view(np.uint16)  # negative bins at the top
        counts += cv2.calcHist([wrapped], [0], None, [1 << 16], [0, 1 << 16]).ravel().astype(np.int64)
    return np.concatenate([counts[-BINS_A_SIDE:], counts[:BINS_A_SIDE]])
