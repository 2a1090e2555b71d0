"""How a program is run on an emulated processor."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from redmobile.core.device import CpuFacts
from redmobile.emulator.plugin_build import build_plugin
from redmobile.emulator.system import System
from redmobile.emulator.tools import QEMU

ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
"""The whole environment of an emulated program: nothing of this machine's, so that counts repeat."""

_SEED = "1"


@dataclasses.dataclass(frozen=True)
class Program:
    """A command line for this machine, and its whole environment."""

    command: tuple[str, ...]
    environment: Mapping[str, str]


def emulate(
    system: System, cpu: CpuFacts, command: Sequence[str], *, variables: Mapping[str, str] | None = None, counts: Path | None = None
) -> Program:
    """`command`, an aarch64 program and its arguments, on `cpu`. counts: the file that our plug-in writes, None to run without it.

    Shared libraries are looked for in the emulated system first. Raises ToolError (the plug-in cannot be built), OutputError.
    """
    qemu = [shutil.which(QEMU) or QEMU, "-L", str(system.root(cpu)), "-cpu", cpu.emulated_as, "-seed", _SEED]
    if counts is not None:
        qemu += ["-plugin", _plugin(build_plugin(system.folder), cpu, counts)]
    return Program((*qemu, *command), {**ENVIRONMENT, **(variables or {})})


def emulate_python(system: System, cpu: CpuFacts, arguments: Sequence[str], *, counts: Path | None = None) -> Program:
    """The emulated system's Python with the packages of the engines. Raises as `emulate`."""
    command = [str(system.python), "-W", "ignore", *arguments]
    return emulate(system, cpu, command, variables=system.python_variables, counts=counts)


def _plugin(library: Path, cpu: CpuFacts, counts: Path) -> str:
    """The value of QEMU's -plugin: commas in paths are doubled there."""
    paths = [str(library).replace(",", ",,"), f"out={str(counts).replace(',', ',,')}"]
    line = [f"line={cpu.caches[0].line_bytes}"] if cpu.caches else []
    return ",".join([*paths, *line, *(f"cache={cache.bytes}:{cache.ways}" for cache in cpu.caches)])
