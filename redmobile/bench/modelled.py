"""Results of what did not run on the hardware it is about: an emulated processor, a compiler's estimate.

Emulation yields counts, and no milliseconds: none of its documents has a place for them, except a lower bound that says what it is.
"""

from __future__ import annotations

from typing import Literal

from redmobile.bench.header import Header, ModelFile, Verdict
from redmobile.core.documents import Document

BoundLabel = Literal["estimate: a lower bound from counts and a device file, not a measurement"]
VelaLabel = Literal["estimate by Vela, not a measurement"]


class Counts(Document):
    """Guest instructions of one frame, by class, and bytes that they move. simd_dot: SDOT, UDOT, SMMLA, …; simd_other: all other vector work.

    loads, stores: scalar and vector; other: the rest (address arithmetic, moves, …). The classes do not overlap: they add up to `instructions`.
    """

    instructions: int
    simd_dot: int
    simd_other: int
    loads: int
    stores: int
    branches: int
    other: int
    loaded_bytes: int
    stored_bytes: int


class CacheLevel(Document):
    """One simulated cache of the device file, during one frame. level: 1, 2, 3; hits, misses: of lines."""

    level: int
    bytes: int
    line_bytes: int
    ways: int
    hits: int
    misses: int


class CacheSimulation(Document):
    """What the simulated caches let through to memory in one frame. says: what the simulation leaves out."""

    says: str
    levels: tuple[CacheLevel, ...]
    memory_read_bytes: int
    memory_written_bytes: int


class OutputDifference(Document):
    """Where an output differs. index: of its first value that differs, in the tensor's shape; largest: in codes (integers) or in value (floats)."""

    frame: int
    output: str
    index: tuple[int, ...]
    differing: int
    values: int
    largest: float
    mean: float


class OutputComparison(Document):
    """The outputs beside those of the same file here. against: engine, version and machine; where: empty if all are bit-equal."""

    against: str
    frames: int
    equal: bool
    where: tuple[OutputDifference, ...] = ()


class BoundTerm(Document):
    """One resource and the time it needs at least. says: the sum that was done; sources: of the device file's figures in it."""

    name: str
    at_least_ms: float
    says: str
    sources: tuple[str, ...]


class LowerBound(Document):
    """A frame takes no less than the longest of `terms`. limited_by: its name."""

    label: BoundLabel
    device: str
    not_faster_than_ms: float
    limited_by: str
    terms: tuple[BoundTerm, ...]


class EmulatedNetwork(Document):
    """One network on the emulated processor. counts: of one frame, the median of `repeats`, which are the instructions of each repetition.

    spread: (largest - smallest) / median of those. outputs, caches, bound: None where they were not asked for or have no figures to rest on.
    """

    model: ModelFile
    runtime: str
    threads: int
    counts: Counts
    repeats: tuple[int, ...]
    spread: float
    outputs: OutputComparison | None = None
    caches: CacheSimulation | None = None
    bound: LowerBound | None = None


class EmulationResult(Header, tag_field="kind", tag="emulation"):
    """What an emulated processor says. cpu: QEMU's name of it; emulator: QEMU's version. peers: other networks, counted the same way."""

    verdict: Verdict
    cpu: str
    emulator: str
    measured: EmulatedNetwork
    peers: tuple[EmulatedNetwork, ...] = ()


class OperatorCycles(Document):
    """One operator, as Vela estimates it. unit: NPU or CPU; cycles: 0 on the CPU, which Vela does not estimate; reason: why it is on the CPU."""

    name: str
    kind: str
    unit: str
    cycles: int
    macs: int = 0
    utilisation: float | None = None
    reason: str | None = None


class EstimatedNetwork(Document):
    """What Vela made of one file. The time of operators on the CPU is in none of the figures. *_bytes: used; *_traffic_bytes: moved for one frame."""

    label: VelaLabel
    model: ModelFile
    vela: str
    accelerator: str
    system_config: str
    memory_mode: str
    clock_hz: float
    cycles: int
    frames_per_second: float
    frame_ms: float | None
    macs: int
    npu_operators: int
    cpu_operators: int
    sram_bytes: int
    dram_bytes: int
    flash_bytes: int
    sram_traffic_bytes: int
    dram_traffic_bytes: int
    operators: tuple[OperatorCycles, ...] = ()


class EstimateResult(Header, tag_field="kind", tag="estimate"):
    """What Arm's compiler for Ethos-U estimates. peers: other networks, for the same system."""

    verdict: Verdict
    estimated: EstimatedNetwork
    peers: tuple[EstimatedNetwork, ...] = ()
