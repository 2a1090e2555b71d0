"""What an NPU makes of a file, as a run: operators it takes and leaves, why, and its compiler's estimate."""

from __future__ import annotations

from collections.abc import Sequence

from redmobile.report.bench_common import bars, environment_facts, file_name, share_of
from redmobile.report.document import Place
from redmobile.report.figures import Figure
from redmobile.report.view import Block, Cell, Check, ListBlock, Part, Run, SplitBlock, TableBlock, Verdict

_TAKEN, _LEFT, _UNKNOWN = "delegated", "falls back", "unknown"
_NAMED = 5


def npu_run(result: Place) -> Run:
    """A run from a `redmobile npu FILE --for TARGET`."""
    estimate, target = result.get("estimate"), result["target"].text()
    verdict = _verdict(result)
    tiles = _tiles(result, estimate)
    return Run(
        name=target if estimate is None else f"{target}, {estimate['config'].text()}",
        target="npu",
        model=file_name(result),
        plan="npu",
        nature="judged" if estimate is None else "estimate",
        verdict=verdict,
        tiles=tiles,
        compared={figure.label: figure for figure in tiles if figure.unit != "bytes"},
        blocks=[*_units(result), *_reasons(result), *_lists(result), *(_estimate(estimate) if estimate else []), _all(result)],
        facts={
            "Target": f"{target}: {result['says'].text()}",
            "Model": result["file"].text(),
            "Model sha256": result["sha256"].text(),
            "Input": "; ".join(result["inputs"].texts()),
            **(_compiler(estimate) if estimate else {}),
            **environment_facts(result["environment"]),
        },
        date=result["environment"]["date"].text(),
        checks=[_check(result, verdict)],
    )


def _of(result: Place, verdict: str) -> list[Place]:
    """The operators of which one is said."""
    return [finding for finding in result["findings"].items() if finding["verdict"].text() == verdict]


def _verdict(result: Place) -> Verdict:
    """Good only if all of it is taken: what nobody knows is no pass, though `redmobile npu` does not fail for it."""
    count, left, unknown = len(result["findings"].items()), _of(result, _LEFT), _of(result, _UNKNOWN)
    says = f"{len(left)} of {count} operators fall back to the CPU"
    says += f": {', '.join(_name(finding) for finding in left[:_NAMED])}{' and more' if len(left) > _NAMED else ''}." if left else "."
    if unknown:
        says += f" Of {len(unknown)} nothing is known."
    islands = len(result["islands"].items())
    if islands:
        says += f" {islands} group{'' if islands == 1 else 's'} of operators compute{'s' if islands == 1 else ''} on floats."
    if not result["passed"].flag():
        return Verdict("bad", "Falls back", says)
    return Verdict("doubtful", "Not known", says) if unknown else Verdict("good", "Taken whole", says)


def _check(result: Place, verdict: Verdict) -> Check:
    outcomes = {"good": "passed", "bad": "failed"}
    return Check(f"{file_name(result)} on {result['target'].text()}", outcomes.get(verdict.sign, "skipped"), verdict.says)  # type: ignore[arg-type]


def _tiles(result: Place, estimate: Place | None) -> list[Figure]:
    counted = [
        result["counts"].figure(_TAKEN, "operators taken", "count"),
        result["counts"].figure(_LEFT, "fall back", "count"),
        result["counts"].figure(_UNKNOWN, "not known", "count"),
        result.figure("partitions", "partitions", "count"),
        result["peak"].figure("bytes", "activations, at least", "bytes"),
    ]
    told = [] if estimate is None else [estimate.figure("frames_per_second", "frames a second (estimate)", "fps")]
    return [figure for figure in (*counted, *told) if figure.value is not None]


def _units(result: Place) -> list[Block]:
    counts, macs = result["counts"], result["macs"]
    names = {_TAKEN: result["unit"].text(), _LEFT: "falls back to the CPU", _UNKNOWN: "not known"}
    kept = {verdict: label for verdict, label in names.items() if counts.get(verdict) is not None}
    total = sum(counts[verdict].number() for verdict in kept)
    parts = [Part(label, counts.figure(verdict, label, "count"), share_of(counts[verdict].number(), total)) for verdict, label in kept.items()]
    more = [[macs.figure(verdict, "multiply-accumulates", "count")] for verdict in kept]
    return [SplitBlock("Operators on each unit", "operators", parts, ["MACs"], more)] if parts else []


def _reasons(result: Place) -> list[Block]:
    """Operators of one kind that are not taken for one reason share a row."""
    grouped: dict[tuple[str, str, str], list[Place]] = {}
    for finding in result["findings"].items():
        if finding["verdict"].text() != _TAKEN:
            grouped.setdefault((finding["op"].text(), finding["says"].text(), finding["advice"].text()), []).append(finding)
    rows: list[list[Cell]] = [
        [op, str(len(found)), says or "–", advice or "–", ", ".join(_name(one) for one in found[:_NAMED])]
        for (op, says, advice), found in grouped.items()
    ]
    return [TableBlock("Left to the CPU", ["", "how many", "why", "what helps", "which"], rows)] if rows else []


def _name(finding: Place) -> str:
    return f"{finding['op'].text()} '{finding['name'].text()}'"


def _lists(result: Place) -> list[Block]:
    islands = [", ".join(island.texts()) for island in result["islands"].items()]
    found = [("Float islands", islands), ("Advice", result["advice"].texts()), ("Worth knowing", result["remarks"].texts())]
    return [ListBlock(title, texts) for title, texts in found if texts]


def _estimate(estimate: Place) -> Sequence[Block]:
    kinds = [(kind, place.as_figure(kind, "count")) for kind, place in estimate["cycles_by_operator"].entries().items()]
    rows: list[list[Cell]] = [
        ["SRAM", *estimate.figures({"sram_bytes": "bytes", "sram_traffic_bytes": "bytes"})],
        ["DRAM", *estimate.figures({"dram_bytes": "bytes", "dram_traffic_bytes": "bytes"})],
        ["flash", estimate.figure("flash_bytes", "used", "bytes"), "–"],
    ]
    left: list[list[Cell]] = [[one["name"].text(), one["op"].text(), one["reason"].text()] for one in estimate["cpu"].items()]
    says = "After Vela's own rewriting: their time is in none of its figures."
    return [
        *bars("Cycles by kind of operator", "cycles (estimate)", kinds),
        TableBlock("Memory by region", ["", "used", "moved for a frame"], rows, says="As the system configuration below lays it out."),
        *([TableBlock("What Vela leaves to the CPU", ["", "kind", "why"], left, says=says)] if left else []),
    ]


def _compiler(estimate: Place) -> dict[str, str]:
    return {
        "Vela": estimate["vela"].text(),
        "Accelerator": estimate["config"].text(),
        "System": estimate["system"].text(),
        "Memory mode": estimate["memory_mode"].text(),
        "Clock": f"{estimate['clock_hz'].number() / 1e6:,.0f} MHz",
    }


def _all(result: Place) -> Block:
    rows: list[list[Cell]] = [
        [
            finding["name"].text(),
            finding["op"].text(),
            "×".join(f"{size:g}" for size in finding["shape"].numbers()),
            finding["verdict"].text(),
            finding.figure("macs", "MACs", "count"),
            finding["rule"].text() or "–",
        ]
        for finding in result["findings"].items()
    ]
    return TableBlock("All operators in their order", ["name", "kind", "shape", "", "MACs", "rule"], rows, folded=True)
