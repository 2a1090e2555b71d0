"""Results of what really ran on the hardware it names: here stand milliseconds."""

from __future__ import annotations

from redmobile.bench.conditions import Conditions
from redmobile.bench.header import Header, ModelFile, Verdict
from redmobile.bench.job import Load, LoadGen, PictureAccuracy, Profile
from redmobile.bench.open_loop import FrameTimes
from redmobile.bench.plan import Scenario
from redmobile.bench.stability import Stability
from redmobile.bench.stats import Drift, Ratio, Summary
from redmobile.core.documents import Document


class TimeVerdict(Verdict):
    """A verdict on frames in time. on_time_share: the part of all frames that were.

    percentile: the one that the budget asks for, e.g. 99; percentile_ms: the time at it, None where the frame there was dropped.
    blame: the stage that keeps frames from being on time; None where all were, or where there is only one stage.
    """

    on_time_share: float
    percentile: float | None = None
    percentile_ms: float | None = None
    blame: str | None = None


class Measurement(Header):
    """A result of something that ran. threads: of the engine."""

    threads: int


class Measured(Document):
    """One network's figures. warm_up_ms: the runs that are not counted; over_budget: runs longer than one frame's time.

    samples_ms: every counted run, in order; latency, drift, stability: what they come down to.
    summary_only: why there are no samples, where a tool tells only what they come down to; percentiles that it does not tell are then
    bounds from above, as is over_budget, and drift is that of the tries.
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
    summary_only: str | None = None

    @property
    def name(self) -> str:
        """The file's name, and the delegate where one was asked for: 'a.tflite', 'a.tflite (redmobile)'."""
        file = self.model.file.replace("\\", "/").rsplit("/", 1)[-1]
        asked = self.load.delegate.asked if self.load.delegate else None
        return f"{file} ({asked})" if asked else file


class Try(Document):
    """One of several repetitions on a device, of which the last is the result. n: runs or finished frames; waited_s: to cool down before it.

    p50_ms, p95_ms: None where the tool does not tell them. thermal_status: Android's when it began, 0 (none) to 6.
    """

    n: int
    mean_ms: float
    min_ms: float
    max_ms: float
    p50_ms: float | None = None
    p95_ms: float | None = None
    waited_s: float = 0.0
    thermal_status: int | None = None


class LatencyResult(Measurement, tag_field="kind", tag="latency"):
    """What a plan with [closed_loop] gives. peers: in the order given, their runs alternating with the model's.

    conditions: of the machine meanwhile. scenario: who asked for the runs: 'back-to-back' our own loop, 'single-stream' MLPerf's LoadGen.
    tries: on a device, all repetitions.
    """

    verdict: TimeVerdict
    conditions: Conditions
    measured: Measured
    peers: tuple[Measured, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    scenario: Scenario = "back-to-back"
    loadgen: LoadGen | None = None
    tries: tuple[Try, ...] = ()


class StageTimes(Document):
    """One stage of the way of a frame. time: over all finished frames. cpu_ms: of the stage's own thread, for each frame it worked on."""

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

    source: where the frames came from. deadline_ms: how long a frame may take from its arrival; late: finished after that; dropped: replaced by
    a newer frame before its turn. fps: finished frames a second.
    latency: from arrival to finished; jitter: how far the time between two finished frames was from what it should have been.
    cpu_ms: processor time of the whole process a finished frame. frames, drops: every single one; windows: the same by time.
    tries: on a device, all repetitions.
    """

    verdict: TimeVerdict
    conditions: Conditions
    model: ModelFile
    load: Load
    source: str
    offered: int
    deadline_ms: float
    fps: float
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
    tries: tuple[Try, ...] = ()


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


class AccuracyResult(Measurement, tag_field="kind", tag="accuracy"):
    """What a plan with [accuracy] gives: outputs as 8-bit frames, against those of `reference` on the same pictures.

    psnr_db, ssim: means over the pictures (psnr_db: over those that differ); worst_db: of the worst one. None: every output is equal.
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
