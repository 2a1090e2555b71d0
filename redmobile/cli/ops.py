"""`redmobile ops`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from redmobile.cli.console import OUT, json_option, print_json, progress, table
from redmobile.errors import UsageError

if TYPE_CHECKING:
    from redmobile.parity.node_outcomes import NodeOutcome
    from redmobile.parity.ops_table import OpRow


@click.command(
    epilog="""\b
Examples:
  redmobile ops
  redmobile ops Conv Resize --json
  redmobile ops --backend-tests
  redmobile ops --backend-tests --out converters/OPS.md
"""
)
@click.argument("names", nargs=-1, metavar="[OP]...")
@click.option("--backend-tests", is_flag=True, help="Run the node tests of the onnx package and count: converted, run in LiteRT, compared.")
@click.option("--out", type=click.Path(path_type=Path), help="Write table and tests as Markdown. Needs --backend-tests, and no OP.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Processes that run the tests.")
@json_option
def command(names: tuple[str, ...], backend_tests: bool, out: Path | None, workers: int, as_json: bool) -> None:
    """List the ONNX operators that are lowered (all, or each OP): to what, in which opsets, and how they fare in ONNX's own tests."""
    from redmobile.parity.ops_table import as_markdown, op_rows, totals

    if out is not None and (names or not backend_tests):
        raise UsageError("--out writes the whole table: it needs --backend-tests and takes no OP.")
    outcomes = _run(names, workers) if backend_tests else []
    rows = [row for row in op_rows(outcomes) if not names or row.op in names]
    unknown = sorted(set(names) - {row.op for row in rows})
    if unknown:
        raise UsageError(f"Unknown ONNX op '{unknown[0]}'. Known: {', '.join(row.op for row in op_rows())}.")
    if out is not None:
        from redmobile.core.artifact import write_text

        write_text(out, as_markdown(outcomes))
    if as_json:
        _print_json(rows, outcomes)
        return
    _print(rows, tested=backend_tests)
    if backend_tests:
        found = totals(outcomes)
        OUT.print(f"{found['passed']} passed of {found['applicable']} applicable; {found['listed']} listed.", markup=False)


def _run(names: tuple[str, ...], workers: int) -> list[NodeOutcome]:
    from redmobile.parity.node_outcomes import run_node_tests
    from redmobile.parity.node_tests import node_tests

    chosen = [name for name, test in node_tests().items() if not names or test.op in names]
    with progress() as bar:
        task = bar.add_task("node tests", total=len(chosen), note="")
        return run_node_tests(chosen, workers=workers, on_progress=lambda done, total: bar.update(task, completed=done, total=total))


def _print_json(rows: list[OpRow], outcomes: list[NodeOutcome]) -> None:
    import msgspec

    from redmobile.parity.ops_table import totals

    print_json({"operators": msgspec.to_builtins(rows), "totals": totals(outcomes), "tests": msgspec.to_builtins(outcomes)})


def _print(rows: list[OpRow], *, tested: bool) -> None:
    counts = (">passed", ">applicable", ">listed", "INT8") if tested else ()
    made = table("ONNX operators", "ONNX", "opsets", "formula", "TFLite", *counts)
    for row in rows:
        figures = (str(row.passed), str(row.applicable), str(row.listed), row.int8) if tested else ()
        made.add_row(row.op, row.opsets, row.formula, row.lowers_to or "no lowering", *figures)
    OUT.print(made)
