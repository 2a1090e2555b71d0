"""What files cost beside one another: measured here by turns, counted on an emulated processor, estimated by Vela."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from redmobile.bench.measured import LatencyResult
from redmobile.bench.modelled import EmulationResult, EstimateResult
from redmobile.bench.runner import bench
from redmobile.core.documents import Document
from redmobile.emulator.cpus import PREFIX
from redmobile.errors import UsageError

PLAN = "model_latency"

_COUNTED = "1"
"""Frames counted on an emulated processor: counts of INT8 do not change from frame to frame (benchmarks/README.md)."""

OnProgress = Callable[[str, int, int], None]
"""(what is being done, done, in all)."""


class Cost(Document):
    """What one file costs on one target, and how many times as much as the file compared with.

    measures: what `value` is, in words with its unit; low, high: of the ratio, where it was measured (quartiles over the rounds).
    remarks: why it is not to be trusted, or what else must be known.
    """

    target: str
    measures: str
    value: float
    ratio: float
    low: float | None = None
    high: float | None = None
    remarks: tuple[str, ...] = ()


def costs(files: Mapping[str, Path], targets: Sequence[str], runs: int | None = None, on_progress: OnProgress | None = None) -> dict[str, list[Cost]]:
    """Name → its cost on each of `targets` (as of `bench --on`), in their order; the first of `files` is the one compared with.

    runs: of each file on this machine, by turns. Raises what bench raises, UsageError for a target that gives none of these figures.
    """
    (first, model), *others = files.items()
    found: dict[str, list[Cost]] = {name: [] for name in files}
    for target in targets:
        show = (lambda what, done, total, target=target: on_progress(f"{target}: {what}", done, total)) if on_progress else None
        result = bench(
            PLAN,
            str(model),
            on=target,
            peers=[str(file) for _, file in others],
            runs=runs if target == "host" else None,
            target_options={"frames": _COUNTED} if target.startswith(PREFIX) else None,
            on_progress=show,
        )
        for name, cost in zip([first, *(name for name, _ in others)], _read(result, target), strict=True):
            found[name].append(cost)
    return found


def _read(result: object, target: str) -> list[Cost]:
    if isinstance(result, LatencyResult):
        return _latencies(result, target)
    if isinstance(result, EmulationResult):
        networks = (result.measured, *result.peers)
        counts = [network.counts.instructions / 1e6 for network in networks]
        remarks = [() if network.outputs is None or network.outputs.equal else ("outputs differ from this machine's",) for network in networks]
        return [
            Cost(target=target, measures="million instructions a frame", value=count, ratio=count / counts[0], remarks=remark)
            for count, remark in zip(counts, remarks, strict=True)
        ]
    if isinstance(result, EstimateResult):
        estimates = (result.estimated, *result.peers)
        return [
            Cost(
                target=target,
                measures="frames a second, estimated by Vela",
                value=each.frames_per_second,
                ratio=each.cycles / estimates[0].cycles,
                remarks=(f"{each.cpu_operators} operators on the CPU, not in the estimate",) if each.cpu_operators else (),
            )
            for each in estimates
        ]
    raise UsageError(f"{target}: tells neither latency nor instructions nor an estimate; take host, qemu:CPU or ethos-u65-512.")


def _latencies(result: LatencyResult, target: str) -> list[Cost]:
    measured = (result.measured, *result.peers)
    found = [Cost(target=target, measures="ms a frame, median", value=measured[0].latency.p50_ms, ratio=1.0, remarks=_doubts(result))]
    for network, ratio in zip(measured[1:], result.ratios, strict=True):
        found.append(
            Cost(
                target=target,
                measures="ms a frame, median",
                value=network.latency.p50_ms,
                ratio=ratio.of_medians,
                low=ratio.low,
                high=ratio.high,
                remarks=ratio.reasons,
            )
        )
    return found


def _doubts(result: LatencyResult) -> tuple[str, ...]:
    stability = result.measured.stability
    return () if stability.trusted else (stability.why_not,)
