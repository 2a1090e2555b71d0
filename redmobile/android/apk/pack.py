"""The APK's zip: entries in a fixed order and with a fixed date, stored ones aligned so that Android can map them where they lie."""

from __future__ import annotations

import dataclasses
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

from redmobile.android.apk.native import PAGE_BYTES
from redmobile.core.artifact import output_path

_DATE = (1981, 1, 1, 1, 1, 2)
"""The date of each entry, as Android's own build writes it: two builds give the same bytes."""

_LOCAL_HEADER = 30
_ALIGNMENT_ID = 0xD935
"""Android's extra field for alignment, which apksigner keeps."""

_FIELD_HEADER = struct.Struct("<HHH")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file of the APK. stored: without compression, so that it can be mapped."""

    name: str
    data: bytes
    stored: bool


def alignment(name: str) -> int:
    """Bytes at a multiple of which the stored entry `name` begins."""
    return PAGE_BYTES if name.endswith(".so") else 4


def entries_of(archive: Path) -> list[Entry]:
    """The entries of an APK, in their order."""
    with zipfile.ZipFile(archive) as opened:
        return [Entry(info.filename, opened.read(info), info.compress_type == zipfile.ZIP_STORED) for info in opened.infolist()]


def pack(entries: Sequence[Entry], final: Path) -> None:
    """Write the unsigned APK. Raises OutputError."""
    with output_path(final) as partial, zipfile.ZipFile(partial, "w") as archive:
        for entry in entries:
            _write(archive, entry)


def _write(archive: zipfile.ZipFile, entry: Entry) -> None:
    info = zipfile.ZipInfo(entry.name, _DATE)
    info.compress_type = zipfile.ZIP_STORED if entry.stored else zipfile.ZIP_DEFLATED
    info.create_system = 0
    info.external_attr = 0
    if entry.stored:
        info.extra = _aligning(archive.start_dir, entry.name)
    archive.writestr(info, entry.data, compress_type=info.compress_type)


def _aligning(position: int, name: str) -> bytes:
    """The extra field that puts the data of an entry whose header begins at `position` where it must be."""
    wanted = alignment(name)
    begins = position + _LOCAL_HEADER + len(name.encode()) + _FIELD_HEADER.size
    gap = -begins % wanted
    return _FIELD_HEADER.pack(_ALIGNMENT_ID, 2 + gap, wanted) + bytes(gap)


def data_offset(archive: Path, info: zipfile.ZipInfo) -> int:
    """Where in the file the data of an entry begins."""
    with archive.open("rb") as opened:
        opened.seek(info.header_offset)
        header = opened.read(_LOCAL_HEADER)
    name_length, extra_length = struct.unpack("<HH", header[26:30])
    return info.header_offset + _LOCAL_HEADER + int(name_length) + int(extra_length)
