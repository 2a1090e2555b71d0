"""Wheels for the emulated Python, fetched on this machine for that one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from redmobile.core.python_tools import find_uv, python_with
from redmobile.emulator.debian import PYTHON
from redmobile.emulator.tools import run_tool

_VERSION = PYTHON.removeprefix("python")
_TAGS = (
    "manylinux_2_35_aarch64",
    "manylinux_2_34_aarch64",
    "manylinux_2_31_aarch64",
    "manylinux_2_28_aarch64",
    "manylinux_2_27_aarch64",
    "manylinux_2_17_aarch64",
)
"""What runs on the suite's libc (2.36), newest first; pip wants each by name."""


def fetch_wheels(requirements: Sequence[str], site: Path) -> None:
    """Install `requirements` for aarch64 into the folder `site`, wheels only; hashes are compared with the index's. Raises ToolError."""
    uv = find_uv()
    if uv is not None:
        command = [uv, "pip", "install", "--quiet", "--link-mode", "copy", "--python-platform", "aarch64-manylinux_2_36", "--only-binary", ":all:"]
    else:
        command = [python_with("pip"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
        command += ["--implementation", "cp", "--abi", f"cp{_VERSION.replace('.', '')}", "--abi", "abi3", "--abi", "none"]
        command += [part for tag in (*_TAGS, "any") for part in ("--platform", tag)]
    command += ["--python-version", _VERSION, "--target", str(site), *requirements]
    run_tool(f"The aarch64 wheels of {', '.join(requirements)} cannot be fetched (is there a network?)", command, seconds=1800)


def installed_versions(site: Path) -> dict[str, str]:
    """Distribution → version, of all that lies in `site`."""
    names = (folder.name.removesuffix(".dist-info") for folder in sorted(site.glob("*.dist-info")))
    return dict(name.rsplit("-", 1) for name in names)
