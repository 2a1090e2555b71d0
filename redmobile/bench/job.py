"""What a target is asked to measure, and what it answers. Both travel as JSON: a target may be another process or another device."""

from __future__ import annotations

import msgspec

from redmobile.bench.conditions import Conditions
from redmobile.bench.fidelity import Fidelity
from redmobile.bench.open_loop import FrameTimes
from redmobile.bench.plan import ClosedLoop, OpenLoop
from redmobile.core.documents import Document
from redmobile.core.tensor_spec import Layout, TensorSpec


class Network(Document):
    """A network's file. input_shape: what its (only) input is brought to before it runs; None: as the file says.

    delegate: what the engine is to hand the graph to, with `delegate_options`; None: the engine's own choice.
    """

    path: str
    input_shape: tuple[int, ...] | None = None
    delegate: str | None = None
    delegate_options: dict[str, str] = msgspec.field(default_factory=dict)


class LoadJob(Document, tag_field="job", tag="load"):
    """Load one network into a fresh process and run it `runs` times, to know what that costs."""

    network: Network
    threads: int
    runs: int = 3


class LatencyJob(Document, tag_field="job", tag="latency"):
    """Run networks by turns, as fast as they go."""

    networks: tuple[Network, ...]
    threads: int
    loop: ClosedLoop


class VideoJob(Document, tag_field="job", tag="video"):
    """Enhance frames that arrive at `fps`. video: the file or folder they come from; None: frames that are made.

    photographs: a folder of pictures that made frames show; None: a made scene.
    """

    network: Network
    threads: int
    fps: float
    loop: OpenLoop
    video: str | None = None
    photographs: str | None = None


class FidelityJob(Document, tag_field="job", tag="fidelity"):
    """Compare a network's outputs with the reference's. pictures: an .npy of (N, H, W, 3) uint8, of the networks' size."""

    reference: Network
    network: Network
    threads: int
    pictures: str


class AccuracyJob(Document, tag_field="job", tag="accuracy"):
    """Enhance the pictures in a folder with both networks, and compare. pictures: the folder, or one picture."""

    reference: Network
    network: Network
    threads: int
    pictures: str


class ProfileJob(Document, tag_field="job", tag="profile"):
    """Say where a network's time goes, operator by operator, over `runs` runs."""

    network: Network
    threads: int
    runs: int = 10


Job = LoadJob | LatencyJob | VideoJob | FidelityJob | AccuracyJob | ProfileJob


class Coverage(Document):
    """What a delegate took of a graph. partitions: pieces it runs; inside, outside: operators by kind; the latter stay on plain CPU kernels.

    macs_inside, macs_outside: multiply-accumulates of both; None where the graph's shapes are not known.
    """

    partitions: int
    inside: dict[str, int]
    outside: dict[str, int]
    unit: str = "XNNPACK"
    macs_inside: int | None = None
    macs_outside: int | None = None


class Delegate(Document):
    """asked: what was wanted, None: the engine's own choice; ran: what really did the work; options: key → value, as given to it."""

    ran: str
    asked: str | None = None
    options: dict[str, str] = msgspec.field(default_factory=dict)


class TensorFacts(Document):
    """An input or output of a network. quantization: scale and zero point, None for floats."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    layout: Layout
    quantization: tuple[float, int] | None

    @classmethod
    def of(cls, spec: TensorSpec) -> TensorFacts:
        """The facts of a runtime's TensorSpec."""
        found = spec.quantization
        quantization = None if found is None else (float(found.scale[0]), int(found.zero_point[0]))
        return cls(name=spec.name, shape=spec.shape, dtype=spec.dtype, layout=spec.layout, quantization=quantization)

    def __str__(self) -> str:
        return f"{'×'.join(map(str, self.shape))} {self.dtype}"


class Load(Document):
    """What a network is and what it costs to have.

    runtime: engine and version; init_ms: from the file to a network that
    is ready; first_ms: the first run; before_bytes: memory of the process before it loaded engine and network; peak_bytes: the most it
    ever held; delegate: what the engine hands the graph to; coverage: how much of it. None where device or engine do not tell.
    """

    runtime: str
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    init_ms: float
    first_ms: float
    before_bytes: int | None = None
    peak_bytes: int | None = None
    delegate: Delegate | None = None
    coverage: Coverage | None = None


class LoadRecord(Document, tag_field="record", tag="load"):
    """What a LoadJob found."""

    load: Load


class LoadGen(Document):
    """What MLPerf's LoadGen made of the runs it asked for.

    valid: by its own rules (enough queries, for long enough); p90_ms: the figure that MLPerf Mobile reports; says: LoadGen's reason where
    it is not valid.
    """

    version: str
    valid: bool
    p90_ms: float
    queries: int
    says: str


class LatencyRecord(Document, tag_field="record", tag="latency"):
    """samples_ms, warm_up_ms: a row of durations for each network, in the order in which they were taken; the latter are not counted."""

    samples_ms: tuple[tuple[float, ...], ...]
    warm_up_ms: tuple[tuple[float, ...], ...]
    conditions: Conditions
    loadgen: LoadGen | None = None


class VideoRecord(Document, tag_field="record", tag="video"):
    """stages: their names; offered: frames that arrived; frames: those that were finished; source: where they came from.

    drops: number of a frame that was replaced by a newer one, and the stage it waited for. cpu_seconds: of the whole process, while frames
    arrived; stage_cpu_seconds: of each stage's own thread.
    """

    stages: tuple[str, ...]
    offered: int
    frames: tuple[FrameTimes, ...]
    source: str
    conditions: Conditions
    drops: tuple[tuple[int, str], ...] = ()
    cpu_seconds: float | None = None
    stage_cpu_seconds: tuple[float, ...] = ()


class FidelityRecord(Document, tag_field="record", tag="fidelity"):
    """What a FidelityJob found."""

    fidelity: Fidelity


class PictureAccuracy(Document):
    """One picture. psnr_db: of the model's output against the reference's; None: they are equal. ssim: of the same, at most 1.

    largest_codes: the largest difference, in 8-bit codes.
    """

    picture: str
    psnr_db: float | None
    ssim: float
    largest_codes: int


class AccuracyRecord(Document, tag_field="record", tag="accuracy"):
    """What an AccuracyJob found."""

    pictures: tuple[PictureAccuracy, ...]


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


class ProfileRecord(Document, tag_field="record", tag="profile"):
    """What a ProfileJob found."""

    profile: Profile


Record = LoadRecord | LatencyRecord | VideoRecord | FidelityRecord | AccuracyRecord | ProfileRecord


class Failure(Document):
    """An error on its way from a target. kind: the name of its class in redmobile.errors."""

    kind: str
    message: str


class Line(Document):
    """One line of what a measuring process says; one of the three is there. progress: (done, all)."""

    progress: tuple[int, int] | None = None
    failure: Failure | None = None
    record: Record | None = None
