"""The next run begins when the last has ended."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

from redmobile.bench.clock import Clock
from redmobile.bench.plan import ClosedLoop

Progress = Callable[[int, int], None]
"""(done, all) → None."""


@dataclasses.dataclass(frozen=True)
class Samples:
    """Durations in milliseconds, a row for each network. warm_up_ms: of the runs before the counted ones."""

    warm_up_ms: list[list[float]]
    counted_ms: list[list[float]]


def measure(networks: Sequence[Callable[[], object]], loop: ClosedLoop, clock: Clock, on_progress: Progress | None = None) -> Samples:
    """How long `networks` take, which run by turns, `loop.block` times each (A A A A B B B B A A A A …).

    With more than one network each turn begins with a run that is not counted: the caches, and the threads of the other engine
    that still spin, belong to the other. The number of runs is rounded up to whole rounds; every network gets equally many.
    """
    warm_up = [[_timed(network, clock) for _ in range(loop.warm_up)] for network in networks]
    samples: list[list[float]] = [[] for _ in networks]
    rounds = math.ceil(loop.runs / loop.block)
    began = clock.now_ns()
    for turn in range(rounds):
        for network, row in zip(networks, samples, strict=True):
            if len(networks) > 1:
                network()
            row.extend(_timed(network, clock) for _ in range(loop.block))
        if on_progress:
            on_progress(turn + 1, rounds)
        if (clock.now_ns() - began) / 1e9 >= loop.max_seconds:
            break
    return Samples(warm_up, samples)


def _timed(network: Callable[[], object], clock: Clock) -> float:
    began = clock.now_ns()
    network()
    return (clock.now_ns() - began) / 1e6
