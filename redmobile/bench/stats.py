"""What a row of durations comes down to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from redmobile.core.documents import Document


class Summary(Document):
    """Durations in milliseconds. n: how many; p50 … p99: percentiles; std: of the sample (n - 1), 0 for one value."""

    n: int
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    mean_ms: float
    std_ms: float
    min_ms: float
    max_ms: float


class Drift(Document):
    """What became of the durations in time. first_ms, last_ms: medians of the first and of the last third of the samples.

    relative: (last - first) / median of all; 0 for fewer than three samples.
    """

    first_ms: float
    last_ms: float
    relative: float


class Ratio(Document):
    """How many times as long `peer` takes as the model, from runs that alternated.

    of_medians: median of the peer / median of the model. low, high: quartiles of the same ratio taken round by round: how
    much the answer depends on the moment. reasons: why it is not to be trusted; empty: it is.
    """

    peer: str
    of_medians: float
    low: float
    high: float
    reasons: tuple[str, ...]


def summarize(samples_ms: Sequence[float]) -> Summary:
    """The Summary of at least one duration. Percentiles interpolate linearly between the two nearest ranks. Raises ValueError."""
    if not samples_ms:
        raise ValueError("no durations to summarize")
    values = np.asarray(samples_ms, np.float64)
    p50, p90, p95, p99 = np.percentile(values, (50, 90, 95, 99))
    return Summary(
        n=len(values),
        p50_ms=float(p50),
        p90_ms=float(p90),
        p95_ms=float(p95),
        p99_ms=float(p99),
        mean_ms=float(values.mean()),
        std_ms=float(values.std(ddof=1)) if len(values) > 1 else 0.0,
        min_ms=float(values.min()),
        max_ms=float(values.max()),
    )


def relative_iqr(samples: Sequence[float]) -> float:
    """Distance of the quartiles over the median: the spread of the middle half, deaf to single outliers."""
    low, middle, high = np.percentile(np.asarray(samples, np.float64), (25, 50, 75))
    return float((high - low) / middle)


def drift(samples_ms: Sequence[float]) -> Drift:
    """The Drift of at least one duration. Raises ValueError."""
    if not samples_ms:
        raise ValueError("no durations to compare")
    values = np.asarray(samples_ms, np.float64)
    third = max(1, len(values) // 3)
    first, last = float(np.median(values[:third])), float(np.median(values[-third:]))
    relative = (last - first) / float(np.median(values)) if len(values) >= _THIRDS else 0.0
    return Drift(first_ms=first, last_ms=last, relative=relative)


_THIRDS = 3


def over(samples_ms: Sequence[float], limit_ms: float) -> int:
    """How many durations are longer than `limit_ms`."""
    return sum(sample > limit_ms for sample in samples_ms)


def compare(peer: str, model_ms: Sequence[float], peer_ms: Sequence[float], block: int, max_spread: float) -> Ratio:
    """The Ratio of two rows of durations that were taken alternately, `block` of each a round.

    max_spread: the largest (high - low) / of_medians with which the ratio is trusted; fewer than four rounds are never enough.
    """
    model, other = (np.asarray(row, np.float64) for row in (model_ms, peer_ms))
    rounds = [float(np.median(other[at : at + block]) / np.median(model[at : at + block])) for at in range(0, len(model), block)]
    low, high = np.percentile(rounds, (25, 75))
    of_medians = float(np.median(other) / np.median(model))
    spread = (high - low) / of_medians
    reasons = []
    if len(rounds) < _MIN_ROUNDS:
        reasons.append(f"only {len(rounds)} rounds, at least {_MIN_ROUNDS} are needed")
    if spread > max_spread:
        reasons.append(f"the middle half of the rounds spreads over {spread:.0%}, at most {max_spread:.0%} is expected")
    return Ratio(peer=peer, of_medians=of_medians, low=float(low), high=float(high), reasons=tuple(reasons))


_MIN_ROUNDS = 4
