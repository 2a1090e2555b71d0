"""The measuring process: `python -m redmobile.bench.worker` reads a job from stdin and says lines of JSON on stdout."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import cv2
import msgspec
import numpy as np

from redmobile.bench import closed_loop, open_loop
from redmobile.bench.clock import SystemClock, SystemCrew
from redmobile.bench.conditions import Watch
from redmobile.bench.fidelity import compare_outputs
from redmobile.bench.inputs import arrays_for
from redmobile.bench.job import (
    AccuracyJob,
    AccuracyRecord,
    Coverage,
    Delegate,
    Failure,
    FidelityJob,
    FidelityRecord,
    Job,
    LatencyJob,
    LatencyRecord,
    Line,
    Load,
    LoadGen,
    LoadJob,
    LoadRecord,
    Network,
    OperatorTime,
    Profile,
    ProfileJob,
    ProfileRecord,
    Record,
    TensorFacts,
    VideoJob,
    VideoRecord,
)
from redmobile.bench.memory import peak_bytes, resident_bytes
from redmobile.bench.plan import ClosedLoop
from redmobile.bench.process import Progress
from redmobile.core.artifact import read_bytes
from redmobile.errors import RedmobileError, UnsupportedModelError
from redmobile.graph.macs import macs_of
from redmobile.graph.tflite_read import read_tflite
from redmobile.runtimes import base as runtimes
from redmobile.runtimes.base import Runtime, open_runtime
from redmobile.runtimes.tflite_interpreter import InterpreterRuntime

_NS_PER_MS = 1e6


def main() -> None:
    """Carry out the job on stdin."""
    with _private_stdout() as answers:
        job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
        try:
            _say(answers, Line(record=carry_out(job, lambda done, total: _say(answers, Line(progress=(done, total))))))
        except RedmobileError as error:
            _say(answers, Line(failure=Failure(kind=type(error).__name__, message=str(error))))


def carry_out(job: Job, on_progress: Progress | None = None) -> Record:
    """The record that belongs to `job`, measured in this process. Raises RedmobileError."""
    cv2.setNumThreads(job.threads)
    match job:
        case LoadJob():
            return _load(job)
        case LatencyJob():
            return _latency(job, on_progress)
        case VideoJob():
            return _video(job, on_progress)
        case FidelityJob():
            return _fidelity(job)
        case AccuracyJob():
            return _accuracy(job, on_progress)
        case ProfileJob():
            return _profile(job)


def _load(job: LoadJob) -> LoadRecord:
    clock = SystemClock()
    before = resident_bytes()
    began = clock.now_ns()
    runtime = _open(job.network, job.threads)
    ready = clock.now_ns()
    arrays = arrays_for(runtime.inputs)
    called = clock.now_ns()
    runtime.run(*arrays)
    returned = clock.now_ns()
    for _ in range(job.runs - 1):
        runtime.run(*arrays)
    peak = peak_bytes()  # before the graph is read for its coverage
    return LoadRecord(
        load=Load(
            runtime=runtime.name,
            inputs=tuple(map(TensorFacts.of, runtime.inputs)),
            outputs=tuple(map(TensorFacts.of, runtime.outputs)),
            init_ms=(ready - began) / _NS_PER_MS,
            first_ms=(returned - called) / _NS_PER_MS,
            before_bytes=before,
            peak_bytes=peak,
            delegate=_delegate(runtime, job.network),
            coverage=_coverage(runtime, job.network),
        )
    )


def _latency(job: LatencyJob, on_progress: Progress | None) -> LatencyRecord:
    networks = []
    for network in job.networks:
        runtime = _open(network, job.threads)
        networks.append(functools.partial(runtime.run, *arrays_for(runtime.inputs)))
    with _no_collections():
        watch = Watch()
        samples, loadgen = _samples(networks, job.loop, on_progress)
        conditions = watch.conditions()
    return LatencyRecord(samples_ms=_rows(samples.counted_ms), warm_up_ms=_rows(samples.warm_up_ms), conditions=conditions, loadgen=loadgen)


def _samples(networks: Sequence[Callable[[], object]], loop: ClosedLoop, on_progress: Progress | None) -> tuple[closed_loop.Samples, LoadGen | None]:
    if loop.scenario == "back-to-back":
        return closed_loop.measure(networks, loop, SystemClock(), on_progress), None
    from redmobile.bench.loadgen import single_stream

    return single_stream(networks[0], loop, on_progress)


def _rows(samples: list[list[float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, samples))


def _video(job: VideoJob, on_progress: Progress | None) -> VideoRecord:
    # Here and not above: what reads videos and pictures would count as memory of every network.
    from redmobile.bench.video_source import open_source
    from redmobile.bench.video_work import stages_of

    loop = job.loop
    arrivals = open_loop.Arrivals(job.fps, max(1, round(job.fps * loop.seconds)))
    frames, photographs = (Path(path) if path else None for path in (job.video, job.photographs))
    runtime = _open(job.network, job.threads)
    with open_source(loop.height, loop.width, frames, photographs) as source:
        _warm_up(stages_of(source, runtime), loop.warm_up)
    with open_source(loop.height, loop.width, frames, photographs) as source, _no_collections():
        stages = stages_of(source, runtime)
        watch = Watch()
        cpu_before = time.process_time()
        stream = open_loop.run(stages, arrivals, loop.queue, loop.policy, SystemCrew(), on_progress)
        return VideoRecord(
            stages=tuple(stage.name for stage in stages),
            offered=arrivals.offered,
            frames=tuple(stream.frames),
            source=source.says,
            cpu_seconds=time.process_time() - cpu_before,
            conditions=watch.conditions(),
            drops=tuple(stream.drops),
            stage_cpu_seconds=tuple(spent / 1e9 for spent in stream.cpu_ns),
        )


def _warm_up(stages: list[open_loop.Stage], frames: int) -> None:
    for number in range(frames):
        content = None
        for stage in stages:
            content = stage.work(number, content)


def _fidelity(job: FidelityJob) -> FidelityRecord:
    reference, network = (_open(one, job.threads) for one in (job.reference, job.network))
    return FidelityRecord(fidelity=compare_outputs(reference, network, list(np.load(job.pictures))))


def _accuracy(job: AccuracyJob, on_progress: Progress | None) -> AccuracyRecord:
    from redmobile.bench.accuracy import compare_pictures  # as above

    reference, network = (_open(one, job.threads) for one in (job.reference, job.network))
    return AccuracyRecord(pictures=tuple(compare_pictures(reference, network, Path(job.pictures), on_progress)))


def _profile(job: ProfileJob) -> ProfileRecord:
    runtime = _open(job.network, job.threads)
    from redmobile.runtimes.onnx_runtime import profile_onnx  # the one engine here that offers it

    nodes = profile_onnx(Path(job.network.path), job.threads, arrays_for(runtime.inputs), job.runs)
    operators = tuple(OperatorTime(name=node.name, kind=node.kind, mean_ms=node.mean_ms) for node in nodes)
    return ProfileRecord(
        profile=Profile(says=f"{runtime.name}'s own profiler, which takes time itself; mean of {job.runs} runs", operators=operators)
    )


def _open(network: Network, threads: int) -> Runtime:
    wanted = None if network.delegate is None else runtimes.Delegate(network.delegate, network.delegate_options)
    runtime = open_runtime(Path(network.path), threads=threads, delegate=wanted)
    if network.input_shape is not None:
        if not isinstance(runtime, InterpreterRuntime):
            raise UnsupportedModelError(f"{network.path}: {runtime.name} cannot bring a network to another size; only a .tflite can be.")
        runtime.resize_input(network.input_shape)
    return runtime


def _delegate(runtime: Runtime, network: Network) -> Delegate | None:
    if not isinstance(runtime, InterpreterRuntime):
        return None
    if network.delegate is not None:
        return Delegate(ran=network.delegate, asked=network.delegate, options=dict(network.delegate_options))
    return Delegate(ran="XNNPACK" if runtime.delegate_coverage().partitions else "none")


def _coverage(runtime: Runtime, network: Network) -> Coverage | None:
    if not isinstance(runtime, InterpreterRuntime):
        return None
    found = runtime.delegate_coverage()
    path = Path(network.path)
    macs = list(map(macs_of, read_tflite(read_bytes(path), str(path)).operators))
    inside = sum(macs[position] for position in found.positions)
    return Coverage(
        partitions=found.partitions,
        inside=dict(found.taken),
        outside=dict(found.left),
        unit=network.delegate or "XNNPACK",
        macs_inside=inside,
        macs_outside=sum(macs) - inside,
    )


@contextlib.contextmanager
def _no_collections() -> Iterator[None]:
    """Keep Python from looking for garbage in the middle of a sample."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextlib.contextmanager
def _private_stdout() -> Iterator[IO[bytes]]:
    """Stdout for us alone: engines print to it what they like, which must not end up between our lines."""
    with os.fdopen(os.dup(1), "wb") as private:
        os.dup2(2, 1)
        yield private


def _say(answers: IO[bytes], line: Line) -> None:
    answers.write(msgspec.json.encode(line) + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
