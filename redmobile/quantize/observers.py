"""What turns the statistics of a tensor into its range. Each observer maps Statistics to (low, high), low <= high, inside the values seen."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from redmobile.core.quant_math import Quantization
from redmobile.quantize.statistics import BINS_A_SIDE, Statistics

Range = tuple[float, float]
Observer = Callable[[Statistics], Range]

LEVELS = 256
"""Codes of 8 bits."""

_STEPS = 64  # candidates a side that the searching observers try
_SMALLEST_SHARE = 0.02  # of the extreme, for the tightest candidate
_ENTROPY_BINS = 2048  # the divergence is taken on bins this coarse: neighbours of the finest are too thinly filled


def min_max(seen: Statistics) -> Range:
    """The smallest and the largest value: nothing is clipped."""
    return seen.low, seen.high


def percentile(seen: Statistics, share: float) -> Range:
    """At most 1 - `share` of the values lie above, and at most as many below; the ends are edges of bins, never beyond min and max."""
    allowed = (1.0 - share) * seen.total
    above = np.cumsum(seen.counts[::-1])[::-1]  # values in this bin and all higher ones
    below = np.cumsum(seen.counts)
    edges = seen.edges()
    # The highest bin that must still lie inside, and its upper edge; likewise the lowest.
    last = int(np.flatnonzero(above > allowed)[-1])
    first = int(np.flatnonzero(below > allowed)[0])
    return max(float(edges[first]), seen.low), min(float(edges[last + 1]), seen.high)


def mse(seen: Statistics) -> Range:
    """The range with the smallest mean squared error of 8-bit rounding and clipping together.

    First the upper end is chosen from shares of the maximum, then the lower end from shares of the minimum, twice over.
    """
    low, high = min(seen.low, 0.0), max(seen.high, 0.0)
    values, weights = _filled(seen)
    best = (low, high)
    for _ in range(2):
        best = min(((best[0], high * share) for share in _shares(high)), key=lambda ends: _squared_error(values, weights, *ends))
        best = min(((low * share, best[1]) for share in _shares(low)), key=lambda ends: _squared_error(values, weights, *ends))
    return max(best[0], seen.low), min(best[1], seen.high)


def entropy(seen: Statistics) -> Range:
    """The symmetric clip ±t with the smallest Kullback–Leibler divergence between the clipped values and their 8-bit codes.

    Source: Migacz, "8-bit inference with TensorRT", GTC 2017; taken over the signed histogram, so tensors of one sign get all codes.
    """
    counts = seen.counts.reshape(_ENTROPY_BINS, -1).sum(axis=1).astype(np.float64)
    half = _ENTROPY_BINS // 2
    step = seen.width * (2 * BINS_A_SIDE // _ENTROPY_BINS)
    first, last = int(np.flatnonzero(counts)[0]), int(np.flatnonzero(counts)[-1]) + 1
    farthest = max(half - first, last - half)
    nearest = max(first - half, half - last, 0) + 1  # a tighter clip would hold none of a tensor whose values lie far from zero
    candidates = sorted({max(nearest, round(farthest * share)) for share in _shares(1.0)}, reverse=True)
    reach = min(candidates, key=lambda reach: _divergence(counts, max(first, half - reach), min(last, half + reach)))
    return max(-reach * step, seen.low), min(reach * step, seen.high)


OBSERVERS: dict[str, Observer] = {
    "min_max": min_max,
    "percentile_99_99": functools.partial(percentile, share=0.9999),
    "percentile_99_9": functools.partial(percentile, share=0.999),
    "percentile_99": functools.partial(percentile, share=0.99),
    "mse": mse,
    "entropy": entropy,
}
"""Name in the converter's TOML → observer."""


def error_of(seen: Statistics, quantization: Quantization, dtype: str) -> tuple[float, float]:
    """(squared error of rounding and clipping, squared values), each summed over all that was seen."""
    values, weights = _filled(seen)
    errors = quantization.dequantize(quantization.quantize(values, dtype)).astype(np.float64) - values
    return float(weights @ np.square(errors)), float(weights @ np.square(values))


def _shares(end: float) -> NDArray[np.float64]:
    """Shares of an end of the range to try, the whole first: ties go to the wider range."""
    return np.geomspace(1.0, _SMALLEST_SHARE, _STEPS) if end else np.ones(1)


def _filled(seen: Statistics) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres and counts of the bins that hold something, merged to at most 2048 a side for speed."""
    counts = seen.counts.reshape(2 * _ENTROPY_BINS, -1).sum(axis=1)
    width = seen.width * (2 * BINS_A_SIDE // (2 * _ENTROPY_BINS))
    filled = np.flatnonzero(counts)
    centres = (filled - _ENTROPY_BINS + 0.5) * width
    return np.clip(centres, seen.low, seen.high), counts[filled].astype(np.float64)


def _squared_error(values: NDArray[np.float64], weights: NDArray[np.float64], low: float, high: float) -> float:
    scale = (high - low) / (LEVELS - 1)
    if scale == 0.0:
        return float(weights @ np.square(values))
    zero = np.round(-low / scale)
    codes = np.clip(np.round(values / scale) + zero, 0, LEVELS - 1)
    return float(weights @ np.square((codes - zero) * scale - values))


def _divergence(counts: NDArray[np.float64], first: int, last: int) -> float:
    """KL divergence of the bins first..last, with what was clipped in the outer two, from the same bins spread evenly within 256 codes."""
    inside = counts[first:last]
    reference = inside.copy()
    reference[0] += counts[:first].sum()
    reference[-1] += counts[last:].sum()
    codes = np.arange(len(inside)) * LEVELS // len(inside) if len(inside) > LEVELS else np.arange(len(inside))
    filled = inside > 0
    sums, sizes = np.bincount(codes, inside), np.bincount(codes, filled)
    spread = np.where(filled, (sums / np.maximum(sizes, 1))[codes], 0.0)
    present = (reference > 0) & (spread > 0)
    if spread.sum() == 0:
        return float("inf")
    p, q = reference[present] / reference.sum(), spread[present] / spread.sum()
    missed = reference[~present].sum() / reference.sum()
    # Clipped mass that falls into an empty outer bin has no counterpart: charge it as if the code were one value in a million.
    return float(np.sum(p * np.log(p / q)) + missed * np.log(1e6))
