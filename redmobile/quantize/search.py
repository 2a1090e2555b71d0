"""Which observer serves which group of tensors, judged by what comes out of the network."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping

from redmobile.core.quant_math import Quantization
from redmobile.quantize.observers import OBSERVERS, Range
from redmobile.quantize.ranges import Layout, quantize_range
from redmobile.quantize.statistics import Statistics
from redmobile.quantize.write_int8 import Quantizations

Choice = dict[int, str]
"""Place of a group among the layout's → name of its observer; groups of given range are absent."""


class Candidates:
    """Every group's range by every observer, computed when first asked for."""

    def __init__(self, layout: Layout, seen: Mapping[str, Statistics]) -> None:
        self._layout = layout
        self._seen = dict(seen)
        self._ranges: dict[tuple[int, str], Range] = {}
        self.free = [place for place, group in enumerate(layout.groups) if not (group.fixed or group.exact)]

    def uniform(self, observer: str) -> Choice:
        """The same observer for every group that has a choice."""
        return dict.fromkeys(self.free, observer)

    def range(self, place: int, observer: str) -> Range:
        """(low, high) of a group."""
        key = (place, observer)
        if key not in self._ranges:
            self._ranges[key] = self._layout.groups[place].range(self._seen, OBSERVERS[observer])
        return self._ranges[key]

    def quantization(self, place: int, observer: str | None) -> Quantization:
        """Scale and zero point of a group; `observer` is None for a group of given range."""
        group = self._layout.groups[place]
        if group.fixed:
            return group.fixed
        return quantize_range(group.exact if observer is None and group.exact else self.range(place, observer or "min_max"), self._layout.bits)

    def quantizations(self, choice: Choice) -> Quantizations:
        """Scale and zero point of every tensor."""
        found: Quantizations = {}
        for place, group in enumerate(self._layout.groups):
            found |= dict.fromkeys(map(id, group.tensors), self.quantization(place, choice.get(place)))
        return found

    def alternatives(self, place: int, current: str) -> list[str]:
        """Observers that give the group another quantization than `current` and than one another."""
        known = [self.quantization(place, current)]
        found = []
        for observer in OBSERVERS:
            made = self.quantization(place, observer)
            if made not in known:
                known.append(made)
                found.append(observer)
        return found


@dataclasses.dataclass(frozen=True)
class Searched:
    """choice: what was found; error: of the output with it; trials: how many files were run; uniform: observer → error with it everywhere."""

    choice: Choice
    error: float
    trials: int
    uniform: dict[str, float]


def search(
    candidates: Candidates, judge: Callable[[Quantizations], float], trials: int, on_progress: Callable[[str, int, int], None] | None = None
) -> Searched:
    """Coordinate descent over the groups' observers with at most `trials` calls of `judge`. Deterministic: it counts, it has no clock.

    First each observer everywhere; the best of them is where the descent begins. Then, group by group, the one that came second, the
    groups first whose range it changes most; each trial also shows how sensitive the output is to that group. Then, in the order of
    that sensitivity, the other observers. What improves the output is kept at once.
    """
    search_ = _Descent(candidates, judge, trials, on_progress)
    search_.uniform()
    search_.second_best()
    search_.the_others()
    return Searched(search_.choice, search_.error, search_.done, search_.uniform_errors)


class _Descent:
    def __init__(
        self,
        candidates: Candidates,
        judge: Callable[[Quantizations], float],
        trials: int,
        on_progress: Callable[[str, int, int], None] | None,
    ) -> None:
        self._candidates = candidates
        self._judge = judge
        self._trials = trials
        self._on_progress = on_progress
        self._sensitivity: dict[int, float] = {}
        self.done = 0
        self.choice: Choice = {}
        self.error = math.inf
        self.uniform_errors: dict[str, float] = {}

    def uniform(self) -> None:
        for observer in list(OBSERVERS)[: self._trials]:
            self.uniform_errors[observer] = self._try(self._candidates.uniform(observer))

    def second_best(self) -> None:
        ranked = sorted(self.uniform_errors, key=lambda observer: self.uniform_errors[observer])
        second = ranked[1] if len(ranked) > 1 else ranked[0]
        for place in sorted(self._candidates.free, key=lambda place: -self._change(place, ranked[0], second)):
            self._sensitivity[place] = 0.0
            if second in self._candidates.alternatives(place, self.choice[place]):
                self._try_group(place, second)

    def the_others(self) -> None:
        tried = dict(self.choice)
        for place in sorted(self._sensitivity, key=lambda place: -self._sensitivity[place]):
            for observer in self._candidates.alternatives(place, tried[place]):
                self._try_group(place, observer)

    def _change(self, place: int, one: str, other: str) -> float:
        first, second = self._candidates.range(place, one), self._candidates.range(place, other)
        widths = [high - low or 1.0 for low, high in (first, second)]
        return abs(math.log(widths[0] / widths[1]))

    def _try_group(self, place: int, observer: str) -> None:
        before = self.error
        if self.done < self._trials:
            found = self._try(self.choice | {place: observer})
            self._sensitivity[place] = max(self._sensitivity[place], abs(found - before))

    def _try(self, choice: Choice) -> float:
        error = self._judge(self._candidates.quantizations(choice))
        self.done += 1
        if error < self.error:
            self.error, self.choice = error, choice
        if self._on_progress:
            self._on_progress("searching", self.done, self._trials)
        return error
