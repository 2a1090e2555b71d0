"""The real pictures that all stages are given."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from redmobile.core.metrics import Frame
from redmobile.data.calibration import fit
from redmobile.data.frames import list_images, read_image
from redmobile.errors import InputError

SMALLEST = 11
"""Pixels a side: SSIM's window."""


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """given: (height, width, 3) uint8, of the network's size; rows, columns: the part of it that is picture, from the top left.

    truth: what the result should look like, (rows, columns, 3) uint8; None if that is not known.
    """

    name: str
    given: Frame
    rows: int
    columns: int
    truth: Frame | None = None

    def cut(self, frame: Frame) -> Frame:
        """The part of a result that is picture."""
        return frame[: self.rows, : self.columns]


def list_pictures(folder: Path, truth: Path | None) -> list[tuple[Path, Path | None]]:
    """(picture, its ground truth) for every picture in `folder` (or for one file); truths have the same name, whatever the ending.

    Raises InputError (none there; a truth is missing).
    """
    pictures = list_images(folder)
    if truth is None:
        return [(picture, None) for picture in pictures]
    base = folder if folder.is_dir() else folder.parent
    truths = {_key(path, truth): path for path in list_images(truth)} if truth.is_dir() else {}
    missing = [picture.name for picture in pictures if _key(picture, base) not in truths]
    if missing:
        raise InputError(f"{truth}: holds no picture of the same name for {len(missing)} of {len(pictures)}, e.g. {missing[0]}.")
    return [(picture, truths[_key(picture, base)]) for picture in pictures]


def load_picture(path: Path, truth: Path | None, height: int, width: int) -> Picture:
    """The picture at `path`, fitted to height × width as for calibration.

    As data.calibration.fit does: cut out of its middle where it is larger, mirrored on where it is smaller, never resampled. Raises InputError (unreadable, too small, truth of another size).
    """
    frame = read_image(path).frame
    if min(frame.shape[:2]) < SMALLEST:
        raise InputError(f"{path}: is {frame.shape[1]}×{frame.shape[0]}, at least {SMALLEST}×{SMALLEST} is needed to compare.")
    rows, columns = min(frame.shape[0], height), min(frame.shape[1], width)
    picture = Picture(path.name, fit(frame, height, width), rows, columns)
    if truth is None:
        return picture
    wanted = read_image(truth).frame
    if wanted.shape != frame.shape:
        raise InputError(
            f"{truth}: is {wanted.shape[1]}×{wanted.shape[0]}, its picture {path} is {frame.shape[1]}×{frame.shape[0]}; they must agree."
        )
    return dataclasses.replace(picture, truth=picture.cut(fit(wanted, height, width)))


def _key(path: Path, base: Path) -> str:
    return path.relative_to(base).with_suffix("").as_posix()
