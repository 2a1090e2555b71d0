"""Two edits of an EXIF block, in place, so that everything else in it stays byte for byte (maker notes point at absolute offsets).

Source of the layout: CIPA DC-008 (EXIF 2.32): a TIFF header, then image file directories of 12-byte entries.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_PREFIX = b"Exif\0\0"
_ORIENTATION, _EXIF_DIRECTORY, _PIXEL_WIDTH, _PIXEL_HEIGHT = 0x0112, 0x8769, 0xA002, 0xA003
_SHORT = 3
_ENTRY_BYTES = 12
_FIRST_SIDEWAYS = 5
"""Orientations 5 to 8 exchange width and height."""


def orientation(exif: bytes) -> int:
    """The orientation 1 … 8 that an EXIF block (with or without its 'Exif' prefix) asks for; 1 where it says none or is broken."""
    block = bytearray(exif.removeprefix(_PREFIX))
    try:
        found = [_short(block, at, order) for order, tag, at in _entries(block) if tag == _ORIENTATION]
    except struct.error:
        return 1
    return found[0] if found and 1 <= found[0] <= 8 else 1  # noqa: PLR2004 - the standard knows 1 to 8


def upright(exif: bytes) -> bytes:
    """The EXIF block for a picture whose pixels were turned upright.

    Orientation 1, width and height exchanged where they lay sideways, and no embedded preview (it would show the picture before).
    A broken block comes back as it is.
    """
    turned = orientation(exif)
    block = bytearray(exif.removeprefix(_PREFIX))
    try:
        for order, tag, at in _entries(block):
            if tag == _ORIENTATION:
                struct.pack_into(f"{order}H", block, at + 8, 1)
            if tag == _EXIF_DIRECTORY and turned >= _FIRST_SIDEWAYS:
                _exchange_sides(block, order, _long(block, at, order))
        _unlink_preview(block)
    except struct.error:
        return exif
    return (_PREFIX if exif.startswith(_PREFIX) else b"") + bytes(block)


def _entries(block: bytearray) -> Iterator[tuple[str, int, int]]:
    """(byte order, tag, offset of the entry) of the first directory; struct.error where the block ends too early."""
    order = _byte_order(block)
    yield from _directory(block, order, struct.unpack_from(f"{order}I", block, 4)[0])


def _directory(block: bytearray, order: str, start: int) -> Iterator[tuple[str, int, int]]:
    (count,) = struct.unpack_from(f"{order}H", block, start)
    for position in range(count):
        at = start + 2 + position * _ENTRY_BYTES
        yield order, struct.unpack_from(f"{order}H", block, at)[0], at


def _byte_order(block: bytearray) -> str:
    try:
        return {b"II*\0": "<", b"MM\0*": ">"}[bytes(block[:4])]
    except KeyError:
        raise struct.error("neither II nor MM, or not version 42") from None


def _short(block: bytearray, at: int, order: str) -> int:
    return int(struct.unpack_from(f"{order}H", block, at + 8)[0])


def _long(block: bytearray, at: int, order: str) -> int:
    return int(struct.unpack_from(f"{order}I", block, at + 8)[0])


def _exchange_sides(block: bytearray, order: str, start: int) -> None:
    sides = {tag: at for _, tag, at in _directory(block, order, start) if tag in (_PIXEL_WIDTH, _PIXEL_HEIGHT)}
    if len(sides) == 2:  # noqa: PLR2004 - width and height
        width, height = (slice(sides[tag] + 2, sides[tag] + _ENTRY_BYTES) for tag in (_PIXEL_WIDTH, _PIXEL_HEIGHT))
        block[width], block[height] = block[height], block[width]


def _unlink_preview(block: bytearray) -> None:
    order = _byte_order(block)
    (start,) = struct.unpack_from(f"{order}I", block, 4)
    (count,) = struct.unpack_from(f"{order}H", block, start)
    struct.pack_into(f"{order}I", block, start + 2 + count * _ENTRY_BYTES, 0)
