"""A verdict from what a tool told of its runs, where it tells no single ones: what is not told is bounded, never made up."""

from __future__ import annotations

from redmobile.android.benchmark_model import Statistics
from redmobile.bench import budget
from redmobile.bench.measured import TimeVerdict
from redmobile.bench.plan import Plan
from redmobile.bench.stability import Stability
from redmobile.bench.stats import Summary

_P95 = 0.95
_HALF = 0.5


def summary(told: Statistics) -> Summary:
    """The percentiles that are not told are those above them: p90 the 95th, p99 the greatest; without any, the greatest, and the mean as median."""
    p95 = told.max_ms if told.p95_ms is None else told.p95_ms
    return Summary(
        n=told.n,
        p50_ms=told.mean_ms if told.p50_ms is None else told.p50_ms,
        p90_ms=p95,
        p95_ms=p95,
        p99_ms=told.max_ms,
        mean_ms=told.mean_ms,
        std_ms=told.std_ms,
        min_ms=told.min_ms,
        max_ms=told.max_ms,
    )


def on_time(told: Statistics, limit_ms: float) -> tuple[float, float]:
    """The part of all runs within `limit_ms`, as far as it is known: (at least, at most)."""
    levels = [(0.0, told.min_ms), (_HALF, told.p50_ms), (_P95, told.p95_ms), (1.0, told.max_ms)]
    known = [(share, time) for share, time in levels if time is not None]
    least = max((share for share, time in known if time <= limit_ms), default=0.0)
    most = min((share for share, time in known if time > limit_ms), default=1.0)
    return least, min(most, 1.0 - 1.0 / told.n) if told.max_ms > limit_ms else 1.0


def verdict(told: Statistics, settings: Plan, stability: Stability) -> TimeVerdict:
    """Met if the least that is known suffices, missed if the most does not, else not to be told."""
    least, most = on_time(told, settings.frame_ms)
    share = f"{least:.0%}" if least == most else f"between {least:.0%} and {most:.0%}"
    times = f"median {_ms(told.p50_ms)}, p95 {_ms(told.p95_ms)}, longest {told.max_ms:.1f} ms"
    counted = f"{share} of {told.n} runs within {settings.frame_ms:.1f} ms ({times})"
    if settings.budget is None:
        return TimeVerdict(outcome="no budget", says=f"{counted}; the plan sets no budget.", on_time_share=least)
    wanted = settings.budget.share
    says = f"{counted}, the budget asks for {wanted:.1%}"
    if stability.trusted and least < wanted <= most:
        says = f"{says}; whether that is reached, the tool does not tell: measure with the demo app, which keeps every run."
        return TimeVerdict(outcome="not to be trusted", says=says, on_time_share=least, percentile=100 * wanted)
    outcome, sentence = budget.settle(says, stability, holds=least >= wanted)
    return TimeVerdict(outcome=outcome, says=sentence, on_time_share=least, percentile=100 * wanted)


def over(told: Statistics, limit_ms: float) -> int:
    """How many runs took longer than `limit_ms`, at most."""
    return round((1.0 - on_time(told, limit_ms)[0]) * told.n)


def _ms(value: float | None) -> str:
    return "not told" if value is None else f"{value:.1f} ms"
