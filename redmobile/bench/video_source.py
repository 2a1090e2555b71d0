"""Where the frames of an open loop come from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from redmobile.bench.inputs import dark_scene
from redmobile.core.metrics import Frame
from redmobile.data.frames import list_images, read_image
from redmobile.data.video import TimedFrame, VideoReader, open_video
from redmobile.errors import InputError

_STEP = (3, 7)
"""Rows and columns that a made scene moves from frame to frame."""

_ROOM = (96, 224)
"""Rows and columns that a made scene is larger than its frames."""

_SHOT = 90
"""Frames of one photograph before the next."""


class Source(Protocol):
    """Frames, (height, width, 3) uint8 full-range RGB."""

    stage: str
    """What getting a frame is called: 'make', 'decode'."""

    says: str
    height: int
    width: int

    def frame(self, number: int) -> Frame:
        """Frame `number`; numbers may skip, but not go back. Raises InputError."""
        ...


class MadeFrames:
    """Scenes that move under the camera, one after the other. Implements Source."""

    def __init__(self, scenes: Sequence[Frame], height: int, width: int, says: str) -> None:
        self.stage = "make"
        self.says = f"{says}, {width}×{height}"
        self.height, self.width = height, width
        self._scenes = scenes

    def frame(self, number: int) -> Frame:
        """See Source."""
        scene = self._scenes[number // _SHOT % len(self._scenes)]
        top, left = (step * number % room for step, room in zip(_STEP, _ROOM, strict=True))
        return np.ascontiguousarray(scene[top : top + self.height, left : left + self.width])


class _FromOn:
    """Places in a video from `first` on. seen: how many were asked about, which are all that were decoded."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.seen = 0

    def __contains__(self, place: object) -> bool:
        if not isinstance(place, int):
            return False
        self.seen = place + 1
        return place >= self.first


class DecodedFrames:
    """A video, from the beginning again when it ends. A frame that is skipped is decoded, but not turned into RGB. Implements Source."""

    def __init__(self, path: Path, held: contextlib.ExitStack) -> None:
        self.stage = "decode"
        self._path = path
        self._held = held
        self._passed = 0
        info = self._open(0).info
        self.height, self.width = info.height, info.width
        self.says = f"{path.name}, {info.width}×{info.height}"

    def frame(self, number: int) -> Frame:
        """See Source."""
        self._wanted.first = number - self._passed
        while (found := next(self._frames, None)) is None:
            self._passed += self._wanted.seen
            self._open(number - self._passed)
        return found.frame

    def _open(self, first: int) -> VideoReader:
        self._held.close()
        reader = self._held.enter_context(open_video(self._path))
        self._wanted = _FromOn(first)
        self._frames = (part for part in reader.parts(self._wanted) if isinstance(part, TimedFrame))
        return reader


class PictureFrames:
    """The pictures in a folder as frames, in the order of their names, again and again; all of one size. Implements Source."""

    def __init__(self, folder: Path) -> None:
        self.stage = "decode"
        self._files = list_images(folder)
        self.height, self.width = self._read(0).shape[:2]
        self.says = f"{folder.name}/, {len(self._files)} pictures, {self.width}×{self.height}"

    def frame(self, number: int) -> Frame:
        """See Source."""
        place = number % len(self._files)
        found = self._read(place)
        if found.shape[:2] != (self.height, self.width):
            sizes = f"{self.width}×{self.height} as the first one was expected, {found.shape[1]}×{found.shape[0]} was found"
            raise InputError(f"{self._files[place]}: frames of a stream have one size; {sizes}.")
        return found

    def _read(self, place: int) -> Frame:
        return read_image(self._files[place]).frame


@contextlib.contextmanager
def open_source(height: int, width: int, frames: Path | None, photographs: Path | None = None) -> Iterator[Source]:
    """The frames of the video or folder of pictures `frames`; without it, made ones of height × width. Raises InputError.

    Made frames show the pictures in the folder `photographs`, enlarged where they must be, or without those a scene made of noise.
    """
    if frames is not None and frames.is_dir():
        yield PictureFrames(frames)
    elif frames is not None:
        with contextlib.ExitStack() as held:
            yield DecodedFrames(frames, held)
    else:
        yield _made(height, width, photographs)


def _made(height: int, width: int, photographs: Path | None) -> MadeFrames:
    size = (height + _ROOM[0], width + _ROOM[1])
    if photographs is None:
        return MadeFrames([dark_scene(*size)], height, width, "a made scene")
    scenes = [_cover(read_image(path).frame, *size) for path in list_images(photographs)]
    return MadeFrames(scenes, height, width, f"{len(scenes)} photographs in motion")


def _cover(frame: Frame, height: int, width: int) -> Frame:
    """The middle of `frame`, scaled until it covers height × width."""
    scale = max(height / frame.shape[0], width / frame.shape[1])
    size = (max(width, round(frame.shape[1] * scale)), max(height, round(frame.shape[0] * scale)))
    scaled = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width], np.uint8)
