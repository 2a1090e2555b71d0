"""Environments of other converters: made once from pinned versions, kept under the user's cache folder, used again."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from redmobile.bench.peers.tables import EnvironmentTable
from redmobile.core.artifact import read_bytes, sha256_bytes, write_text
from redmobile.core.cache import CACHE_VARIABLE, cache_folder
from redmobile.core.python_tools import find_uv, python_with
from redmobile.errors import ToolError

_READY = "ready.txt"
_MEBIBYTE = 1024 * 1024
_INSTALL_SECONDS = 3600


def environment_folder(name: str, requirements: Path) -> Path:
    """The folder of the environment `name`: another one for other requirements or another Python. Raises InputError."""
    key = sha256_bytes(read_bytes(requirements) + f"{platform.python_version()} {platform.machine()} {sys.platform}".encode())
    return cache_folder() / "peers" / f"{name}-{key[:12]}"


def python_of(folder: Path) -> Path:
    """The interpreter of the environment in `folder`."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def is_ready(folder: Path) -> bool:
    """Whether the environment in `folder` was made to the end."""
    return (folder / _READY).is_file()


def make_environment(name: str, table: EnvironmentTable, requirements: Path) -> Path:
    """The interpreter of the environment `name`, which is made if it is not there yet; a half-made one is made anew.

    Raises InputError (no such requirements), ToolError (no tool that makes environments, no room, a package that cannot be had).
    """
    folder = environment_folder(name, requirements)
    if is_ready(folder):
        return python_of(folder)
    _check_room(name, folder, table.disk_mib)
    shutil.rmtree(folder, ignore_errors=True)
    for command in _commands(folder, requirements):
        _run(name, command)
    write_text(folder / _READY, read_bytes(requirements).decode())
    return python_of(folder)


def _commands(folder: Path, requirements: Path) -> list[Sequence[str]]:
    python = str(python_of(folder))
    uv = find_uv()
    if uv is not None:
        return [
            [uv, "venv", "--quiet", "--no-python-downloads", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", python, "--requirement", str(requirements)],
        ]
    return [
        [python_with("venv", "ensurepip"), "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", str(requirements)],
    ]


def _check_room(name: str, folder: Path, needed_mib: int) -> None:
    standing = next(parent for parent in folder.parents if parent.exists())
    free_mib = shutil.disk_usage(standing).free // _MEBIBYTE
    if free_mib < needed_mib:
        raise ToolError(
            f"The environment '{name}' needs {needed_mib} MiB under {standing}, {free_mib} are free. "
            f"Make room, or name another folder in {CACHE_VARIABLE}."
        )


def _run(name: str, command: Sequence[str]) -> None:
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"The environment '{name}' was not made within {_INSTALL_SECONDS} s; is there a network?") from error
    if ended.returncode:
        said = " ".join(ended.stderr.split())[-400:]
        raise ToolError(f"The environment '{name}' cannot be made: {Path(command[0]).name} ended with {ended.returncode} ({said}).")
