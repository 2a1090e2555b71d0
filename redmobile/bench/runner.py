"""From a plan to its result, in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from redmobile.bench import budget, stability, stats
from redmobile.bench.job import LatencyJob, LatencyRecord, LoadJob, LoadRecord, Network, VideoJob, VideoRecord
from redmobile.bench.open_loop import FrameTimes
from redmobile.bench.plan import ClosedLoop, OpenLoop, Plan, adapt, load_plan
from redmobile.bench.result import FORMAT, LatencyResult, Measured, ModelFile, Result, StageTimes, VideoResult
from redmobile.bench.target import TARGETS, Target
from redmobile.core.artifact import read_bytes, sha256_bytes, sha256_file
from redmobile.core.environment import describe
from redmobile.errors import DocumentError, InputError, ToolError, UnsupportedModelError, UsageError
from redmobile.runtimes.base import DEFAULT_RUNTIMES, available_threads
from redmobile.shelf import find

Progress = Callable[[str, int, int], None]
"""(what is being done, done, all) → None."""

R = TypeVar("R", LoadRecord, LatencyRecord, VideoRecord)


def bench(
    plan: str,
    model: str = "red_mobile",
    *,
    peers: Sequence[str] = (),
    resize_peers: bool = False,
    threads: int | None = None,
    runs: int | None = None,
    fps: float | None = None,
    seconds: float | None = None,
    video: Path | None = None,
    on_progress: Progress | None = None,
) -> Result:
    """Carry out the plan called `plan` (on the shelf, or a path) with `model` (the same, or the file of a network) on this machine.

    peers: networks that run by turns with it (closed loop only); resize_peers: bring those to the model's height and width first.
    threads, runs, fps, seconds: in place of the plan's values. video: frames come from this file (open loop only).
    Raises InputError, DocumentError, UsageError, UnsupportedModelError, DeviceError, ToolError. A missed budget raises nothing:
    it stands in the result's verdict.
    """
    settings = adapt(load_plan(plan), threads=threads, runs=runs, fps=fps, seconds=seconds)
    _check(settings, peers, video, resize_peers=resize_peers)
    bench_run = _Run(plan, settings, settings.threads or available_threads(), TARGETS["host"](), on_progress)
    file = model_file(model)
    if settings.closed_loop is not None:
        return bench_run.latency(settings.closed_loop, file, [model_file(peer) for peer in peers], resize_peers=resize_peers)
    if settings.open_loop is not None:
        return bench_run.video(settings.open_loop, file, video)
    raise DocumentError(f"{plan}: has neither [closed_loop] nor [open_loop].")


def model_file(name: str) -> Path:
    """The file of a network: `name` itself if it is a path, else the INT8 file of the model `name` on the shelf. Raises InputError."""
    path = Path(name)
    if path.suffix.lower() in DEFAULT_RUNTIMES or path.is_file():
        if path.is_dir():
            raise InputError(f"{path}: is a folder, the file of a network was expected.")
        if not path.is_file():
            raise InputError(f"{path}: no such file.")
        return path
    folder = find("models", name)
    file = folder / f"{folder.name}_int8.tflite"
    if not file.is_file():
        raise InputError(f"{folder}: holds no {file.name}; convert it first: redmobile convert {name} --with litert_int8 --out {file}")
    return file


def _check(settings: Plan, peers: Sequence[str], video: Path | None, *, resize_peers: bool) -> None:
    if settings.conversion is not None:
        raise UsageError(
            "This plan has a table [conversion]: it compares converters and measures no single model (bench.peers.runner carries it out)."
        )
    if settings.open_loop is not None and peers:
        raise UsageError("Peers run by turns with the model, in a plan with [closed_loop]; this one has [open_loop].")
    if settings.closed_loop is not None and video is not None:
        raise UsageError("A video belongs to a plan with [open_loop]; this one has [closed_loop].")
    if resize_peers and not peers:
        raise UsageError("There are no peers to bring to the model's size: name one.")
    if video is not None and not video.is_file():
        raise InputError(f"{video}: {'is a folder, a video was expected' if video.is_dir() else 'no such file'}.")


class _Run:
    """One plan being carried out."""

    def __init__(self, plan: str, settings: Plan, threads: int, target: Target, on_progress: Progress | None) -> None:
        self._plan = plan
        self._settings = settings
        self._threads = threads
        self._target = target
        self._on_progress = on_progress

    def latency(self, loop: ClosedLoop, file: Path, peer_files: list[Path], *, resize_peers: bool) -> LatencyResult:
        """The plan's [closed_loop]."""
        networks = [Network(path=str(file))]
        loads = [self._load(networks[0])]
        for peer_file in peer_files:
            peer = Network(path=str(peer_file))
            load = self._load(peer)
            shape = _shape_for(peer_file, loads[0], load) if resize_peers else None
            if shape is not None:
                peer = Network(path=str(peer_file), input_shape=shape)
                load = self._load(peer)
            networks.append(peer)
            loads.append(load)
        job = LatencyJob(networks=tuple(networks), threads=self._threads, loop=loop)
        record = _as(LatencyRecord, self._target.run(job, self._say("runs")))
        rows = zip([file, *peer_files], loads, record.samples_ms, strict=True)
        model, *peers = (self._measured(path, load, row, record) for path, load, row in rows)
        return LatencyResult(
            **self._common(record),
            verdict=budget.judge(
                model.latency.n - model.over_budget, model.latency.n, self._settings.frame_ms, self._settings.budget, model.stability
            ),
            measured=model,
            peers=tuple(peers),
            ratios=tuple(self._ratio(model, peer, loop.block) for peer in peers),
        )

    def video(self, loop: OpenLoop, file: Path, video: Path | None) -> VideoResult:
        """The plan's [open_loop]."""
        network = Network(path=str(file))
        load = self._load(network)
        job = VideoJob(network=network, threads=self._threads, fps=self._settings.fps, loop=loop, video=str(video) if video else None)
        record = _as(VideoRecord, self._target.run(job, self._say("frames")))
        frame_ms = self._settings.frame_ms
        late = [frame for frame in record.frames if frame.latency_ms > frame_ms]
        on_time = len(record.frames) - len(late)
        work = [sum(frame.stages_ms) for frame in record.frames]
        trust = stability.judge(work, record.conditions, self._threads, self._settings.stability)
        return VideoResult(
            **self._common(record),
            verdict=budget.judge(on_time, record.offered, frame_ms, self._settings.budget, trust),
            model=_model_file(file),
            load=load,
            source=record.source,
            offered=record.offered,
            on_time=on_time,
            late=len(late),
            dropped=record.offered - len(record.frames),
            latency=stats.summarize([frame.latency_ms for frame in record.frames]),
            stages=tuple(_stage(record, index) for index in range(len(record.stages))),
            blame=_blame(record, late),
            stability=trust,
            frames=record.frames,
        )

    def _load(self, network: Network) -> LoadRecord:
        self._say(f"load {Path(network.path).name}")(0, 1)
        return _as(LoadRecord, self._target.run(LoadJob(network=network, threads=self._threads)))

    def _measured(self, file: Path, load: LoadRecord, samples_ms: tuple[float, ...], record: LatencyRecord) -> Measured:
        return Measured(
            model=_model_file(file),
            load=load,
            latency=stats.summarize(samples_ms),
            over_budget=stats.over(samples_ms, self._settings.frame_ms),
            stability=stability.judge(samples_ms, record.conditions, self._threads, self._settings.stability),
            samples_ms=samples_ms,
        )

    def _ratio(self, model: Measured, peer: Measured, block: int) -> stats.Ratio:
        name = Path(peer.model.file).name
        return stats.compare(name, model.samples_ms, peer.samples_ms, block, self._settings.stability.max_relative_iqr)

    def _common(self, record: LatencyRecord | VideoRecord) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "plan": self._plan,
            "plan_sha256": sha256_file(find("benchmarks", self._plan)),
            "settings": self._settings,
            "target": "host",
            "threads": self._threads,
            "environment": describe(),
            "conditions": record.conditions,
        }

    def _say(self, what: str) -> Callable[[int, int], None]:
        return lambda done, total: self._on_progress(what, done, total) if self._on_progress else None


def _shape_for(peer: Path, model: LoadRecord, load: LoadRecord) -> tuple[int, ...] | None:
    """The input shape that brings a peer to the model's height and width; None if it has that already."""
    own, other = model.inputs[0], load.inputs[0]
    if "?" in (own.layout, other.layout):
        raise UnsupportedModelError(f"{peer}: cannot be brought to the model's size: {own} and {other} are not both pictures.")
    height, width = own.shape[1:3] if own.layout == "NHWC" else own.shape[2:4]
    batch, *rest = other.shape
    wanted = (batch, height, width, rest[2]) if other.layout == "NHWC" else (batch, rest[0], height, width)
    return None if wanted == other.shape else wanted


def _model_file(file: Path) -> ModelFile:
    content = read_bytes(file)
    return ModelFile(file=str(file), sha256=sha256_bytes(content), bytes=len(content))


def _stage(record: VideoRecord, index: int) -> StageTimes:
    return StageTimes(name=record.stages[index], time=stats.summarize([frame.stages_ms[index] for frame in record.frames]))


def _blame(record: VideoRecord, late: list[FrameTimes]) -> str | None:
    """The stage with the most time in the late frames; where frames were only dropped, in all."""
    if not late and len(record.frames) == record.offered:
        return None
    times = [frame.stages_ms for frame in late or record.frames]
    totals = [sum(column) for column in zip(*times, strict=True)]
    return record.stages[totals.index(max(totals))]


def _as(kind: type[R], record: object) -> R:
    if not isinstance(record, kind):
        raise ToolError(f"The measuring process answered with a {type(record).__name__}, a {kind.__name__} was expected.")
    return record
