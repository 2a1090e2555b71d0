"""A converter that can be called: its interpreter, its driver, and a fingerprint of everything that decides what it gives."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from redmobile.bench.peers.environments import environment_folder, is_ready, make_environment
from redmobile.bench.peers.limited import Limits, run_limited
from redmobile.bench.peers.tables import ConversionTable, Precision
from redmobile.core.artifact import read_bytes, sha256_bytes
from redmobile.core.environment import describe
from redmobile.errors import InputError
from redmobile.shelf import find

PACKAGE = Path(__file__).resolve().parents[2]
DRIVERS = Path(__file__).resolve().parent / "drivers"
DRIVE = DRIVERS / "drive.py"
_SHARED = (DRIVE, DRIVERS / "protocol.py", DRIVERS / "build_module.py")
_OWN_ROOMS = ("core", "graph", "convert", "runtimes", "data", "quantize", "pipeline.py")
"""What decides our own conversions."""


@dataclasses.dataclass(frozen=True)
class Tool:
    """python: the interpreter that runs `driver`. fingerprint: sha256 over driver, environment and, for ours, our own code.

    recipes: precision → name of the recipe, for a converter that has several.
    """

    name: str
    python: Path
    driver: Path
    fingerprint: str
    recipes: dict[Precision, str] = dataclasses.field(default_factory=dict)


def make_tool(name: str, driver: str, environment: str | None, table: ConversionTable, plan_folder: Path, recipes: dict[Precision, str]) -> Tool:
    """The converter `name`, its environment made where that is not there yet.

    Raises InputError (no such driver, recipe or requirements), ToolError (the environment cannot be made).
    """
    file = _driver_file(driver, plan_folder)
    parts = [read_bytes(path) for path in (file, *_SHARED)]
    if environment is None:
        python = Path(sys.executable)
        parts += [
            repr(sorted(describe()["packages"].items())).encode(),
            *_own_code(),
            *(read_bytes(find("converters", name)) for name in recipes.values()),
        ]
    else:
        requirements = plan_folder / table.environment[environment].requirements
        parts.append(read_bytes(requirements))
        python = _first_imported(environment, table, requirements, file)
    return Tool(name, python, file, sha256_bytes(b"\0".join(map(_hashed, parts))), recipes)


def _first_imported(environment: str, table: ConversionTable, requirements: Path, driver: Path) -> Path:
    """The interpreter of an environment whose packages have been imported once: else the first conversion would pay for compiling them.

    Packages that cannot be imported are no fault here; every conversion will say so.
    """
    known = is_ready(environment_folder(environment, requirements))
    python = make_environment(environment, table.environment[environment], requirements)
    if not known:
        folder = environment_folder(environment, requirements)
        limits = Limits(seconds=table.seconds, memory_mib=table.memory_mib)
        run_limited([str(python), "-P", str(DRIVE), str(driver)], folder, os.environ, folder / "first_import.txt", limits)
    return python


def _driver_file(driver: str, plan_folder: Path) -> Path:
    file = (plan_folder / driver if driver.endswith(".py") else DRIVERS / f"{driver}.py").resolve()
    if not file.is_file():
        raise InputError(f"{file}: no such driver; a file in {DRIVERS.name}/ without its ending, or the path of a .py was expected.")
    return file


def _own_code() -> Iterator[bytes]:
    for room in _OWN_ROOMS:
        files = [PACKAGE / room] if room.endswith(".py") else sorted((PACKAGE / room).rglob("*.py"))
        yield from (read_bytes(file) for file in files)


def _hashed(part: bytes) -> bytes:
    return sha256_bytes(part).encode()
