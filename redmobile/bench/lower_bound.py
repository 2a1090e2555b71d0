"""The least time that a frame can take on a real processor: counts of its instructions over what the processor does at most. An estimate."""

from __future__ import annotations

from redmobile.bench.modelled import BoundTerm, CacheSimulation, Counts, LowerBound
from redmobile.core.device import CpuFacts, Figure

_MACS_OF_A_DOT = 16
"""Multiply-accumulates of an SDOT on 128 bits; one on 64 bits has half of them, so a processor may take less for it than is said here."""


def lower_bound(device: str, cpu: CpuFacts, counts: Counts, caches: CacheSimulation | None, needed_bytes: int | None) -> LowerBound | None:
    """The bound for one frame on one core; None where the device file has no clock.

    needed_bytes: bytes that memory must give and take at least (a store that misses all caches need not fetch its line first, and is not in
    it). Each term takes its resource for fully busy and everything else for free, so real processors take longer. What makes the bound an
    estimate: the figures are others', and the caches are simulated.
    """
    if cpu.clock_mhz is None:
        return None
    hertz = cpu.clock_mhz.value * 1e6
    work: list[tuple[str, str, float, Figure | None]] = [
        ("issuing instructions", "instructions", counts.instructions, cpu.issue_per_cycle),
        ("SIMD pipelines", "SIMD instructions", counts.simd_dot + counts.simd_other, cpu.simd_per_cycle),
        ("dot products", "multiply-accumulates in dot products", counts.simd_dot * _MACS_OF_A_DOT, cpu.sdot_macs_per_cycle),
        ("first cache", "bytes loaded and stored", counts.loaded_bytes + counts.stored_bytes, cpu.load_store_bytes_per_cycle),
    ]
    terms = [_per_cycle(name, what, amount, figure, cpu.clock_mhz, hertz) for name, what, amount, figure in work if figure is not None and amount]
    if caches is not None and needed_bytes and cpu.memory_bytes_per_second is not None:
        terms.append(_memory(needed_bytes, cpu.memory_bytes_per_second))
    if not terms:
        return None
    longest = max(terms, key=lambda term: term.at_least_ms)
    return LowerBound(
        label="estimate: a lower bound from counts and a device file, not a measurement",
        device=device,
        not_faster_than_ms=longest.at_least_ms,
        limited_by=longest.name,
        terms=tuple(terms),
    )


def _per_cycle(name: str, what: str, amount: float, figure: Figure, clock: Figure, hertz: float) -> BoundTerm:
    return BoundTerm(
        name=name,
        at_least_ms=1000 * amount / figure.value / hertz,
        says=f"{amount:,.0f} {what} / ({figure.value:g} a cycle × {clock.value:g} MHz)",
        sources=(figure.source, clock.source),
    )


def _memory(amount: int, figure: Figure) -> BoundTerm:
    return BoundTerm(
        name="memory",
        at_least_ms=1000 * amount / figure.value,
        says=f"{amount:,} bytes that the simulated caches read for loads and write back / {figure.value / 1e9:g} GB/s",
        sources=(figure.source,),
    )
