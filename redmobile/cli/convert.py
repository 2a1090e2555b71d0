"""`redmobile convert`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redmobile.cli.console import ERR, OUT, json_option, print_json, progress, table
from redmobile.cli.options import Numbers

if TYPE_CHECKING:
    from redmobile.pipeline import ConversionOptions, Converted
    from redmobile.quantize.coverage import Coverage
    from redmobile.quantize.quantize import Report
    from redmobile.quantize.recover import Rung
    from redmobile.runtimes.tflite_interpreter import DelegateCoverage

_CLIPPED_ROWS = 5

_CALIBRATE = (
    "Typical frames, for recipes that quantize: a folder of pictures (cut or mirrored to size), a video, an .npz with an array (N, H, W, C) for "
    "each input, or a .lock that says which."
)


class NamedShape(click.ParamType[tuple[str, tuple[int, ...]]]):
    """NAME=N,C,H,W as (name, sizes); without a name, ('', sizes)."""

    name = "[NAME=]N,C,H,W"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, tuple[int, ...]]:
        """Parse, or fail with what was expected."""
        if isinstance(value, tuple):
            return value
        name, _, sizes = str(value).rpartition("=")
        if not all(size.strip().isdecimal() for size in sizes.split(",")):
            self.fail(f"'{value}' is no shape; expected NAME=N,C,H,W, e.g. image=1,3,1080,1920.", param, ctx)
        return name, tuple(int(size) for size in sizes.split(","))


class Names(click.ParamType[tuple[str, ...]]):
    """Names with commas between them."""

    name = "NAME,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Split, or fail if a name is empty."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(","))
        if not all(names):
            self.fail(f"'{value}': a name is empty; expected names with commas between them.", param, ctx)
        return names


@click.command(
    epilog="""\b
Examples:
  redmobile convert red_mobile --with litert_int8 --calibrate photos/ --out red_mobile_int8.tflite
  redmobile convert my.onnx --with litert_fp32 --out my.tflite
  redmobile convert my.onnx --with litert_int8 --calibrate photos/ --samples 8 --io uint8 --out my_int8.tflite --json
  redmobile convert my.onnx --with litert_int8 --calibrate photos/ --io rgba:int8 --out for_bitmaps.tflite
  redmobile convert net.onnx --with litert_fp32 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --out plain_pixels.tflite
  redmobile convert my.onnx --with my_recipe.toml --calibrate photos/ --out my.tflite
  redmobile convert dynamic.onnx --with litert_fp32 --shape image=1,3,1080,1920 --shape mask=1,1,1080,1920 --out fixed.tflite
  redmobile convert detector.onnx --with litert_fp32 --inputs image --outputs boxes,scores --out head.tflite
  redmobile convert my.onnx --with litert_int8 --calibrate photos/ --keep-layout nchw --out my_nchw.tflite
  redmobile convert my.onnx --with litert_int8 --calibrate drive.mp4 --samples 16 --lock my.lock --out my_int8.tflite
  redmobile convert my.onnx --with litert_int8 --calibrate my.lock --out the_same.tflite
  redmobile convert my.onnx --with litert_int8 --calibrate photos/ --recover 42 --out close.tflite
"""
)
@click.argument("model")
@click.option("--with", "recipe", required=True, metavar="RECIPE", help="A converter on the shelf, e.g. litert_int8, or a TOML of your own.")
@click.option("--calibrate", type=click.Path(path_type=Path), help=_CALIBRATE)
@click.option("--lock", type=click.Path(path_type=Path), help="Write names and sha256 of the frames taken to this .lock; --calibrate takes it.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .tflite file to write.")
@click.option(
    "--io",
    type=click.Choice(["int8", "uint8", "int16", "float32", "rgba:int8", "rgba:uint8"]),
    help="Type of inputs and outputs. rgba: with alpha, unchanged; int8 is a bitmap's byte with its sign bit flipped.  [default: the recipe's]",
)
@click.option(
    "--input-order",
    type=click.Choice(["rgb", "bgr"]),
    default="rgb",
    show_default=True,
    help="Order in which the network wants (and as a picture of the same size gives) colours; the file's is always RGB.",
)
@click.option("--mean", type=Numbers(), default=(), help="The network wants (pixel - mean) / std; the file takes plain pixels. For pixels in [0, 1].")
@click.option("--std", type=Numbers(), default=(), help="See --mean.")
@click.option("--samples", type=click.IntRange(min=1), default=32, show_default=True, help="Frames taken, evenly spread.")
@click.option(
    "--shape",
    "shapes",
    type=NamedShape(),
    multiple=True,
    help="Size of an input, e.g. image=1,3,1080,1920, in the order of the ONNX model; for its only input the name may be left out. Repeatable.",
)
@click.option("--inputs", type=Names(), default=(), help="Cut the network behind these values of the ONNX graph, which become the inputs.")
@click.option("--outputs", type=Names(), default=(), help="Cut the network behind these values of the ONNX graph, which become the outputs.")
@click.option(
    "--keep-layout", type=click.Choice(["nchw"]), help="Keep images as the ONNX model has them at the file's ends, at the cost of transposes."
)
@click.option(
    "--recover",
    "recover_db",
    type=click.FloatRange(0, min_open=True),
    metavar="DB",
    help="Climb until the file is within DB of float (PSNR on every fourth frame, held out): observers, biases, equalization, then 16 bits and "
    "float for the worst tensors.",
)
@click.option("--explain", is_flag=True, help="Print a line for every decision that the recipe's [lowering] had a say in.")
@json_option
def command(model: str, recipe: str, calibrate: Path | None, lock: Path | None, out: Path, explain: bool, as_json: bool, **given: Any) -> None:
    """Convert MODEL, a model on the shelf or an .onnx file, to .tflite.

    Lowers straight to TFLite's format; INT8 and 16x8 are quantized after training, with ranges measured on your pictures. A network with
    QuantizeLinear and DequantizeLinear (quantization-aware training, onnxruntime's quantize_static) keeps its own scales and needs none.
    Images become NHWC unless --keep-layout says otherwise.
    """
    from redmobile.core.artifact import write_bytes
    from redmobile.core.converter import load_converter
    from redmobile.pipeline import convert, find_source, write_lock

    options = _options(**given)
    source = find_source(model)
    if calibrate is None and source.calibration is not None and load_converter(recipe).quantize is not None:
        calibrate = source.calibration
        ERR.print(f"Pictures: those in {calibrate}.", markup=False)
    with progress() as bar:
        task = bar.add_task("lowering", total=None, note="")
        converted = convert(
            source.onnx,
            recipe,
            calibrate,
            options,
            on_progress=lambda stage, done, total: bar.update(task, description=stage, completed=done, total=total),
        )
    if lock is not None:
        write_lock(lock, calibrate or Path(), converted.report, options.samples)
    write_bytes(out, converted.data)
    coverage = _coverage(out)
    if as_json:
        print_json({"file": str(out), "xnnpack": _coverage_json(coverage), **converted.report.as_json()})
    else:
        _print(out, converted, coverage)
        for sentence in converted.report.explained if explain else ():
            OUT.print(f"Explained: {sentence}", markup=False)


def _options(
    *,
    input_order: str,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    **plain: Any,
) -> ConversionOptions:
    """The options as the library has them; `plain`: those of the same name and value."""
    from redmobile.convert.pixels import Pixels
    from redmobile.graph.onnx_cut import Part
    from redmobile.pipeline import ConversionOptions

    pixels = Pixels(bgr=input_order == "bgr", mean=mean, std=std)
    return ConversionOptions(pixels=pixels, part=Part(_by_name(shapes), inputs, outputs), **plain)


def _by_name(shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes:
        if name in found:
            raise click.UsageError(f"--shape is given twice for '{name}'.")
        found[name] = shape
    return found


def _coverage(path: Path) -> DelegateCoverage | None:
    """How XNNPACK takes the file; None for a file of types it does not know."""
    from redmobile.runtimes.base import open_runtime
    from redmobile.runtimes.tflite_interpreter import InterpreterRuntime

    runtime = open_runtime(path, "litert")
    return runtime.delegate_coverage() if isinstance(runtime, InterpreterRuntime) else None


def _coverage_json(coverage: DelegateCoverage | None) -> dict[str, Any] | None:
    return {"partitions": coverage.partitions, "left": dict(coverage.left)} if coverage else None


def _print(out: Path, converted: Converted, coverage: DelegateCoverage | None) -> None:
    report = converted.report
    OUT.print(f"{out}: {report.tflite_bytes:,} bytes by {report.converter} ({report.says})", markup=False)
    OUT.print(f"  from {report.onnx_bytes:,} bytes of ONNX; sha256 {report.tflite_sha256}", markup=False, style="dim")
    for port in (*report.inputs, *report.outputs):
        OUT.print(f"  {port}", markup=False)
    made = table("Operators", "kind", ">count")
    for kind, count in report.operators.items():
        made.add_row(kind, str(count))
    OUT.print(made)
    if coverage is not None:
        OUT.print(str(coverage), markup=False)
    for remark in report.remarks:
        OUT.print(remark, markup=False)
    if report.rungs:
        _print_rungs(report.rungs)
    if report.quantization is not None:
        _print_quantization(report.quantization, len(report.calibration))
    if report.coverage is not None:
        _print_coverage(report.coverage)


def _print_rungs(rungs: tuple[Rung, ...]) -> None:
    made = table("Rungs, on held-out frames", "rung", ">psnr dB", ">kB", ">ms (a glance)", "kept")
    for rung in rungs:
        latency = "" if rung.latency_ms is None else f"{rung.latency_ms:.1f}"
        made.add_row(rung.name, f"{rung.psnr_db:.2f}", f"{rung.size_bytes / 1e3:.1f}", latency, "yes" if rung.kept else "no")
    OUT.print(made)


def _print_quantization(report: Report, images: int) -> None:
    clipped = [tensor for tensor in report.hardest_clipped(_CLIPPED_ROWS) if tensor.clipped > 0]
    if clipped:
        made = table("Ranges clipped hardest", "tensor", "observer", ">seen", ">range", ">clipped")
        for tensor in clipped:
            seen = f"{tensor.seen[0]:.3g} … {tensor.seen[1]:.3g}" if tensor.seen else ""
            made.add_row(tensor.name, tensor.observer, seen, f"{tensor.low:.3g} … {tensor.high:.3g}", f"{tensor.clipped:.0%}")
        OUT.print(made)
    if "given" in report.stages:
        OUT.print(f"The network brings its own scales: {report.stages['given']} of them taken, {report.stages['measured']} measured.", markup=False)
    if report.stages["frames"]:
        done = f"Calibrated with {images} pictures" if images else "Nothing had to be calibrated"
        OUT.print(f"{done}; on the pictures that judged it {report.stages['psnr_db']:.2f} dB from the float graph.", markup=False)


def _print_coverage(coverage: Coverage) -> None:
    light = coverage.brightness
    OUT.print(
        f"Their mean brightness: {light.darkest:.0f} (darkest), {light.quarter:.0f}, {light.median:.0f}, {light.three_quarters:.0f} (quarters), "
        f"{light.brightest:.0f} (brightest) of 255.",
        markup=False,
    )
    if coverage.frames == 1:
        OUT.print("One frame cannot tell whether more would change the ranges: give several.", markup=False)
    if coverage.halving is None:
        return
    halving = coverage.halving
    name, change = halving.worst
    advice = "steady" if halving.is_steady else "not steady: give more frames, or more alike those the network will see"
    OUT.print(
        f"From every other frame alone, ranges change by {halving.median:.0%} (median), most by {change:.0%} ('{name}'): {advice}.", markup=False
    )
