"""Tiles that overlap, and their blending without seams."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame

_MAX_FADE = 64
"""Pixels over which one tile passes into the next."""

_MAX_MARGIN = 32
"""Pixels at a tile's edges that are not used: there the network sees its own padding."""

FloatFrame = NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Tile:
    """A rectangle of a frame, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, frame: Frame) -> Frame:
        """The rectangle's pixels."""
        return np.ascontiguousarray(frame[self.top : self.top + self.height, self.left : self.left + self.width])


def padded_length(length: int, tile: int) -> int:
    """How far a frame's side of `length` is mirrored on: to one tile if it fits in, else by a margin at either end."""
    return tile if length <= tile else length + 2 * margin(tile)


def tile_starts(length: int, tile: int) -> list[int]:
    """Where tiles of `tile` pixels begin that cover `length` pixels, evenly spread, neighbours overlapping by a fade and two margins at least."""
    if length <= tile:
        return [0]
    overlap = _fade(tile) + 2 * margin(tile)
    count = math.ceil((length - overlap) / (tile - overlap))
    return [round(index * (length - tile) / (count - 1)) for index in range(count)]


def blend(tiles: Sequence[Sequence[Tile]], size: tuple[int, int], make: Callable[[Tile], FloatFrame]) -> Frame:
    """The frame of `size` (height, width) put together from rows of tiles. make: the pixels of one tile, 0 … 255, called once each.

    In the middle of each overlap one tile passes linearly into the next; the weights of a pixel add up to 1. One row of tiles is held
    in floats at a time.
    """
    height, width = size
    result = np.empty((height, width, 3), np.uint8)
    rows = _weights([row[0].top for row in tiles], tiles[0][0].height)
    columns = _weights([tile.left for tile in tiles[0]], tiles[0][0].width)
    held: FloatFrame = np.zeros((0, width, 3), np.float32)
    done = 0
    for index, (row, (first, down)) in enumerate(zip(tiles, rows, strict=True)):
        band = np.zeros((len(down), width, 3), np.float32)
        for tile, (start, across) in zip(row, columns, strict=True):
            weight = down[:, None, None] * across[None, :, None]
            pixels = make(tile)[first - tile.top : first - tile.top + len(down), start - tile.left : start - tile.left + len(across)]
            band[:, start : start + len(across)] += weight * pixels
        band[: len(held)] += held
        end = rows[index + 1][0] if index + 1 < len(rows) else height
        result[done:end] = np.rint(np.clip(band[: end - done], 0, 255))
        held, done = band[end - done :], end
    return result


def _weights(starts: Sequence[int], tile: int) -> list[tuple[int, FloatFrame]]:
    """Of each tile along one side: the first pixel that it gives, and the weight of each from there on."""
    fade = _fade(tile)
    weights = []
    for index, start in enumerate(starts):
        first = 0 if index == 0 else (start + starts[index - 1] + tile - fade) // 2
        last = start + tile if index == len(starts) - 1 else (starts[index + 1] + start + tile - fade) // 2 + fade
        weight = np.ones(last - first, np.float32)
        ramp = (np.arange(fade, dtype=np.float32) + 0.5) / fade
        if index > 0:
            weight[:fade] *= ramp
        if index < len(starts) - 1:
            weight[-fade:] *= 1 - ramp
        weights.append((first, weight))
    return weights


def _fade(tile: int) -> int:
    return max(1, min(_MAX_FADE, tile // 8))


def margin(tile: int) -> int:
    """Pixels at the edges of tiles of side `tile` that are kept out of sight."""
    return min(_MAX_MARGIN, tile // 16)
