"""How sure a change is: confidence intervals by drawing the samples again (Efron's bootstrap), in blocks, for neighbours in time are alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from redmobile.core.documents import Document

_SEED = 1080
_DRAWS = 2000
_CONFIDENCE = 0.95

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""(draws, samples) → (draws,): the figure of each row."""


class Interval(Document):
    """A figure and the interval that holds it with 95 % confidence."""

    value: float
    low: float
    high: float


def median(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of each row."""
    return np.asarray(np.median(rows, axis=1))


def mean(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each row."""
    return np.asarray(rows.mean(axis=1))


def row(samples: Sequence[float]) -> NDArray[np.float64]:
    """`samples` as one row, for a Statistic."""
    return np.asarray(samples, np.float64)[None]


def ratio(old: Sequence[float], new: Sequence[float], statistic: Statistic = median) -> Interval:
    """statistic(new) / statistic(old) of two independent rows of samples in the order of time; the same at every call.

    Percentile interval of 2,000 draws by the circular block bootstrap (Politis and Romano, 1992), blocks of the cube root of the number
    of samples. Raises ValueError for an empty row.
    """
    rng = np.random.default_rng(_SEED)
    draws = statistic(_draw(new, rng)) / statistic(_draw(old, rng))
    return _interval(float(statistic(row(new))[0] / statistic(row(old))[0]), draws)


def difference(old: Sequence[float], new: Sequence[float], statistic: Statistic = mean) -> Interval:
    """statistic(new) - statistic(old), like `ratio`."""
    rng = np.random.default_rng(_SEED)
    draws = statistic(_draw(new, rng)) - statistic(_draw(old, rng))
    return _interval(float(statistic(row(new))[0] - statistic(row(old))[0]), draws)


def _draw(samples: Sequence[float], rng: np.random.Generator) -> NDArray[np.float64]:
    """(draws, samples): each row as long as `samples`, put together from blocks of them."""
    values = np.asarray(samples, np.float64)
    if not len(values):
        raise ValueError("no samples to draw from")
    block = max(1, round(len(values) ** (1 / 3)))
    starts = rng.integers(0, len(values), (_DRAWS, -(-len(values) // block)))
    places = (starts[:, :, None] + np.arange(block)).reshape(_DRAWS, -1)[:, : len(values)]
    return values[places % len(values)]


def _interval(value: float, draws: NDArray[np.float64]) -> Interval:
    tail = 100 * (1 - _CONFIDENCE) / 2
    low, high = np.percentile(draws, (tail, 100 - tail))
    return Interval(value=value, low=float(low), high=float(high))
