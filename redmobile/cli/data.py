"""`redmobile data`: what networks learn from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redmobile.cli.console import OUT, json_option, print_json, progress

if TYPE_CHECKING:
    from redmobile.data.make_pairs import Part


@click.group(
    epilog="""\b
Examples:
  redmobile data preview photos/ --out sheet.png
  redmobile data pairs photos/ --degrade blur --out blurred
"""
)
def command(**_: Any) -> None:
    """Look at what networks learn from, and keep it as files."""


@command.command(
    epilog="""\b
Examples:
  redmobile data preview photos/ --out sheet.png
  redmobile data preview one.jpg --degrade all --degrade old_photo --seed 7 --out sheet.jpg
  redmobile data preview photos/ --degrade mine.toml --rows 8 --out sheet.png
"""
)
@click.argument("photos", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The contact sheet (.png or .jpg).")
@click.option(
    "--degrade",
    "names",
    multiple=True,
    metavar="NAME|TOML",
    help="A degradation, a composition (all) or a TOML of your own; may be given several times.  [default: each degradation, and all]",
)
@click.option("--rows", type=click.IntRange(1), default=4, show_default=True, help="Photographs shown, spread evenly over those found.")
@click.option("--height", type=click.IntRange(32), default=240, show_default=True, help="Height of a picture on the sheet, in pixels.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The same seed gives the same sheet.")
@json_option
def preview(photos: Path, out: Path, names: tuple[str, ...], rows: int, height: int, seed: int, as_json: bool) -> None:
    """Draw the degradations of PHOTOS (a folder or a file) on one contact sheet."""
    from redmobile.data.preview import write_preview

    with progress() as bar:
        task = bar.add_task("photographs", total=rows, note="")
        made = write_preview(photos, out, names, rows, height, seed, lambda done, total: bar.update(task, completed=done, total=total))
    if as_json:
        print_json({"sheet": str(out), "photos": [str(path) for path in made.photos], "columns": list(made.columns), "seed": seed})
    else:
        OUT.print(f"{out}: {len(made.photos)} photographs × {len(made.columns)} columns ({', '.join(made.columns)})", markup=False)


@command.command(
    epilog="""\b
Examples:
  redmobile data pairs photos/ --degrade old_photo --out old
  redmobile data pairs photos/ --degrade mine.toml --training --count 32 --out calibration
  redmobile convert my.onnx --with litert_int8 --calibrate calibration/low --out my_int8.tflite
  redmobile parity my_int8.tflite --images old/low --truth old/high

\b
OUT/low gets the degraded pictures and OUT/high what they should become, under the same names, as PNG: what --pairs,
--calibrate, --images and --truth of the other commands take.
"""
)
@click.argument("photos", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for low/ and high/.")
@click.option("--degrade", metavar="NAME|TOML", required=True, help="A degradation, a composition (all) or a TOML of your own.")
@click.option("--held-out", "part", flag_value="held_out", help="Only every tenth of each folder, which training leaves out.")
@click.option("--training", "part", flag_value="training", help="Only the others: calibrate with these.")
@click.option("--count", type=click.IntRange(1), help="At most so many, evenly spread.  [default: all]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The same seed gives the same pairs.")
@json_option
def pairs(photos: Path, out: Path, degrade: str, part: Part | None, count: int | None, seed: int, as_json: bool) -> None:
    """Degrade the photographs in the folder PHOTOS and write each beside what it should become."""
    from redmobile.data.make_pairs import write_pairs

    with progress() as bar:
        task = bar.add_task("photographs", total=None, note="")
        names = write_pairs(photos, out, degrade, part, count, seed, lambda done, total: bar.update(task, completed=done, total=total))
    if as_json:
        print_json({"low": str(out / "low"), "high": str(out / "high"), "names": names, "seed": seed})
    else:
        OUT.print(f"{out}: {len(names)} pairs in low/ and high/", markup=False)
