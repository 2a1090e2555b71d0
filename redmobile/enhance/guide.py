"""Keeps tiles of one picture alike, for networks that look at the whole picture.

Such a network chooses its brightness from the mean of what it sees: a tile of sky comes out darker than a tile of the shadow beside it.
So the network is also run on the whole frame, made small enough: the guide. Each tile's result is then brought to the guide's, below
the guide's resolution, and keeps its own detail above it:

    result = a · tile + b + e

a, b: a straight line from the tile (made as small as the guide) to the guide that brings mean and standard deviation of a window
around the pixel to the guide's, drawn to the quotient of the means where the window is flat. (Least squares, as in the guided filter,
would flatten fine texture: of that, tile and guide hold different samples.) e: what the line misses, smoothed. `a` scales the detail
too, which a mere offset would leave at the tile's contrast. All is computed small and enlarged, after He and Sun, "Fast guided
filter", 2015.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.enhance.tiles import FloatFrame, Tile, margin

_WINDOW = 17
"""Side of the window, in pixels of the guide."""

_SAMPLING_SIGMA = 1.0
"""Both are smoothed by this before they are compared, in pixels of the guide: they were sampled at different places."""

_ERROR_SIGMA = 2.0
"""Smoothing of the error that is added back, in pixels of the guide."""

_FLATNESS = 9.0
"""Variance in codes² up to which a window counts as flat: noise of 3 codes."""

_SLOPES = (0.2, 5.0)
"""Bounds of `a`."""

_SHORTEST_SIDE = 32
"""A side of the guide is not shrunk below this: of a thin strip more is kept across than along."""


class Guide:
    """The network's result on the whole `frame`, shrunk to lie in the middle of the network's `size` (height, width), off its edges.

    padded_size: what the frame was mirrored on to, itself in the middle; tiles are cut from that. run: the network on a frame that fits in.
    """

    def __init__(self, frame: Frame, padded_size: tuple[int, int], size: tuple[int, int], run: Callable[[Frame], Frame]) -> None:
        height, width = frame.shape[:2]
        room = (size[0] - 2 * margin(size[0]), size[1] - 2 * margin(size[1]))
        scale = max(height / room[0], width / room[1], 1.0)
        rows, columns = (max(round(side / scale), min(side, _SHORTEST_SIDE, most)) for side, most in ((height, room[0]), (width, room[1])))
        self._offset = ((padded_size[0] - height) // 2, (padded_size[1] - width) // 2)
        self._factors = (height / rows, width / columns)
        self._pixels = run(np.asarray(cv2.resize(frame, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)).astype(np.float32)

    def match(self, made: Frame, tile: Tile) -> FloatFrame:
        """The network's result `made` on `tile` of the padded frame, brought to the guide. float32, not yet clipped."""
        rows, columns = max(1, round(tile.height / self._factors[0])), max(1, round(tile.width / self._factors[1]))
        found = _smooth(cv2.resize(made.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA), _SAMPLING_SIGMA)
        wanted = _smooth(self._part(tile, rows, columns), _SAMPLING_SIGMA)
        slope, offset = _line(found, wanted)
        missed = _smooth(wanted - (slope * found + offset), _ERROR_SIGMA)
        return made * self._enlarge(slope, tile) + self._enlarge(offset + missed, tile)

    def _part(self, tile: Tile, rows: int, columns: int) -> NDArray[Any]:
        """The guide under `tile`, at rows × columns, mirrored on where the frame was."""
        # Centres of the small pixels, in pixels of the mirrored frame, then of the frame, then of the guide.
        y = ((np.arange(rows) + 0.5) * tile.height / rows + tile.top - self._offset[0]) / self._factors[0] - 0.5
        x = ((np.arange(columns) + 0.5) * tile.width / columns + tile.left - self._offset[1]) / self._factors[1] - 0.5
        map_x, map_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
        return np.asarray(cv2.remap(self._pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.float32)

    def _enlarge(self, field: NDArray[Any], tile: Tile) -> FloatFrame:
        return np.asarray(cv2.resize(field, (tile.width, tile.height), interpolation=cv2.INTER_LINEAR), np.float32)


def _line(found: NDArray[Any], wanted: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Slope and offset, at each pixel and channel, of the line from `found` to `wanted` in the window around it, smoothed."""
    mean_found, mean_wanted = _mean(found), _mean(wanted)
    variance_found = np.maximum(_mean(found * found) - mean_found**2, 0)
    variance_wanted = np.maximum(_mean(wanted * wanted) - mean_wanted**2, 0)
    quotient = (mean_wanted + 1) / (mean_found + 1)
    slope = np.sqrt((variance_wanted + _FLATNESS * quotient**2) / (variance_found + _FLATNESS))
    slope = np.clip(slope, *_SLOPES)
    slope = np.clip(slope, *_SLOPES)
    return _mean(slope), _mean(mean_wanted - slope * mean_found)


def _mean(field: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(cv2.blur(field, (_WINDOW, _WINDOW), borderType=cv2.BORDER_REFLECT), np.float32)


def _smooth(field: NDArray[Any], sigma: float) -> NDArray[Any]:
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float32)
