"""`redmobile evaluate`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redmobile.cli.console import OUT, json_option, print_json, progress, table

if TYPE_CHECKING:
    from redmobile.evaluate.result import Quality

_FILE = click.Path(path_type=Path)


@click.command(
    epilog="""\b
Examples:
  redmobile evaluate red_mobile --pairs lol/ --hold-out 500-549 --stage float --stage int8
  redmobile evaluate red_mobile --pairs lol/ --peer mobileie.onnx --sheet sheet.jpg --out quality.json
  redmobile evaluate my_int8.tflite --photos photos/ --held-out --degrade all
  redmobile evaluate red_mobile --photos photos/ --degrade nothing --auto      are good pictures left alone?
  redmobile evaluate red_mobile --unpaired old_photos/ --sheet old.jpg          before and after, without a reference
  redmobile evaluate red_mobile --photos photos/ --degrade low_light --noise 12 --noise-curve noise.png --banding --flicker

\b
Conditions of --degrade: all (each of the following, at a fixed strength), low_light, blur (σ 1.5), low_resolution (2×, bicubic), old_photo
(faded and scratched), medical_contrast, jpeg (quality 30), nothing (what becomes of good pictures); or a composition, or a TOML of your own.
PSNR: uint8, all channels together; 'matched': after scaling the output to the reference's mean brightness; SSIM: Gaussian 11×11, all channels.
"""
)
@click.argument("model")
@click.option("--pairs", type=_FILE, help="Folder with low/ and high/, same names.")
@click.option("--hold-out", metavar="FIRST-LAST", help="Of the pairs, only those with these numbers in their names.  [default: all]")
@click.option("--photos", type=_FILE, help="Folder of clean photographs, degraded on the fly.")
@click.option("--unpaired", type=_FILE, help="Folder of pictures without a reference: --sheet shows all of them before and after.")
@click.option("--held-out", is_flag=True, help="Of the photographs, only every tenth of each folder, which training leaves out.")
@click.option("--degrade", multiple=True, metavar="NAME|TOML", help="What is done to the photographs; may be given several times.")
@click.option(
    "--stage", "stages", multiple=True, type=click.Choice(["torch", "onnx", "float", "int8"]), help="Forms of a model on the shelf.  [default: int8]"
)
@click.option("--peer", "peers", multiple=True, type=_FILE, help="Another network (.onnx or .tflite), evaluated beside it.")
@click.option("--auto", is_flag=True, help="As `enhance --task auto`: only as strongly as each picture is dark. (Peers: always fully.)")
@click.option("--limit", type=click.IntRange(1), help="At most so many pictures, evenly spread.")
@click.option("--noise", type=click.IntRange(0), default=0, show_default=True, help="Sweep low light's noise down to 0 dB on so many pictures.")
@click.option("--noise-curve", type=_FILE, help="Draw the sweep (.png).")
@click.option("--banding", is_flag=True, help="Measure bands on dark, smooth gradients.")
@click.option("--flicker", is_flag=True, help="Measure how brightness changes from frame to frame of a static, noisy scene.")
@click.option("--sheet", type=_FILE, help="Best, median and worst pictures of each condition; of --unpaired, all (.png or .jpg).")
@click.option("--cluster", metavar="local:N|ADDRESS", help="Spread the pictures over a Dask cluster: N processes here, or a scheduler's address.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the degradations.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each engine.  [default: all cores]")
@click.option("--out", type=_FILE, help="Write the whole result as JSON.")
@json_option
def command(
    model: str, stages: tuple[Any, ...], peers: tuple[Path, ...], auto: bool, threads: int | None, out: Path | None, as_json: bool, **options: Any
) -> None:
    """Measure how good MODEL makes pictures: PSNR, SSIM, and PSNR at the reference's brightness, image by image and on average.

    MODEL is a model on the shelf, the folder of one, or a .tflite or .onnx file. Every network takes pictures of any size.
    """
    from redmobile.core.results import write_json
    from redmobile.enhance.control import Control
    from redmobile.evaluate.evaluate import Wanted, check_wanted, evaluate
    from redmobile.evaluate.subjects import open_subjects

    wanted = Wanted(**options)
    check_wanted(wanted)
    with open_subjects(model, stages, peers, Control(auto=auto), threads) as subjects, progress() as bar:
        task = bar.add_task("pictures", total=None, note="")
        found = evaluate(subjects, wanted, lambda what, done, total: bar.update(task, description=what, completed=done, total=total))
    if out:
        write_json(out, found.as_json())
    if as_json:
        print_json(found.as_json())
    else:
        _print(found)


def _print(found: Quality) -> None:
    _print_looks(found) if found.looks else _print_figures(found)
    for subject in found.subjects:
        OUT.print(f"{subject.name}: {subject.file}, sha256 {subject.sha256[:12]}, {subject.runtime}", markup=False, style="dim")


def _print_looks(found: Quality) -> None:
    shown = table(found.source, "picture", "network", ">brightness", ">burnt out %", ">cast")
    for look in found.looks:
        before, after = look.before, look.after
        shown.add_row(
            look.image,
            look.subject,
            f"{before.brightness:.0f} -> {after.brightness:.0f}",
            f"{before.burnt_percent:.1f} -> {after.burnt_percent:.1f}",
            f"{before.cast:.1f} -> {after.cast:.1f}",
        )
    OUT.print(shown)


def _print_figures(found: Quality) -> None:
    shown = table(found.source, "condition", "network", ">images", ">input dB", ">PSNR dB", ">gain dB", ">pooled dB", ">matched dB", ">SSIM")
    for row in found.figures:
        figures = (row.before.psnr, row.after.psnr, row.gain_db, row.pooled_db, row.after.psnr_matched)
        shown.add_row(
            row.condition,
            row.subject,
            str(len(row.images)),
            *("-" if math.isnan(value) else f"{value:.2f}" for value in figures),
            f"{row.after.ssim:.3f}",
        )
    OUT.print(shown)
    if found.noise:
        swept = table("Noise", ">asked dB", ">measured dB", ">input dB", *(f">{subject.name} dB (matched)" for subject in found.subjects))
        for point in found.noise:
            cells = [f"{scores.psnr:.2f} ({scores.psnr_matched:.2f})" for scores in point.after.values()]
            swept.add_row(f"{point.snr_db:g}", f"{point.measured_snr_db:.1f}", f"{point.before.psnr:.2f} ({point.before.psnr_matched:.2f})", *cells)
        OUT.print(swept)
    for band in found.banding:
        OUT.print(
            f"banding, {band.subject}: ripple {band.ripple_codes:.2f} codes (unavoidable {band.unavoidable_codes:.2f}) on {band.band}; "
            f"falls back by {band.dip_codes:.2f}",
            markup=False,
        )
    for flicker in found.flicker:
        OUT.print(
            f"flicker, {flicker.subject}: brightness {flicker.brightness_before_percent:.3f} % -> {flicker.brightness_after_percent:.3f} %, "
            f"blocks {flicker.blocks_before_percent:.2f} % -> {flicker.blocks_after_percent:.2f} % from frame to frame",
            markup=False,
        )
