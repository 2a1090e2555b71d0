"""The worst picture to look at: input, expected, found, and where they differ."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.documents import Document
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
_WEBP_QUALITY = 88


class SheetPictures(Document):
    """The worst picture for a page: input, expected, found and difference as data URIs (WebP), all `width` × `height`.

    image: its name; expected_name, found_name: the stages; psnr_db: of found against expected, at full size; full_scale_codes: the difference
    that is brightest.
    """

    image: str
    expected_name: str
    found_name: str
    psnr_db: float
    width: int
    height: int
    full_scale_codes: int
    input: str
    expected: str
    found: str
    difference: str


def worst_sheet(image: str, given: Frame, expected: tuple[str, Frame], found: tuple[str, Frame], note: str) -> Frame:
    """Two rows (input | expected; found | error) over a colour bar. expected, found: (name, frame); all frames (H, W, 3), one shape.

    Frames wider than 960 are shrunk by a whole factor k; the error shows the largest difference of each k×k block, so that none is lost.
    note: a line with the figures, in ASCII like all words here (OpenCV's fonts have no more).
    """
    small, error, full_scale = _cells(given, expected[1], found[1])
    top = side_by_side(small[:2], [f"input: {image}", expected[0]])
    bottom = side_by_side([small[2], error], [found[0], f"difference of {found[0]} and {expected[0]}, brightest: {full_scale} codes and more"])
    return np.vstack([top, _paper(_GAP, top.shape[1]), bottom, _paper(_GAP, top.shape[1]), _bar(full_scale, note, top.shape[1])])


def sheet_pictures(image: str, given: Frame, expected: tuple[str, Frame], found: tuple[str, Frame], psnr_db: float) -> SheetPictures:
    """The same pictures as `worst_sheet`'s, one by one. Arguments as there."""
    small, error, full_scale = _cells(given, expected[1], found[1])
    height, width = error.shape[:2]
    return SheetPictures(
        image=image,
        expected_name=expected[0],
        found_name=found[0],
        psnr_db=psnr_db,
        width=width,
        height=height,
        full_scale_codes=full_scale,
        input=_data_uri(small[0]),
        expected=_data_uri(small[1]),
        found=_data_uri(small[2]),
        difference=_data_uri(error),
    )


def _cells(given: Frame, expected: Frame, found: Frame) -> tuple[list[Frame], Frame, int]:
    """Input, expected and found, shrunk; the map of their differences; its full scale in codes."""
    factor = -(-given.shape[1] // _CELL_WIDTH)
    size = (given.shape[1] // factor, given.shape[0] // factor)
    difference = _blocks(cv2.absdiff(expected, found).max(axis=2), factor, size)
    full_scale = _full_scale(difference)
    error = heat_map(np.zeros((*difference.shape, 3), np.uint8), np.repeat(difference[..., None], 3, axis=2), full_scale)
    small = [np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8) for frame in (given, expected, found)]
    return small, error, full_scale


def _data_uri(frame: Frame) -> str:
    _, encoded = cv2.imencode(".webp", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, _WEBP_QUALITY])
    return f"data:image/webp;base64,{base64.b64encode(encoded.tobytes()).decode()}"


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
