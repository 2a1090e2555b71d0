"""How the results of `redmobile bench` are shown: a table for each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from redmobile.bench.header import ModelFile
from redmobile.bench.job import Coverage
from redmobile.bench.measured import AccuracyResult, LatencyResult, Measured, MemoryResult, VideoResult
from redmobile.bench.modelled import EmulatedNetwork, EmulationResult, EstimateResult
from redmobile.bench.result import Bundle, Result, to_builtins
from redmobile.bench.stability import Stability
from redmobile.cli.console import OUT, print_json, table

_MEBIBYTE = 1024 * 1024
_SHOWN_OPERATORS = 10


def print_result(result: Result | Bundle, *, as_json: bool) -> None:
    """The result on stdout, as tables or as JSON."""
    if as_json:
        print_json(to_builtins(result))
        return
    if not isinstance(result, Bundle):
        _print_one(result)
        return
    for one in result.results:
        _print_one(one)
    if result.incomplete:
        OUT.print(f"Incomplete: {result.incomplete}", markup=False)


def _print_one(result: Result) -> None:
    _PRINTERS[type(result)](result)
    for words in _small_print(result):
        OUT.print(words, style="dim", markup=False)
    if result.incomplete:
        OUT.print(f"Incomplete: {result.incomplete}", markup=False)
    OUT.print(f"Budget: {result.verdict.outcome}. {result.verdict.says}", markup=False)


def _small_print(result: Result) -> list[str]:
    environment, device = result.environment, result.device
    date = environment.date
    if isinstance(result, EmulationResult | EstimateResult):
        return [f"{result.target}, from {environment.cpu}, {environment.system}, {date}"]
    trust = _stability(result)
    machine = f"{device.soc or device.name}, {result.threads} threads, {device.system or environment.system}, {date}"
    return [machine, *_tries(result), *trust.remarks]


def _tries(result: LatencyResult | VideoResult | MemoryResult | AccuracyResult) -> list[str]:
    tries = result.tries if isinstance(result, LatencyResult | VideoResult) else ()
    if len(tries) < 2:  # noqa: PLR2004 - one is no repetition
        return []
    times = ", ".join(f"{one.mean_ms if one.p50_ms is None else one.p50_ms:.1f}" for one in tries)
    return [f"{len(tries)} repetitions, medians {times} ms; the figures are the last one's"]


def _stability(result: LatencyResult | VideoResult | MemoryResult | AccuracyResult) -> Stability:
    return result.measured.stability if isinstance(result, LatencyResult) else result.stability


def _print_latency(result: LatencyResult) -> None:
    rows = (result.measured, *result.peers)
    made = table(_title(result), "", *(f">{row.name}" for row in rows))
    columns = [_column(row, result.settings.frame_ms) for row in rows]
    for label in columns[0]:
        made.add_row(label, *(column[label] for column in columns))
    OUT.print(made)
    said = result.verdict.outcome == "not to be trusted"  # then the verdict gives the model's reasons
    doubted = [row for row in (result.peers if said else rows) if not row.stability.trusted]
    for row in doubted:
        OUT.print(f"{row.name}: not to be trusted: {row.stability.why_not}.", markup=False)
    if result.loadgen:
        valid = "valid" if result.loadgen.valid else "not valid"
        OUT.print(f"LoadGen {result.loadgen.version}: p90 {result.loadgen.p90_ms:.2f} ms, {valid}; {result.loadgen.says}.", markup=False)
    for row in rows:
        if row.profile and row.profile.operators:
            _print_profile(row)
    for ratio in result.ratios:
        doubt = f"; not to be trusted: {'; '.join(ratio.reasons)}" if ratio.reasons else ""
        OUT.print(f"{ratio.peer} takes {ratio.of_medians:.2f}× as long (medians; rounds {ratio.low:.2f} to {ratio.high:.2f}{doubt}).", markup=False)


def _print_profile(row: Measured) -> None:
    """Where the time goes, the longest first."""
    if row.profile is None:
        return
    total = sum(operator.mean_ms for operator in row.profile.operators)
    made = table(f"{row.name}, by {row.profile.says}", "operator", "kind", "unit", ">ms", ">share")
    for operator in sorted(row.profile.operators, key=lambda one: -one.mean_ms)[:_SHOWN_OPERATORS]:
        made.add_row(operator.name, operator.kind, operator.unit, f"{operator.mean_ms:.3f}", f"{operator.mean_ms / total:.1%}" if total else "-")
    OUT.print(made)


def _title(result: Result) -> str:
    return result.plan if result.target == "host" else f"{result.plan} on {result.target}"


def _column(row: Measured, frame_ms: float) -> dict[str, str]:
    """Label → figure, for one network."""
    time, load = row.latency, row.load
    times = {
        "p50": time.p50_ms,
        "p90": time.p90_ms,
        "p95": time.p95_ms,
        "p99": time.p99_ms,
        "mean": time.mean_ms,
        "std": time.std_ms,
        "min": time.min_ms,
        "max": time.max_ms,
    }
    return {
        **{f"{label} ms": f"{value:.2f}" for label, value in times.items()},
        f"over {frame_ms:.1f} ms": f"{row.over_budget} of {time.n}",
        "first to last third": f"{row.drift.relative:+.1%}",
        "load ms": f"{load.init_ms:.1f}",
        "first run ms": f"{load.first_ms:.2f}",
        "memory before MiB": _mebibytes(load.before_bytes),
        "peak memory MiB": _mebibytes(load.peak_bytes),
        "delegate": f"{load.delegate.ran}, {_coverage(load.coverage)}" if load.delegate else "-",
        "input": str(load.inputs[0]),
        "runtime": load.runtime,
        "file kB": f"{row.model.bytes / 1000:.1f}",
        "sha256": row.model.sha256[:12],
        "trusted": "yes" if row.stability.trusted else "no",
    }


def _coverage(coverage: Coverage | None) -> str:
    if coverage is None:
        return "-"
    outside = sum(coverage.outside.values())
    told = f"{coverage.partitions} part{'' if coverage.partitions == 1 else 's'}, {outside} outside"
    if coverage.macs_inside is None or not (total := coverage.macs_inside + (coverage.macs_outside or 0)):
        return told
    return f"{told}, {coverage.macs_inside / total:.0%} of {total / 1e6:.1f} M MAC"


def _print_video(result: VideoResult) -> None:
    made = table(_title(result), "ms", ">p50", ">p90", ">p95", ">p99", ">max", ">own CPU")
    for stage in result.stages:
        made.add_row(stage.name, *_percentiles(stage.time), "-" if stage.cpu_ms is None else f"{stage.cpu_ms:.2f}")
    for label, time in (("arrival to finished", result.latency), ("jitter", result.jitter)):
        made.add_row(label, *_percentiles(time), "")
    OUT.print(made)
    OUT.print(f"{result.offered} frames from {result.source}: {result.on_time} on time, {result.late} late, {result.dropped} dropped.", markup=False)
    if len(result.windows) > 1:
        _print_windows(result)
    facts = [f"{_name(result.model)} ({result.model.sha256[:12]})", result.load.runtime, f"peak memory {_mebibytes(result.load.peak_bytes)} MiB"]
    if result.load.coverage:
        facts.append(f"{_coverage(result.load.coverage)} of {result.load.coverage.unit}")
    if result.cpu_ms is not None:
        facts.append(f"{result.cpu_ms:.1f} ms of processor time a frame")
    OUT.print(", ".join(facts), style="dim", markup=False)


def _print_windows(result: VideoResult) -> None:
    made = table("by time", "seconds", ">on time", ">late", ">dropped", ">p50 ms", ">p99 ms")
    for window in result.windows:
        counts = (str(window.on_time), str(window.late), str(window.dropped))
        times = ("-" if value is None else f"{value:.2f}" for value in (window.p50_ms, window.p99_ms))
        made.add_row(f"{window.from_s:g} to {window.to_s:g}", *counts, *times)
    OUT.print(made)


def _percentiles(time: Any) -> list[str]:
    return [f"{value:.2f}" for value in (time.p50_ms, time.p90_ms, time.p95_ms, time.p99_ms, time.max_ms)]


def _print_memory(result: MemoryResult) -> None:
    made = table(_title(result), "", f">{_name(result.model)}")
    loads = result.loads
    made.add_row("peak memory of the process MiB", _mebibytes(result.peak_bytes))
    made.add_row("of it engine and network MiB", _mebibytes(result.own_bytes))
    made.add_row("activations at least MiB (from the graph)", _mebibytes(result.arena_bytes))
    made.add_row("peaks of single loads MiB", ", ".join(_mebibytes(load.peak_bytes) for load in loads))
    made.add_row("load ms", ", ".join(f"{load.init_ms:.1f}" for load in loads))
    made.add_row("first run ms", ", ".join(f"{load.first_ms:.2f}" for load in loads))
    OUT.print(made)


def _print_accuracy(result: AccuracyResult) -> None:
    made = table(f"{_title(result)}: against {_name(result.reference)}", "picture", ">PSNR dB", ">SSIM", ">largest, codes")
    for picture in result.pictures:
        made.add_row(picture.picture, _decibels(picture.psnr_db), f"{picture.ssim:.4f}", str(picture.largest_codes))
    made.add_row("mean", _decibels(result.psnr_db), f"{result.ssim:.4f}", "")
    OUT.print(made)


def _decibels(value: float | None) -> str:
    return "equal" if value is None else f"{value:.2f}"


def _print_emulation(result: EmulationResult) -> None:
    rows = (result.measured, *result.peers)
    made = table(f"{result.plan} on {result.target}, a frame", "", *(f">{_name(row.model)}" for row in rows))
    columns = [_counts(row) for row in rows]
    for label in dict.fromkeys(label for column in columns for label in column):
        made.add_row(label, *(column.get(label, "-") for column in columns))
    OUT.print(made)
    for row in rows:
        if row.bound:
            bound = row.bound
            OUT.print(
                f"{_name(row.model)}: not faster than {bound.not_faster_than_ms:.2f} ms, limited by {bound.limited_by} ({bound.label}).", markup=False
            )


def _counts(row: EmulatedNetwork) -> dict[str, str]:
    """Label → figure, for one network."""
    counts = row.counts
    found = {"instructions": f"{counts.instructions:,}", "spread of repetitions": f"{row.spread:.3%}"}
    for name in ("simd_dot", "simd_other", "loads", "stores", "branches", "other"):
        found[name.replace("_", " ")] = f"{getattr(counts, name):,}"
    found |= {"loaded MB": f"{counts.loaded_bytes / 1e6:.1f}", "stored MB": f"{counts.stored_bytes / 1e6:.1f}"}
    if row.caches:
        found["from memory MB"] = f"{row.caches.memory_read_bytes / 1e6:.1f}"
        found["to memory MB"] = f"{row.caches.memory_written_bytes / 1e6:.1f}"
    if row.outputs:
        differing = sum(place.differing for place in row.outputs.where)
        found[f"against {row.outputs.against}"] = "bit-equal" if row.outputs.equal else f"{differing:,} values differ"
    return found


def _print_estimate(result: EstimateResult) -> None:
    first = result.estimated
    title = f"{result.plan} on {result.target}: {first.label} ({first.system_config}, {first.memory_mode})"
    made = table(title, "", ">frames/s", ">cycles", ">on NPU", ">on CPU", ">SRAM MB", ">DRAM MB", ">flash MB")
    for row in (first, *result.peers):
        sizes = (row.sram_bytes, row.dram_bytes, row.flash_bytes)
        cells = (f"{row.frames_per_second:.1f}", f"{row.cycles:,}", str(row.npu_operators), str(row.cpu_operators))
        made.add_row(_name(row.model), *cells, *(f"{size / 1e6:.2f}" for size in sizes))
    OUT.print(made)


def _mebibytes(count: int | None) -> str:
    return "-" if count is None else f"{count / _MEBIBYTE:.0f}"


def _name(model: ModelFile) -> str:
    return Path(model.file).name


_PRINTERS: dict[type, Callable[[Any], None]] = {
    LatencyResult: _print_latency,
    VideoResult: _print_video,
    MemoryResult: _print_memory,
    AccuracyResult: _print_accuracy,
    EmulationResult: _print_emulation,
    EstimateResult: _print_estimate,
}


def missed(results: Sequence[Result], *, enforce: bool) -> list[str]:
    """A sentence for each result that missed its budget; with `enforce` also for those that cannot be trusted or are incomplete."""
    bad = ("missed", "not to be trusted") if enforce else ("missed",)
    return [f"{_title(result)}: {result.verdict.outcome}. {result.verdict.says}" for result in results if result.verdict.outcome in bad]
