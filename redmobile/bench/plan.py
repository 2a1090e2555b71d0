"""A plan: one TOML in benchmarks/ that says what is measured, for how long, and against which budget."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from redmobile.bench.peers.tables import ConversionTable
from redmobile.core.documents import Document, from_dict, load_toml
from redmobile.errors import UsageError
from redmobile.shelf import find

Count = Annotated[int, msgspec.Meta(ge=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


Scenario = Literal["back-to-back", "single-stream"]
Policy = Literal["drop-oldest", "block"]


class ClosedLoop(Document):
    """The next run begins when the last has ended: how long does the network take?

    warm_up: runs that are not counted. runs: those that are. block: runs of one network before it is the next one's turn (with
    peers). max_seconds: no new round begins after that time; the figures then rest on fewer runs. scenario: 'single-stream' lets
    MLPerf's LoadGen ask for the runs, of one network, so that its 90th percentile stands beside MLPerf Mobile's figures; it asks for
    at least `runs`, for at least `min_seconds`.
    """

    warm_up: Count = 10
    runs: Count = 120
    block: Count = 4
    max_seconds: Positive = 90.0
    min_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    scenario: Scenario = "back-to-back"


class OpenLoop(Document):
    """Frames arrive at the plan's rate whether or not the network is ready: does it keep up?

    seconds: how long frames arrive. warm_up: frames enhanced before that. height, width: of the frames that are made when no video is given;
    photographs: a model on the shelf whose demo pictures they show, in motion; None: a scene made of noise.
    queue: frames that may wait before each stage. policy: what happens when one more comes: 'drop-oldest' throws away the one that has
    waited longest, as a camera's preview does; 'block' holds the stage before it up, as a recorder that may lose nothing does.
    deadline_frames: a frame is on time if it is finished so many frames' times after its arrival. Stages work at the same time, so frames keep
    their pace as long as each stage takes less than one frame's time; the deadline says how old a frame may be when it is shown.
    window_seconds: the run is also told in pieces of this length.
    """

    seconds: Positive = 10.0
    warm_up: Count = 10
    height: Count = 1080
    width: Count = 1920
    photographs: str | None = None
    queue: Count = 1
    policy: Policy = "drop-oldest"
    deadline_frames: Positive = 2.0
    window_seconds: Positive = 10.0


class Memory(Document):
    """How much memory does the network need? repeats: fresh processes that load it; runs: of the network in each."""

    repeats: Count = 3
    runs: Count = 5


class Accuracy(Document):
    """How far are the outputs from the reference's? pictures: a model on the shelf whose demo pictures are taken, where none are given."""

    pictures: str = "red_mobile"


class Budget(Document):
    """share: the part of all frames that must be finished in one frame's time, 1000 / fps ms [closed_loop], or in time for the deadline [open_loop].

    peak_mib: the memory that the whole process may hold [memory]. psnr_db, ssim: that the mean must reach [accuracy].
    """

    share: Share = 0.99
    peak_mib: Positive | None = None
    psnr_db: Positive | None = None
    ssim: Share | None = None


class StabilityRules(Document):
    """When figures are not to be trusted.

    min_samples: fewer than this say nothing about a percentile. min_seconds: of measuring, for less does not show what else the
    machine did (systems count processor time in ticks of some milliseconds). max_relative_iqr: distance of the quartiles over the median.
    max_drift: medians of last against first third. max_other_share, max_steal_share: part of all processor time that other
    processes, or other guests of a virtual machine's host, took meanwhile. max_clock_change: of the processor's frequency, slowest
    against fastest. max_throttle_events: how often the system slowed a core down for its heat. max_thermal_status: Android's,
    0 (none) to 6; from 2 (moderate) on it slows the processor down.
    """

    min_samples: Count = 30
    min_seconds: Positive = 0.5
    max_relative_iqr: Positive = 0.10
    max_drift: Positive = 0.05
    max_other_share: Share = 0.10
    max_steal_share: Share = 0.02
    max_clock_change: Share = 0.10
    max_throttle_events: Annotated[int, msgspec.Meta(ge=0)] = 0
    max_thermal_status: int = 1


WAYS = ("closed_loop", "open_loop", "memory", "accuracy")
"""The tables of which a plan has exactly one: the ways of measuring."""


class Plan(Document):
    """A plan file. says: one sentence for lists; fps: what counts as real time; threads: None for as many as there are cores.

    Exactly one of the tables of WAYS must be there. conversion: what is converted first, to be measured in the closed loop.
    """

    says: str
    fps: Positive = 30.0
    threads: Count | None = None
    closed_loop: ClosedLoop | None = None
    open_loop: OpenLoop | None = None
    memory: Memory | None = None
    accuracy: Accuracy | None = None
    conversion: ConversionTable | None = None
    budget: Budget | None = None
    stability: StabilityRules = StabilityRules()

    def __post_init__(self) -> None:
        """Raise ValueError, which becomes a DocumentError, unless there is exactly one way of measuring, and that of conversions a closed loop."""
        found = [way for way in WAYS if getattr(self, way) is not None]
        if len(found) != 1:
            tables = ", ".join(f"[{way}]" for way in WAYS)
            raise ValueError(f"Expected exactly one of the tables {tables}; found {' and '.join(found) or 'none'}")
        if self.conversion is not None and self.closed_loop is None:
            raise ValueError("What [conversion] makes is measured in a [closed_loop], which is missing")

    @property
    def way(self) -> str:
        """The name of its one table of WAYS."""
        return next(way for way in WAYS if getattr(self, way) is not None)

    @property
    def frame_ms(self) -> float:
        """One frame's time."""
        return 1000.0 / self.fps

    @property
    def deadline_ms(self) -> float:
        """How long a frame may take to be on time."""
        return self.frame_ms * (self.open_loop.deadline_frames if self.open_loop is not None else 1)


def load_plan(name: str) -> Plan:
    """The plan called `name` on the shelf, or the one at the path `name`. Raises InputError, DocumentError."""
    return load_toml(find("benchmarks", name), Plan)


MLPERF_MOBILE = {"runs": 1024, "min_seconds": 60.0, "max_seconds": 600.0}
"""A normal single-stream run of MLPerf Mobile: mlcommons/mobile_app_open, flutter/assets/tasks.pbtxt."""

_OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "runs": ("runs", ("closed_loop", "memory")),
    "scenario": ("scenario", ("closed_loop",)),
    "policy": ("policy", ("open_loop",)),
    "queue": ("queue", ("open_loop",)),
}
"""Option → the key it replaces, and in which tables."""


def adapt(
    plan: Plan,
    *,
    threads: int | None = None,
    runs: int | None = None,
    fps: float | None = None,
    seconds: float | None = None,
    scenario: Scenario | None = None,
    policy: Policy | None = None,
    queue: int | None = None,
) -> Plan:
    """`plan` with some values replaced; None leaves a value alone.

    seconds: how long frames arrive, or the longest time a closed loop may take. scenario: 'single-stream' brings MLPerf Mobile's number of
    runs and seconds along, unless those are given too. Raises UsageError (an option of another kind of plan), DocumentError (a value out of range).
    """
    values: dict[str, Any] = msgspec.to_builtins(plan)
    values.update({key: value for key, value in {"threads": threads, "fps": fps}.items() if value is not None})
    table = values[plan.way]
    if scenario == "single-stream" and plan.closed_loop is not None:
        table.update(MLPERF_MOBILE)
        if seconds is not None:
            table["min_seconds"] = min(seconds / 2, table["min_seconds"])  # one that ends at its longest time is not valid
    if seconds is not None:
        table[_key_of_seconds(plan)] = seconds
    for name, value in {"runs": runs, "scenario": scenario, "policy": policy, "queue": queue}.items():
        if value is None:
            continue
        key, tables = _OPTIONS[name]
        if plan.way not in tables:
            raise UsageError(f"--{name} belongs to a plan with {' or '.join(f'[{table}]' for table in tables)}; this one has [{plan.way}].")
        table[key] = value
    return from_dict(values, Plan, "the plan with the options given")


def _key_of_seconds(plan: Plan) -> str:
    if plan.open_loop is not None:
        return "seconds"
    if plan.closed_loop is not None:
        return "max_seconds"
    raise UsageError(f"--seconds belongs to a plan with [closed_loop] or [open_loop]; this one has [{plan.way}].")
