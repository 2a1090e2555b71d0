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
from redmobile.bench.job import Load, VideoRecord
from redmobile.bench.measured import Drop, LatencyResult, Measured, Profile, StageTimes, VideoResult, Window
from redmobile.bench.open_loop import FrameTimes
from redmobile.bench.plan import Plan
from redmobile.bench.target import Assignment
from redmobile.core.artifact import read_bytes, sha256_bytes
from redmobile.core.documents import from_dict
from redmobile.core.environment import describe


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
) -> Measured:
    """The figures of one network from its raw durations, judged by the plan's rules. At least one duration is needed. Raises InputError."""
    return Measured(
        model=model_file(file),
        load=load,
        latency=stats.summarize(samples_ms),
        drift=stats.drift(samples_ms),
        over_budget=stats.over(samples_ms, settings.frame_ms),
        stability=stability.judge(samples_ms, conditions, threads, settings.stability, incomplete),
        samples_ms=tuple(samples_ms),
        warm_up_ms=tuple(warm_up_ms),
        profile=profile,
    )


def latency_result(
    head: dict[str, Any], rows: Sequence[Measured], conditions: Conditions, threads: int, *, block: int = 1, scenario: str = "back to back"
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
        ratios=tuple(stats.compare(Path(peer.model.file).name, model.samples_ms, peer.samples_ms, block, spread) for peer in peers),
        scenario=scenario,
    )


def video_result(head: dict[str, Any], file: Path, load: Load, record: VideoRecord, threads: int, *, profile: Profile | None = None) -> VideoResult:
    """The result of a stream of frames through the network in `file`. head: from `header`; at least one frame was finished."""
    settings: Plan = head["settings"]
    frame_ms = settings.frame_ms
    latencies = [frame.latency_ms for frame in record.frames]
    late = stats.over(latencies, frame_ms)
    work = [sum(frame.stages_ms) for frame in record.frames]
    trust = stability.judge(work, record.conditions, threads, settings.stability, head["incomplete"])
    return VideoResult(
        **head,
        threads=threads,
        conditions=record.conditions,
        verdict=budget.judge_times(latencies, len(record.drops), frame_ms, settings.budget, trust, _blame(record, frame_ms)),
        model=model_file(file),
        load=load,
        source=record.source,
        offered=record.offered,
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
    cpu_ms = 1000 * record.stage_cpu_seconds[index] / len(record.frames) if record.stage_cpu_seconds else None
    return StageTimes(name=record.stages[index], time=stats.summarize([frame.stages_ms[index] for frame in record.frames]), cpu_ms=cpu_ms)


def _blame(record: VideoRecord, frame_ms: float) -> str | None:
    """The stage with the most time in the frames that were late; where frames were only dropped, in all."""
    late = [frame for frame in record.frames if frame.latency_ms > frame_ms]
    if not late and not record.drops:
        return None
    totals = [sum(column) for column in zip(*(frame.stages_ms for frame in late or record.frames), strict=True)]
    return record.stages[totals.index(max(totals))]


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
        late = stats.over(times, settings.frame_ms)
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
