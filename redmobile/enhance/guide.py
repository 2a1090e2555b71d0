"""Keeps tiles of one picture alike, for networks that look at the whole picture.

Such a network chooses its brightness from the mean of what it sees: a tile of sky comes out darker than a tile of the shadow beside it.
So the network is also run on the whole frame, made small enough: the guide. Each tile's result is then brought to the guide's, below
the guide's resolution, and keeps its own detail above it:

    result = a · tile + b + e

a, b: a local straight line from the tile (made as small as the guide) to the guide, by least squares in a window, as in the guided
filter (He, Sun and Tang, PAMI 2013; computed small and enlarged: He and Sun 2015), drawn to the quotient of their means where the
window is flat; e: what the line misses, smoothed. `a` also scales the detail, which a mere offset would leave at the tile's contrast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.enhance.tiles import FloatFrame, Tile

_WINDOW = 17
"""Side of the window, in pixels of the guide."""

_SMOOTHING_SIGMA = 2.0
"""Of the error that is added back, in pixels of the guide."""

_FLATNESS = 9.0
"""Variance in codes² below which a window counts as flat: noise of 3 codes."""

_SLOPES = (0.2, 5.0)
"""Bounds of `a`."""


class Guide:
    """The network's result on the whole `frame`, shrunk to fit into `size` (height, width). run: the network on a frame that fits in."""

    def __init__(self, frame: Frame, size: tuple[int, int], run: Callable[[Frame], Frame]) -> None:
        height, width = frame.shape[:2]
        self._scale = max(height / size[0], width / size[1], 1.0)
        small_size = (max(1, round(width / self._scale)), max(1, round(height / self._scale)))
        self._size = size
        self._offset = (max(size[0] - height, 0) // 2, max(size[1] - width, 0) // 2)
        self._factors = (height / small_size[1], width / small_size[0])
        self._pixels = run(np.asarray(cv2.resize(frame, small_size, interpolation=cv2.INTER_AREA), np.uint8)).astype(np.float32)

    def match(self, made: Frame, tile: Tile) -> FloatFrame:
        """The network's result `made` on `tile`, brought to the guide. float32, not yet clipped.

        tile: in pixels of the frame as it was mirrored on to at least `size`.
        """
        small_size = (max(1, round(tile.width / self._scale)), max(1, round(tile.height / self._scale)))
        found = np.asarray(cv2.resize(made.astype(np.float32), small_size, interpolation=cv2.INTER_AREA), np.float32).reshape(*small_size[::-1], 3)
        wanted = self._part(tile, small_size)
        slope, offset = _line(found, wanted)
        missed = cv2.GaussianBlur(wanted - (slope * found + offset), (0, 0), _SMOOTHING_SIGMA, borderType=cv2.BORDER_REFLECT)
        return made * self._enlarge(slope, tile) + self._enlarge(offset + missed, tile)

    def _part(self, tile: Tile, small_size: tuple[int, int]) -> NDArray[Any]:
        """The guide under `tile`, at `small_size` (width, height), mirrored on where the frame was."""
        step_y, step_x = tile.height / small_size[1], tile.width / small_size[0]
        # Centres of the small pixels, in pixels of the mirrored frame, then of the frame, then of the guide.
        rows = ((np.arange(small_size[1]) + 0.5) * step_y + tile.top - self._offset[0]) / self._factors[0] - 0.5
        columns = ((np.arange(small_size[0]) + 0.5) * step_x + tile.left - self._offset[1]) / self._factors[1] - 0.5
        map_x, map_y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
        return np.asarray(cv2.remap(self._pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.float32)

    def _enlarge(self, field: NDArray[Any], tile: Tile) -> FloatFrame:
        return np.asarray(cv2.resize(field, (tile.width, tile.height), interpolation=cv2.INTER_LINEAR), np.float32)


def _line(found: NDArray[Any], wanted: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Slope and offset, at each pixel and channel, of the line from `found` to `wanted` in the window around it, smoothed."""
    mean_found, mean_wanted = _mean(found), _mean(wanted)
    variance = np.maximum(_mean(found * found) - mean_found**2, 0)
    covariance = _mean(found * wanted) - mean_found * mean_wanted
    quotient = (mean_wanted + 1) / (mean_found + 1)
    slope = np.clip((covariance + _FLATNESS * quotient) / (variance + _FLATNESS), *_SLOPES)
    return _mean(slope), _mean(mean_wanted - slope * mean_found)


def _mean(field: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(cv2.blur(field, (_WINDOW, _WINDOW), borderType=cv2.BORDER_REFLECT), np.float32)
