"""Results with milliseconds: latency, video. What a clock saw."""

from __future__ import annotations

from collections.abc import Sequence

from redmobile.report import charts
from redmobile.report.bench_common import Common, coverage_blocks, file_name, machine_blocks, operator_blocks, share_of
from redmobile.report.charts import Mark
from redmobile.report.document import Place
from redmobile.report.figures import Figure, Unit
from redmobile.report.view import Block, Cell, ChartBlock, ListBlock, Part, Run, SplitBlock, TableBlock

_SUMMARY = ("min", "p50", "p90", "p95", "p99", "max", "mean", "std")
_LEAST_SAMPLES = 2
"""Fewer give no distribution."""


def latency_run(result: Place) -> Run:
    """A run from a result of kind 'latency'."""
    common, measured = Common.of(result, result["measured"]["model"]), result["measured"]
    latency, samples = measured["latency"], measured["samples_ms"].numbers()
    budget = common.budget_ms
    blocks: list[Block] = [
        *_samples(measured, samples, budget),
        _percentiles("Percentiles", [("latency", latency)]),
        *_loadgen(result.get("loadgen")),
        *_tries(result.many("tries")),
        *_peers(result),
        *operator_blocks(measured),
        *coverage_blocks(measured["load"]),
        _memory([measured["load"]]),
        *machine_blocks(result),
    ]
    over = measured.figure("over_budget", f"over {budget:.1f} ms", "count")
    tiles = [
        latency.figure("p50_ms", "median", "ms"),
        latency.figure("p99_ms", "p99", "ms"),
        over,
        result["verdict"].figure("on_time_share", "in time", "share"),
        measured["load"].figure("peak_bytes", "peak memory", "bytes"),
    ]
    compared = {
        **_compared_times(latency),
        "in time": result["verdict"].figure("on_time_share", "in time", "share"),
        "peak memory": measured["load"].figure("peak_bytes", "peak memory", "bytes"),
    }
    return common.run("measured", tiles, compared, blocks, measured["stability"], measured["load"])


def video_run(result: Place) -> Run:
    """A run from a result of kind 'video'."""
    common, latency = Common.of(result, result["model"]), result["latency"]
    fps, frames = result["settings"]["fps"].number(), result["frames"].items()
    samples = [frame["latency_ms"].number() for frame in frames]
    seconds = [frame["number"].number() / fps for frame in frames]
    gaps = [drop["number"].number() / fps for drop in result.many("drops")]
    counts = [result.figure(key, key.replace("_", " "), "count") for key in ("offered", "on_time", "late", "dropped")]
    counts.append(result.figure("fps", "finished a second", "fps"))
    blocks: list[Block] = [
        ChartBlock("Frame by frame", charts.timeline(samples, common.budget_ms, seconds, gaps), says="From a frame's arrival until it was finished."),
        *_distribution(latency, samples, common.budget_ms),
        _stages(result),
        _percentiles("Percentiles", [("arrival to finished", latency), ("jitter", result["jitter"]), *_stage_rows(result)]),
        TableBlock("Frames", [figure.label for figure in counts], [counts], says=f"Source: {result['source'].text()}."),
        *_windows(result),
        *_tries(result.many("tries")),
        *operator_blocks(result),
        *coverage_blocks(result["load"]),
        _memory([result["load"]]),
        *machine_blocks(result),
    ]
    share = result["verdict"].figure("on_time_share", "in time", "share")
    tiles = [
        share,
        latency.figure("p50_ms", "median", "ms"),
        latency.figure("p99_ms", "p99", "ms"),
        result.figure("late", "late", "count"),
        result.figure("dropped", "dropped", "count"),
    ]
    compared = {
        **_compared_times(latency),
        "in time": share,
        "dropped": result.figure("dropped", "dropped", "count"),
        "peak memory": result["load"].figure("peak_bytes", "peak memory", "bytes"),
    }
    return common.run("measured", tiles, compared, blocks, result["stability"], result["load"])


def _compared_times(latency: Place) -> dict[str, Figure]:
    return {name: latency.figure(f"{name}_ms", name, "ms") for name in ("p50", "p90", "p99")}


def _distribution(latency: Place, samples: Sequence[float], budget_ms: float) -> list[Block]:
    if len(samples) < _LEAST_SAMPLES:
        return []
    marks = [Mark(latency[f"{name}_ms"].number(), f"{name} {latency[f'{name}_ms'].number():.2f} ms", "percentile") for name in ("p50", "p90", "p99")]
    marks.append(Mark(budget_ms, f"budget {budget_ms:.1f} ms", "budget"))
    return [ChartBlock("Distribution", charts.histogram(samples, marks), says=f"{len(samples)} durations; how often each came.")]


def _samples(measured: Place, samples: Sequence[float], budget_ms: float) -> list[Block]:
    """Every run, where the tool tells them; else why it does not."""
    if not samples:
        reason = measured.get("summary_only")
        return [ListBlock("Runs", [reason.text() if reason else "The document holds no single run."])]
    timeline = ChartBlock("Run after run", charts.timeline(samples, budget_ms), says=_drift(measured["drift"]))
    return [*_distribution(measured["latency"], samples, budget_ms), timeline]


def _tries(tries: Sequence[Place]) -> list[Block]:
    """Repetitions on a device, of which the last counts."""
    if len(tries) < _LEAST_SAMPLES:
        return []
    units: dict[str, Unit] = {"n": "count", "mean_ms": "ms", "min_ms": "ms", "max_ms": "ms", "p50_ms": "ms", "p95_ms": "ms"}
    rows: list[list[Cell]] = [
        [f"try {number}", *one.figures(units), f"{one['waited_s'].number():g} s", one.figure("thermal_status", "heat", "count")]
        for number, one in enumerate(tries, 1)
    ]
    return [TableBlock("Tries", ["", "n", "mean", "min", "max", "p50", "p95", "cooled before", "thermal status"], rows, says="The last one counts.")]


def _loadgen(loadgen: Place | None) -> list[Block]:
    """MLPerf's own view of the runs that it asked for."""
    if loadgen is None:
        return []
    valid = "valid" if loadgen["valid"].flag() else f"not valid: {loadgen['says'].text()}"
    figures = [loadgen.figure("p90_ms", "p90", "ms"), loadgen.figure("queries", "queries", "count")]
    says = f"MLPerf's LoadGen {loadgen['version'].text()}, single stream; by its rules {valid}."
    return [TableBlock("MLPerf", [figure.label for figure in figures], [figures], says=says)]


def _drift(drift: Place) -> str:
    first, last, relative = (drift[key].number() for key in ("first_ms", "last_ms", "relative"))
    return f"Median of the first third {first:.2f} ms, of the last {last:.2f} ms: drift {relative:+.1%}."


def _percentiles(title: str, rows: Sequence[tuple[str, Place]]) -> TableBlock:
    cells: list[list[Cell]] = [[name, *time.figures({f"{key}_ms": "ms" for key in _SUMMARY}), time.figure("n", "n", "count")] for name, time in rows]
    return TableBlock(title, ["", *_SUMMARY, "n"], cells)


def _stage_rows(result: Place) -> list[tuple[str, Place]]:
    return [(stage["name"].text(), stage["time"]) for stage in result["stages"].items()]


def _stages(result: Place) -> SplitBlock:
    """The stages' medians side by side: where a frame's time goes."""
    stages = result["stages"].items()
    medians = [stage["time"].figure("p50_ms", "median", "ms") for stage in stages]
    total = sum(figure.value or 0.0 for figure in medians)
    parts = [Part(stage["name"].text(), figure, share_of(figure.value, total)) for stage, figure in zip(stages, medians, strict=True)]
    more = [[stage["time"].figure("p99_ms", "p99", "ms"), stage.figure("cpu_ms", "CPU time", "ms")] for stage in stages]
    blame = result["verdict"].get("blame")
    says = f"To blame for what was not on time: {blame.text()}." if blame else "Medians over all finished frames."
    return SplitBlock("Stages", "median", parts, ["p99", "own CPU"], more, says=says)


def _windows(result: Place) -> list[Block]:
    windows = result.many("windows")
    if len(windows) < _LEAST_SAMPLES:
        return []
    rows: list[list[Cell]] = [
        [
            f"{window['from_s'].number():g}–{window['to_s'].number():g} s",
            *window.figures({"on_time": "count", "late": "count", "dropped": "count", "p50_ms": "ms", "p99_ms": "ms"}),
        ]
        for window in windows
    ]
    return [TableBlock("Piece by piece", ["", "on time", "late", "dropped", "p50", "p99"], rows, folded=len(rows) > 6)]  # noqa: PLR2004


def _peers(result: Place) -> list[Block]:
    """Networks that ran by turns with the model."""
    peers = result.many("peers")
    if not peers:
        return []
    ratios = [ratio.figure("of_medians", "time, as a multiple", "ratio") for ratio in result.many("ratios")]
    rows: list[list[Cell]] = []
    for index, row in enumerate([result["measured"], *peers]):
        ratio = ratios[index - 1] if 0 < index <= len(ratios) else "1×" if index == 0 else "–"
        latency = row["latency"]
        rows.append([_name(row), *latency.figures({"p50_ms": "ms", "p90_ms": "ms", "p99_ms": "ms"}), ratio])
    return [
        TableBlock("Beside other networks", ["", "p50", "p90", "p99", "of the model's time"], rows, says="Their runs alternated with the model's.")
    ]


def _name(measured: Place) -> str:
    """The file, and the delegate where one was asked for: one file may run by turns with and without."""
    delegate = measured["load"].get("delegate")
    asked = delegate.get("asked") if delegate else None
    return f"{file_name(measured['model'])} ({asked.text()})" if asked else file_name(measured["model"])


def _memory(loads: Sequence[Place]) -> Block:
    load = loads[0]
    figures = [
        load.figure("before_bytes", "before it loaded", "bytes"),
        load.figure("peak_bytes", "peak of the process", "bytes"),
        load.figure("init_ms", "load", "ms"),
        load.figure("first_ms", "first run", "ms"),
    ]
    return TableBlock("Memory and start", [figure.label for figure in figures], [figures])
