"""Training and validation pictures, kept in memory as uint8; a sample is a pure function of the random generator it is given."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.errors import InputError, UsageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""Endings of files that count as pictures."""

_LONGEST = 1600
"""Photographs are kept with at most this many pixels on the long side: larger ones only cost memory for crops of 256."""

Pair = tuple[Frame, Frame]
"""(degraded, clean), of one shape."""

Batch = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""(degraded, clean), each (N, H, W, 3) uint8."""

PairMaker = Callable[[Frame, np.random.Generator], Pair]
"""A clean picture → (degraded, what it should be restored to)."""


@dataclasses.dataclass(frozen=True)
class Photos:
    """Clean photographs that degradations turn into pairs."""

    frames: Sequence[Frame]

    def sample(self, rng: np.random.Generator, crop: tuple[int, int], degrade: PairMaker) -> Pair:
        """A random crop (height, width), flipped and turned at random, degraded."""
        (clean,) = _augment(rng, crop, self.frames[int(rng.integers(len(self.frames)))])
        return degrade(np.ascontiguousarray(clean), rng)


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Real pairs of degraded and clean pictures."""

    pairs: Sequence[Pair]

    def sample(self, rng: np.random.Generator, crop: tuple[int, int]) -> Pair:
        """A random crop (height, width) of a random pair, flipped and turned at random."""
        low, high = _augment(rng, crop, *self.pairs[int(rng.integers(len(self.pairs)))])
        return low, high


def as_batch(pairs: Sequence[Pair]) -> Batch:
    """Pairs of one size, stacked."""
    return np.stack([low for low, _ in pairs]), np.stack([high for _, high in pairs])


def list_pictures(folder: Path) -> list[Path]:
    """All pictures under `folder`, sorted by path. Raises InputError if there is none."""
    if not folder.is_dir():
        raise InputError(f"{folder}: {'is a file, a folder of pictures was expected' if folder.exists() else 'no such folder'}.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise InputError(f"{folder}: holds no pictures (looked for {', '.join(SUFFIXES)}, in its folders too).")
    return found


def split_photos(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """(training, validation): of each folder, every tenth file by name is held out."""
    ordered: dict[Path, list[Path]] = {}
    for path in paths:
        ordered.setdefault(path.parent, []).append(path)
    held = {path for group in ordered.values() for path in sorted(group)[::10]}
    return [path for path in paths if path not in held], [path for path in paths if path in held]


def load_photos(paths: Sequence[Path]) -> list[Frame]:
    """Read photographs as RGB, shrunk to at most 1600 pixels on the long side."""
    return [shrink(frame) for frame in _read_all(paths)]


def pair_paths(folder: Path) -> list[tuple[Path, Path]]:
    """(low/NAME, high/NAME) for every name in both folders, whatever their endings. Raises InputError."""
    lows, highs = ({path.stem: path for path in list_pictures(folder / part)} for part in ("low", "high"))
    if lows.keys() != highs.keys():
        alone = ", ".join(sorted(lows.keys() ^ highs.keys())[:5])
        raise InputError(f"{folder}: low/ and high/ must hold the same names; without a partner (the first five): {alone}.")
    return [(lows[name], highs[name]) for name in sorted(lows)]


def split_pairs(pairs: Sequence[tuple[Path, Path]], held_out: str | None) -> tuple[list[tuple[Path, Path]], list[tuple[Path, Path]]]:
    """(training, validation). held_out: 'FIRST-LAST', numbers in the file names; None: the last tenth by name.

    A block and not a random choice: neighbouring numbers often show one scene, and a random split would leak it.
    """
    if held_out is None:
        cut = len(pairs) - max(1, len(pairs) // 10)
        return list(pairs[:cut]), list(pairs[cut:])
    match = re.fullmatch(r"(\d+)-(\d+)", held_out)
    if not match:
        raise UsageError(f"The held-out block must look like 500-549 (numbers in the file names), found '{held_out}'.")
    first, last = map(int, match.groups())
    held = [pair for pair in pairs if first <= _number(pair[0]) <= last]
    if not held or len(held) == len(pairs):
        raise UsageError(
            f"The held-out block {held_out} holds {len(held)} of {len(pairs)} pairs: nothing would be left to {'train' if held else 'validate'} on."
        )
    return [pair for pair in pairs if pair not in held], held


def load_pairs(paths: Sequence[tuple[Path, Path]]) -> list[Pair]:
    """Read pairs as RGB. Raises InputError if the two of a pair differ in size."""
    pairs = list(zip(_read_all([low for low, _ in paths]), _read_all([high for _, high in paths]), strict=True))
    for (low_path, high_path), (low, high) in zip(paths, pairs, strict=True):
        if low.shape != high.shape:
            raise InputError(
                f"{low_path}: is {low.shape[1]}×{low.shape[0]}, its partner {high_path} is {high.shape[1]}×{high.shape[0]}; they must agree."
            )
    return pairs


def _number(path: Path) -> int:
    digits = re.findall(r"\d+", path.stem)
    return int(digits[-1]) if digits else -1


def _read_all(paths: Sequence[Path]) -> list[Frame]:
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(_read, paths))


def _read(path: Path) -> Frame:
    found = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if found is None:
        raise InputError(f"{path}: cannot be read as a picture (truncated, or not one of {', '.join(SUFFIXES)}).")
    return np.ascontiguousarray(found[..., ::-1], np.uint8)


def shrink(frame: Frame) -> Frame:
    """`frame`, made small where it is larger than crops can use: at most 1600 pixels on the long side."""
    height, width = frame.shape[:2]
    scale = _LONGEST / max(height, width)
    if scale >= 1:
        return frame
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _augment(rng: np.random.Generator, crop: tuple[int, int], *frames: Frame) -> list[Frame]:
    """The same random crop, flip and (if the crop is square) quarter turn of each frame; a smaller frame is mirrored on, as `enhance` does."""
    height, width = crop
    offsets = [int(rng.integers(abs(have - want) + 1)) for have, want in zip(frames[0].shape[:2], crop, strict=True)]
    frames = tuple(_mirror(frame, crop, offsets) for frame in frames)
    top, left = (offset if have > want else 0 for offset, have, want in zip(offsets, frames[0].shape[:2], crop, strict=True))
    flip_rows, flip_columns, turn = rng.integers(2, size=3)
    rows, columns = slice(None, None, -1 if flip_rows else 1), slice(None, None, -1 if flip_columns else 1)
    cut = [frame[top : top + height, left : left + width][rows, columns] for frame in frames]
    return [part.transpose(1, 0, 2) if turn and height == width else part for part in cut]


def _mirror(frame: Frame, size: tuple[int, int], offsets: Sequence[int]) -> Frame:
    """`frame` enlarged to at least `size` by reflection, itself `offsets` (rows, columns) from the top and the left where it was smaller."""
    missing = [max(0, want - have) for have, want in zip(frame.shape[:2], size, strict=True)]
    if not any(missing):
        return frame
    (top, bottom), (left, right) = ((offset, lack - offset) if lack else (0, 0) for offset, lack in zip(offsets, missing, strict=True))
    return np.asarray(cv2.copyMakeBorder(frame, top, bottom, left, right, cv2.BORDER_REFLECT_101), np.uint8)
