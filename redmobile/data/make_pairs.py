"""Pairs of degraded and clean pictures as files: to calibrate with, to check with, or for other tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from redmobile.data.composition import Degrader, recipes_of
from redmobile.data.datasets import list_pictures, load_photos, split_photos
from redmobile.data.frames import Image, write_image
from redmobile.errors import UsageError

Part = Literal["training", "held_out"]


def write_pairs(
    photos: Path,
    out: Path,
    degrade: str,
    part: Part | None = None,
    count: int | None = None,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[str]:
    """Degrade photographs below the folder `photos` into out/low/NAME.png, with what they should become in out/high/NAME.png; give the names.

    degrade: a degradation, a composition or a TOML; part: only what trains, or only what is held out; count: at most so many, evenly spread.
    Each photograph, shrunk to at most 1600 pixels as in training, is always degraded in the same way for the same seed. A NAME carries its
    folders. Raises InputError, UsageError, DocumentError, OutputError.
    """
    degrader = Degrader(recipes_of(degrade))
    paths = list_pictures(photos)
    if part:
        paths = split_photos(paths)[part == "held_out"]
    if not paths:
        raise UsageError(f"{photos}: no picture is left of those that train: the first of each folder and every tenth are held out.")
    chosen = paths if count is None else [paths[place * len(paths) // count] for place in range(min(count, len(paths)))]
    names = ["_".join(path.relative_to(photos).with_suffix("").parts) for path in chosen]
    twice = sorted(name for name in set(names) if names.count(name) > 1)
    if twice:
        raise UsageError(f"{photos}: two pictures would be written as {twice[0]}.png; rename one of them.")
    for place, (name, path) in enumerate(zip(names, chosen, strict=True)):
        low, high = degrader(load_photos([path])[0], np.random.default_rng([seed, place]))
        write_image(out / "low" / f"{name}.png", Image(low))
        write_image(out / "high" / f"{name}.png", Image(high))
        if on_progress:
            on_progress(place + 1, len(chosen))
    return names
