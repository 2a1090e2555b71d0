"""From what a target saw to the parts of its result: every target says the same things in the same way."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from redmobile.bench import budget, stability, stats
from redmobile.bench.conditions import Conditions
from redmobile.bench.header import FORMAT, DeviceFacts, Environment, ModelFile
from redmobile.bench.job import Load, LoadGen, PictureAccuracy, Profile, VideoRecord
from redmobile.bench.measured import (
    AccuracyResult,
    Drop,
    LatencyResult,
    Measured,
    MemoryResult,
    StageTimes,
    VideoResult,
    Window,
)
from redmobile.bench.open_loop import FrameTimes
from redmobile.bench.plan import Budget, Plan, Scenario
from redmobile.bench.stability import Doubt
from redmobile.bench.target import Assignment
from redmobile.core.artifact import read_bytes, sha256_bytes
from redmobile.core.documents import from_dict
from redmobile.core.environment import describe
from redmobile.errors import DeviceError
from redmobile.graph.liveness import peak_activations
from redmobile.graph.tflite_read import read_tflite

_MEBIBYTE = 1024 * 1024


def header(work: Assignment, target: str, device: DeviceFacts, *, run_id: str | None = None, incomplete: str | None = None) -> dict[str, Any]:
    """The fields of a Header. target: its whole address; run_id: made here where there is none yet."""
    return {
        "format": FORMAT,
        "run_id": run_id or uuid.uuid4().hex,
        "plan": work.plan,
        "plan_sha256": work.plan_sha256,
        "settings": work.settings,
        "target": target,
        "device": device,
        "environment": environment(),
        "command": work.command,
        "incomplete": incomplete,
    }


def environment() -> Environment:
    """The machine that redmobile runs on."""
    return from_dict(describe(), Environment, "the description of this machine")


def model_file(file: Path) -> ModelFile:
    """Name, sha256 and size of the file of a network. Raises InputError."""
    content = read_bytes(file)
    return ModelFile(file=str(file), sha256=sha256_bytes(content), bytes=len(content))


def measured(
    file: Path,
    load: Load,
    samples_ms: Sequence[float],
    conditions: Conditions,
    threads: int,
    settings: Plan,
    *,
    warm_up_ms: Sequence[float] = (),
    profile: Profile | None = None,
    incomplete: str | None = None,
    doubts: Sequence[Doubt] = (),
    remarks: Sequence[str] = (),
) -> Measured:
    """The figures of one network from its raw durations, judged by the plan's rules. At least one duration is needed. Raises InputError.

    doubts, remarks: see stability.judge.
    """
    return Measured(
        model=model_file(file),
        load=load,
        latency=stats.summarize(samples_ms),
        drift=stats.drift(samples_ms),
        over_budget=stats.over(samples_ms, settings.frame_ms),
        stability=stability.judge(samples_ms, conditions, threads, settings.stability, incomplete, doubts=doubts, remarks=remarks),
        samples_ms=tuple(samples_ms),
        warm_up_ms=tuple(warm_up_ms),
        profile=profile,
    )


def latency_result(
    head: dict[str, Any],
    rows: Sequence[Measured],
    conditions: Conditions,
    threads: int,
    *,
    block: int = 1,
    scenario: Scenario = "back-to-back",
    loadgen: LoadGen | None = None,
) -> LatencyResult:
    """The result of networks that ran by turns, the model first, `block` runs a turn. head: from `header`."""
    model, *peers = rows
    settings: Plan = head["settings"]
    spread = settings.stability.max_relative_iqr
    return LatencyResult(
        **head,
        threads=threads,
        conditions=conditions,
        verdict=budget.judge_times(model.samples_ms, 0, settings.frame_ms, settings.budget, model.stability),
        measured=model,
        peers=tuple(peers),
        ratios=tuple(stats.compare(peer.name, model.samples_ms, peer.samples_ms, block, spread) for peer in peers),
        scenario=scenario,
        loadgen=loadgen,
    )


def video_result(
    head: dict[str, Any],
    file: Path,
    load: Load,
    record: VideoRecord,
    threads: int,
    *,
    profile: Profile | None = None,
    doubts: Sequence[Doubt] = (),
    remarks: Sequence[str] = (),
) -> VideoResult:
    """The result of a stream of frames through the network in `file`. head: from `header`; at least one frame was finished.

    doubts, remarks: see stability.judge.
    """
    settings: Plan = head["settings"]
    deadline_ms = settings.deadline_ms
    latencies = [frame.latency_ms for frame in record.frames]
    late = stats.over(latencies, deadline_ms)
    blame = _blame(record, settings)
    work = [sum(frame.stages_ms) for frame in record.frames]
    trust = stability.judge(work, record.conditions, threads, settings.stability, head["incomplete"], doubts=doubts, remarks=remarks)
    return VideoResult(
        **head,
        threads=threads,
        conditions=record.conditions,
        verdict=budget.judge_times(latencies, len(record.drops), deadline_ms, settings.budget, trust, blame),
        model=model_file(file),
        load=load,
        source=record.source,
        offered=record.offered,
        deadline_ms=deadline_ms,
        fps=_pace(record.frames, settings.frame_ms),
        on_time=len(latencies) - late,
        late=late,
        dropped=len(record.drops),
        latency=stats.summarize(latencies),
        jitter=stats.summarize(_jitter_ms(record.frames)),
        stages=tuple(_stage(record, index) for index in range(len(record.stages))),
        drift=stats.drift(work),
        stability=trust,
        frames=record.frames,
        drops=tuple(Drop(number=number, before=stage) for number, stage in record.drops),
        windows=tuple(_windows(record, settings)),
        cpu_ms=None if record.cpu_seconds is None else 1000 * record.cpu_seconds / len(record.frames),
        profile=profile,
    )


def _stage(record: VideoRecord, index: int) -> StageTimes:
    reached = record.offered - sum(record.stages.index(stage) <= index for _, stage in record.drops)
    cpu_ms = 1000 * record.stage_cpu_seconds[index] / reached if record.stage_cpu_seconds else None
    return StageTimes(name=record.stages[index], time=stats.summarize([frame.stages_ms[index] for frame in record.frames]), cpu_ms=cpu_ms)


def _blame(record: VideoRecord, settings: Plan) -> str | None:
    """The stage that keeps frames from being on time; None if none was late or dropped.

    A stage keeps pace as long as it takes no longer than one frame's time: what it takes beyond that backs up the line, whoever waits
    where. So the stage with the most time beyond is to blame; where none goes beyond, all of them together take too long, and the
    longest is.
    """
    if not record.drops and all(frame.latency_ms <= settings.deadline_ms for frame in record.frames):
        return None
    columns = list(zip(*(frame.stages_ms for frame in record.frames), strict=True))
    beyond = [sum(max(0.0, time - settings.frame_ms) for time in column) for column in columns]
    totals = beyond if any(beyond) else [sum(column) for column in columns]
    return record.stages[totals.index(max(totals))]


def _pace(frames: Sequence[FrameTimes], frame_ms: float) -> float:
    """Finished frames a second, between the first and the last of them."""
    first, last = frames[0], frames[-1]
    span_ms = (last.number - first.number) * frame_ms + last.latency_ms - first.latency_ms
    return 1000 * (len(frames) - 1) / span_ms if span_ms > 0 else 0.0


def _jitter_ms(frames: Sequence[FrameTimes]) -> list[float]:
    """How far the time between each finished frame and the one before was from the time between their arrivals; [0] for a single frame."""
    lateness = [frame.latency_ms for frame in frames]
    return [abs(after - before) for before, after in itertools.pairwise(lateness)] or [0.0]


def _windows(record: VideoRecord, settings: Plan) -> Iterator[Window]:
    if settings.open_loop is None:
        return
    period_s, length_s = settings.frame_ms / 1000, settings.open_loop.window_seconds
    in_window = max(1, round(length_s / period_s))
    for first in range(0, record.offered, in_window):
        last = min(first + in_window, record.offered)
        times = [frame.latency_ms for frame in record.frames if first <= frame.number < last]
        late = stats.over(times, settings.deadline_ms)
        summary = stats.summarize(times) if times else None
        yield Window(
            from_s=first * period_s,
            to_s=last * period_s,
            on_time=len(times) - late,
            late=late,
            dropped=last - first - len(times),
            p50_ms=summary.p50_ms if summary else None,
            p99_ms=summary.p99_ms if summary else None,
        )


def memory_result(head: dict[str, Any], file: Path, loads: Sequence[Load], threads: int) -> MemoryResult:
    """The result of `loads` of the network in `file`, each in a fresh process that says what it held. head: from `header`."""
    settings: Plan = head["settings"]
    peaks = [load.peak_bytes for load in loads if load.peak_bytes is not None]
    own = [load.peak_bytes - load.before_bytes for load in loads if load.peak_bytes is not None and load.before_bytes is not None]
    if not peaks or not own:
        raise DeviceError(f"{head['target']}: does not say how much memory a process holds.")
    trust = stability.judge_samples(peaks, settings.stability)
    limit = settings.budget.peak_mib if settings.budget else None
    says = f"the process held at most {max(peaks) / _MEBIBYTE:.0f} MiB, {max(own) / _MEBIBYTE:.0f} of them for engine and network"
    if limit is not None:
        says += f"; the budget is {limit:g} MiB"
    return MemoryResult(
        **head,
        threads=threads,
        verdict=budget.judge_figures(says, None if limit is None else max(peaks) <= limit * _MEBIBYTE, trust),
        model=model_file(file),
        loads=tuple(loads),
        peak_bytes=max(peaks),
        own_bytes=max(own),
        stability=trust,
        arena_bytes=_arena_bytes(file),
    )


def _arena_bytes(file: Path) -> int | None:
    if file.suffix.lower() != ".tflite":
        return None
    return peak_activations(read_tflite(read_bytes(file), str(file))).bytes


def accuracy_result(
    head: dict[str, Any], file: Path, reference: Path, load: Load, pictures: Sequence[PictureAccuracy], threads: int
) -> AccuracyResult:
    """The result of the network in `file` on `pictures`, at least one. head: from `header`."""
    settings: Plan = head["settings"]
    decibels = [picture.psnr_db for picture in pictures if picture.psnr_db is not None]
    mean = sum(decibels) / len(decibels) if decibels else None
    similar = sum(picture.ssim for picture in pictures) / len(pictures)
    asked = settings.budget or Budget()
    checks: dict[str, bool] = {}
    if asked.psnr_db is not None:
        checks[f"{asked.psnr_db:g} dB"] = mean is None or mean >= asked.psnr_db
    if asked.ssim is not None:
        checks[f"SSIM {asked.ssim:g}"] = similar >= asked.ssim
    says = f"{'equal' if mean is None else f'{mean:.2f} dB'} and SSIM {similar:.4f} on {len(pictures)} pictures against {reference.name}"
    if checks:
        says += f"; the budget asks for {' and '.join(checks)}"
    trust = stability.Stability(trusted=True, reasons=())
    return AccuracyResult(
        **head,
        threads=threads,
        verdict=budget.judge_figures(says, all(checks.values()) if checks else None, trust),
        model=model_file(file),
        reference=model_file(reference),
        load=load,
        psnr_db=mean,
        worst_db=min(decibels, default=None),
        ssim=similar,
        pictures=tuple(pictures),
        stability=trust,
    )
