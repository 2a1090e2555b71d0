"""Whether a video file is whole, from the lengths that its outermost parts state: FFmpeg plays a cut one to where it ends and says nothing.

Sources: ISO/IEC 14496-12, §4.2 (MP4, MOV: boxes); RFC 8794, §4 and RFC 9559 (Matroska, WebM: EBML elements); RIFF (AVI: chunks).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from redmobile.errors import InputError

_HEAD_BYTES, _LARGE_HEAD_BYTES = 8, 16
_LENGTH_FOLLOWS, _TO_THE_END = 1, 0
_EBML, _RIFF = b"\x1a\x45\xdf\xa3", b"RIFF"
_MP4_ENDINGS = frozenset({".mp4", ".mov", ".m4v"})
_BITS_OF_BYTE = 8

Part = tuple[str, int]
"""Name and length in bytes, head included, of one part."""


def check_whole(path: Path) -> None:
    """Raise InputError if `path` ends before its last part does, or is an MP4 without table of contents (moov).

    Files that are none of MP4, MOV, Matroska, WebM, AVI pass, and so do recordings that state no length.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if path.suffix.lower() in _MP4_ENDINGS:
                kinds = [kind for kind, _ in _walk(path, file, size, _box)]
                if "moov" not in kinds:
                    raise InputError(
                        f"{path}: has no table of contents (moov): the recording was not finished. Found: {', '.join(kinds) or 'nothing'}."
                    )
            elif head.startswith(_EBML):
                list(_walk(path, file, size, _element))
            elif head.startswith(_RIFF):
                list(_walk(path, file, size, _chunk))
    except (struct.error, IndexError, OSError) as error:
        raise InputError(f"{path}: is cut short or broken ({error}).") from error


def _walk(path: Path, file: BinaryIO, size: int, read_part: Callable[[bytes, int], Part]) -> Iterator[Part]:
    """The outermost parts in their order. Raises InputError if one ends behind the end of the file."""
    position = 0
    while position < size:
        file.seek(position)
        kind, length = read_part(file.read(_LARGE_HEAD_BYTES), size - position)
        if length <= 0 or position + length > size:
            raise InputError(f"{path}: is cut short or broken (its part '{kind}' should end at byte {position + length:,}; the file has {size:,}).")
        yield kind, length
        position += length


def _box(head: bytes, rest: int) -> Part:
    length, kind = struct.unpack_from(">I4s", head)
    if length == _LENGTH_FOLLOWS:
        (length,) = struct.unpack_from(">Q", head, _HEAD_BYTES)
    elif length == _TO_THE_END:
        length = rest
    return kind.decode("latin-1"), length if length >= _HEAD_BYTES else 0


def _chunk(head: bytes, rest: int) -> Part:  # noqa: ARG001 - a chunk always states its length
    kind, length = struct.unpack_from("<4sI", head)
    return kind.decode("latin-1"), _HEAD_BYTES + length + length % 2


def _element(head: bytes, rest: int) -> Part:
    """An EBML element: identifier and length are numbers whose first byte says by its leading zeros how many bytes they have."""
    identifier_bytes = _number_bytes(head[0])
    length_bytes = _number_bytes(head[identifier_bytes])
    stated = int.from_bytes(head[identifier_bytes : identifier_bytes + length_bytes]) & ((1 << 7 * length_bytes) - 1)
    unknown = stated == (1 << 7 * length_bytes) - 1
    return head[:identifier_bytes].hex(), rest if unknown else identifier_bytes + length_bytes + stated


def _number_bytes(first: int) -> int:
    return _BITS_OF_BYTE + 1 - first.bit_length()
