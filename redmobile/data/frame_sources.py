"""Where frames come from: a folder of pictures, one picture, a video, or an .npz of arrays; each has a name and a sha256."""

from __future__ import annotations

import dataclasses
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from redmobile.core.artifact import sha256_bytes, sha256_file
from redmobile.core.metrics import Frame
from redmobile.data import video
from redmobile.data.frames import list_images, read_image
from redmobile.errors import InputError, UsageError

Kind = Literal["pictures", "video", "arrays"]

ARRAYS = ".npz"
"""Ending of a file of arrays, each named after an input of a network, its first axis that of the frames."""

SAMPLES_OF_A_VIDEO = 16
"""Frames taken of a video when nothing else is said."""

_BROKEN = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)
"""What numpy raises for an .npz that is broken, cut short, or holds Python objects."""


@dataclasses.dataclass(frozen=True, eq=False)
class Given:
    """One frame, or what all inputs of a network get at once.

    name: within its source: 'night/3.png', 'clip.mp4#120', 'frames.npz#3'. sha256: of the picture's file; of the values of a video's frame
    (upright RGB, before it is fitted) and of arrays. frame: (H, W, 3) uint8 RGB, None for arrays.
    arrays: name of an input → its array without the axis of frames; empty for a frame.
    """

    name: str
    sha256: str
    frame: Frame | None = None
    arrays: Mapping[str, NDArray[Any]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, eq=False)
class _Entry:
    """A frame before it is read. sha256, read: callables, so that a picture's file is hashed without being unpacked."""

    name: str
    sha256: Callable[[], str]
    read: Callable[[], Given]


def kind_of(source: Path) -> Kind:
    """What `source` is, by its ending; a folder holds pictures. Raises InputError if there is nothing of that name."""
    if not source.exists():
        raise InputError(f"{source}: no such file or folder.")
    ending = source.suffix.lower()
    if source.is_dir() or ending not in (ARRAYS, *video.READABLE):
        return "pictures"
    return "arrays" if ending == ARRAYS else "video"


def read_frames(source: Path, samples: int | None = None) -> Iterator[Given]:
    """The frames of `source` in their order: at most `samples`, evenly spread over names, length or first axis; all, 16 of a video, for None.

    Raises InputError (missing, broken, nothing in it), UsageError (samples < 1).
    """
    return (entry.read() for entry in _entries(source, samples))


def hash_frames(source: Path, samples: int | None = None) -> dict[str, str]:
    """Name → sha256 of the frames that `read_frames` gives; pictures are not unpacked for it. Raises as `read_frames`."""
    return {entry.name: entry.sha256() for entry in _entries(source, samples)}


def read_named(source: Path, lock: Mapping[str, str]) -> list[Given]:
    """Exactly the frames of `source` that `lock` (name → sha256) names, in its order.

    Raises InputError that names every frame which is missing or has changed.
    """
    found = {entry.name: entry for entry in _named(source, list(lock))}
    faults = [f"{name} is missing" for name in lock if name not in found]
    hashes = {name: entry.sha256() for name, entry in found.items()}
    faults += [
        f"{name} has changed (sha256 {lock[name][:12]} expected, {sha256[:12]} found)" for name, sha256 in hashes.items() if sha256 != lock[name]
    ]
    if faults:
        raise InputError(f"{source}: is not what the lock says: {'; '.join(faults)}. Restore the files, or write a new lock.")
    return [found[name].read() for name in lock]


def evenly(count: int, samples: int | None) -> list[int]:
    """At most `samples` of the places 0 … count - 1, evenly spread, the first and the last among them; all for None.

    Raises UsageError for less than one sample.
    """
    if samples is None:
        return list(range(count))
    if samples < 1:
        raise UsageError(f"The number of frames must be at least 1, found {samples}.")
    return sorted({round(place) for place in np.linspace(0, count - 1, min(samples, count))})


def _entries(source: Path, samples: int | None) -> Iterator[_Entry]:
    kind = kind_of(source)
    if kind == "pictures":
        found = list_images(source)
        yield from (_picture(found[place], source) for place in evenly(len(found), samples))
    elif kind == "arrays":
        arrays, count = _load_arrays(source)
        yield from (_arrays(source, arrays, place) for place in evenly(count, samples))
    else:
        yield from _shots(source, evenly(video.count_frames(source), SAMPLES_OF_A_VIDEO if samples is None else samples))


def _named(source: Path, names: Sequence[str]) -> Iterator[_Entry]:
    kind = kind_of(source)
    if kind == "pictures":
        yield from (entry for path in list_images(source) if (entry := _picture(path, source)).name in set(names))
        return
    places = sorted(_place(source, name) for name in names)
    if kind == "video":
        yield from _shots(source, places)
    else:
        arrays, count = _load_arrays(source)
        yield from (_arrays(source, arrays, place) for place in places if place < count)


def _place(source: Path, name: str) -> int:
    file, _, place = name.rpartition("#")
    if file != source.name or not place.isdecimal():
        raise InputError(f"{source}: has no frame called '{name}'; its frames are called {source.name}#0 and so on.")
    return int(place)


def _picture(path: Path, source: Path) -> _Entry:
    name = path.relative_to(source if source.is_dir() else source.parent).as_posix()
    return _Entry(name, lambda: sha256_file(path), lambda: Given(name, sha256_file(path), read_image(path).frame))


def _shots(source: Path, places: Sequence[int]) -> Iterator[_Entry]:
    for place, frame in video.frames_at(source, places):
        made = Given(f"{source.name}#{place}", sha256_bytes(frame.tobytes()), frame)
        yield _ready(made)


def _arrays(source: Path, arrays: Mapping[str, NDArray[Any]], place: int) -> _Entry:
    values = {name: np.ascontiguousarray(array[place]) for name, array in arrays.items()}
    together = b"".join(values[name].tobytes() for name in sorted(values))
    return _ready(Given(f"{source.name}#{place}", sha256_bytes(together), None, values))


def _ready(made: Given) -> _Entry:
    return _Entry(made.name, lambda: made.sha256, lambda: made)


def _load_arrays(source: Path) -> tuple[dict[str, NDArray[Any]], int]:
    """The arrays of an .npz, and how many frames they hold."""
    if not zipfile.is_zipfile(source):
        raise InputError(f"{source}: is not a whole .npz file (numpy.savez writes one).")
    try:
        with np.load(source, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except _BROKEN as error:
        raise InputError(f"{source}: cannot be read as an .npz of plain arrays ({' '.join(str(error).split())}).") from error
    counts = {name: array.shape[0] if array.ndim else 0 for name, array in arrays.items()}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        found = ", ".join(f"{name} {count}" for name, count in counts.items()) or "no array"
        raise InputError(f"{source}: all arrays must hold the same number of frames along their first axis, at least one; found {found}.")
    return arrays, next(iter(counts.values()))
