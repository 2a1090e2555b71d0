"""`redmobile parity`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redmobile.cli.console import OUT, json_option, print_json, progress, table
from redmobile.cli.options import delegate_of, delegate_options

if TYPE_CHECKING:
    from redmobile.android.bionic import DelegateOnBionic, FrameOnBionic
    from redmobile.parity.check import Checked
    from redmobile.parity.files import FilesResult
    from redmobile.parity.layer_sums import LayerFigures
    from redmobile.parity.layers import LayersOfPair
    from redmobile.parity.result import ParityResult

_FILE = click.Path(path_type=Path)

_FRAMES = (
    "Real frames: a folder of pictures or one (cut or mirrored to the network's size, not resampled), a video, or an .npz of arrays named after "
    "the inputs."
)

_FRAMES_ON_BIONIC = 3
"""Emulated, a 1080p frame takes seconds."""

_OF_ONE = {"onnx": "--onnx", "float_file": "--float", "network": "--model", "converter": "--with", "truth": "--truth", "on": "--on"}
_OF_SEVERAL = {"input_range": "--input-range", "least_sqnr_db": "--least-sqnr"}
"""Options that go with one TARGET, or with several files."""


@click.command(
    epilog="""\b
Examples:
  redmobile parity red_mobile --images photos/
  redmobile parity my_int8.tflite --onnx my.onnx --images photos/ --sheet worst.png --junit parity.xml
  redmobile parity my_int8.tflite --float my_float.tflite --images low/ --truth high/ --json
  redmobile parity my_int8.tflite --images photos/ --on qemu:cortex-a76
  redmobile parity a.onnx b.tflite --frames photos/
  redmobile parity a.tflite a.tflite --frames photos/ --delegate redmobile     the last file through our kernels
  redmobile parity a.onnx b.tflite c.tflite --frames inputs.npz --least-sqnr 30 --out parity.json
  redmobile parity my_int8.tflite --onnx my.onnx --images photos/ --layers --layer-plot layers.png
  redmobile parity a.onnx b.tflite --frames clip.mp4 --samples 8 --input-range 0 255
  redmobile parity demo.apk --on bionic --images photos/ --samples 3
  redmobile parity demo.apk --on bionic --images photos/ --delegate redmobile  the kernels in the APK too

\b
Exit code 5: a gate failed, none could be judged, an output is below --least-sqnr, or shapes, dtypes, layouts or values are not what
they should be. Exit code 2: frames that the file was calibrated with.
"""
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET [FILES]...")
@click.option("--images", "--frames", "images", type=_FILE, required=True, help=_FRAMES)
@click.option("--samples", type=click.IntRange(min=1), help="Frames taken, evenly spread.  [default: all, 16 of a video]")
@click.option("--allow-calibration-frames", is_flag=True, help="Compare on frames that the file was calibrated with, too.")
@click.option("--onnx", type=_FILE, help="The .onnx it was converted from.  [default for a model on the shelf: its own]")
@click.option("--float", "float_file", type=_FILE, help="The float .tflite.  [default: lowered from the .onnx on the fly]")
@click.option("--model", "network", help="The torch network: a model on the shelf, or a folder.  [default for a model on the shelf: its own]")
@click.option("--with", "converter", help="The converter whose gates are judged.  [default: the one that the file names]")
@click.option("--truth", type=_FILE, help="Pictures of the same names that show what the results should look like.")
@click.option("--input-range", nargs=2, type=float, help="Real values of pixels 0 and 255, for several files.  [default: what they say, else 0 1]")
@click.option("--least-sqnr", "least_sqnr_db", type=float, help="For several files: every output must reach this signal-to-noise ratio, in dB.")
@click.option("--layers", is_flag=True, help="Look at the inner tensors too: which layer parts first, on up to four of the frames.")
@click.option("--layer-plot", type=_FILE, help="Write a picture of the layers (.png); goes with --layers.")
@click.option(
    "--on", metavar="RUNTIME", help="Run it there too, e.g. qemu:cortex-a76: the same bytes must come out. An APK of `android build`: bionic."
)
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each engine.  [default: all cores]")
@delegate_options
@click.option("--junit", type=_FILE, help="Write the gates as JUnit XML.")
@click.option("--sheet", type=_FILE, help="Write the worst picture: input, float, converted, difference (.png or .jpg); the JSON has it too.")
@click.option("--out", type=_FILE, help="Write the whole result as JSON.")
@json_option
def command(
    targets: tuple[str, ...],
    junit: Path | None,
    sheet: Path | None,
    layer_plot: Path | None,
    out: Path | None,
    delegate: str | None,
    delegate_options: dict[str, str],
    as_json: bool,
    **options: Any,
) -> None:
    """Compare TARGET with what it was made from: torch, ONNX, TFLite float, TFLite as converted, neighbour by neighbour.

    TARGET is a .tflite, or a model on the shelf (its ONNX and its INT8 file). First shape, dtype, layout and finiteness; then PSNR,
    SSIM, largest and mean difference; then the gates of the converter.

    Several FILES (.onnx, .tflite) of any inputs and outputs: each is compared with the one before it, output by output: signal-to-noise
    ratio, cosine, largest and mean difference of the real values.

    --on bionic takes an APK: its libraries and its model, byte for byte against LiteRT here, or at which operators they part; what must be
    refused is tried too.

    --layers matches tensors by name. A quantized layer is bad where its operator by itself, fed with what the file feeds it, errs by more
    than 0.7 steps of its scale (rounding alone: 0.29); a float layer where it differs by more than its weights' type explains.
    """
    options["delegate"] = delegate_of(delegate, delegate_options)
    given = {"junit": "--junit" if junit else None, "sheet": "--sheet" if sheet else None}
    several = len(targets) > 1
    if options["on"] == "bionic":
        options["on"] = None
        _compare_on_bionic(targets, out, [*(name for name in given.values() if name), *_beyond(options)], as_json=as_json, options=options)
        return
    unfit = [name for key, name in (_OF_ONE if several else _OF_SEVERAL).items() if options[key] is not None]
    unfit += [name for name in given.values() if name and several]
    from redmobile.errors import UsageError

    if layer_plot and not options["layers"]:
        raise UsageError("--layer-plot: there are no layers to show without --layers.")
    if unfit:
        raise UsageError(f"{', '.join(unfit)}: goes with {'one TARGET' if several else 'several files'}, not with {len(targets)}.")
    left = {key: value for key, value in options.items() if key not in (_OF_ONE if several else _OF_SEVERAL)}
    if several:
        _compare_files(targets, out, layer_plot, as_json=as_json, options=left)
    else:
        _compare_chain(targets[0], {"junit": junit, "sheet": sheet, "layer_plot": layer_plot, "out": out}, as_json=as_json, options=left)


_ON_BIONIC = ("images", "samples", "delegate")
"""Options that go with --on bionic."""


def _beyond(options: dict[str, Any]) -> list[str]:
    """The given options that do not go with --on bionic."""
    return [f"--{name.replace('_', '-')}" for name, value in options.items() if value and name not in _ON_BIONIC]


def _compare_on_bionic(targets: tuple[str, ...], out: Path | None, unfit: list[str], *, as_json: bool, options: dict[str, Any]) -> None:
    from redmobile.android.bionic import run_on_bionic
    from redmobile.core.results import write_json
    from redmobile.errors import ParityError, UsageError

    if unfit or len(targets) > 1:
        raise UsageError(
            f"{', '.join(unfit) or 'Several files'}: does not go with --on bionic, which takes one APK, --images, --samples and --delegate."
        )
    found = run_on_bionic(Path(targets[0]), options["images"], options["samples"] or _FRAMES_ON_BIONIC, options["delegate"])
    if out is not None:
        write_json(out, found.as_json())
    if as_json:
        print_json(found.as_json())
    else:
        OUT.print(
            f"{targets[0]}: TFLite {found.tflite} on bionic (unidbg), {found.coverage[0]} nodes in {found.coverage[2]} partition(s)", markup=False
        )
        for frame in found.frames:
            OUT.print(f"  {frame.name}: {_beside_litert(frame)}", markup=False)
        for origin in found.origins:
            OUT.print(f"  begins at {origin} (every byte that went into it is the same)", markup=False)
        for name, text in found.refused.items():
            OUT.print(f"  {name}: {text}", markup=False)
        if found.delegate:
            _print_delegate_on_bionic(found.delegate)
    if found.faults:
        raise ParityError(f"{targets[0]}: {'; '.join(found.faults)}.")


def _print_delegate_on_bionic(found: DelegateOnBionic) -> None:
    nodes, left, partitions, own = found.coverage
    OUT.print(f"{found.name}: {own} of {partitions} partition(s) are its own; {left} of {nodes} nodes ran on plain kernels", markup=False)
    for frame in found.frames:
        OUT.print(f"  {frame.name}: {_beside_litert(frame)}", markup=False)


def _beside_litert(frame: FrameOnBionic) -> str:
    same = "the same bytes as LiteRT here" if not frame.different else f"{frame.different:,} bytes differ by up to {frame.largest}"
    return f"{frame.bytes:,} bytes, {same}"


def _compare_chain(target: str, outputs: dict[str, Path | None], *, as_json: bool, options: dict[str, Any]) -> None:
    from redmobile.core.results import write_json
    from redmobile.errors import ParityError
    from redmobile.parity.check import check_parity
    from redmobile.parity.result import to_builtins

    out = outputs["out"]
    with progress() as bar:
        task = bar.add_task("pictures", total=None, note="")
        options["pictures"] = outputs["sheet"] is not None
        checked = check_parity(target, on_progress=lambda done, total: bar.update(task, completed=done, total=total), **options)
    _write(checked, outputs["junit"], outputs["sheet"])
    _write_layers(outputs["layer_plot"], checked.result.layers)
    if out is not None:
        write_json(out, to_builtins(checked.result))
    if as_json:
        print_json(to_builtins(checked.result))
    else:
        print_result(checked.result)
    if not checked.result.passed:
        raise ParityError(f"{target}: {_verdict(checked.result)}")


def _compare_files(targets: tuple[str, ...], out: Path | None, layer_plot: Path | None, *, as_json: bool, options: dict[str, Any]) -> None:
    import msgspec

    from redmobile.core.results import write_json
    from redmobile.errors import ParityError
    from redmobile.parity.files import check_files

    frames = options.pop("images")
    with progress() as bar:
        task = bar.add_task("frames", total=None, note="")
        files = [Path(target) for target in targets]
        result = check_files(files, frames, on_progress=lambda done, total: bar.update(task, completed=done, total=total), **options)
    _write_layers(layer_plot, result.layers)
    document = msgspec.to_builtins(result)
    if out is not None:
        write_json(out, document)
    if as_json:
        print_json(document)
    else:
        _print_files(result)
    if not result.passed:
        below = [f"'{output.found_name}' of {pair.found}: {output.figures['sqnr']:.2f} dB" for pair, output in result.below()]
        raise ParityError(" ".join(result.findings) or f"Below {result.least_sqnr_db:g} dB: {'; '.join(below)}.")


def _write(checked: Checked, junit: Path | None, sheet: Path | None) -> None:
    from redmobile.core.artifact import write_bytes
    from redmobile.data.frames import Image, write_image
    from redmobile.parity.junit import to_junit

    if junit is not None:
        write_bytes(junit, to_junit(checked.result))
    if sheet is not None and checked.sheet is not None:
        write_image(sheet, Image(checked.sheet))


def _write_layers(layer_plot: Path | None, layers: tuple[LayersOfPair, ...]) -> None:
    if layer_plot is not None and layers:
        from redmobile.parity.layer_plot import write_layer_plot

        write_layer_plot(layer_plot, layers)


def print_result(result: ParityResult) -> None:
    """The tables for people, on stdout."""
    for stage in result.stages:
        OUT.print(f"{stage.name:8} {stage.file} ({stage.sha256[:12]}), {stage.runtime}: {stage.input} -> {stage.output}", markup=False, style="dim")
    if result.pairs:
        _print_pairs(result)
    if result.truth is not None:
        _print_truth(result)
    for pair in result.layers:
        _print_layers(pair)
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


def _print_files(result: FilesResult) -> None:
    for file in result.files:
        shapes = f"{', '.join(file.inputs)} -> {', '.join(file.outputs)}"
        OUT.print(f"{file.name} ({file.sha256[:12]}), {file.runtime}: {shapes}", markup=False, style="dim")
    for pair in result.pairs:
        made = table(f"{pair.expected} → {pair.found}, over {len(result.frames)} frames", "output", ">sqnr (dB)", ">cosine", ">max", ">mean", "also")
        for output in pair.outputs:
            also = ", ".join(f"{name} {value:.4g}" for name, value in output.figures.items() if name in ("psnr", "same_class", "equal"))
            made.add_row(output.found_name, *_any_figures(output.figures), also)
            worst = {name: each.value for name, each in output.worst.items()}
            made.add_row(f"  worst: {output.worst['sqnr'].image}", *_any_figures(worst), "", style="dim")
        OUT.print(made)
    for layers in result.layers:
        _print_layers(layers)
    for finding in result.findings:
        OUT.print(f"Finding: {finding}", markup=False)
    for remark in result.remarks:
        OUT.print(remark, markup=False, style="dim")
    low, high = result.input_range
    where = f"{result.environment['cpu']}, {result.threads} threads, {result.environment['date']}"
    OUT.print(f"pixels stand for {low:g} to {high:g}; {where}", markup=False, style="dim")


_SHOWN_UNMATCHED = 8


def _print_layers(pair: LayersOfPair) -> None:
    quantized = any(layer.used is not None for layer in pair.layers)
    columns = (">own error (steps)", ">cut off", ">codes used", ">gains") if quantized else ()
    title = f"Layers of {pair.expected} → {pair.found}, on {len(pair.frames)} frames"
    made = table(title, "layer", "operator", ">sqnr (dB)", ">max error", ">of peak", *columns, "")
    for layer in pair.layers:
        figures = f"{layer.sqnr_db:.1f}", f"{layer.max_error:.3g}", f"{layer.of_peak:.2g}"
        made.add_row(layer.name, layer.operator, *figures, *(_quantized_figures(layer) if quantized else ()), "bad" if layer.bad else "")
    OUT.print(made)
    OUT.print(_layer_verdict(pair), markup=False)
    if pair.unmatched:
        more = f" and {len(pair.unmatched) - _SHOWN_UNMATCHED} more" if len(pair.unmatched) > _SHOWN_UNMATCHED else ""
        OUT.print(f"Without a partner of that name and shape in {pair.expected}: {', '.join(pair.unmatched[:_SHOWN_UNMATCHED])}{more}.", markup=False)
    for remark in pair.remarks:
        OUT.print(remark, markup=False, style="dim")


def _quantized_figures(layer: LayerFigures) -> tuple[str, ...]:
    own, clipped, used = layer.own_steps, layer.clipped, layer.used
    gains = "" if layer.gain_low == layer.gain_high == 1 else f"{layer.gain_low:.2g} … {layer.gain_high:.2g}"
    return (
        "" if own is None else f"{own:.2f}",
        "" if clipped is None else f"{clipped:.2%}",
        "" if used is None else f"{used:.0%}",
        gains,
    )


def _layer_verdict(pair: LayersOfPair) -> str:
    bad = [layer for layer in pair.layers if layer.bad]
    if not pair.layers:
        return "No tensor has a partner of the same name and shape."
    if not bad:
        lowest = min(pair.layers, key=lambda layer: layer.sqnr_db)
        return f"No layer is bad; the lowest signal-to-noise ratio is {lowest.sqnr_db:.1f} dB at {lowest.name}."
    worst = max(bad, key=lambda layer: (layer.own_steps or 0.0, layer.of_peak))
    measure = f"{worst.own_steps:.1f} steps" if worst.own_steps is not None else f"{worst.of_peak:.2g} of the peak"
    first = f"First bad layer: {bad[0].name} ({bad[0].operator})"
    return f"{first}; worst: {worst.name} ({worst.operator}, {measure}); {len(bad)} of {len(pair.layers)} are bad."


def _any_figures(figures: dict[str, float]) -> tuple[str, ...]:
    return f"{figures['sqnr']:.2f}", f"{figures['cosine']:.6f}", f"{figures['max_difference']:.4g}", f"{figures['mean_difference']:.4g}"


def _figure(metric: str, value: float) -> str:
    return f"{value:.4f}" if metric in ("ssim", "mean_difference") else f"{value:.2f}" if metric == "psnr" else f"{value:.0f}"


def _verdict(result: ParityResult) -> str:
    if result.findings:
        return " ".join(result.findings)
    failed = [f"{gate.title}: {gate.says}" for gate in result.gates if gate.outcome == "failed"]
    if failed:
        return f"{len(failed)} of {len(result.gates)} gates failed: {'; '.join(failed)}."
    return f"no gate could be judged: {'; '.join(gate.says for gate in result.gates)}."
