"""A device file: one TOML in benchmarks/devices/ that says what is published of a processor. Every figure has its source."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from redmobile.core.documents import Document, load_toml
from redmobile.errors import InputError
from redmobile.shelf import shelf_folders

_FOLDER = "devices"
_Positive = Annotated[float, msgspec.Meta(gt=0)]
_Count = Annotated[int, msgspec.Meta(ge=1)]
_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Figure(Document):
    """A number and where it is from. `value`'s unit stands in the name of the key that holds it."""

    value: _Positive
    source: _Text


class Cache(Document):
    """One cache that data go through. level: 1 is the nearest to the core; shared: by all cores of the cluster."""

    level: _Count
    bytes: _Count
    ways: _Count
    line_bytes: _Count
    source: _Text
    shared: bool = False


class Processor(Document):
    """What Linux says of the core in /proc/cpuinfo: the fields of its identification register MIDR_EL1, and its features.

    It must be the core that QEMU plays: libraries choose their instructions by it.
    """

    implementer: int
    variant: int
    part: int
    revision: int
    features: tuple[_Text, ...]


class CpuFacts(Document):
    """One core. Figures are what it does at most; they are absent where no real processor is meant, or where it lacks the instructions.

    emulated_as: QEMU's -cpu. clock_mhz: at its fastest. sdot_macs_per_cycle: 8-bit multiply-accumulates with SDOT; simd_per_cycle: SIMD
    instructions begun in a cycle; issue_per_cycle: instructions decoded or dispatched in a cycle; load_store_bytes_per_cycle: to and from
    the first cache; memory_bytes_per_second: to and from memory.
    """

    emulated_as: _Text
    processor: Processor
    clock_mhz: Figure | None = None
    sdot_macs_per_cycle: Figure | None = None
    simd_per_cycle: Figure | None = None
    issue_per_cycle: Figure | None = None
    load_store_bytes_per_cycle: Figure | None = None
    memory_bytes_per_second: Figure | None = None
    caches: tuple[Cache, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError, which becomes a DocumentError, for caches that are no hierarchy."""
        if [cache.level for cache in self.caches] != list(range(1, len(self.caches) + 1)) or len(self.caches) > _LEVELS:
            raise ValueError(f"Expected caches of level 1, 2, … in this order, at most {_LEVELS}")
        if len({cache.line_bytes for cache in self.caches}) > 1:
            raise ValueError("Expected caches with lines of one size")
        for cache in self.caches:
            sets, rest = divmod(cache.bytes, cache.ways * cache.line_bytes)
            if rest or not sets or sets & (sets - 1):
                raise ValueError(
                    f"Expected caches whose sets are a power of two in number; level {cache.level} has {cache.bytes} bytes in {cache.ways} ways"
                )


_LEVELS = 3


class NpuFacts(Document):
    """An Ethos-U and what surrounds it: names of sections of Vela's configuration file."""

    kind: Literal["ethos-u"]
    accelerator: _Text
    system_config: _Text
    memory_mode: _Text
    source: _Text


class Device(Document):
    """A device file. says: one sentence for lists; name: for people. Exactly one of [cpu] and [npu] must be there."""

    says: _Text
    name: _Text
    cpu: CpuFacts | None = None
    npu: NpuFacts | None = None

    def __post_init__(self) -> None:
        """Raise ValueError, which becomes a DocumentError, unless there is exactly one of [cpu] and [npu]."""
        if (self.cpu is None) == (self.npu is None):
            raise ValueError("Expected exactly one of the tables [cpu] and [npu]")


def device_names() -> list[str]:
    """The names of the device files on the shelf, sorted."""
    return sorted({path.stem for folder in shelf_folders("benchmarks") for path in (folder / _FOLDER).glob("*.toml")})


def load_device(name: str) -> Device:
    """The device called `name` on the shelf, or the file at the path `name`. Raises InputError, DocumentError."""
    from pathlib import Path

    if name.endswith(".toml"):
        return load_toml(Path(name), Device)
    for folder in shelf_folders("benchmarks"):
        path = folder / _FOLDER / f"{name}.toml"
        if path.is_file():
            return load_toml(path, Device)
    raise InputError(f"Unknown device '{name}'. Known: {', '.join(device_names()) or 'none'}. The path of a .toml of your own works too.")
