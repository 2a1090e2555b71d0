"""`redmobile data`: what networks learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from redmobile.cli.console import OUT, json_option, print_json, progress


@click.group(
    epilog="""\b
Examples:
  redmobile data preview photos/ --out sheet.png
"""
)
def command(**_: Any) -> None:
    """Look at what networks learn from."""


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
