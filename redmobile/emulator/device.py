"""A device: one TOML in benchmarks/devices/ that says which processor QEMU shall be, its caches, and what the real one can do at most."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from redmobile.core.documents import Document, load_toml
from redmobile.errors import InputError, UsageError
from redmobile.shelf import shelf_folders

Count = Annotated[int, msgspec.Meta(ge=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
PREFIX = "qemu:"
"""What a device's name begins with where it stands for a target or a runtime: qemu:cortex-a76."""


class Figure(Document):
    """A number and where it is from."""

    value: Positive
    source: str


class Qemu(Document):
    """cpu: what QEMU is told by -cpu, features switched off included."""

    cpu: str


class Processor(Document):
    """What the system says of itself in /proc/cpuinfo; must be the processor that QEMU plays, or libraries use instructions it lacks.

    implementer, variant, part, revision: of the main identification register MIDR_EL1. features: as Linux names them.
    """

    implementer: int
    variant: int
    part: int
    revision: int
    features: tuple[str, ...]


class Cache(Document):
    """A level of data cache, the first level first. source: where size and ways are from."""

    kib: Count
    ways: Count
    source: str


class Core(Document):
    """The most that one core does.

    clock_ghz; a cycle: instructions begun, SIMD instructions, dot products of 128 bits (absent where the core has none), bytes loaded and
    stored together.
    """

    clock_ghz: Figure
    instructions_per_cycle: Figure
    simd_per_cycle: Figure
    load_store_bytes_per_cycle: Figure
    dot_per_cycle: Figure | None = None


class Memory(Document):
    """bandwidth_gb_s: the most that memory gives and takes together, 10⁹ bytes a second."""

    bandwidth_gb_s: Figure


class Device(Document):
    """A device file. says: one sentence. core and memory are absent where no real processor is meant: there is no bound then."""

    says: str
    qemu: Qemu
    processor: Processor
    line_bytes: Count = 64
    cache: tuple[Cache, ...] = ()
    core: Core | None = None
    memory: Memory | None = None

    def __post_init__(self) -> None:
        """Raise ValueError, which becomes a DocumentError, for what the plug-in cannot simulate."""
        if len(self.cache) > _LEVELS:
            raise ValueError(f"Expected at most {_LEVELS} levels of cache, found {len(self.cache)}")
        for level, cache in enumerate(self.cache, 1):
            sets, rest = divmod(cache.kib * 1024, cache.ways * self.line_bytes)
            if rest or sets & (sets - 1) or not sets:
                raise ValueError(f"Expected a cache whose number of sets is a power of two; level {level} has {cache.kib} KiB in {cache.ways} ways")
        if (self.core is None) != (self.memory is None):
            raise ValueError("Expected [core] and [memory] together, or neither")


_LEVELS = 3


def device_folders() -> list[Path]:
    """Where devices are looked for, first match wins."""
    return [folder / "devices" for folder in shelf_folders("benchmarks")]


def device_names() -> list[str]:
    """The devices that can be emulated, sorted."""
    return sorted({path.stem for folder in device_folders() for path in folder.glob("*.toml")})


def load_device(name: str) -> Device:
    """The device called `name`, with or without 'qemu:'; or the one in a .toml of the user's own.

    Raises UsageError (unknown), InputError, DocumentError.
    """
    bare = name.removeprefix(PREFIX)
    own = Path(bare)
    if own.suffix == ".toml":
        if not own.is_file():
            raise InputError(f"{own}: no such file; the description of a device was expected.")
        return load_toml(own, Device)
    for folder in device_folders():
        if (folder / f"{bare}.toml").is_file():
            return load_toml(folder / f"{bare}.toml", Device)
    raise UsageError(f"Unknown device '{bare}'. Known: {', '.join(device_names()) or 'none'}. The path of a .toml of your own works too.")
