"""PNG with 16 bits a channel, colour profile and EXIF: OpenCV writes the pixels, the two chunks are put in here.

Source: PNG specification (third edition), iCCP and eXIf chunks: both stand before the first IDAT.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import cv2
from numpy.typing import NDArray

_IHDR_END = 8 + 4 + 4 + 13 + 4
"""Signature, then length, type, content and checksum of the header chunk."""


def encode_png16(pixels: NDArray[Any], icc: bytes | None, exif: bytes | None) -> bytes:
    """The PNG file of `pixels`: (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, uint16."""
    _, encoded = cv2.imencode(".png", _to_bgr(pixels))
    data = encoded.tobytes()
    chunks = b""
    if icc:
        chunks += _chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc))
    if exif:
        chunks += _chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    return data[:_IHDR_END] + chunks + data[_IHDR_END:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _to_bgr(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.ndim == 2:  # noqa: PLR2004 - grey
        return pixels
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)  # noqa: PLR2004 - RGB or RGBA
