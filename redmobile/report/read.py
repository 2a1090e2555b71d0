"""From files to runs: which kind of document is it, and who reads that kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from redmobile.errors import DocumentError, UsageError
from redmobile.report.bench_counts import emulation_run, estimate_run
from redmobile.report.bench_more import accuracy_run, memory_run
from redmobile.report.bench_times import latency_run, video_run
from redmobile.report.compare_page import comparison_run
from redmobile.report.document import Place, open_document
from redmobile.report.npu_page import npu_run
from redmobile.report.parity_page import files_run, parity_run
from redmobile.report.peers_page import peers_run
from redmobile.report.quality_page import quality_run
from redmobile.report.view import Report, Run

_MOST_NAMES = 3

Reader = Callable[[Place], Run]

_BENCH = "redmobile.bench/2"
_KINDS: Mapping[str, Reader] = {
    "latency": latency_run,
    "video": video_run,
    "memory": memory_run,
    "accuracy": accuracy_run,
    "emulation": emulation_run,
    "estimate": estimate_run,
}
_WHOLE: Mapping[str, Reader] = {
    "redmobile.parity/1": parity_run,
    "redmobile.parity_files/1": files_run,
    "redmobile.compare/1": comparison_run,
    "redmobile.npu/1": npu_run,
    "redmobile.evaluate/1": quality_run,
    "redmobile.peers/1": peers_run,
}


def read_report(files: Sequence[Path], title: str = "") -> Report:
    """The report of the results in `files`, in that order. title: '' for one made from the models' names.

    Raises UsageError (no files), InputError, DocumentError (of another format, or something is missing in it: the message names the place).
    """
    if not files:
        raise UsageError("A report needs at least one result: redmobile bench PLAN --out result.json makes one.")
    runs = [run for file in files for run in _runs(file)]
    names = list(dict.fromkeys(run.model for run in runs))
    return Report(title or _title(names), runs)


def _title(names: Sequence[str]) -> str:
    """At most three names."""
    if len(names) > _MOST_NAMES:
        return f"{', '.join(names[:_MOST_NAMES])} and {len(names) - _MOST_NAMES} more"
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _runs(file: Path) -> list[Run]:
    whole, sha256 = open_document(file)
    return [dataclasses.replace(reader(place), file=str(file), sha256=sha256, path=place.path) for place, reader in _readers(whole)]


def _readers(whole: Place) -> list[tuple[Place, Reader]]:
    """The results in a document, each with who reads it."""
    if isinstance(whole.value, list) and whole.value:  # what `bench compare --out` leaves: a comparison a result
        return [found for entry in whole.items() for found in _readers(entry)]
    form = whole.get("format") if isinstance(whole.value, dict) else None
    found = form.text() if form else "none"
    if found in _WHOLE:
        return [(whole, _WHOLE[found])]
    if found != _BENCH:
        known = ", ".join((_BENCH, *_WHOLE))
        raise DocumentError(
            f"{whole.file}: format '{found}' is not known. Expected one of {known}: what `redmobile bench`, `parity`, `npu` and `evaluate` write."
        )
    if whole["kind"].text() == "bundle":
        return [(result, _bench_reader(result)) for result in whole["results"].items()]
    return [(whole, _bench_reader(whole))]


def _bench_reader(result: Place) -> Reader:
    kind = result["kind"].text()
    if kind not in _KINDS:
        raise DocumentError(f"{result.file}: kind '{kind}' is not known. Expected one of {', '.join(_KINDS)}. Of a newer redmobile?")
    return _KINDS[kind]
