"""Where the delegate's library is, and how it is built: CMake, into the user's cache, under the hash of the sources."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from redmobile.core.artifact import read_bytes, write_bytes
from redmobile.core.cache import cache_folder
from redmobile.errors import DeviceError, ToolError, UsageError

SOURCES = Path(__file__).parent
"""The folder of the C sources, in a checkout and in a wheel."""

LIBRARY = "libredmobile_delegate.so"

_SECONDS = 600
_SUFFIXES = (".c", ".h", ".inc", ".txt", ".map")


@dataclasses.dataclass(frozen=True)
class Target:
    """A kind of machine that the library is built for. machine: as `uname -m` says it; compiler: its name; get: the line that installs it.

    settings: for CMake, key → value.
    """

    machine: str
    compiler: str
    get: str
    settings: Mapping[str, str] = dataclasses.field(default_factory=dict)


def _cross(**settings: str) -> dict[str, str]:
    return {"CMAKE_SYSTEM_NAME": "Linux", "CMAKE_SYSTEM_PROCESSOR": "aarch64", **settings}


TARGETS: Mapping[str, Target] = {
    "host": Target(platform.machine(), "cc", "apt install gcc"),
    "aarch64-linux": Target(
        "aarch64", "aarch64-linux-gnu-gcc", "apt install gcc-aarch64-linux-gnu", _cross(CMAKE_C_COMPILER="aarch64-linux-gnu-gcc")
    ),
    "aarch64-android": Target(
        "aarch64", "clang", "apt install clang lld", _cross(CMAKE_C_COMPILER="clang", CMAKE_C_COMPILER_WORKS="1", RM_ANDROID="ON")
    ),
}
"""Name → target."""


def library_path(target: str = "host") -> Path:
    """Where the library for `target` stands, or will stand once it is built. Raises UsageError for an unknown target."""
    if target not in TARGETS:
        raise UsageError(f"Unknown target '{target}' of the kernels. Known: {', '.join(TARGETS)}.")
    machine = f"-{platform.machine()}" if target == "host" else ""
    return cache_folder() / "kernels" / f"{target}{machine}-{_hash_of_sources()}" / LIBRARY


def find_library(target: str = "host") -> Path | None:
    """The library for `target`, if it was built from these sources."""
    path = library_path(target)
    return path if path.is_file() else None


def need_library() -> Path:
    """The library for this machine. Raises DeviceError if it was not built yet: that takes a compiler, so it is not done unasked."""
    found = find_library()
    if found is None:
        raise DeviceError("The kernels' library is not built on this machine yet: redmobile kernels build")
    return found


def missing_tools(target: str = "host") -> tuple[str, ...]:
    """What building for `target` needs and this machine lacks, each with the line that installs it."""
    tools = {"cmake": "apt install cmake", TARGETS[target].compiler: TARGETS[target].get}
    if target == "aarch64-android":
        tools["ld.lld"] = "apt install lld"
    return tuple(f"{tool} ({get})" for tool, get in tools.items() if shutil.which(tool) is None)


def build_library(target: str = "host", *, again: bool = False) -> Path:
    """Build the library for `target`, unless it stands already (again: build it all the same). Raises UsageError, DeviceError, ToolError.

    Half a minute on two cores.
    """
    path = library_path(target)
    if path.is_file() and not again:
        return path
    missing = missing_tools(target)
    if missing:
        raise DeviceError(f"Building the kernels for {target} needs {' and '.join(missing)}.")
    with tempfile.TemporaryDirectory(prefix="redmobile-kernels-") as folder:
        settings = [f"-D{key}={value}" for key, value in TARGETS[target].settings.items()]
        _run(["cmake", "-S", str(SOURCES), "-B", folder, "-DRM_TESTS=OFF", *settings])
        _run(["cmake", "--build", folder, "--parallel", "2", "--target", "redmobile_delegate"])
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, read_bytes(Path(folder) / LIBRARY))
    return path


def _run(command: list[str]) -> None:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{command[0]} did not end within {_SECONDS} s: {' '.join(command)}") from error
    if ended.returncode:
        lines = [line.strip() for line in (ended.stdout + ended.stderr).splitlines() if "error" in line.lower()]
        raise ToolError(f"{' '.join(command[:2])} failed ({ended.returncode}): {lines[0] if lines else ended.stderr.strip()[-300:]}")


def _hash_of_sources() -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in SOURCES.rglob("*") if path.suffix in _SUFFIXES and path.is_file()):
        digest.update(path.relative_to(SOURCES).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
