"""`redmobile bench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redmobile.cli.console import ERR, OUT, json_option, print_json, progress, table
from redmobile.cli.options import pairs

if TYPE_CHECKING:
    from redmobile.bench.peers.result import PeersResult
    from redmobile.bench.result import Bundle, Result


class _Bench(click.Command):
    """`redmobile bench PLAN …`, and `redmobile bench compare …`, which is a command of its own."""

    def make_context(self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any) -> click.Context:
        """See click.Command."""
        if args[:1] == ["compare"]:
            from redmobile.cli import bench_compare

            return bench_compare.command.make_context(f"{info_name} compare", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(
    cls=_Bench,
    epilog="""\b
Examples:
  redmobile bench model_latency
  redmobile bench model_latency --model my.tflite --peer other.tflite --resize-peers --threads 2
  redmobile bench video_1080p30 --video clip.mp4 --out result.json --plot result.png
  redmobile bench model_latency --on qemu:cortex-a76
  redmobile bench model_latency --on ethos-u55-256
  redmobile bench model_latency --on adb --delegate cpu --delegate gpu
  redmobile bench model_latency --record                       keep the result as baseline
  redmobile bench compare benchmarks/baselines result.json     better, worse or the same? `redmobile bench compare --help`
  redmobile bench conversion_peers --only red_mobile --peer onnx2tf
  redmobile bench conversion_peers --networks my.onnx --only my --images photos/

\b
Exit code 6: the plan's budget was missed by figures that can be trusted; with --enforce also if they cannot be.
""",
)
@click.argument("plan", required=False)
@click.option("--on", default="host", show_default=True, metavar="TARGET", help="host, qemu:CPU, ethos-u55-256 …, adb or adb:SERIAL.")
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
@click.option("--video", type=click.Path(path_type=Path), help="Frames come from this video or folder of pictures. [open loop]")
@click.option("--policy", type=click.Choice(["drop-oldest", "block"]), help="What a frame does that finds the queue full. [open loop]")
@click.option("--queue", type=click.IntRange(min=1), help="Frames that may wait before each stage. [open loop]")
@click.option("--scenario", type=click.Choice(["back-to-back", "single-stream"]), help="single-stream: by MLPerf's LoadGen. [closed loop]")
@click.option("--reference", metavar="FILE", help="The network whose outputs are right.  [default: the model's .onnx; accuracy]")
@click.option("--delegate", "delegates", multiple=True, metavar="NAME", help="What the engine hands the graph to; may be given again.")
@click.option("--delegate-option", "delegate_options", multiple=True, callback=pairs, metavar="KEY=VALUE", help="For the delegate; again.")
@click.option("--device", metavar="NAME", help="Device file in benchmarks/devices/, or a .toml, for emulated and estimated targets.")
@click.option("--target-option", "target_options", multiple=True, callback=pairs, metavar="KEY=VALUE", help="For the target; again.")
@click.option("--only", multiple=True, metavar="NETWORK", help="Only this network of the plan; may be given again. [converters]")
@click.option("--networks", multiple=True, type=click.Path(path_type=Path), metavar="FILE.onnx", help="One network more; again. [converters]")
@click.option("--calibrate", type=click.Path(path_type=Path), help="Folder of calibration pictures, in place of RED-mobile's. [converters]")
@click.option("--images", type=click.Path(path_type=Path), help="Folder of pictures that outputs are compared on. [accuracy, converters]")
@click.option("--folder", type=click.Path(path_type=Path), help="Keeps conversions, logs and the result.  [default: out/PLAN; converters]")
@click.option("--enforce", is_flag=True, help="Exit with 6 also when the figures are not to be trusted.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the whole result, raw samples included, as JSON.")
@click.option("--record", is_flag=True, help="Keep the result as baseline of this device, in benchmarks/baselines/ here; it must be trusted.")
@click.option("--plot", "plot_file", type=click.Path(path_type=Path), help="Write a picture of the durations (.png).")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of results and stop.")
@json_option
def command(
    plan: str | None,
    model: str,
    out: Path | None,
    plot_file: Path | None,
    enforce: bool,
    record: bool,
    schema: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Carry out PLAN: a plan in benchmarks/ (without PLAN: their names) or the path of a .toml, on the target that --on names.

    On this machine the measuring runs in a process of its own. Figures that cannot be trusted (a busy machine, a drifting clock, too few samples)
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
        _compare(str(plan), converters, {"model": model, "plot": plot_file, "enforce": enforce, "record": record, **options}, out, as_json=as_json)
        return
    _refuse("belongs to a plan with [conversion]", converters)
    result = _measure(plan, model, options)
    _write(result, out, plot_file)
    from redmobile.cli.bench_result import print_result

    print_result(result, as_json=as_json)
    if record:
        _record(result)
    _check(result, enforce=enforce)


_CONVERTER_OPTIONS = ("only", "networks", "calibrate", "folder")
_SHARED_OPTIONS = ("peers", "threads", "runs", "seconds", "images")


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
    _refuse("does not belong to a plan with [conversion]", {"model": model != "red_mobile", "on": others.pop("on") != "host", **others})
    folder = chosen["folder"] or Path("out") / Path(plan).stem
    choice = Choice(folder, chosen["only"], options["peers"], chosen["networks"], chosen["calibrate"], options["images"])
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


def _measure(plan: str | None, model: str, options: dict[str, Any]) -> Result | Bundle:
    from redmobile.bench.runner import bench
    from redmobile.errors import UsageError
    from redmobile.shelf import names

    if plan is None:
        raise UsageError(f"Which plan? One of {', '.join(names('benchmarks'))}, or the path of a .toml.")
    with progress() as bar:
        task = bar.add_task("bench", total=None, note="")
        return bench(plan, model, on_progress=lambda what, done, total: bar.update(task, description=what, completed=done, total=total), **options)


def _write(result: Result | Bundle, out: Path | None, plot_file: Path | None) -> None:
    from redmobile.bench.plot import write_plot
    from redmobile.bench.result import to_builtins
    from redmobile.core.results import write_json

    if out is not None:
        write_json(out, to_builtins(result))
    if plot_file is not None:
        write_plot(plot_file, result)


def _record(result: Result | Bundle) -> None:
    from redmobile.bench import baseline
    from redmobile.bench.result import Bundle

    for one in result.results if isinstance(result, Bundle) else (result,):
        ERR.print(f"Recorded as baseline: {baseline.record(one)}", markup=False)


def _check(result: Result | Bundle, *, enforce: bool) -> None:
    from redmobile.bench.result import Bundle
    from redmobile.cli.bench_result import missed
    from redmobile.errors import BudgetError, DeviceError

    if isinstance(result, Bundle) and result.incomplete:
        raise DeviceError(result.incomplete)
    results = result.results if isinstance(result, Bundle) else (result,)
    for one in results:
        if one.incomplete:
            raise DeviceError(f"{one.plan} on {one.target}: {one.incomplete}")
    failures = missed(results, enforce=enforce)
    if failures:
        raise BudgetError(" ".join(failures))
