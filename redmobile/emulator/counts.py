"""Counting what a program does on an emulated processor: instructions by class, bytes, and what its caches would take from memory."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from redmobile.core.device import CpuFacts
from redmobile.core.documents import Document, from_dict
from redmobile.core.results import read_json
from redmobile.emulator.cpus import load_cpu
from redmobile.emulator.program import emulate
from redmobile.emulator.system import System
from redmobile.errors import InputError, ToolError

MARK = 0x52454400
"""close(MARK) begins a region that is counted, close(MARK + 1) ends it: system calls that fail and do nothing, on a real processor too."""

CLASSES = ("simd_dot", "simd_other", "loads", "stores", "branches", "other")
"""Classes of instructions, as redmobile/emulator/plugin/a64.h tells them apart."""


class Counts(Document):
    """What was done in one region.

    instructions: by class. accesses_loaded, accesses_stored: accesses to memory (an instruction may make several); bytes_loaded,
    bytes_stored: their sizes; zeroed_blocks: DC ZVA instructions, whose stores are not among those. With caches: lookups, misses: lines that
    each level was asked for, by loads, stores and write-backs from above, and those that it lacked; lines read from memory because of a
    load or a store, and lines written back to it.
    """

    instructions: dict[str, int]
    accesses_loaded: int
    accesses_stored: int
    bytes_loaded: int
    bytes_stored: int
    zeroed_blocks: int
    lookups: tuple[int, ...]
    misses: tuple[int, ...]
    fills_by_loads: int
    fills_by_stores: int
    write_backs: int

    @property
    def total(self) -> int:
        """All instructions."""
        return sum(self.instructions.values())


class Counted(Document):
    """regions: those that the program marked, in order; threads: how many it started (counts are exact with one); whole: the whole program."""

    regions: tuple[Counts, ...]
    threads: int
    whole: Counts

    @property
    def settled(self) -> Counts:
        """The last region, in which nothing is done for the first time any more; the whole program where none was marked."""
        return self.regions[-1] if self.regions else self.whole

    @property
    def spread(self) -> float:
        """Largest difference of the instructions of any region but the first from the last one's, as a part of the latter."""
        later = [region.total for region in self.regions[1:]]
        return max((abs(total - later[-1]) / later[-1] for total in later), default=0.0)


def count(
    command: Sequence[str],
    cpu: str | CpuFacts,
    frames: int | None = None,
    *,
    variables: Mapping[str, str] | None = None,
    folder: Path | None = None,
    seconds: float = 3600,
    system: System | None = None,
) -> Counted:
    """Run `command`, an aarch64 program and its arguments, on `cpu` (the name of a device file, e.g. 'cortex-a76') and count.

    frames: how many regions it has to mark; None: any number. variables: its environment besides ENVIRONMENT; folder: where it runs.
    Raises DeviceError (no emulator here), UsageError (an NPU), InputError (unknown device, no such program), ToolError (it failed, took more than
    `seconds`, started threads, or marked another number of regions).
    """
    facts = cpu if isinstance(cpu, CpuFacts) else load_cpu(cpu)[1]
    system = system or System()
    system.require()
    if not Path(command[0]).is_file():
        raise InputError(f"{command[0]}: no such file; the path of an aarch64 program was expected.")
    with tempfile.TemporaryDirectory(prefix="redmobile-counts-") as made:
        file = Path(made) / "counts.json"
        program = emulate(system, facts, command, variables=variables, counts=file)
        _run(program.command, program.environment, folder, seconds, command[0])
        counted = read_counts(file, command[0])
    if frames is not None and len(counted.regions) != frames:
        raise ToolError(f"{command[0]}: marked {len(counted.regions)} regions, {frames} were expected.")
    return counted


def read_counts(file: Path, program: str) -> Counted:
    """What the plug-in wrote about `program`. Raises ToolError: nothing written, or several threads ran."""
    if not file.is_file() or not file.stat().st_size:
        raise ToolError(f"{program}: the plug-in wrote no counts; was the program ended by a signal?")
    counted = from_dict(read_json(file), Counted, str(file))
    if counted.threads > 1:
        raise ToolError(f"{program}: started {counted.threads} threads; only the counts of a program with one are exact. Run it with one.")
    return counted


def _run(command: Sequence[str], environment: Mapping[str, str], folder: Path | None, seconds: float, name: str) -> None:
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            cwd=folder,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{name}: was not done within {seconds:g} s on the emulated processor.") from error
    if ended.returncode:
        said = " ".join((ended.stderr or ended.stdout).split())[-300:]
        raise ToolError(f"{name}: ended with {ended.returncode} on the emulated processor ({said}).")
