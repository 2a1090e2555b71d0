"""External programs of this room: which are there, and running one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from redmobile.errors import DeviceError, ToolError

QEMU = "qemu-aarch64"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""The keys that Debian's archives are signed with."""

_PACKAGES = {QEMU: "qemu-user", "gcc": "gcc", "apt-get": "apt", "dpkg-deb": "dpkg"}
"""Program → the Debian package that has it."""

_C_HEADER = Path("/usr/include/stdio.h")
_SHOWN = 400


def missing_packages() -> tuple[str, ...]:
    """Debian packages that this machine lacks for emulating ARM; empty if nothing is missing."""
    missing = [package for program, package in _PACKAGES.items() if shutil.which(program) is None]
    if not KEYRING.is_file():
        missing.append("debian-archive-keyring")
    if not _C_HEADER.is_file():
        missing.append("libc6-dev")
    return tuple(missing)


def install_line(packages: Sequence[str]) -> str:
    """The command that installs Debian packages, with sudo for who is not root."""
    return f"{'' if os.geteuid() == 0 else 'sudo '}apt-get install {' '.join(packages)}"


def require_packages() -> None:
    """Raise DeviceError with the line that installs what is missing."""
    missing = missing_packages()
    if {"apt", "dpkg"} & set(missing):
        raise DeviceError("Emulating ARM needs Debian or a system made from it: apt-get and dpkg-deb were not found on PATH.")
    if missing:
        raise DeviceError(f"Emulating ARM needs Debian packages that are missing here: {install_line(missing)}")


def run_tool(
    what: str, command: Sequence[str], *, seconds: float = 600, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> str:
    """The standard output of `command`. what: begins the ToolError that tells of a failure, e.g. 'Debian's packages cannot be fetched'.

    environment: all of it; None: this process's. folder: where it runs; None: here.
    """
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            env=environment,
            cwd=folder,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolError(f"{what}: {command[0]} is not there.") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{what}: {Path(command[0]).name} was not done within {seconds:g} s.") from error
    if ended.returncode:
        raise ToolError(f"{what}: {Path(command[0]).name} ended with {ended.returncode} ({_said(ended.stderr or ended.stdout)}).")
    return ended.stdout


def _said(text: str) -> str:
    """The lines that look like errors, else the last ones, as one short line."""
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E: ", "error", "ERROR")) or "error:" in line]
    return " ".join(" ".join(errors or lines[-3:]).split())[:_SHOWN]
