"""Results without a clock: an emulated processor's counts, a compiler's estimate. None of their figures was measured, and each says so."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from redmobile.report.bench_common import Common, bars, file_name, share_of
from redmobile.report.document import Place
from redmobile.report.figures import Figure, Unit
from redmobile.report.view import BarsBlock, Block, Cell, ListBlock, Part, Run, SplitBlock, TableBlock

_CLASSES = {
    "simd_dot": "SIMD dot products",
    "simd_other": "other SIMD",
    "loads": "loads",
    "stores": "stores",
    "branches": "branches",
    "other": "everything else",
}
_SHOWN_DIFFERENCES = 20


def emulation_run(result: Place) -> Run:
    """A run from a result of kind 'emulation': counts, and a bound that is called one."""
    measured = result["measured"]
    common, counts, bound = Common.of(result, measured["model"]), measured["counts"], measured.get("bound")
    instructions = counts.figure("instructions", "instructions a frame", "count")
    not_faster = [bound.figure("not_faster_than_ms", "not faster than (estimate)", "ms")] if bound else []
    outputs = measured.get("outputs")
    blocks: list[Block] = [
        *([_outputs(outputs)] if outputs else []),
        _classes(counts),
        *([_bound(bound)] if bound else []),
        *_caches(measured.get("caches")),
        *_emulated_peers(result),
    ]
    tiles = [instructions, *not_faster, *_moved(counts), measured.figure("spread", "spread of repetitions", "share")]
    compared = {"instructions a frame": instructions, **{figure.label: figure for figure in not_faster}}
    run = common.run("counted", tiles, compared, blocks)
    facts = {**run.facts, "Processor": result["cpu"].text(), "Emulator": result["emulator"].text(), "Runtime": measured["runtime"].text()}
    return dataclasses.replace(run, facts=facts)


def estimate_run(result: Place) -> Run:
    """A run from a result of kind 'estimate': Vela's."""
    estimated = result["estimated"]
    common = Common.of(result, estimated["model"])
    rate = estimated.figure("frames_per_second", "frames a second (estimate)", "fps")
    frame = estimated.figure("frame_ms", "a frame (estimate)", "ms")
    left = estimated.figure("cpu_operators", "operators on the CPU", "count")
    cycles = estimated.figure("cycles", "cycles a frame (estimate)", "count")
    blocks: list[Block] = [
        _units(estimated),
        *_cycles(estimated),
        _npu_memory(estimated),
        *_left(estimated),
        *_estimated_peers(result),
    ]
    compared = {figure.label: figure for figure in (frame, rate, left)}
    run = common.run("estimate", [rate, frame, left, cycles, estimated.figure("sram_bytes", "SRAM used", "bytes")], compared, blocks)
    keys = {"vela": "Vela", "accelerator": "Accelerator", "system_config": "System configuration", "memory_mode": "Memory mode"}
    facts = {label: estimated[key].text() for key, label in keys.items()}
    return dataclasses.replace(run, facts={**run.facts, **facts, "Clock": f"{estimated['clock_hz'].number() / 1e6:,.0f} MHz"})


def _outputs(outputs: Place) -> Block:
    against, frames = outputs["against"].text(), outputs.figure("frames", "frames", "count").text
    if outputs["equal"].flag():
        return ListBlock("Outputs", [f"Bit-equal to {against} on all {frames} frames."])
    rows: list[list[Cell]] = [
        [
            where["output"].text(),
            where["frame"].as_figure("frame", "count"),
            "×".join(f"{index:g}" for index in where["index"].numbers()),
            where.figure("differing", "differing", "count"),
            where.figure("largest", "largest"),
            where.figure("mean", "mean"),
        ]
        for where in outputs["where"].items()[:_SHOWN_DIFFERENCES]
    ]
    columns = ["output", "frame", "first at", "values that differ", "largest", "mean"]
    return TableBlock("Outputs", columns, rows, says=f"Not equal to {against}.")


def _classes(counts: Place) -> Block:
    total = counts["instructions"].number()
    parts = [Part(label, counts.figure(key, label, "count"), share_of(counts[key].number(), total)) for key, label in _CLASSES.items()]
    return SplitBlock("Instructions of a frame", "instructions", parts, says="Counted by the emulator; how long they take, it cannot know.")


def _moved(counts: Place) -> list[Figure]:
    return [counts.figure("loaded_bytes", "loaded a frame", "bytes"), counts.figure("stored_bytes", "stored a frame", "bytes")]


def _bound(bound: Place) -> Block:
    terms = bound["terms"].items()
    longest = bound["not_faster_than_ms"].number()
    parts = [
        Part(term["name"].text(), term.figure("at_least_ms", "at least", "ms"), share_of(term["at_least_ms"].number(), longest), estimate=True)
        for term in terms
    ]
    says = f"{bound['label'].text().capitalize()}. {bound['device'].text()}, limited by {bound['limited_by'].text()}."
    return BarsBlock("Not faster than", "at least", parts, says=says)


def _caches(caches: Place | None) -> list[Block]:
    if caches is None:
        return []
    rows: list[list[Cell]] = [
        [f"L{level['level'].number():g}", *level.figures({"bytes": "bytes", "hits": "count", "misses": "count"})]
        for level in caches["levels"].items()
    ]
    read, written = caches.figure("memory_read_bytes", "read", "bytes"), caches.figure("memory_written_bytes", "written", "bytes")
    return [
        TableBlock("Simulated caches", ["", "size", "hits", "misses"], rows, says=caches["says"].text()),
        TableBlock("From and to memory, a frame", ["read", "written"], [[read, written]]),
    ]


def _emulated_peers(result: Place) -> list[Block]:
    peers = result.many("peers")
    if not peers:
        return []
    units: dict[str, Unit] = {"instructions": "count", "simd_dot": "count", "loaded_bytes": "bytes", "stored_bytes": "bytes"}
    rows: list[list[Cell]] = [[file_name(network["model"]), *network["counts"].figures(units)] for network in (result["measured"], *peers)]
    return [TableBlock("Beside other networks", ["", "instructions", "SIMD dot", "loaded", "stored"], rows)]


def _units(estimated: Place) -> Block:
    taken, left = estimated.figure("npu_operators", "operators", "count"), estimated.figure("cpu_operators", "operators", "count")
    total = (taken.value or 0.0) + (left.value or 0.0)
    parts = [Part("NPU", taken, share_of(taken.value, total)), Part("CPU", left, share_of(left.value, total))]
    macs = [[Figure("", _macs(estimated, unit), "count")] for unit in ("NPU", "CPU")]
    says = "After Vela's own rewriting. The time of operators on the CPU is in none of its figures."
    return SplitBlock("Operators on each unit", "operators", parts, ["MACs"], macs, says=says)


def _macs(estimated: Place, unit: str) -> float:
    return sum(operator["macs"].number() for operator in estimated["operators"].items() if operator["unit"].text() == unit)


def _cycles(estimated: Place) -> list[Block]:
    operators = [operator for operator in estimated["operators"].items() if operator["cycles"].number()]
    by_kind: dict[str, float] = {}
    for operator in operators:
        kind = operator["kind"].text()
        by_kind[kind] = by_kind.get(kind, 0.0) + operator["cycles"].number()
    named = [(f"{operator['kind'].text()} {operator['name'].text()}", operator.figure("cycles", "cycles", "count")) for operator in operators]
    rows: list[list[Cell]] = [
        [
            operator["name"].text(),
            operator["kind"].text(),
            operator["unit"].text(),
            operator.figure("cycles", "cycles", "count"),
            operator.figure("macs", "MACs", "count"),
            operator.figure("utilisation", "busy", "share"),
        ]
        for operator in estimated["operators"].items()
    ]
    columns = ["name", "kind", "unit", "cycles (estimate)", "MACs", "multipliers busy"]
    return [
        *bars("Cycles by kind of operator", "cycles (estimate)", [(kind, Figure("", count, "count")) for kind, count in by_kind.items()]),
        *bars("Cycles by operator", "cycles (estimate)", named),
        TableBlock("All operators in their order", columns, rows, folded=True),
    ]


def _npu_memory(estimated: Place) -> Block:
    rows: list[list[Cell]] = [
        ["SRAM", *estimated.figures({"sram_bytes": "bytes", "sram_traffic_bytes": "bytes"})],
        ["DRAM", *estimated.figures({"dram_bytes": "bytes", "dram_traffic_bytes": "bytes"})],
        ["flash", estimated.figure("flash_bytes", "used", "bytes"), "–"],
    ]
    return TableBlock("Memory by region", ["", "used", "moved for a frame"], rows, says="As the system configuration below lays it out.")


def _left(estimated: Place) -> list[Block]:
    left = [operator for operator in estimated["operators"].items() if operator["unit"].text() != "NPU"]
    rows: list[list[Cell]] = [[operator["name"].text(), operator["kind"].text(), _text(operator.get("reason"))] for operator in left]
    return [TableBlock("Left to the CPU", ["name", "kind", "why"], rows)] if rows else []


def _text(place: Place | None) -> str:
    return place.text() if place else "–"


def _estimated_peers(result: Place) -> list[Block]:
    peers: Sequence[Place] = result.many("peers")
    if not peers:
        return []
    units: dict[str, Unit] = {"frames_per_second": "fps", "cycles": "count", "cpu_operators": "count", "sram_bytes": "bytes"}
    rows: list[list[Cell]] = [[file_name(network["model"]), *network.figures(units)] for network in (result["estimated"], *peers)]
    return [TableBlock("Beside other networks", ["", "frames a second", "cycles", "operators on the CPU", "SRAM"], rows)]
