"""What a network is calibrated with: which frames of a source are taken, how they are fitted to it, and the lock that names them."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from redmobile.core.artifact import read_bytes, sha256_bytes
from redmobile.core.documents import Document
from redmobile.core.metrics import Frame
from redmobile.core.results import to_json
from redmobile.data.frame_sources import Given, read_frames, read_named
from redmobile.errors import DocumentError, InputError, UnsupportedModelError

DEFAULT_SAMPLES = 32
"""Frames taken of a source when nothing else is said."""

CALIBRATION_ENTRY = "redmobile.calibration"
"""Metadata entry of a quantized file: names and sha256 of the frames that it was calibrated with, as JSON."""

LOCK_ENDING = ".lock"

Range = tuple[float, float]

_RGB = 3
_IMAGE_RANK = 4
_LAST_CODE = 255
_HALF_A_CODE = 0.5

LockFormat = Literal["redmobile.calibration_lock/1"]
LOCK_FORMAT: LockFormat = "redmobile.calibration_lock/1"


class Lock(Document):
    """A lock file (JSON). source: where the frames are, seen from the lock's folder; frames: name → sha256, in the order of use.

    selection: frames are spread evenly over the source, at most `samples` of them; nothing is drawn by chance, so there is no seed.
    """

    format: LockFormat
    source: str
    frames: dict[str, str]
    samples: int
    selection: Literal["evenly_spread"] = "evenly_spread"


@dataclasses.dataclass(frozen=True, eq=False)
class FrameSet:
    """What a network of several inputs gets at once: one array an input, in the order of the inputs, uint8, without the leading 1."""

    frames: tuple[NDArray[np.uint8], ...]

    def mean(self) -> float:
        """Mean of all values, as numpy's arrays have it: frames are ranked by it."""
        return float(np.mean([frame.mean() for frame in self.frames]))

    def tobytes(self) -> bytes:
        """The values one after the other."""
        return b"".join(frame.tobytes() for frame in self.frames)


Sample = Frame | FrameSet
"""What calibration runs a network on once."""


@dataclasses.dataclass(frozen=True, eq=False)
class CalibrationSet:
    """frames: of the network's size, uint8: (H, W, C) each, or a FrameSet for several inputs; lock: name → sha256, in their order."""

    frames: tuple[Sample, ...]
    lock: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """The lock as it stands in reports and in the file's metadata."""
        return {"images": self.lock, "count": len(self.frames)}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a network takes. inputs: name → shape with a leading 1, images NHWC; range: the real values of codes 0 and 255."""

    inputs: Mapping[str, tuple[int, ...]]
    range: Range = (0.0, 1.0)


def load_calibration(source: Path, height: int, width: int, samples: int = DEFAULT_SAMPLES) -> CalibrationSet:
    """For a network of one RGB picture of height × width: see `load_samples`."""
    return load_samples(source, Wanted({"image": (1, height, width, _RGB)}), samples)


def load_samples(source: Path, wanted: Wanted, samples: int = DEFAULT_SAMPLES) -> CalibrationSet:
    """At most `samples` frames of `source`, evenly spread, fitted to the network; of a lock file exactly those that it names.

    source: a folder of pictures, a picture, a video, an .npz with an array for each input, (N, H, W, C) uint8 or real values of the
    input's range, or a lock. Raises InputError (missing, broken, empty, changed since it was locked, arrays that do not fit),
    UsageError (samples < 1), UnsupportedModelError (pictures for a network that does not take one RGB picture), DocumentError.
    """
    if source.suffix.lower() == LOCK_ENDING:
        lock = read_lock(source)
        given: Iterable[Given] = read_named(source.parent / lock.source, lock.frames)
    else:
        given = read_frames(source, samples)
    frames, hashes = [], {}
    for each in given:
        frames.append(_fitted(each, wanted))
        hashes[each.name] = each.sha256
    return CalibrationSet(tuple(frames), hashes)


def given_frames(frames: Sequence[Sample]) -> CalibrationSet:
    """Frames that a caller has in memory, named by their place."""
    return CalibrationSet(tuple(frames), {f"frame {index}": sha256_bytes(frame.tobytes()) for index, frame in enumerate(frames)})


def lock_text(final: Path, source: Path, frames: Mapping[str, str], samples: int) -> str:
    """The content of the lock file `final`, for `frames` (name → sha256) taken of `source`. A lock made from a lock names its source."""
    if source.suffix.lower() == LOCK_ENDING:
        source = source.parent / read_lock(source).source
    seen = Path(os.path.relpath(source.resolve(), final.resolve().parent)).as_posix()
    return to_json(msgspec.to_builtins(Lock(format=LOCK_FORMAT, source=seen, frames=dict(frames), samples=samples))) + "\n"


def read_lock(path: Path) -> Lock:
    """The lock file at `path`. Raises InputError, DocumentError."""
    try:
        return msgspec.json.decode(read_bytes(path), type=Lock)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path}: is not a lock of calibration frames ({error}). `redmobile convert --lock {path.name}` writes one.") from error


def locked_frames(entry: bytes, name: str) -> dict[str, str]:
    """Name → sha256 in the metadata entry of a quantized file. `name` names the file in the InputError for an entry that does not fit."""
    try:
        found = json.loads(entry)
        return {str(key): str(value) for key, value in found.items()}
    except (ValueError, AttributeError) as error:
        raise InputError(f"{name}: its metadata entry '{CALIBRATION_ENTRY}' cannot be read ({error}).") from error


def fit(frame: Frame, height: int, width: int) -> Frame:
    """`frame` at height × width without resampling: cut out of the middle where it is larger, mirrored on where it is smaller.

    Resizing a small photograph to 1080p would smooth its noise, and shrinking a large one would average it: both change the very
    statistics that calibration measures. Mirroring keeps noise, colours and mean brightness.
    """
    rows, columns = min(frame.shape[0], height), min(frame.shape[1], width)
    top, left = (frame.shape[0] - rows) // 2, (frame.shape[1] - columns) // 2
    middle = frame[top : top + rows, left : left + columns]
    return np.ascontiguousarray(middle[_mirrored(rows, height)[:, None], _mirrored(columns, width)[None, :]])


def codes_of(values: NDArray[Any], value_range: Range, name: str) -> NDArray[np.uint8]:
    """Real `values` of a range as codes 0 … 255; uint8 passes. Raises InputError for values beyond the range, or of another type."""
    if values.dtype == np.uint8:
        return values
    if not np.issubdtype(values.dtype, np.floating):
        raise InputError(f"{name}: holds {values.dtype}, uint8 codes or floats of the input's range are needed.")
    low, high = value_range
    codes = (values.astype(np.float64) - low) / (high - low) * _LAST_CODE
    outside = ~((codes > -_HALF_A_CODE) & (codes < _LAST_CODE + _HALF_A_CODE))  # NaN lies outside too
    if outside.any():
        raise InputError(f"{name}: {outside.mean():.1%} of its values lie outside of the input's range [{low:g}, {high:g}].")
    return np.asarray(np.rint(codes), np.uint8)


def _fitted(given: Given, wanted: Wanted) -> Sample:
    if given.frame is None:
        return _from_arrays(given, wanted)
    shapes = list(wanted.inputs.values())
    if len(shapes) != 1 or len(shapes[0]) != _IMAGE_RANK or shapes[0][0] != 1 or shapes[0][3] != _RGB:
        found = ", ".join(f"{name} {'×'.join(map(str, shape))}" for name, shape in wanted.inputs.items())
        raise UnsupportedModelError(
            f"Calibration from pictures needs one input of 1×H×W×3 (RGB), the network has {found}. Give an .npz with an array for each input."
        )
    return fit(given.frame, shapes[0][1], shapes[0][2])


def _from_arrays(given: Given, wanted: Wanted) -> Sample:
    if given.arrays.keys() != wanted.inputs.keys() and not len(given.arrays) == len(wanted.inputs) == 1:
        raise InputError(f"{given.name}: holds arrays {', '.join(given.arrays)}; the network's inputs are {', '.join(wanted.inputs)}.")
    made = []
    for name, shape in wanted.inputs.items():
        array = given.arrays[name] if name in given.arrays else next(iter(given.arrays.values()))
        if array.shape != shape[1:]:
            sizes = "×".join(map(str, array.shape)), "×".join(map(str, shape[1:]))
            raise InputError(f"{given.name}: the array for '{name}' holds frames of {sizes[0]}, the network takes {sizes[1]}.")
        made.append(codes_of(array, wanted.range, f"{given.name}, '{name}'"))
    return made[0] if len(made) == 1 else FrameSet(tuple(made))


def _mirrored(size: int, wanted: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """`wanted` indices: 0 up to size - 1, then back and forth, the edges twice."""
    places = np.arange(wanted) % (2 * size)
    return np.where(places < size, places, 2 * size - 1 - places)
