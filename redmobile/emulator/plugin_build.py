"""Our TCG plug-in, built on the spot for the QEMU that is there."""

from __future__ import annotations

import re
from pathlib import Path

from redmobile.core.artifact import output_path, read_bytes, sha256_bytes
from redmobile.emulator.tools import QEMU, run_tool
from redmobile.errors import ToolError

_SOURCES = Path(__file__).resolve().parent / "plugin"
_OPTIONS = ("-std=c11", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror")
_INTERFACES = (((9, 1), 3), ((9, 0), 2), ((4, 2), 1))
"""First QEMU of a plug-in interface → what we call that interface; newest first. Tried with QEMU 7.2."""


def qemu_version() -> tuple[int, int]:
    """Major and minor version of qemu-aarch64. Raises ToolError."""
    told = run_tool("QEMU does not tell its version", [QEMU, "--version"])
    match = re.search(r"version (\d+)\.(\d+)", told)
    if not match:
        raise ToolError(f"{QEMU} --version says no version: {told.splitlines()[:1]}.")
    return int(match[1]), int(match[2])


def plugin_problem() -> str:
    """Why the QEMU that is here cannot load plug-ins, in one sentence; '' if it can. Raises ToolError."""
    if "-plugin" in run_tool("QEMU does not tell its options", [QEMU, "-h"]):
        return ""
    return (
        "{} {}.{} was built without plug-ins, as Debian 13's is: it can run programs and compare outputs, but not count. "
        "Debian 12's qemu-user (7.2) has them, or QEMU built with --enable-plugins."
    ).format(QEMU, *qemu_version())


def build_plugin(folder: Path) -> Path:
    """The plug-in in `folder`, built unless it is there already from the same sources for the same QEMU. Raises ToolError."""
    if problem := plugin_problem():
        raise ToolError(problem)
    version = qemu_version()
    interface = next((number for first, number in _INTERFACES if version >= first), None)
    if interface is None:
        raise ToolError(f"{QEMU} {version[0]}.{version[1]} knows no plug-ins; at least 4.2 is needed.")
    sources = sorted(path for path in _SOURCES.iterdir() if path.suffix in {".c", ".h"})
    key = sha256_bytes(b"".join(map(read_bytes, sources)) + repr((version, _OPTIONS)).encode())[:12]
    library = folder / f"count-{key}.so"
    if not library.is_file():
        with output_path(library) as partial:
            command = ["gcc", *_OPTIONS, f"-DRM_PLUGIN_API={interface}", "-o", str(partial), *(str(path) for path in sources if path.suffix == ".c")]
            run_tool("The counting plug-in cannot be built", command)
    return library
