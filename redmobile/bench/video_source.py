"""Where the frames of an open loop come from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from redmobile.bench.inputs import dark_scene
from redmobile.core.metrics import Frame
from redmobile.data.video import VideoReader, open_video
from redmobile.errors import InputError

_STEP = (3, 7)
"""Rows and columns that a made scene moves from frame to frame."""

_ROOM = (96, 224)
"""Rows and columns that a made scene is larger than its frames."""


class Source(Protocol):
    """Frames, (H, W, 3) uint8 full-range RGB, all of one size."""

    stage: str
    """What getting a frame is called: 'make', 'decode'."""

    says: str

    def frame(self, number: int) -> Frame:
        """Frame `number`; numbers may skip, but not go back. Raises InputError."""
        ...


class MadeFrames:
    """A dark scene that moves. Implements Source."""

    def __init__(self, height: int, width: int) -> None:
        self.stage = "make"
        self.says = f"a made scene, {width}×{height}"
        self._height, self._width = height, width
        self._scene = dark_scene(height + _ROOM[0], width + _ROOM[1])

    def frame(self, number: int) -> Frame:
        """See Source."""
        top, left = (step * number % room for step, room in zip(_STEP, _ROOM, strict=True))
        return np.ascontiguousarray(self._scene[top : top + self._height, left : left + self._width])


class DecodedFrames:
    """A video, from the beginning again when it ends. A frame that is skipped is decoded all the same. Implements Source."""

    def __init__(self, path: Path, held: contextlib.ExitStack) -> None:
        self.stage = "decode"
        self._path = path
        self._held = held
        self._next = 0
        reader = self._open()
        self.says = f"{path.name}, {reader.info.width}×{reader.info.height}"

    def frame(self, number: int) -> Frame:
        """See Source."""
        while True:
            frame = self._read()
            self._next += 1
            if self._next > number:
                return frame

    def _read(self) -> Frame:
        found = next(self._frames, None)
        if found is None:
            self._open()
            found = next(self._frames, None)
        if found is None:
            raise InputError(f"{self._path}: holds no picture that can be decoded.")
        return found.frame

    def _open(self) -> VideoReader:
        self._held.close()
        reader = self._held.enter_context(open_video(self._path))
        self._frames = reader.frames()
        return reader


@contextlib.contextmanager
def open_source(height: int, width: int, video: Path | None) -> Iterator[Source]:
    """The frames of `video`, or made ones of height × width. Raises InputError."""
    if video is None:
        yield MadeFrames(height, width)
        return
    with contextlib.ExitStack() as held:
        yield DecodedFrames(video, held)
