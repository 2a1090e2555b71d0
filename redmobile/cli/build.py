"""`redmobile build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redmobile.cli.console import OUT, json_option, print_json, progress

if TYPE_CHECKING:
    from redmobile.pipeline import Built

_PATH = click.Path(path_type=Path)


@click.command(
    epilog="""\b
Examples:
  redmobile build --out out/
  redmobile build red_mobile --with litert_int8 --out out/ --photo dark.jpg
  redmobile build my.onnx --with litert_int8 --calibrate photos/ --images held_out/ --out out/ --json

\b
Left in DIR: the .tflite, before_after.png, report.json (what was done), parity.json and latency.json (the figures).
Exit code 5: a gate of the converter failed; what was built is left all the same.
"""
)
@click.argument("model", default="red_mobile")
@click.option("--with", "converter", default="litert_int8", show_default=True, help="A converter on the shelf, or a TOML of your own.")
@click.option("--out", type=_PATH, required=True, metavar="DIR", help="Folder for what is built; made if it is not there.")
@click.option("--calibrate", type=_PATH, metavar="DIR", help="Pictures that set the ranges.  [default: `calibration` beside model.toml]")
@click.option("--images", type=_PATH, metavar="DIR", help="Other pictures, to compare with.  [default: `demo` beside model.toml]")
@click.option("--photo", type=_PATH, metavar="FILE", help="What is shown before and after.  [default: the darkest four of --images]")
@click.option("--allow-calibration-frames", is_flag=True, help="Compare on pictures that set the ranges, too.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each engine.  [default: all cores]")
@json_option
def command(model: str, converter: str, out: Path, as_json: bool, **options: Any) -> None:
    """Take MODEL, a model on the shelf or an .onnx file, the whole way in one call.

    Export where there is no ONNX yet (needs torch), convert, quantize, check how XNNPACK takes the graph, compare ONNX, float and converted file on
    real pictures, measure the latency here, and enhance photographs with the result.
    """
    from redmobile.errors import ParityError
    from redmobile.pipeline import build

    with progress() as bar:
        task = bar.add_task("build", total=None, note="")

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        built = build(model, converter, out=out, on_progress=show, **options)
    if as_json:
        print_json(built.as_json())
    else:
        _print(built)
    if not built.parity.passed:
        failed = "; ".join(f"{gate.title}: {gate.says}" for gate in built.parity.gates if gate.outcome != "passed")
        raise ParityError(f"{built.tflite}: {'; '.join(built.parity.findings) or failed}")


def _print(built: Built) -> None:
    from redmobile.cli import bench_result, parity

    conversion = built.conversion
    OUT.print(
        f"{built.tflite}: {conversion.tflite_bytes:,} bytes, {conversion.converter}, from {conversion.onnx_bytes:,} bytes of ONNX", markup=False
    )
    for port in (*conversion.inputs, *conversion.outputs):
        OUT.print(f"  {port}", markup=False)
    outside = ", ".join(f"{count} {kind}" for kind, count in built.graph.outside.items()) or "none"
    unwanted = ", ".join(f"{count} {kind}" for kind, count in built.graph.unwanted.items()) or "0 TRANSPOSE, 0 QUANTIZE, 0 DEQUANTIZE, 0 clamps"
    partitions = f"{built.graph.partitions} XNNPACK partition{'' if built.graph.partitions == 1 else 's'}"
    OUT.print(f"  {sum(conversion.operators.values())} operators in {partitions}, outside: {outside}; {unwanted}", markup=False)
    OUT.print()
    parity.print_result(built.parity)
    OUT.print()
    bench_result.print_result(built.latency, as_json=False)
    OUT.print()
    spent = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in built.seconds.items())
    OUT.print(f"Seconds: {spent}; at most {built.peak_bytes / 2**20:.0f} MiB of memory.", markup=False, style="dim")
    photos = ", ".join(photo.stem for photo in built.photos)
    OUT.print(f"Look at {built.before_after}: {photos}, before and after. Figures: {built.folder}/*.json", markup=False)
