"""A plan: one TOML in benchmarks/ that says what is measured, for how long, and against which budget."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from redmobile.bench.peers.tables import ConversionTable
from redmobile.core.documents import Document, from_dict, load_toml
from redmobile.errors import UsageError
from redmobile.shelf import find

Count = Annotated[int, msgspec.Meta(ge=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class ClosedLoop(Document):
    """The next run begins when the last has ended: how long does the network take?

    warm_up: runs that are not counted. runs: those that are. block: runs of one network before it is the next one's turn (with
    peers). max_seconds: no new round begins after that time; the figures then rest on fewer runs.
    """

    warm_up: Count = 10
    runs: Count = 120
    block: Count = 4
    max_seconds: Positive = 90.0


class OpenLoop(Document):
    """Frames arrive at the plan's rate whether or not the network is ready: does it keep up?

    seconds: how long frames arrive. warm_up: frames enhanced before that. height, width: of the frames that are made when no video is given.
    """

    seconds: Positive = 10.0
    warm_up: Count = 10
    height: Count = 1080
    width: Count = 1920


class Budget(Document):
    """share: the part of all frames that must be finished within one frame's time (1000 / fps ms)."""

    share: Share = 0.99


class StabilityRules(Document):
    """When figures are not to be trusted.

    min_samples: fewer than this say nothing about a percentile. min_seconds: of measuring, for less does not show what else the
    machine did (systems count processor time in ticks of some milliseconds). max_relative_iqr: distance of the quartiles over the median.
    max_drift: medians of last against first third. max_other_share, max_steal_share: part of all processor time that other
    processes, or other guests of a virtual machine's host, took meanwhile. max_clock_change: of the processor's frequency.
    """

    min_samples: Count = 30
    min_seconds: Positive = 0.5
    max_relative_iqr: Positive = 0.10
    max_drift: Positive = 0.05
    max_other_share: Share = 0.10
    max_steal_share: Share = 0.02
    max_clock_change: Share = 0.10


class Plan(Document):
    """A plan file. says: one sentence for lists; fps: what counts as real time; threads: None for as many as there are cores.

    Exactly one of [closed_loop] and [open_loop] must be there. conversion: what is converted first, to be measured in the closed loop.
    """

    says: str
    fps: Positive = 30.0
    threads: Count | None = None
    closed_loop: ClosedLoop | None = None
    open_loop: OpenLoop | None = None
    conversion: ConversionTable | None = None
    budget: Budget | None = None
    stability: StabilityRules = StabilityRules()

    def __post_init__(self) -> None:
        """Raise ValueError, which becomes a DocumentError, unless there is exactly one way of measuring, and that of conversions a closed loop."""
        if (self.closed_loop is None) == (self.open_loop is None):
            raise ValueError("Expected exactly one of the tables [closed_loop] and [open_loop]")
        if self.conversion is not None and self.closed_loop is None:
            raise ValueError("What [conversion] makes is measured in a [closed_loop], which is missing")

    @property
    def frame_ms(self) -> float:
        """One frame's time."""
        return 1000.0 / self.fps


def load_plan(name: str) -> Plan:
    """The plan called `name` on the shelf, or the one at the path `name`. Raises InputError, DocumentError."""
    return load_toml(find("benchmarks", name), Plan)


def adapt(plan: Plan, *, threads: int | None = None, runs: int | None = None, fps: float | None = None, seconds: float | None = None) -> Plan:
    """`plan` with some values replaced; None leaves a value alone.

    seconds: how long frames arrive, or the longest time a closed loop may take. Raises UsageError, DocumentError (a value out of range).
    """
    values: dict[str, Any] = msgspec.to_builtins(plan)
    if threads is not None:
        values["threads"] = threads
    if fps is not None:
        values["fps"] = fps
    if plan.open_loop is None:
        loop, options = values["closed_loop"], {"runs": runs, "max_seconds": seconds}
    else:
        if runs is not None:
            raise UsageError("A number of runs belongs to a plan with [closed_loop]; this one has [open_loop]: give seconds.")
        loop, options = values["open_loop"], {"seconds": seconds}
    loop.update({key: value for key, value in options.items() if value is not None})
    return from_dict(values, Plan, "the plan with the options given")
