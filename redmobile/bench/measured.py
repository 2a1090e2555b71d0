"""Results of what really ran on the hardware it names: here stand milliseconds."""

from __future__ import annotations

from redmobile.bench.conditions import Conditions
from redmobile.bench.header import Header, ModelFile, Verdict
from redmobile.bench.job import Load
from redmobile.bench.open_loop import FrameTimes
from redmobile.bench.stability import Stability
from redmobile.bench.stats import Drift, Ratio, Summary
from redmobile.core.documents import Document


class TimeVerdict(Verdict):
    """A verdict on frames in time. on_time_share: the part of all frames finished within one frame's time.

    percentile: the one that the budget asks for, e.g. 99; percentile_ms: the time at it, None where the frame there was dropped.
    blame: the stage that keeps frames from being on time; None where all were, or where there is only one stage.
    """

    on_time_share: float
    percentile: float | None = None
    percentile_ms: float | None = None
    blame: str | None = None


class Measurement(Header):
    """A result of something that ran. threads: of the engine; conditions: of the machine meanwhile."""

    threads: int
    conditions: Conditions


class OperatorTime(Document):
    """One operator of the graph. name: of its (first) output; kind: CONV_2D, …; mean_ms: of one run; unit: what ran it (CPU, XNNPACK, NPU)."""

    name: str
    kind: str
    mean_ms: float
    unit: str = "CPU"


class Profile(Document):
    """Where a run's time goes, operator by operator, in the order of execution. says: who measured it, or why nobody could."""

    says: str
    operators: tuple[OperatorTime, ...] = ()


class Measured(Document):
    """One network's figures. warm_up_ms: the runs that are not counted; over_budget: runs longer than one frame's time.

    samples_ms: every counted run, in order; latency, drift, stability: what they come down to.
    """

    model: ModelFile
    load: Load
    latency: Summary
    drift: Drift
    over_budget: int
    stability: Stability
    samples_ms: tuple[float, ...]
    warm_up_ms: tuple[float, ...] = ()
    profile: Profile | None = None


class LatencyResult(Measurement, tag_field="kind", tag="latency"):
    """What a plan with [closed_loop] gives. peers: in the order given, their runs alternating with the model's.

    scenario: 'back to back', or 'single-stream' where MLPerf's LoadGen asked for the runs.
    """

    verdict: TimeVerdict
    measured: Measured
    peers: tuple[Measured, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    scenario: str = "back to back"


class StageTimes(Document):
    """One stage of the way of a frame, over all finished frames. cpu_ms: processor time of the stage's own thread a frame, on average."""

    name: str
    time: Summary
    cpu_ms: float | None = None


class Drop(Document):
    """A frame that a newer one took the place of. before: the stage that it waited for."""

    number: int
    before: str


class Window(Document):
    """A piece of a long run. from_s, to_s: of the arrivals that belong to it, since the run began. p50_ms, p99_ms: None where none was finished."""

    from_s: float
    to_s: float
    on_time: int
    late: int
    dropped: int
    p50_ms: float | None = None
    p99_ms: float | None = None


class VideoResult(Measurement, tag_field="kind", tag="video"):
    """What a plan with [open_loop] gives. on_time + late + dropped = offered.

    source: where the frames came from. late: finished after more than one frame's time; dropped: replaced by a newer frame before its turn.
    latency: from arrival to finished; jitter: how far the time between two finished frames was from what it should have been.
    cpu_ms: processor time of the whole process a finished frame. frames, drops: every single one; windows: the same by time.
    """

    verdict: TimeVerdict
    model: ModelFile
    load: Load
    source: str
    offered: int
    on_time: int
    late: int
    dropped: int
    latency: Summary
    jitter: Summary
    stages: tuple[StageTimes, ...]
    drift: Drift
    stability: Stability
    frames: tuple[FrameTimes, ...]
    drops: tuple[Drop, ...] = ()
    windows: tuple[Window, ...] = ()
    cpu_ms: float | None = None
    profile: Profile | None = None


class MemoryResult(Measurement, tag_field="kind", tag="memory"):
    """What a plan with [memory] gives: the network loaded and run in fresh processes. loads: one each; peak_bytes: the largest of theirs.

    own_bytes: the largest growth over what the process held before it loaded engine and network. arena_bytes: what the activations
    need at least, computed from the graph's lifetimes; None for files other than .tflite.
    """

    verdict: Verdict
    model: ModelFile
    loads: tuple[Load, ...]
    peak_bytes: int
    own_bytes: int
    stability: Stability
    arena_bytes: int | None = None


class PictureAccuracy(Document):
    """One picture. psnr_db: of the model's output against the reference's; None: they are equal. ssim: of the same, at most 1."""

    picture: str
    psnr_db: float | None
    ssim: float
    largest_codes: int


class AccuracyResult(Measurement, tag_field="kind", tag="accuracy"):
    """What a plan with [accuracy] gives: outputs as 8-bit frames, against those of `reference` on the same pictures.

    psnr_db, ssim: means over the pictures; worst_db: of the worst one. None: every output is equal.
    """

    verdict: Verdict
    model: ModelFile
    reference: ModelFile
    load: Load
    psnr_db: float | None
    worst_db: float | None
    ssim: float
    pictures: tuple[PictureAccuracy, ...]
    stability: Stability
