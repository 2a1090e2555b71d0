"""This machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import psutil

from redmobile.bench import assemble
from redmobile.bench.demo_pictures import demo_pictures
from redmobile.bench.header import DeviceFacts
from redmobile.bench.job import (
    AccuracyJob,
    AccuracyRecord,
    LatencyJob,
    LatencyRecord,
    Load,
    LoadJob,
    LoadRecord,
    Network,
    Profile,
    ProfileJob,
    ProfileRecord,
    VideoJob,
    VideoRecord,
)
from redmobile.bench.measured import AccuracyResult, LatencyResult, MemoryResult, VideoResult
from redmobile.bench.plan import Accuracy, ClosedLoop, Memory, OpenLoop
from redmobile.bench.process import run_job
from redmobile.bench.result import Result
from redmobile.bench.target import TARGETS, Assignment, Progress
from redmobile.core.environment import cpu_name
from redmobile.errors import UnsupportedModelError, UsageError
from redmobile.runtimes.base import available_threads

_NO_PROFILE = "LiteRT's Python package gives no times of single operators; its benchmark_model does, on a phone (--on adb)"

_CPU = "cpu"
"""The delegate that LiteRT and onnxruntime have here without being asked: XNNPACK, or the CPU kernels of onnxruntime."""


@TARGETS.register("host")
class HostTarget:
    """Implements bench.target.Target."""

    options: Mapping[str, str] = {}

    def __init__(self, address: str) -> None:
        if address != "host":
            raise UsageError(f"The target 'host' takes no argument, found '{address}'.")

    def carry_out(self, work: Assignment, on_progress: Progress | None = None) -> Result:
        """See Target."""
        if work.device is not None:
            raise UsageError("--device belongs to targets that are emulated or estimated; this machine is what it is.")
        if work.delegate_options and not any(name != _CPU for name in work.delegates):
            raise UsageError("--delegate-option belongs to a --delegate; none was named.")
        if len(work.delegates) > 1 and work.settings.closed_loop is None:
            raise UsageError(f"{work.plan}: several delegates run by turns in a plan with [closed_loop]; here name one.")
        run = _Run(work, work.settings.threads or available_threads(), on_progress)
        settings = work.settings
        if settings.closed_loop is not None:
            return run.latency(settings.closed_loop)
        if settings.open_loop is not None:
            return run.video(settings.open_loop)
        if settings.memory is not None:
            return run.memory(settings.memory)
        if settings.accuracy is not None:
            return run.accuracy(settings.accuracy)
        raise UsageError(f"{work.plan}: the target 'host' cannot carry out a plan with [{settings.way}].")


def _facts() -> DeviceFacts:
    return DeviceFacts(
        name=platform.node(),
        soc=cpu_name(),
        abi=platform.machine(),
        system=f"{platform.system()} {platform.release()}",
        cores=os.cpu_count(),
        memory_bytes=int(psutil.virtual_memory().total),
    )


class _Run:
    """One assignment being carried out."""

    def __init__(self, work: Assignment, threads: int, on_progress: Progress | None) -> None:
        self._work = work
        self._threads = threads
        self._on_progress = on_progress
        self._head = assemble.header(work, "host", _facts())

    def latency(self, loop: ClosedLoop) -> LatencyResult:
        """The plan's [closed_loop]."""
        networks: list[Network] = []
        loads: list[Load] = []
        for network in (*self._models(), *(Network(path=str(peer)) for peer in self._work.peers)):
            file = Path(network.path)
            load = self._load(network)
            if loads and self._work.resize_peers and (shape := _shape_for(file, loads[0], load)) is not None:
                networks.append(msgspec.structs.replace(network, input_shape=shape))
                loads.append(self._load(networks[-1]))
            else:
                networks.append(network)
                loads.append(load)
        record = run_job(LatencyJob(networks=tuple(networks), threads=self._threads, loop=loop), LatencyRecord, self._say("runs"))
        settings, conditions = self._work.settings, record.conditions
        rows = []
        for network, load, samples, warm_up in zip(networks, loads, record.samples_ms, record.warm_up_ms, strict=True):
            file = Path(network.path)
            profile = self._profile(file)
            rows.append(assemble.measured(file, load, samples, conditions, self._threads, settings, warm_up_ms=warm_up, profile=profile))
        return assemble.latency_result(
            self._head, rows, record.conditions, self._threads, block=loop.block, scenario=loop.scenario, loadgen=record.loadgen
        )

    def video(self, loop: OpenLoop) -> VideoResult:
        """The plan's [open_loop]."""
        work = self._work
        (network,) = self._models()
        load = self._load(network)
        frames = str(work.frames) if work.frames else None
        photographs = None if frames else _photographs(loop)
        job = VideoJob(network=network, threads=self._threads, fps=work.settings.fps, loop=loop, video=frames, photographs=photographs)
        record = run_job(job, VideoRecord, self._say("frames"))
        return assemble.video_result(self._head, work.model, load, record, self._threads)

    def memory(self, plan: Memory) -> MemoryResult:
        """The plan's [memory]."""
        loads = []
        for done in range(plan.repeats):
            self._say("loads")(done, plan.repeats)
            job = LoadJob(network=self._models()[0], threads=self._threads, runs=plan.runs)
            loads.append(run_job(job, LoadRecord).load)
        return assemble.memory_result(self._head, self._work.model, loads, self._threads)

    def accuracy(self, plan: Accuracy) -> AccuracyResult:
        """The plan's [accuracy]."""
        work = self._work
        if work.reference is None:
            raise UsageError(f"{work.plan}: which network's outputs are right? Name it with --reference.")
        (network,) = self._models()
        load = self._load(network)
        pictures = str(work.images or demo_pictures(plan.pictures))
        job = AccuracyJob(reference=Network(path=str(work.reference)), network=network, threads=self._threads, pictures=pictures)
        record = run_job(job, AccuracyRecord, self._say("pictures"))
        return assemble.accuracy_result(self._head, work.model, work.reference, load, record.pictures, self._threads)

    def _models(self) -> list[Network]:
        """The model, once for each delegate that was asked for, in that order."""
        path, options = str(self._work.model), dict(self._work.delegate_options)
        wanted = self._work.delegates or (_CPU,)
        return [Network(path=path) if name == _CPU else Network(path=path, delegate=name, delegate_options=options) for name in wanted]

    def _load(self, network: Network) -> Load:
        self._say(f"load {Path(network.path).name}")(0, 1)
        return run_job(LoadJob(network=network, threads=self._threads), LoadRecord).load

    def _profile(self, file: Path) -> Profile:
        if file.suffix.lower() != ".onnx":
            return Profile(says=_NO_PROFILE)
        self._say(f"profile {file.name}")(0, 1)
        return run_job(ProfileJob(network=Network(path=str(file)), threads=self._threads), ProfileRecord).profile

    def _say(self, what: str) -> Callable[[int, int], None]:
        return lambda done, total: self._on_progress(what, done, total) if self._on_progress else None


def _photographs(loop: OpenLoop) -> str | None:
    if loop.photographs is None:
        return None
    return str(demo_pictures(loop.photographs))


def _shape_for(peer: Path, model: Load, load: Load) -> tuple[int, ...] | None:
    """The input shape that brings a peer to the model's height and width; None if it has that already."""
    own, other = model.inputs[0], load.inputs[0]
    if "?" in (own.layout, other.layout):
        raise UnsupportedModelError(f"{peer}: cannot be brought to the model's size: {own} and {other} are not both pictures.")
    height, width = own.shape[1:3] if own.layout == "NHWC" else own.shape[2:4]
    batch, *rest = other.shape
    wanted = (batch, height, width, rest[2]) if other.layout == "NHWC" else (batch, rest[0], height, width)
    return None if wanted == other.shape else wanted
