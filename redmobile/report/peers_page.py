"""The same networks through several converters, as a run: what became of each, and how its files compare."""

from __future__ import annotations

from collections.abc import Sequence

from redmobile.report.bench_common import environment_facts, share_of
from redmobile.report.document import Place
from redmobile.report.figures import Figure
from redmobile.report.view import BarsBlock, Block, Cell, ListBlock, Part, Run, TableBlock, Verdict

_DONE = "converted"


def peers_run(result: Place) -> Run:
    """A run from a `redmobile bench conversion_peers`. There is no budget in it, so it has no verdict but what it found."""
    rows = result["rows"].items()
    threads = [int(count) for count in result["settings"]["conversion"]["threads"].numbers()]
    converters = list(dict.fromkeys(row["converter"].text() for row in rows))
    groups = {f"{network}, {precision}": _members(rows, network, precision) for network, precision in _groups(rows)}
    times = [block for title, members in groups.items() for block in _times(members, title, threads[0])]
    tables = [_table(members, title, threads) for title, members in groups.items()]
    return Run(
        name=" beside ".join(converters),
        target="peers",
        model=", ".join(network["name"].text() for network in result["networks"].items()),
        plan=result["plan"].text(),
        nature="measured",
        verdict=Verdict("none", "Compared", _says(rows, converters)),
        tiles=[],
        compared={},
        blocks=[*times, *_missing(rows), *_doubts(rows), *tables],
        facts={
            "Plan": result["plan"].text(),
            "Plan sha256": result["plan_sha256"].text(),
            **{f"ONNX of {network['name'].text()}": f"sha256 {network['onnx_sha256'].text()}" for network in result["networks"].items()},
            **{converter: _versions(rows, converter) for converter in converters},
            "Calibration": f"{len(result['calibration'].entries())} pictures",
            "Compared on": f"{len(result['pictures'].entries())} pictures",
            **environment_facts(result["environment"]),
        },
        date=result["environment"]["date"].text(),
        checks=[],
    )


def _groups(rows: Sequence[Place]) -> list[tuple[str, str]]:
    """Networks and precisions: their files are held against each other."""
    return list(dict.fromkeys((row["network"].text(), row["precision"].text()) for row in rows))


def _members(rows: Sequence[Place], network: str, precision: str) -> list[Place]:
    return [row for row in rows if (row["network"].text(), row["precision"].text()) == (network, precision)]


def _says(rows: Sequence[Place], converters: Sequence[str]) -> str:
    told = []
    for converter in converters:
        own = [row for row in rows if row["converter"].text() == converter]
        told.append(f"{converter} converted {sum(row['outcome'].text() == _DONE for row in own)} of {len(own)}")
    return f"{'; '.join(told)}."


def _latency(row: Place, threads: int) -> Place | None:
    return next((latency for latency in row.many("latency") if latency["threads"].number() == threads), None)


def _doubts(rows: Sequence[Place]) -> list[Block]:
    trusted = [latency["stability"]["trusted"].flag() for row in rows for latency in row.many("latency")]
    if all(trusted):
        return []
    says = f"{trusted.count(False)} of {len(trusted)} times are not to be trusted: the document says why of each, a ? marks them in the tables."
    return [ListBlock("Worth knowing", [says])]


def _times(rows: Sequence[Place], title: str, threads: int) -> list[Block]:
    known = [(row["converter"].text(), found["time"].figure("p50_ms", "p50", "ms")) for row in rows if (found := _latency(row, threads)) is not None]
    longest = max((figure.value or 0.0 for _, figure in known), default=0.0)
    parts = [Part(converter, figure, share_of(figure.value, longest)) for converter, figure in known]
    says = f"Median, {threads} thread{'' if threads == 1 else 's'}; the files run by turns."
    return [BarsBlock(f"Time: {title}", "ms", parts, says=says)] if parts else []


def _table(rows: Sequence[Place], title: str, threads: Sequence[int]) -> Block:
    columns = ["", "PSNR to ONNX", "operators", "transposes", "partitions", "outside"]
    columns += [part for count in threads for part in (f"{count} thread{'' if count == 1 else 's'}", "×", "")]
    columns += ["Vela CPU", "file", "conversion", "memory"]
    cells = [[row["converter"].text(), *_graph(row), *_timed(row, threads), *_made(row)] for row in rows]
    says = (
        "× : over our file's time, by turns in one process. Outside: operators that XNNPACK leaves. Conversion: seconds, and the most memory it held."
    )
    return TableBlock(title, columns, cells, folded=True, says=says)


def _graph(row: Place) -> list[Cell]:
    fidelity, graph, load = row.get("fidelity"), row.get("graph"), row.get("load")
    coverage = load.get("coverage") if load else None
    if row["outcome"].text() != _DONE:
        return [row["outcome"].text(), "–", "–", "–", "–"]
    psnr: Cell = "–" if fidelity is None else fidelity.figure("psnr_db", "PSNR", "dB") if fidelity.get("psnr_db") else "equal"
    outside = Figure("outside", sum(place.number() for place in coverage["outside"].entries().values()), "count") if coverage else "–"
    return [
        psnr,
        graph.figure("count", "operators", "count") if graph else "–",
        graph.figure("transposes", "transposes", "count") if graph else "–",
        coverage.figure("partitions", "partitions", "count") if coverage else "–",
        outside,
    ]


def _timed(row: Place, threads: Sequence[int]) -> list[Cell]:
    cells: list[Cell] = []
    for count in threads:
        found = _latency(row, count)
        ratio = found.get("ratio") if found else None
        doubt = "" if found is None or found["stability"]["trusted"].flag() else "?"
        cells += [
            found["time"].figure("p50_ms", "p50", "ms") if found else "–",
            ratio.figure("of_medians", "ratio", "ratio") if ratio else "–",
            doubt,
        ]
    return cells


def _made(row: Place) -> list[Cell]:
    vela, conversion = row.get("vela"), row.get("conversion")
    file = conversion.get("file") if conversion else None
    return [
        vela.figure("cpu_operators", "on the CPU", "count") if vela else "–",
        file.figure("bytes", "file", "bytes") if file else "–",
        f"{conversion['seconds'].number():.1f} s" if conversion else "–",
        conversion.figure("peak_bytes", "memory", "bytes") if conversion else "–",
    ]


def _missing(rows: Sequence[Place]) -> list[Block]:
    """What is not in the tables, and why, each thing once."""
    said: dict[str, None] = {}
    for row in rows:
        name = f"{row['network'].text()} {row['precision'].text()}, {row['converter'].text()}"
        if row["outcome"].text() != _DONE:
            said[f"{name}: {row['outcome'].text()}: {row['reason'].text()}"] = None
        for figure, reason in row["missing"].entries().items():
            said[f"{name}: no {figure}: {reason.text()}"] = None
    return [ListBlock("What is missing", list(said))] if said else []


def _versions(rows: Sequence[Place], converter: str) -> str:
    for row in rows:
        conversion = row.get("conversion")
        if row["converter"].text() == converter and conversion is not None and conversion["versions"].entries():
            return ", ".join(f"{name} {version.text()}" for name, version in conversion["versions"].entries().items())
    return "–"
