"""`redmobile release`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from redmobile.cli.console import OUT, json_option, print_json, progress
from redmobile.errors import MissingExtraError

_PATH = click.Path(path_type=Path)


@click.command(
    epilog="""\b
Examples:
  redmobile release red_mobile                                              the files alone, from weights.safetensors and weights_int8.safetensors
  redmobile release red_mobile --pairs lol/ --hold-out 500-549 --photos photos/ --photos xray/ --noise 12 --sheets out/sheets
  redmobile release red_mobile --keep-files --cost host --cost qemu:cortex-a76 --cost ethos-u65-512
  redmobile release red_mobile_xray --keep-files --photos photos/ --photos xray/ --degrade medical_contrast
  redmobile release models/mine --keep-files --unpaired old_photos/ --sheets out/sheets

\b
Written into MODEL's folder: NAME.onnx, NAME_int8.tflite and one for each of `frames` in model.toml, numerics.json (of --pairs), figures.json,
and the figures in card.md, between the lines that mark their place. What figures.json holds of these very files is not measured again.
"""
)
@click.argument("model", default="red_mobile")
@click.option("--keep-files", is_flag=True, help="Judge the files that are there; do not export and convert.")
@click.option("--pairs", type=_PATH, help="Folder with low/ and high/: parity with ground truth, PSNR and SSIM of float and INT8.")
@click.option("--hold-out", metavar="FIRST-LAST", help="Of the pairs, only those with these numbers in their names.  [default: all]")
@click.option("--photos", multiple=True, type=_PATH, help="Folder of photographs, of which the held-out tenth is degraded, and left alone; again.")
@click.option(
    "--degrade", multiple=True, metavar="NAME|TOML", default=("all",), show_default=True, help="What is done to them, as in `evaluate`; again."
)
@click.option(
    "--noise", type=click.IntRange(0), default=0, show_default=True, help="Sweep low light's noise on so many pictures of the first --photos."
)
@click.option("--unpaired", multiple=True, type=_PATH, help="Folder that is only shown, before and after, on a sheet; again.")
@click.option("--sheets", type=_PATH, metavar="DIR", help="Folder for contact sheets and the noise curve.")
@click.option("--cost", "targets", multiple=True, metavar="TARGET", help="What each file costs: host, qemu:cortex-a76, ethos-u65-512; again.")
@click.option("--runs", type=click.IntRange(1), default=40, show_default=True, help="Of each file on this machine, by turns; with --cost host.")
@click.option("--against", type=_PATH, metavar="FILE", help="The .tflite whose costs are 1.  [default: the model's own of model.toml's size]")
@click.option("--limit", type=click.IntRange(1), help="At most so many pictures of each folder, evenly spread.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each engine.  [default: all cores]")
@json_option
def command(model: str, as_json: bool, **options: Any) -> None:
    """Remake what MODEL's folder ships from its weights, and every figure that its card quotes."""
    try:
        from redmobile.release.release import Asked, release
    except ModuleNotFoundError as error:
        raise MissingExtraError("torch", "torch", "redmobile release") from error
    import msgspec

    from redmobile.release.card import figures

    with progress() as bar:
        task = bar.add_task("release", total=None, note="")
        found = release(model, Asked(**options), lambda what, done, total: bar.update(task, description=what, completed=done, total=total))
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        OUT.print(figures(found), markup=False)
