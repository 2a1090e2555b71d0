"""`redmobile bench compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from redmobile.cli.console import OUT, json_option, print_json, table

if TYPE_CHECKING:
    from redmobile.bench.compare import Comparison, Row


@click.command(
    epilog="""\b
Examples:
  redmobile bench compare before.json after.json
  redmobile bench compare benchmarks/baselines after.json --tolerance 0.1 --json

\b
Exit code 6: it got worse, by figures that can be trusted; with --enforce also if that cannot be told.
"""
)
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--tolerance", type=click.FloatRange(min=0), default=0.05, show_default=True, help="How much longer it may take: 0.05 for 5 %. Or more memory."
)
@click.option("--enforce", is_flag=True, help="Exit with 6 also when figures are not to be trusted or the change cannot be told.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the comparison as JSON.")
@json_option
def command(old: Path, new: Path, tolerance: float, out: Path | None, *, enforce: bool, as_json: bool) -> None:
    """Compare the result NEW with OLD: a result's file, or a folder of baselines (see `redmobile bench --record`).

    Each figure comes with the interval that holds its change with 95 % confidence. It got worse only if the whole interval lies beyond
    the tolerance; where the interval is too wide to say, the answer is that it cannot be told.
    """
    from redmobile.bench.compare import compare_files, to_builtins
    from redmobile.core.results import write_json

    found = compare_files(old, new, tolerance)
    documents = [to_builtins(comparison) for comparison in found]
    if out is not None:
        write_json(out, documents)
    if as_json:
        print_json(documents)
    else:
        for comparison in found:
            _print(comparison)
    _check(found, enforce=enforce)


def _print(comparison: Comparison) -> None:
    made = table(f"{comparison.plan} on {comparison.target}: {comparison.outcome}", "", ">old", ">new", "", ">change", ">95 % sure between", "")
    for row in comparison.rows:
        made.add_row(row.metric, f"{row.old:.4g}", f"{row.new:.4g}", row.unit, _change(row, row.change.value), _between(row), row.outcome)
    OUT.print(made)
    for reason in comparison.reasons:
        OUT.print(f"Not to be trusted: {reason}", markup=False)


def _between(row: Row) -> str:
    return f"{_change(row, row.change.low)} and {_change(row, row.change.high)}"


def _change(row: Row, value: float) -> str:
    return f"{100 * (value - 1):+.1f} %" if row.is_ratio else f"{value:+.3g}"


def _check(found: list[Comparison], *, enforce: bool) -> None:
    from redmobile.errors import BudgetError

    bad = ("worse", "cannot tell", "not to be trusted") if enforce else ("worse",)
    failures = [comparison.says for comparison in found if comparison.outcome in bad]
    if failures:
        raise BudgetError(" ".join(f"{says}." for says in failures))
