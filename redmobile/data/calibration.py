"""Calibration images: which of a folder are taken, how they are fitted to a network, and the lock that names them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from redmobile.core.artifact import sha256_file
from redmobile.core.metrics import Frame
from redmobile.data.frames import list_images, read_image
from redmobile.errors import UsageError

DEFAULT_SAMPLES = 32
"""Images taken of a folder when nothing else is said."""


@dataclasses.dataclass(frozen=True, eq=False)
class CalibrationSet:
    """frames: (H, W, 3) uint8 RGB each, of the network's size; lock: name of each file → its sha256, in the order of the frames."""

    frames: tuple[Frame, ...]
    lock: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """The lock as it stands in reports and in the file's metadata."""
        return {"images": self.lock, "count": len(self.frames)}


def load_calibration(source: Path, height: int, width: int, samples: int = DEFAULT_SAMPLES) -> CalibrationSet:
    """At most `samples` images of the folder `source` (or one file), evenly spread over their sorted names, fitted to height × width.

    Raises InputError (no such folder, no pictures in it, a broken picture), UsageError (samples < 1).
    """
    if samples < 1:
        raise UsageError(f"The number of calibration images must be at least 1, found {samples}.")
    found = list_images(source)
    places = sorted({round(place) for place in np.linspace(0, len(found) - 1, min(samples, len(found)))})
    chosen = [found[place] for place in places]
    folder = source if source.is_dir() else source.parent
    frames = tuple(fit(read_image(path).frame, height, width) for path in chosen)
    return CalibrationSet(frames, {path.relative_to(folder).as_posix(): sha256_file(path) for path in chosen})


def fit(frame: Frame, height: int, width: int) -> Frame:
    """`frame` at height × width without resampling: cut out of the middle where it is larger, mirrored on where it is smaller.

    Resizing a small photograph to 1080p would smooth its noise, and shrinking a large one would average it: both change the very
    statistics that calibration measures. Mirroring keeps noise, colours and mean brightness.
    """
    rows, columns = min(frame.shape[0], height), min(frame.shape[1], width)
    top, left = (frame.shape[0] - rows) // 2, (frame.shape[1] - columns) // 2
    middle = frame[top : top + rows, left : left + columns]
    return np.ascontiguousarray(middle[_mirrored(rows, height)[:, None], _mirrored(columns, width)[None, :]])


def _mirrored(size: int, wanted: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """`wanted` indices: 0 up to size - 1, then back and forth, the edges twice."""
    places = np.arange(wanted) % (2 * size)
    return np.where(places < size, places, 2 * size - 1 - places)
