"""The real pictures that all stages are given."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from redmobile.core.metrics import Frame
from redmobile.data.frames import list_images, read_image
from redmobile.errors import InputError

SMALLEST = 11
"""Pixels a side: SSIM's window."""


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """frame: (H, W, 3) uint8; truth: what the result should look like, of the same shape; None if that is not known."""

    name: str
    frame: Frame
    truth: Frame | None = None


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
    if min(frame.shape[:2]) < SMALLEST:
        raise InputError(f"{path}: is {frame.shape[1]}×{frame.shape[0]}, at least {SMALLEST}×{SMALLEST} is needed to compare.")
    picture = Picture(path.name, _middle(frame, height, width))
    if truth is None:
        return picture
    wanted = read_image(truth).frame
    if wanted.shape != frame.shape:
        raise InputError(
            f"{truth}: is {wanted.shape[1]}×{wanted.shape[0]}, its picture {path} is {frame.shape[1]}×{frame.shape[0]}; they must agree."
        )
    return dataclasses.replace(picture, truth=_middle(wanted, height, width))


def _middle(frame: Frame, height: int, width: int) -> Frame:
    rows, columns = min(frame.shape[0], height), min(frame.shape[1], width)
    top, left = (frame.shape[0] - rows) // 2, (frame.shape[1] - columns) // 2
    return np.ascontiguousarray(frame[top : top + rows, left : left + columns])


def _key(path: Path, base: Path) -> str:
    return path.relative_to(base).with_suffix("").as_posix()
