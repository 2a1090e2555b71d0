"""`redmobile parity`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redmobile.cli.console import OUT, json_option, print_json, progress, table

if TYPE_CHECKING:
    from redmobile.parity.check import Checked
    from redmobile.parity.result import ParityResult

_FILE = click.Path(path_type=Path)


@click.command(
    epilog="""\b
Examples:
  redmobile parity red_mobile --images photos/
  redmobile parity my_int8.tflite --onnx my.onnx --images photos/ --sheet worst.png --junit parity.xml
  redmobile parity my_int8.tflite --float my_float.tflite --images low/ --truth high/ --json

\b
Exit code 5: a gate failed, none could be judged, or shapes, dtypes, layouts or values are not what they should be.
"""
)
@click.argument("target")
@click.option("--images", type=_FILE, required=True, help="A folder of real pictures (or one): cut or mirrored to the network's size, not resampled.")
@click.option("--onnx", type=_FILE, help="The .onnx it was converted from.  [default for a model on the shelf: its own]")
@click.option("--float", "float_file", type=_FILE, help="The float .tflite.  [default: lowered from the .onnx on the fly]")
@click.option("--model", "network", help="The torch network: a model on the shelf, or a folder.  [default for a model on the shelf: its own]")
@click.option("--with", "converter", help="The converter whose gates are judged.  [default: the one that the file names]")
@click.option("--truth", type=_FILE, help="Pictures of the same names that show what the results should look like.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each engine.  [default: all cores]")
@click.option("--junit", type=_FILE, help="Write the gates as JUnit XML.")
@click.option("--sheet", type=_FILE, help="Write the worst picture: input, float, converted, difference (.png or .jpg).")
@click.option("--out", type=_FILE, help="Write the whole result as JSON.")
@json_option
def command(target: str, images: Path, junit: Path | None, sheet: Path | None, out: Path | None, as_json: bool, **options: Any) -> None:
    """Compare TARGET with what it was made from: torch, ONNX, TFLite float, TFLite as converted, neighbour by neighbour.

    TARGET is a .tflite, or a model on the shelf (its ONNX and its INT8 file). First shape, dtype, layout and finiteness; then PSNR,
    SSIM, largest and mean difference; then the gates of the converter.
    """
    from redmobile.core.results import write_json
    from redmobile.errors import ParityError
    from redmobile.parity.check import check_parity
    from redmobile.parity.result import to_builtins

    with progress() as bar:
        task = bar.add_task("pictures", total=None, note="")
        checked = check_parity(target, images, on_progress=lambda done, total: bar.update(task, completed=done, total=total), **options)
    _write(checked, junit, sheet)
    if out is not None:
        write_json(out, to_builtins(checked.result))
    if as_json:
        print_json(to_builtins(checked.result))
    else:
        print_result(checked.result)
    if not checked.result.passed:
        raise ParityError(f"{target}: {_verdict(checked.result)}")


def _write(checked: Checked, junit: Path | None, sheet: Path | None) -> None:
    from redmobile.core.artifact import write_bytes
    from redmobile.data.frames import Image, write_image
    from redmobile.parity.junit import to_junit

    if junit is not None:
        write_bytes(junit, to_junit(checked.result))
    if sheet is not None and checked.sheet is not None:
        write_image(sheet, Image(checked.sheet))


def print_result(result: ParityResult) -> None:
    """The tables for people, on stdout."""
    for stage in result.stages:
        OUT.print(f"{stage.name:8} {stage.file} ({stage.sha256[:12]}), {stage.runtime}: {stage.input} -> {stage.output}", markup=False, style="dim")
    if result.pairs:
        _print_pairs(result)
    if result.truth is not None:
        _print_truth(result)
    for finding in result.findings:
        OUT.print(f"Finding: {finding}", markup=False)
    for gate in result.gates:
        OUT.print(f"Gate {gate.outcome}: {gate.title} ({gate.says})", markup=False, style=_STYLES[gate.outcome])
    for remark in result.remarks:
        OUT.print(remark, markup=False, style="dim")
    where = f"{result.environment['cpu']}, {result.threads} threads, {result.environment['date']}"
    OUT.print(f"converter: {result.converter or 'unknown'}; {where}", markup=False, style="dim")


_STYLES = {"passed": "green", "failed": "bold red", "not judged": "yellow"}


def _print_pairs(result: ParityResult) -> None:
    from redmobile.core.metrics import METRICS

    columns = (f">{name.removesuffix('_difference')}" + (f" ({metric.unit})" if metric.unit else "") for name, metric in METRICS.items())
    made = table(f"Over {len(result.images)} pictures", "", *columns)
    for pair in result.pairs:
        made.add_row(f"{pair.expected} → {pair.found}", *(_figure(name, pair.pooled[name]) for name in METRICS))
        made.add_row("  worst picture", *(_figure(name, pair.worst[name].value) for name in METRICS), style="dim")
    OUT.print(made)
    last = result.pairs[len(result.stages) - 2]
    OUT.print(f"Worst picture from {last.expected} to {last.found} by PSNR: {last.worst['psnr'].image}", markup=False)


def _print_truth(result: ParityResult) -> None:
    truth = result.truth
    if truth is None:
        return
    made = table(f"Against the ground truth in {truth.folder} (mean)", "stage", ">psnr (dB)", ">ssim")
    for row in truth.rows:
        made.add_row(row.stage, f"{row.mean['psnr']:.3f}", f"{row.mean['ssim']:.4f}")
    OUT.print(made)
    OUT.print(f"From {truth.loss_from} to {result.stages[-1].name}: {-truth.loss_psnr_db:+.3f} dB", markup=False)


def _figure(metric: str, value: float) -> str:
    return f"{value:.4f}" if metric in ("ssim", "mean_difference") else f"{value:.2f}" if metric == "psnr" else f"{value:.0f}"


def _verdict(result: ParityResult) -> str:
    if result.findings:
        return " ".join(result.findings)
    failed = [f"{gate.title}: {gate.says}" for gate in result.gates if gate.outcome == "failed"]
    if failed:
        return f"{len(failed)} of {len(result.gates)} gates failed: {'; '.join(failed)}."
    return f"no gate could be judged: {'; '.join(gate.says for gate in result.gates)}."
