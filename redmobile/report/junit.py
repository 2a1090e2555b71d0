"""Verdicts and gates as test cases. What cannot be judged is skipped, never passed."""

from __future__ import annotations

from redmobile.core import junit
from redmobile.core.junit import Case, Suite
from redmobile.report.view import Report, Run

_KINDS = {"parity": "gate", "compare": "regression"}


def to_junit(report: Report) -> bytes:
    """One suite a result, with what it was made with; UTF-8."""
    return junit.to_junit([_suite(run) for run in report.runs])


def _suite(run: Run) -> Suite:
    group = f"{run.plan}.{run.target}"
    cases = [Case(group, check.name, check.outcome, _KINDS.get(run.target, "budget"), check.says) for check in run.checks]
    return Suite(f"redmobile.{group}", run.date, {**run.facts, "document": run.file, "document sha256": run.sha256}, cases)
