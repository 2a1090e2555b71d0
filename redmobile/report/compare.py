"""All runs of a report side by side: a table, and bars against the budget."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from redmobile.report.figures import Figure
from redmobile.report.view import BarsBlock, Part, Report, Run

_BESIDE = {
    "parity": "Compared",
    "compare": "Before and after",
    "npu": "NPU, not measured",
    "evaluate": "Quality of pictures",
    "peers": "Converters",
}
_MEASURED = {"p50": "Measured", "peak memory": "Memory, measured", "PSNR": "Accuracy, measured"}
"""What tells kinds of measurements apart, and what they are called."""

_ESTIMATES = ("a frame (estimate)", "not faster than (estimate)")


@dataclasses.dataclass(frozen=True)
class Group:
    """Runs of one sort. columns: labels of figures that at least one of them has; rows: a figure a column, None where a run has none."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[Run, Sequence[Figure | None]]]


@dataclasses.dataclass(frozen=True)
class Across:
    """groups: what was measured apart from what was not; bars: None where fewer than two runs say how long a frame takes."""

    groups: Sequence[Group]
    bars: BarsBlock | None


def across(report: Report) -> Across:
    """The comparison of all runs."""
    sorts = list(dict.fromkeys(_sort(run) for run in report.runs))
    return Across([_group(sort, [run for run in report.runs if _sort(run) == sort]) for sort in sorts], _bars(report))


def _sort(run: Run) -> str:
    """What a group of runs is called."""
    if run.target in _BESIDE:
        return _BESIDE[run.target]
    if run.nature == "measured":
        return next((sort for label, sort in _MEASURED.items() if label in run.compared), "Measured")
    return "Estimated, not measured" if run.nature == "estimate" else run.labelled


def _group(title: str, runs: Sequence[Run]) -> Group:
    columns = list(dict.fromkeys(label for run in runs for label, figure in run.compared.items() if figure.value is not None))
    return Group(title, columns, [(run, [run.compared.get(label) for label in columns]) for run in runs])


def _bars(report: Report) -> BarsBlock | None:
    """The time of a frame: p99 with p50 within where it was measured, marked as an estimate where it was not."""
    timed = [(run, *_times(run)) for run in report.runs]
    known = [(run, outer, inner) for run, outer, inner in timed if outer is not None and outer.value]
    budgets = {run.budget_ms for run, _, _ in known if run.budget_ms is not None}
    if len(known) < 2:  # noqa: PLR2004 - one bar compares nothing
        return None
    longest = max([outer.value or 0.0 for _, outer, _ in known] + list(budgets)) * 1.02
    parts = [
        Part(
            _label(run, [run for run, _, _ in known]),
            outer,
            (outer.value or 0.0) / longest,
            inner=((inner.value or 0.0) / longest, inner) if inner else None,
            line=run.budget_ms / longest if run.budget_ms else None,
            estimate=run.nature != "measured",
        )
        for run, outer, inner in known
    ]
    says = "Measured: p99, and the median within it."
    if any(part.estimate for part in parts):
        says += " Hatched: an estimate or a lower bound, nothing was measured."
    allowed = " or ".join(f"{budget:.1f} ms" for budget in sorted(budgets))
    return BarsBlock("Time of a frame", "ms", parts, line=f"what a frame may take: {allowed}" if budgets else "", says=says)


def _label(run: Run, among: Sequence[Run]) -> str:
    """The device, and whatever else the runs differ in."""
    differing = ((run.model, {one.model for one in among}), (run.plan, {one.plan for one in among}))
    further = [text for text, all_of_them in differing if len(all_of_them) > 1]
    return " · ".join([run.name, *further])


def _times(run: Run) -> tuple[Figure | None, Figure | None]:
    """The longer bar and the one within it."""
    if run.nature == "measured":
        return run.compared.get("p99"), run.compared.get("p50")
    return next((run.compared[label] for label in _ESTIMATES if label in run.compared), None), None
