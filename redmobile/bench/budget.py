"""Met, missed, or not to be told."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from redmobile.bench.header import Outcome, Verdict
from redmobile.bench.measured import TimeVerdict
from redmobile.bench.plan import Budget
from redmobile.bench.stability import Stability


def judge_times(
    times_ms: Sequence[float], dropped: int, frame_ms: float, budget: Budget | None, stability: Stability, blame: str | None = None
) -> TimeVerdict:
    """The verdict on frames that took `times_ms` and `dropped` others, against `frame_ms`. blame: the stage that keeps them from being on time.

    Figures that cannot be trusted are never 'met' or 'missed'.
    """
    offered = len(times_ms) + dropped
    on_time = sum(time <= frame_ms for time in times_ms)
    share = on_time / offered
    counted = f"{on_time} of {offered} frames ({share:.1%}) within {frame_ms:.1f} ms"
    blamed = f"; most of the time goes to '{blame}'" if blame else ""
    if budget is None:
        return TimeVerdict(outcome="no budget", says=f"{counted}{blamed}; the plan sets no budget.", on_time_share=share, blame=blame)
    at = _at(times_ms, dropped, budget.share)
    reached = "that frame was dropped" if at is None else f"{at:.1f} ms there"
    wanted = f"{counted}, the budget asks for {budget.share:.1%} ({reached}){blamed}"
    outcome, says = settle(wanted, stability, holds=share >= budget.share)
    return TimeVerdict(outcome=outcome, says=says, on_time_share=share, percentile=100 * budget.share, percentile_ms=at, blame=blame)


def judge_figures(says: str, holds: bool | None, stability: Stability) -> Verdict:
    """The verdict on figures that `says` tells. holds: whether they are within their budget; None: there is none."""
    if holds is None:
        return Verdict(outcome="no budget", says=f"{says}; the plan sets no budget.")
    outcome, sentence = settle(says, stability, holds=holds)
    return Verdict(outcome=outcome, says=sentence)


def settle(says: str, stability: Stability, *, holds: bool) -> tuple[Outcome, str]:
    """Outcome and sentence of figures that are within their budget, or not."""
    if not stability.trusted:
        return "not to be trusted", f"{says}; not to be trusted: {stability.why_not}."
    return ("met" if holds else "missed"), f"{says}."


def _at(times_ms: Sequence[float], dropped: int, share: float) -> float | None:
    """The time within which `share` of all frames were finished; None if that takes frames that were dropped."""
    needed = max(1, math.ceil(share * (len(times_ms) + dropped)))
    return float(np.sort(times_ms)[needed - 1]) if needed <= len(times_ms) else None
