"""Frames arrive at their own rate, as from a camera; one that is replaced by a newer one before its turn is dropped."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from redmobile.bench.clock import Clock
from redmobile.core.documents import Document

Progress = Callable[[int, int], None]
"""(arrived, all) → None."""


class Stage(NamedTuple):
    """One step of a frame's way. The first is given the frame's number, each other what the one before it returned."""

    name: str
    run: Callable[[Any], Any]


class FrameTimes(Document):
    """One finished frame.

    number: from 0 in the order of arrival; waited_ms: from its arrival until work on it began; stages_ms: the stages' times in
    their order; latency_ms: from its arrival until it was finished.
    """

    number: int
    waited_ms: float
    stages_ms: tuple[float, ...]
    latency_ms: float


def run(stages: Sequence[Stage], fps: float, offered: int, clock: Clock, on_progress: Progress | None = None) -> list[FrameTimes]:
    """Let `offered` frames arrive, frame k at k / fps seconds, and take each through all `stages`, one after the other.

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
        finished.append(_one(stages, number, began + round(number * period_ns), clock))
        number += 1
        if on_progress:
            on_progress(number, offered)
    return finished


def _one(stages: Sequence[Stage], number: int, arrival_ns: int, clock: Clock) -> FrameTimes:
    moments = [clock.now_ns()]
    value: Any = number
    for stage in stages:
        value = stage.run(value)
        moments.append(clock.now_ns())
    times = tuple((end - start) / 1e6 for start, end in itertools.pairwise(moments))
    return FrameTimes(number=number, waited_ms=max(0, moments[0] - arrival_ns) / 1e6, stages_ms=times, latency_ms=(moments[-1] - arrival_ns) / 1e6)
