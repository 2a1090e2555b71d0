"""The real pictures that all stages are given."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from redmobile.core.metrics import Frame
from redmobile.data.frame_sources import Given, evenly, kind_of, read_frames
from redmobile.data.frames import list_images, read_image
from redmobile.errors import InputError, UsageError

SMALLEST = 11
"""Pixels a side: SSIM's window."""

_FRAME_RANK, _RGB = 3, 3


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """frame: (H, W, 3) uint8; truth: what the result should look like, of the same shape; None if that is not known."""

    name: str
    frame: Frame
    truth: Frame | None = None


@dataclasses.dataclass(frozen=True)
class Gallery:
    """Pictures that are not loaded yet. truths: picture → its ground truth; a video and arrays have none, there it is empty."""

    source: Path
    samples: int | None
    truths: tuple[tuple[Path, Path | None], ...]

    def load(self, height: int, width: int) -> Iterator[Picture]:
        """Each picture, or the middle of it that fits into height × width. Raises InputError as `load_picture`."""
        if self.truths:
            yield from (load_picture(path, truth, height, width) for path, truth in self.truths)
            return
        for given in read_frames(self.source, self.samples):
            frame = _frame_of(given)
            _check_large_enough(given.name, frame)
            yield Picture(given.name, _middle(frame, height, width))


def open_gallery(source: Path, truth: Path | None = None, samples: int | None = None) -> Gallery:
    """The pictures of a folder, a video or an .npz: all, or `samples` evenly spread.

    Raises InputError (none there; a truth is missing), UsageError (a ground truth for what is no folder of pictures).
    """
    if kind_of(source) == "pictures":
        pictures = list_pictures(source, truth)
        return Gallery(source, samples, tuple(pictures[place] for place in evenly(len(pictures), samples)))
    if truth is not None:
        raise UsageError(f"{truth}: a ground truth goes with a folder of pictures, not with {source}.")
    return Gallery(source, samples, ())


def list_pictures(folder: Path, truth: Path | None) -> list[tuple[Path, Path | None]]:
    """(picture, its ground truth) for every picture in `folder` (or for one file); truths have the same name, whatever the ending.

    Raises InputError (none there; a truth is missing).
    """
    pictures = list_images(folder)
    if truth is None:
        return [(picture, None) for picture in pictures]
    if not truth.is_dir():
        raise InputError(f"{truth}: {'is a file, a folder was expected' if truth.exists() else 'no such folder'}.")
    base = folder if folder.is_dir() else folder.parent
    truths = {_key(path, truth): path for path in list_images(truth)}
    missing = [picture.name for picture in pictures if _key(picture, base) not in truths]
    if missing:
        raise InputError(f"{truth}: holds no picture of the same name for {len(missing)} of {len(pictures)}, e.g. {missing[0]}.")
    return [(picture, truths[_key(picture, base)]) for picture in pictures]


def load_picture(path: Path, truth: Path | None, height: int, width: int) -> Picture:
    """The picture at `path`, or the middle of it that fits into height × width. Never resampled, as in calibration.

    Raises InputError (unreadable, too small, truth of another size).
    """
    frame = read_image(path).frame
    _check_large_enough(str(path), frame)
    picture = Picture(path.name, _middle(frame, height, width))
    if truth is None:
        return picture
    wanted = read_image(truth).frame
    if wanted.shape != frame.shape:
        raise InputError(
            f"{truth}: is {wanted.shape[1]}×{wanted.shape[0]}, its picture {path} is {frame.shape[1]}×{frame.shape[0]}; they must agree."
        )
    return dataclasses.replace(picture, truth=_middle(wanted, height, width))


def _frame_of(given: Given) -> Frame:
    if given.frame is not None:
        return given.frame
    array = next(iter(given.arrays.values()))
    if len(given.arrays) != 1 or array.ndim != _FRAME_RANK or array.shape[2] != _RGB or array.dtype != np.uint8:
        found = ", ".join(f"'{name}' {'×'.join(map(str, each.shape))} {each.dtype}" for name, each in given.arrays.items())
        raise InputError(
            f"{given.name}: one array of pictures (N, H, W, 3) uint8 is needed, found for one frame: {found}. Name two files to compare any arrays."
        )
    return array


def _check_large_enough(name: str, frame: Frame) -> None:
    if min(frame.shape[:2]) < SMALLEST:
        raise InputError(f"{name}: is {frame.shape[1]}×{frame.shape[0]}, at least {SMALLEST}×{SMALLEST} is needed to compare.")


def _middle(frame: Frame, height: int, width: int) -> Frame:
    rows, columns = min(frame.shape[0], height), min(frame.shape[1], width)
    top, left = (frame.shape[0] - rows) // 2, (frame.shape[1] - columns) // 2
    return np.ascontiguousarray(frame[top : top + rows, left : left + columns])


def _key(path: Path, base: Path) -> str:
    return path.relative_to(base).with_suffix("").as_posix()
