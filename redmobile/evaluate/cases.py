"""The pictures of an evaluation: degraded and reference, one at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from redmobile.core.metrics import Frame
from redmobile.data.composition import Degrader
from redmobile.data.datasets import Pair, list_pictures, load_pairs, load_photos, pair_paths, split_pairs, split_photos


@dataclasses.dataclass(frozen=True)
class Case:
    """One picture: as it is given, and as it should become."""

    name: str
    given: Frame
    reference: Frame


class Cases(Sequence[Case]):
    """Pictures that are read when they are asked for: `names` of them, each from `make` (its place → given, reference)."""

    def __init__(self, names: Sequence[str], make: Callable[[int], Pair]) -> None:
        self._names, self._make = names, make

    def __len__(self) -> int:
        return len(self._names)

    def name(self, place: int) -> str:
        """The name of a picture, without reading it."""
        return self._names[place]

    def __getitem__(self, place: int) -> Case:  # type: ignore[override]  # slices are not needed
        if not 0 <= place < len(self):
            raise IndexError(place)
        return Case(self._names[place], *self._make(place))


def pair_cases(folder: Path, hold_out: str | None, limit: int | None) -> Cases:
    """low/NAME against high/NAME. hold_out: FIRST-LAST: only those numbers. Raises InputError, UsageError."""
    paths = pair_paths(folder)
    if hold_out:
        _, paths = split_pairs(paths, hold_out)
    paths = spread(paths, limit)
    return Cases([low.name for low, _ in paths], lambda place: load_pairs([paths[place]])[0])


def photo_paths(folder: Path, *, held_out: bool, limit: int | None) -> list[Path]:
    """Photographs to degrade. held_out: only every tenth of each folder, which training leaves out. Raises InputError."""
    paths = list_pictures(folder)
    return spread(split_photos(paths)[1] if held_out else paths, limit)


def photo_cases(paths: Sequence[Path], degrade: Degrader, seed: int) -> Cases:
    """Photographs, degraded, each always in the same way for the same seed; shrunk to at most 1600 pixels as in training."""
    return Cases([path.name for path in paths], lambda place: degrade(load_photos([paths[place]])[0], np.random.default_rng([seed, place])))


def spread(paths: Sequence[Path] | Sequence[tuple[Path, Path]], limit: int | None) -> list:  # type: ignore[type-arg]  # of whatever was given
    """At most `limit` of them, evenly spread."""
    if limit is None or limit >= len(paths):
        return list(paths)
    return [paths[place * len(paths) // limit] for place in range(limit)]
