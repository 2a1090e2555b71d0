"""How far two arrays of real values are apart, whatever they mean: logits, masks, pictures, features."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.parity.compare import Scores, Worst


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure. unit: '' for none; says: for people."""

    unit: str
    higher_is_better: bool
    says: str


FIGURES = {
    "sqnr": Figure("dB", True, "power of the expected values over that of the difference"),
    "cosine": Figure("", True, "cosine of the angle between the two"),
    "max_difference": Figure("", False, "largest difference"),
    "mean_difference": Figure("", False, "mean difference"),
    "psnr": Figure("dB", True, "of a picture: square of the range's width over the mean squared difference"),
    "same_class": Figure("", True, "of logits: share of rows with the same largest entry"),
    "equal": Figure("", True, "of whole numbers: share of equal values"),
}
"""The first four of every output, the others of outputs that they fit."""


@dataclasses.dataclass
class Sums:
    """What is summed over values, so that figures of many frames are those of all their values together.

    peak: width of a picture's range, None for anything else. logits: (N, classes). whole: values are whole numbers.
    """

    peak: float | None = None
    logits: bool = False
    whole: bool = False
    count: int = 0
    signal: float = 0.0
    found: float = 0.0
    product: float = 0.0
    noise: float = 0.0
    distance: float = 0.0
    largest: float = 0.0
    equal: int = 0
    rows: int = 0
    same: int = 0

    def add(self, expected: NDArray[Any], found: NDArray[Any]) -> None:
        """Take in two arrays of one shape, both finite."""
        x, y = expected.astype(np.float64).ravel(), found.astype(np.float64).ravel()
        difference = np.abs(y - x)
        self.count += x.size
        self.signal += float(x @ x)
        self.found += float(y @ y)
        self.product += float(x @ y)
        self.noise += float(difference @ difference)
        self.distance += float(difference.sum())
        self.largest = max(self.largest, float(difference.max(initial=0.0)))
        self.equal += int(np.count_nonzero(difference == 0))
        if self.logits:
            self.rows += len(expected)
            self.same += int(np.count_nonzero(expected.argmax(axis=1) == found.argmax(axis=1)))

    def figures(self) -> dict[str, float]:
        """Name in FIGURES → value; those that fit."""
        found = {
            "sqnr": ratio_db(self.signal, self.noise),
            "cosine": self._cosine(),
            "max_difference": self.largest,
            "mean_difference": self.distance / self.count,
        }
        if self.peak is not None:
            found["psnr"] = ratio_db(self.peak**2, self.noise / self.count)
        if self.logits:
            found["same_class"] = self.same / self.rows
        if self.whole:
            found["equal"] = self.equal / self.count
        return found

    def fresh(self) -> Sums:
        """Of the same kind, without values."""
        return Sums(self.peak, self.logits, self.whole)

    def _cosine(self) -> float:
        if self.noise == 0:
            return 1.0
        length = math.sqrt(self.signal * self.found)
        return max(-1.0, min(1.0, self.product / length)) if length else 0.0


def ratio_db(signal: float, noise: float) -> float:
    """Signal / noise in dB: inf without noise, -inf for noise without signal."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf


def worst_of(scores: tuple[Scores, ...]) -> Mapping[str, Worst]:
    """Figure → the frame where it is worst."""
    worst = {}
    for name in scores[0].values:
        values = [each.values[name] for each in scores]
        at = values.index((min if FIGURES[name].higher_is_better else max)(values))
        worst[name] = Worst(image=scores[at].image, value=values[at])
    return worst
