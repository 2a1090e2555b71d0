"""TIFF with its tags, 8 or 16 bits a channel: Pillow writes no 16-bit colour and no EXIF directory, OpenCV would lose the tags.

Source: TIFF 6.0, sections 6 (RGB), 14 (differencing predictor) and 18 (alpha); Deflate: Adobe's TIFF technical note of 2002.
"""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin
from PIL.TiffTags import LONG, SHORT

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIP_OFFSETS = 256, 257, 258, 259, 262, 273
_SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES, _PLANAR, _PREDICTOR, _EXTRA_SAMPLES, _ICC = 277, 278, 279, 284, 317, 338, 34675
_DEFLATE, _BLACK_IS_ZERO, _RGB, _CONTIGUOUS, _HORIZONTAL, _UNASSOCIATED_ALPHA = 8, 1, 2, 1, 2, 2
_GREY_SAMPLES, _ALPHA_SAMPLES = (1, 2), (2, 4)


def encode_tiff(pixels: NDArray[Any], icc: bytes | None, tags: dict[int, Any]) -> bytes:
    """The TIFF file (one Deflate strip, little endian) of `pixels`: (H, W) grey or (H, W, C), uint8 or uint16.

    C: 2 grey and alpha, 3 RGB, 4 RGBA.

    tags: further entries of the directory, number → value, as Pillow takes them.
    """
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]  # noqa: PLR2004 - grey
    strip = zlib.compress(_differences(pixels).tobytes())
    directory = TiffImagePlugin.ImageFileDirectory_v2(b"II\x2a\0\0\0\0\0")
    for tag, value in tags.items():
        directory[tag] = value
    sizes = {_WIDTH: pixels.shape[1], _HEIGHT: pixels.shape[0], _ROWS_PER_STRIP: pixels.shape[0], _STRIP_BYTES: len(strip), _STRIP_OFFSETS: 0}
    for tag, size in sizes.items():
        directory.tagtype[tag] = LONG
        directory[tag] = size
    directory.tagtype[_BITS] = SHORT
    directory[_BITS] = (8 * pixels.itemsize,) * samples
    directory[_COMPRESSION] = _DEFLATE
    directory[_PHOTOMETRIC] = _BLACK_IS_ZERO if samples in _GREY_SAMPLES else _RGB
    directory[_SAMPLES] = samples
    directory[_PLANAR] = _CONTIGUOUS
    directory[_PREDICTOR] = _HORIZONTAL
    if samples in _ALPHA_SAMPLES:
        directory[_EXTRA_SAMPLES] = _UNASSOCIATED_ALPHA
    if icc:
        directory[_ICC] = icc
    file = io.BytesIO()
    directory.save(file)
    file.write(strip)
    return file.getvalue()


def _differences(pixels: NDArray[Any]) -> NDArray[Any]:
    """Each sample less the same sample of the pixel to its left, wrapping around: what Deflate likes. Little endian."""
    steps = np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder("<"))
    steps[:, 1:] -= pixels[:, :-1]
    return steps
