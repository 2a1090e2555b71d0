"""Repeat until two repetitions agree, with time to cool down in between."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from redmobile.android.device import Device
from redmobile.android.vitals import Vitals, read_vitals
from redmobile.bench.measured import Try
from redmobile.bench.phone.options import PhoneOptions
from redmobile.bench.stability import Doubt
from redmobile.errors import RedmobileError

WITHIN = 0.05
"""Two repetitions that differ by no more than this part of the shorter one agree: MLPerf Mobile's rule."""

_PATIENCE_S = 300.0
_LOOK_S = 5.0

Say = Callable[[str, int, int], None]
"""(what is being done, done, all) → None."""


class Attempted(Protocol):
    """What one repetition gave."""

    def summary(self) -> Try:
        """In short. Its median (or mean, where there is none) is what repetitions are compared by."""
        ...


A = TypeVar("A", bound=Attempted)


@dataclasses.dataclass(frozen=True)
class Repeated(Generic[A]):
    """What came of it. last: the one that is the result; start: the device just before it.

    doubts: that the tries do not agree; broken: why there were no more tries than these.
    """

    last: A
    start: Vitals
    tries: tuple[Try, ...]
    doubts: tuple[Doubt, ...]
    broken: RedmobileError | None = None


def repeat(once: Callable[[int], A], device: Device, options: PhoneOptions, say: Say, *, most: int) -> Repeated[A]:
    """Call `once` with the number of the try, from 0, until two that follow each other agree, `most` times at most.

    What breaks the first try is raised; what breaks a later one ends the repeating, and what there is is kept.
    """
    found: list[tuple[A, Vitals]] = []
    tries: list[Try] = []
    broken: RedmobileError | None = None
    while len(found) < most and not agree(tries):
        try:
            waited_s, start = _cool_down(device, options.cool_down_s if found else 0.0, say)
            one = once(len(found))
        except RedmobileError as error:
            if not found:
                raise
            broken = error
            break
        found.append((one, start))
        tries.append(msgspec.structs.replace(one.summary(), waited_s=waited_s, thermal_status=start.thermal_status))
    doubts = _doubts(tries) if most > 1 and broken is None else ()
    return Repeated(*found[-1], tuple(tries), doubts, broken)


def agree(tries: list[Try]) -> bool:
    """Whether the last two tries differ by WITHIN or less."""
    if len(tries) < 2:  # noqa: PLR2004 - one agrees with nothing
        return False
    first, second = (_figure(one) for one in tries[-2:])
    return abs(first - second) <= WITHIN * min(first, second)


def _doubts(tries: list[Try]) -> tuple[Doubt, ...]:
    if agree(tries):
        return ()
    figures = [_figure(one) for one in tries]
    says = f"{len(tries)} repetitions took between {min(figures):.1f} and {max(figures):.1f} ms; the last two differ by more than {WITHIN:.0%}"
    return (Doubt(flag="spread", says=says),)


def _figure(one: Try) -> float:
    return one.mean_ms if one.p50_ms is None else one.p50_ms


def _cool_down(device: Device, least_s: float, say: Say) -> tuple[float, Vitals]:
    """Wait at least that long and until the thermal status is none; gives the time waited and the device then. Raises DeviceError, ToolError."""
    began = time.monotonic()
    if least_s:
        say("cooling down", 0, 1)
        time.sleep(least_s)
    while (now := read_vitals(device)).thermal_status and time.monotonic() - began < _PATIENCE_S:
        say("cooling down", 0, 1)
        time.sleep(_LOOK_S)
    return time.monotonic() - began, now
