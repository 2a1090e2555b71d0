"""Degradations on a contact sheet, to look at before one trains on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from redmobile.core.metrics import Frame
from redmobile.data.composition import Degrader, Recipe, recipes_of, single
from redmobile.data.degradation import DEGRADATIONS
from redmobile.data.degradations.blur import Blur
from redmobile.data.frames import Image, list_images, read_image, write_image
from redmobile.data.sheet import contact_sheet

_CLEAN = "clean"


@dataclasses.dataclass(frozen=True)
class Preview:
    """photos: the rows; columns: their captions."""

    photos: tuple[Path, ...]
    columns: tuple[str, ...]


def write_preview(
    photos: Path,
    out: Path,
    names: Sequence[str] = (),
    rows: int = 4,
    height: int = 240,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Preview:
    """Draw `rows` of the pictures at `photos` (a folder or a file), each clean and degraded by each of `names`, at `height` pixels, into `out`.

    names: degradations, compositions, TOML files; none: every degradation (each kind of blur apart), and `all`. Pictures are made small
    first: the sheet shows the damage as training crops have it. Raises InputError, UsageError, DocumentError, OutputError.
    """
    columns = {name: Degrader(recipes_of(name)) for name in names} or _everything()
    paths = list_images(photos)
    chosen = paths[:: max(1, len(paths) // rows)][:rows]
    table: list[list[Frame]] = []
    for index, path in enumerate(chosen):
        clean = _small(read_image(path).frame, height)
        table.append([clean, *(degrade(clean, np.random.default_rng([seed, index, place]))[0] for place, degrade in enumerate(columns.values()))])
        if on_progress:
            on_progress(index + 1, len(chosen))
    write_image(out, Image(contact_sheet(table, (_CLEAN, *columns), height)))
    return Preview(tuple(chosen), (_CLEAN, *columns))


def _everything() -> dict[str, Degrader]:
    recipes: dict[str, tuple[Recipe, ...]] = {}
    for name in DEGRADATIONS:
        if name == "blur":
            recipes |= {f"{kind} blur": (single(Blur(kinds=(kind,))),) for kind in Blur().kinds}
        else:
            recipes[name.replace("_", " ")] = recipes_of(name)
    return {name: Degrader(found) for name, found in recipes.items()} | {f"all ({i})": Degrader(recipes_of("all")) for i in (1, 2)}


def _small(frame: Frame, height: int) -> Frame:
    width = max(1, round(frame.shape[1] * height / frame.shape[0]))
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
