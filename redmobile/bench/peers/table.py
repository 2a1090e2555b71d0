"""The result as a table: one line a file, and beneath it a sentence for everything that is not there."""

from __future__ import annotations

from collections.abc import Sequence

from redmobile.bench.peers.result import Latency, PeersResult, Row

LEGEND = (
    "s: from the start of the converter until its file was whole (*: in an earlier run); peak: of all its processes; "
    "partitions, outside: of XNNPACK; "
    "islands: float parts of an INT8 graph; PSNR: to the ONNX network in onnxruntime; ×: over our file's time, by turns in one process; "
    "?: not to be trusted; Vela CPU: operators that fall back to the processor."
)
"""What the headings and marks mean."""

_MEBIBYTE = 1024 * 1024
_NONE = "-"


def columns(threads: Sequence[int]) -> tuple[str, ...]:
    """Headings; '>' marks figures."""
    latencies = tuple(f">{count} thread{'' if count == 1 else 's'} ms (×)" for count in threads)
    graph = (">ops", ">transposes", ">clamps", ">partitions", ">outside", ">islands")
    return ("network", "type", "converter", ">s", ">peak MiB", ">kB", *graph, ">PSNR dB", *latencies, ">Vela CPU")


def cells(row: Row, threads: Sequence[int]) -> tuple[str, ...]:
    """One line, in the order of `columns`."""
    return (
        row.network,
        row.precision,
        row.converter,
        *_conversion(row),
        *_graph(row),
        _psnr(row),
        *(_latency(row, count) for count in threads),
        str(row.vela.cpu_operators) if row.vela else _NONE,
    )


def notes(result: PeersResult) -> list[str]:
    """What is not in the table and why, each thing once."""
    said: dict[str, None] = {}
    for row in result.rows:
        name = f"{row.network} {row.precision}, {row.converter}"
        if row.outcome != "converted":
            said[f"{name}: {row.outcome}: {row.reason}"] = None
        for figure, reason in row.missing.items():
            said[f"{name}: no {figure}: {reason}"] = None
    return list(said)


def _conversion(row: Row) -> tuple[str, str, str]:
    done = row.conversion
    if done is None or done.file is None:
        return (row.outcome, _NONE, _NONE)
    return (f"{done.seconds:.1f}{'*' if row.cached else ''}", f"{done.peak_bytes / _MEBIBYTE:.0f}", f"{done.file.bytes / 1000:.1f}")


def _graph(row: Row) -> tuple[str, ...]:
    facts = (
        (row.graph.count, row.graph.transposes, row.graph.clamps) if row.graph else (_NONE,) * 3,
        (row.load.coverage.partitions, sum(row.load.coverage.outside.values())) if row.load and row.load.coverage else (_NONE,) * 2,
        (row.graph.float_islands,) if row.graph and row.precision == "int8" else (_NONE,),
    )
    return tuple(str(fact) for group in facts for fact in group)


def _psnr(row: Row) -> str:
    if row.fidelity is None:
        return _NONE
    return "equal" if row.fidelity.psnr_db is None else f"{row.fidelity.psnr_db:.2f}"


def _latency(row: Row, threads: int) -> str:
    found = next((latency for latency in row.latency if latency.threads == threads), None)
    if found is None:
        return _NONE
    time = f"{found.time.p50_ms:.2f}{'' if found.stability.trusted else '?'}"
    return f"{time} ({_ratio(found)})" if found.ratio else time


def _ratio(latency: Latency) -> str:
    return f"{latency.ratio.of_medians:.2f}×{'?' if latency.ratio.reasons else ''}" if latency.ratio else _NONE
