"""Verdicts and the figures that runs are compared by, for programs."""

from __future__ import annotations

from typing import Any

from redmobile.report.view import Report, Run, Verdict


def to_builtins(report: Report) -> dict[str, Any]:
    """The report as JSON's types. figures: label → value and unit; checks: as in JUnit."""
    return {"title": report.title, "verdict": _verdict(report.verdict), "results": [_run(run) for run in report.runs]}


def _verdict(verdict: Verdict) -> dict[str, str]:
    return {"outcome": verdict.word.lower(), "says": verdict.says}


def _run(run: Run) -> dict[str, Any]:
    figures = (*run.tiles, *run.compared.values())
    return {
        "name": run.name,
        "target": run.target,
        "model": run.model,
        "plan": run.plan,
        "nature": run.nature,
        "verdict": _verdict(run.verdict),
        "figures": {figure.label: {"value": figure.value, "unit": figure.unit, "path": figure.path} for figure in figures},
        "checks": [{"name": check.name, "outcome": check.outcome, "says": check.says} for check in run.checks],
        "file": run.file,
        "sha256": run.sha256,
    }
