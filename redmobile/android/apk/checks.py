"""What an APK must hold true before it is handed over: gathered, then raised once."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

from redmobile.android.apk.code import MIN_API
from redmobile.android.apk.native import PAGE_BYTES
from redmobile.android.apk.pack import alignment, data_offset
from redmobile.android.apk.tools import Tools, run
from redmobile.errors import ToolError

NETWORK = ("android.permission.INTERNET", "android.permission.ACCESS_NETWORK_STATE", "android.permission.ACCESS_WIFI_STATE")
"""Permissions that the app promises never to ask for."""

_CALL_SITES, _METHOD_HANDLES = 0x0007, 0x0008
"""Sections of a dex file that exist for invoke-custom alone (dex format, map_list)."""

_PT_LOAD, _PT_GNU_RELRO = 1, 0x6474E552


def check_apk(apk: Path, tools: Tools, work: Path) -> dict[str, str]:
    """Facts about the APK, each a line; raises ToolError with everything that is wrong."""
    faults: list[str] = []
    with zipfile.ZipFile(apk) as archive:
        faults += alignment_faults(apk, archive)
        for info in archive.infolist():
            if info.filename.endswith(".so"):
                faults += elf_faults(info.filename, archive.read(info))
            if info.filename.endswith(".dex"):
                faults += dex_faults(info.filename, archive.read(info))
    permissions = asked_permissions(apk, tools, work)
    faults += [f"the manifest asks for {name}; the app promises never to use a network" for name in permissions if name in NETWORK]
    schemes = signature_schemes(apk, tools, work)
    faults += [f"apksigner verifies no signature of scheme {scheme}" for scheme in ("v2", "v3") if scheme not in schemes]
    if faults:
        raise ToolError(f"{apk.name}: {'; '.join(faults)}.")
    return {"signature": " + ".join(schemes), "alignment": f"{PAGE_BYTES // 1024} KB", "permissions": ", ".join(permissions) or "none"}


def alignment_faults(apk: Path, archive: zipfile.ZipFile) -> Iterator[str]:
    """Stored entries that begin where they must not; libraries that are not stored."""
    for info in archive.infolist():
        stored = info.compress_type == zipfile.ZIP_STORED
        if info.filename.endswith(".so") and not stored:
            yield f"{info.filename} is compressed, so that it cannot be mapped"
        elif stored and (offset := data_offset(apk, info)) % alignment(info.filename):
            yield f"{info.filename} begins at {offset:#x}, not at a multiple of {alignment(info.filename)}"


def elf_faults(name: str, data: bytes) -> Iterator[str]:
    """Segments of a 64-bit ELF library that do not begin at whole pages, or a read-only part that ends within one that is written to."""
    table, entry, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    segments = [struct.unpack_from("<IIQQQQQQ", data, table + index * entry) for index in range(count)]
    loads = [(offset, address, size, align) for kind, _, offset, address, _, _, size, align in segments if kind == _PT_LOAD]
    for offset, address, _, align in loads:
        if align % PAGE_BYTES or (offset - address) % PAGE_BYTES:
            yield f"{name}: the segment at {address:#x} is aligned to {align:#x}, not to {PAGE_BYTES:#x}"
    for kind, _, _, start, _, _, size, _ in segments:
        shared = (start + size) // PAGE_BYTES
        if (
            kind == _PT_GNU_RELRO
            and (start + size) % PAGE_BYTES
            and any(shared == address // PAGE_BYTES for _, address, _, _ in loads if address >= start + size)
        ):
            yield f"{name}: the read-only part that ends at {start + size:#x} shares a page with data that is written"


def dex_faults(name: str, data: bytes) -> Iterator[str]:
    """invoke-custom, whose bootstrap methods Android has not."""
    if not data.startswith(b"dex\n"):
        yield f"{name} is no dex file"
        return
    (place,) = struct.unpack_from("<I", data, 52)
    (count,) = struct.unpack_from("<I", data, place)
    kinds = [struct.unpack_from("<H", data, place + 4 + 12 * index)[0] for index in range(count)]
    if _CALL_SITES in kinds or _METHOD_HANDLES in kinds:
        yield f"{name} has invoke-custom or method handles"


def dex_version(data: bytes) -> str:
    """The version in a dex file's header, e.g. 038."""
    return data[4:7].decode("ascii", "replace")


def asked_permissions(apk: Path, tools: Tools, work: Path) -> list[str]:
    """The permissions in the packed manifest. Raises ToolError."""
    said = run((tools.aapt2, "dump", "permissions", apk), "reading the permissions", work / "permissions.log")
    return re.findall(r"uses-permission(?:-sdk-23)?: name='([^']+)'", said)


def signature_schemes(apk: Path, tools: Tools, work: Path) -> list[str]:
    """The schemes of signatures that apksigner verifies, e.g. ['v2', 'v3']. Raises ToolError (it verifies nothing)."""
    command = (tools.apksigner, "verify", "--verbose", "--min-sdk-version", str(MIN_API), apk)
    said = run(command, "verifying the signature", work / "verify.log")
    return re.findall(r"Verified using (v\d) scheme[^:]*: true", said)
