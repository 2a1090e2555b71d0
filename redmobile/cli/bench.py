"""`redmobile bench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redmobile.cli.console import OUT, json_option, print_json, progress, table

if TYPE_CHECKING:
    from redmobile.bench.job import Coverage
    from redmobile.bench.peers.result import PeersResult
    from redmobile.bench.result import LatencyResult, Measured, Result, VideoResult

_MEBIBYTE = 1024 * 1024


@click.command(
    epilog="""\b
Examples:
  redmobile bench model_latency
  redmobile bench model_latency --model my.tflite --peer other.tflite --resize-peers --threads 2
  redmobile bench video_1080p30 --video clip.mp4 --out result.json --plot result.png
  redmobile bench conversion_peers --only red_mobile --peer onnx2tf
  redmobile bench conversion_peers --networks my.onnx --only my --images photos/

\b
Exit code 6: the plan's budget was missed by figures that can be trusted; with --enforce also if they cannot be.
"""
)
@click.argument("plan", required=False)
@click.option("--model", default="red_mobile", show_default=True, help="A model on the shelf (its INT8 file), or a .tflite or .onnx file.")
@click.option(
    "--peer",
    "peers",
    multiple=True,
    help="Another network that runs by turns with the model [closed loop]; of converters, those beside ours. May be given again.",
)
@click.option("--resize-peers", is_flag=True, help="Bring each peer to the model's height and width first (.tflite only).")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the engine.  [default: the plan's, else all cores]")
@click.option("--runs", type=click.IntRange(min=1), help="Counted runs.  [default: the plan's; closed loop]")
@click.option("--fps", type=click.FloatRange(min=0, min_open=True), help="Frames a second: 1000/fps ms is the budget.  [default: the plan's]")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="How long frames arrive (open loop), or the longest time it may take.")
@click.option("--video", type=click.Path(path_type=Path), help="Frames come from this file; made frames otherwise. [open loop]")
@click.option("--only", multiple=True, metavar="NETWORK", help="Only this network of the plan; may be given again. [converters]")
@click.option("--networks", multiple=True, type=click.Path(path_type=Path), metavar="FILE.onnx", help="One network more; again. [converters]")
@click.option("--calibrate", type=click.Path(path_type=Path), help="Folder of calibration pictures, in place of RED-mobile's. [converters]")
@click.option("--images", type=click.Path(path_type=Path), help="Folder of pictures that INT8 and float are compared on. [converters]")
@click.option("--folder", type=click.Path(path_type=Path), help="Keeps conversions, logs and the result.  [default: out/PLAN; converters]")
@click.option("--enforce", is_flag=True, help="Exit with 6 also when the figures are not to be trusted.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the whole result, raw samples included, as JSON.")
@click.option("--plot", "plot_file", type=click.Path(path_type=Path), help="Write a picture of the durations (.png).")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of results and stop.")
@json_option
def command(
    plan: str | None,
    model: str,
    out: Path | None,
    plot_file: Path | None,
    enforce: bool,
    schema: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Carry out PLAN: a plan in benchmarks/ (model_latency, video_1080p30, conversion_peers) or the path of a .toml.

    The measuring runs in a process of its own. Figures that cannot be trusted (a busy machine, a drifting clock, too few samples)
    are marked so, with the reason: they neither meet nor miss a budget.

    A plan of converters (conversion_peers) installs the others in environments of their own, under ~/.cache/redmobile or
    $REDMOBILE_CACHE, converts the same networks with each and with ours, and tells what became of them. What was converted before,
    by the same versions, is not converted again.
    """
    from redmobile.bench.result import schema as make_schema

    if schema:
        print_json(make_schema())
        return
    converters = _converter_options(options)
    if _compares_converters(plan):
        _compare(str(plan), converters, {"model": model, "plot": plot_file, "enforce": enforce, **options}, out, as_json=as_json)
        return
    _refuse("belongs to a plan with [conversion]", converters)
    result = _measure(plan, model, options)
    _write(result, out, plot_file)
    print_result(result, as_json=as_json)
    _check(result, enforce=enforce)


_CONVERTER_OPTIONS = ("only", "networks", "calibrate", "images", "folder")
_SHARED_OPTIONS = ("peers", "threads", "runs", "seconds")


def _converter_options(options: dict[str, Any]) -> dict[str, Any]:
    """Take the options that only a plan of converters has out of `options`."""
    return {name: options.pop(name) for name in _CONVERTER_OPTIONS}


def _refuse(says: str, options: dict[str, Any]) -> None:
    from redmobile.errors import UsageError

    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value]
    if given:
        raise UsageError(f"{', '.join(given)}: {says}.")


def _compares_converters(plan: str | None) -> bool:
    from redmobile.bench.plan import load_plan

    return plan is not None and load_plan(plan).conversion is not None


def _compare(plan: str, chosen: dict[str, Any], options: dict[str, Any], out: Path | None, *, as_json: bool) -> None:
    from redmobile.bench.peers.result import to_builtins
    from redmobile.bench.peers.runner import Choice, compare_converters
    from redmobile.core.results import write_json

    model = options.pop("model")
    others = {name: value for name, value in options.items() if name not in _SHARED_OPTIONS}
    _refuse("does not belong to a plan with [conversion]", {"model": model != "red_mobile", **others})
    folder = chosen["folder"] or Path("out") / Path(plan).stem
    choice = Choice(folder, chosen["only"], options["peers"], chosen["networks"], chosen["calibrate"], chosen["images"])
    with progress() as bar:
        task = bar.add_task("bench", total=None, note="")
        result = compare_converters(
            plan,
            choice,
            threads=options["threads"],
            runs=options["runs"],
            seconds=options["seconds"],
            on_progress=lambda what, done, total: bar.update(task, description=what, completed=done, total=total),
        )
    if out is not None:
        write_json(out, to_builtins(result))
    if as_json:
        print_json(to_builtins(result))
    else:
        _print_converters(result)


def _print_converters(result: PeersResult) -> None:
    from redmobile.bench.peers.table import LEGEND, cells, columns, notes

    threads = sorted({latency.threads for row in result.rows for latency in row.latency})
    made = table(result.plan, *columns(threads))
    for row in result.rows:
        made.add_row(*cells(row, threads))
    OUT.print(made)
    for note in notes(result):
        OUT.print(note, markup=False)
    environment = result.environment
    for words in (LEGEND, f"{environment['cpu']}, {environment['cores']} cores, {environment['system']}, {environment['date']}"):
        OUT.print(words, style="dim", markup=False)


def _measure(plan: str | None, model: str, options: dict[str, Any]) -> Result:
    from redmobile.bench.runner import bench
    from redmobile.errors import UsageError
    from redmobile.shelf import names

    if plan is None:
        raise UsageError(f"Which plan? One of {', '.join(names('benchmarks'))}, or the path of a .toml.")
    with progress() as bar:
        task = bar.add_task("bench", total=None, note="")
        return bench(plan, model, on_progress=lambda what, done, total: bar.update(task, description=what, completed=done, total=total), **options)


def _write(result: Result, out: Path | None, plot_file: Path | None) -> None:
    from redmobile.bench.plot import write_plot
    from redmobile.bench.result import to_builtins
    from redmobile.core.results import write_json

    if out is not None:
        write_json(out, to_builtins(result))
    if plot_file is not None:
        write_plot(plot_file, result)


def print_result(result: Result, *, as_json: bool) -> None:
    """The result on stdout, as tables or as JSON."""
    from redmobile.bench.result import LatencyResult, to_builtins

    if as_json:
        print_json(to_builtins(result))
        return
    if isinstance(result, LatencyResult):
        _print_latency(result)
        stability = result.measured.stability
    else:
        _print_video(result)
        stability = result.stability
    environment = result.environment
    for words in (f"{environment['cpu']}, {result.threads} threads, {environment['system']}, {environment['date']}", *stability.remarks):
        OUT.print(words, style="dim", markup=False)
    OUT.print(f"Budget: {result.verdict.outcome}. {result.verdict.says}", markup=False)


def _print_latency(result: LatencyResult) -> None:
    rows = (result.measured, *result.peers)
    made = table(result.plan, "", *(f">{_name(row)}" for row in rows))
    columns = [_column(row, result.settings.frame_ms) for row in rows]
    for label in columns[0]:
        made.add_row(label, *(column[label] for column in columns))
    OUT.print(made)
    said = result.verdict.outcome == "not to be trusted"  # then the verdict gives the model's reasons
    doubted = [row for row in (result.peers if said else rows) if not row.stability.trusted]
    for row in doubted:
        OUT.print(f"{_name(row)}: not to be trusted: {'; '.join(row.stability.reasons)}.", markup=False)
    for ratio in result.ratios:
        doubt = f"; not to be trusted: {'; '.join(ratio.reasons)}" if ratio.reasons else ""
        OUT.print(f"{ratio.peer} takes {ratio.of_medians:.2f}× as long (medians; rounds {ratio.low:.2f} to {ratio.high:.2f}{doubt}).", markup=False)


def _column(row: Measured, frame_ms: float) -> dict[str, str]:
    """Label → figure, for one network."""
    time, load = row.latency, row.load
    times = {
        "p50": time.p50_ms,
        "p90": time.p90_ms,
        "p99": time.p99_ms,
        "mean": time.mean_ms,
        "std": time.std_ms,
        "min": time.min_ms,
        "max": time.max_ms,
    }
    return {
        **{f"{label} ms": f"{value:.2f}" for label, value in times.items()},
        f"over {frame_ms:.1f} ms": f"{row.over_budget} of {time.n}",
        "load ms": f"{load.init_ms:.1f}",
        "first run ms": f"{load.first_ms:.2f}",
        "memory before MiB": f"{load.before_bytes / _MEBIBYTE:.0f}",
        "peak memory MiB": f"{load.peak_bytes / _MEBIBYTE:.0f}",
        "XNNPACK": _coverage(load.coverage),
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
    return f"{coverage.partitions} part{'' if coverage.partitions == 1 else 's'}, {outside} outside"


def _print_video(result: VideoResult) -> None:
    made = table(result.plan, "ms", ">p50", ">p90", ">p99", ">max")
    for name, time in [*((stage.name, stage.time) for stage in result.stages), ("arrival to finished", result.latency)]:
        made.add_row(name, *(f"{value:.2f}" for value in (time.p50_ms, time.p90_ms, time.p99_ms, time.max_ms)))
    OUT.print(made)
    blame = f"; most of the time goes to: {result.blame}" if result.blame else ""
    OUT.print(
        f"{result.offered} frames from {result.source}: {result.on_time} on time, {result.late} late, {result.dropped} dropped{blame}.", markup=False
    )
    memory = f"peak memory {result.load.peak_bytes / _MEBIBYTE:.0f} MiB, {_coverage(result.load.coverage)} of XNNPACK"
    OUT.print(f"{Path(result.model.file).name} ({result.model.sha256[:12]}), {result.load.runtime}, {memory}", style="dim", markup=False)


def _name(row: Measured) -> str:
    return Path(row.model.file).name


def _check(result: Result, *, enforce: bool) -> None:
    from redmobile.errors import BudgetError

    outcome = result.verdict.outcome
    if outcome == "missed" or (enforce and outcome == "not to be trusted"):
        raise BudgetError(f"{result.plan}: {outcome}. {result.verdict.says}")
