"""Met, missed, or not to be told."""

from __future__ import annotations

from typing import Literal

from redmobile.bench.plan import Budget
from redmobile.bench.stability import Stability
from redmobile.core.documents import Document

Outcome = Literal["met", "missed", "not to be trusted", "no budget"]


class Verdict(Document):
    """outcome: of the budget. says: one sentence with the figures. on_time_share: the part of all frames finished in time."""

    outcome: Outcome
    says: str
    on_time_share: float


def judge(on_time: int, offered: int, frame_ms: float, budget: Budget | None, stability: Stability) -> Verdict:
    """The verdict on `on_time` of `offered` frames that were finished within `frame_ms`.

    Figures that cannot be trusted are never 'met' or 'missed'.
    """
    share = on_time / offered
    counted = f"{on_time} of {offered} frames ({share:.1%}) within {frame_ms:.1f} ms"
    if budget is None:
        return Verdict(outcome="no budget", says=f"{counted}; the plan sets no budget.", on_time_share=share)
    wanted = f"{counted}, the budget asks for {budget.share:.1%}"
    if not stability.trusted:
        return Verdict(outcome="not to be trusted", says=f"{wanted}; not to be trusted: {'; '.join(stability.reasons)}.", on_time_share=share)
    return Verdict(outcome="met" if share >= budget.share else "missed", says=f"{wanted}.", on_time_share=share)
