"""Frames arrive at their own rate, as from a camera; one that is replaced by a newer one before its turn is dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from redmobile.bench.clock import Clock
from redmobile.core.documents import Document

Progress = Callable[[int, int], None]
"""(arrived, all) → None."""


Lap = Callable[[str], None]
"""(stage) → None: the time since the last call, or since work on the frame began, was spent in that stage."""

Work = Callable[[int, Lap], None]
"""(number of a frame, lap) → None: take that frame through all stages, and say at the end of each which it was."""


class FrameTimes(Document):
    """One finished frame.

    number: from 0 in the order of arrival; waited_ms: from its arrival until work on it began; stages_ms: time spent in each stage,
    in their order; latency_ms: from its arrival until it was finished.
    """

    number: int
    waited_ms: float
    stages_ms: tuple[float, ...]
    latency_ms: float


def run(work: Work, stages: Sequence[str], fps: float, offered: int, clock: Clock, on_progress: Progress | None = None) -> list[FrameTimes]:
    """Let `offered` frames arrive, frame k at k / fps seconds, and do the `work` of each, in `stages`, one frame after the other.

    There is room for one waiting frame, and a newer one takes its place: what is missing in the answer was dropped. So the
    latest frame is always finished, however slow the stages are.
    """
    period_ns = 1e9 / fps
    began = clock.now_ns()
    finished: list[FrameTimes] = []
    number = 0
    while number < offered:
        arrival = began + round(number * period_ns)
        clock.sleep_until_ns(arrival)
        number = min(offered - 1, max(number, int((clock.now_ns() - began) / period_ns)))
        finished.append(_one(work, stages, number, began + round(number * period_ns), clock))
        number += 1
        if on_progress:
            on_progress(number, offered)
    return finished


def _one(work: Work, stages: Sequence[str], number: int, arrival_ns: int, clock: Clock) -> FrameTimes:
    began = last = clock.now_ns()
    spent = dict.fromkeys(stages, 0)

    def lap(stage: str) -> None:
        nonlocal last
        now = clock.now_ns()
        spent[stage] += now - last
        last = now

    work(number, lap)
    times = tuple(nanoseconds / 1e6 for nanoseconds in spent.values())
    return FrameTimes(number=number, waited_ms=max(0, began - arrival_ns) / 1e6, stages_ms=times, latency_ms=(last - arrival_ns) / 1e6)
