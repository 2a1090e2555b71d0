"""The worst picture to look at: input, expected, found, and where they differ."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.data.sheet import heat_map, side_by_side

_CELL_WIDTH = 960
_FULL_SCALES = (2, 4, 8, 16, 32, 64, 128, 255)
_QUANTILE = 99.9
_BAR_HEIGHT = 36
_BAR_WIDTH = 512
_GAP = 8
_PAPER = 24
_INK = (235, 235, 235)


def worst_sheet(image: str, given: Frame, expected: tuple[str, Frame], found: tuple[str, Frame], note: str) -> Frame:
    """Two rows (input | expected; found | error) over a colour bar. expected, found: (name, frame); all frames (H, W, 3), one shape.

    Frames wider than 960 are shrunk by a whole factor k; the error shows the largest difference of each k×k block, so that none is lost.
    note: a line with the figures, in ASCII like all words here (OpenCV's fonts have no more).
    """
    factor = -(-given.shape[1] // _CELL_WIDTH)
    size = (given.shape[1] // factor, given.shape[0] // factor)
    difference = _blocks(cv2.absdiff(expected[1], found[1]).max(axis=2), factor, size)
    full_scale = _full_scale(difference)
    error = heat_map(np.zeros((*difference.shape, 3), np.uint8), np.repeat(difference[..., None], 3, axis=2), full_scale)
    small = [np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8) for frame in (given, expected[1], found[1])]
    top = side_by_side(small[:2], [f"input: {image}", expected[0]])
    bottom = side_by_side([small[2], error], [found[0], f"difference of {found[0]} and {expected[0]}, brightest: {full_scale} codes and more"])
    return np.vstack([top, _paper(_GAP, top.shape[1]), bottom, _paper(_GAP, top.shape[1]), _bar(full_scale, note, top.shape[1])])


def _blocks(difference: NDArray[np.uint8], factor: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The largest value of each factor×factor block, (size[1], size[0])."""
    width, height = size
    cut = difference[: height * factor, : width * factor]
    return np.asarray(cut.reshape(height, factor, width, factor).max(axis=(1, 3)), np.uint8)


def _full_scale(difference: NDArray[np.uint8]) -> int:
    """The smallest scale that all but one in a thousand differences fit into."""
    needed = np.percentile(difference, _QUANTILE)
    return next(scale for scale in _FULL_SCALES if scale >= needed)


def _bar(full_scale: int, note: str, width: int) -> Frame:
    """Colours from 0 to full_scale codes, labelled, with `note` beside them."""
    length = min(_BAR_WIDTH, width // 2)
    steps = np.linspace(0, full_scale, length).round().astype(np.uint8)
    codes = np.broadcast_to(steps[None, :, None], (_BAR_HEIGHT // 2, length, 3))
    bar = _paper(_BAR_HEIGHT, width)
    bar[: _BAR_HEIGHT // 2, :length] = heat_map(np.zeros_like(codes), codes, full_scale)
    for label, at in (("0 codes", 0), (f"{full_scale} codes", max(0, length - 70))):
        cv2.putText(bar, label, (at, _BAR_HEIGHT - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _INK, 1, cv2.LINE_AA)
    cv2.putText(bar, note, (length + 2 * _GAP, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
    return bar


def _paper(height: int, width: int) -> Frame:
    return np.full((height, width, 3), _PAPER, np.uint8)
