"""A new result beside an old one, as a run: what changed, how sure that is."""

from __future__ import annotations

from collections.abc import Mapping

from redmobile.report.document import Place
from redmobile.report.view import Block, Cell, Check, ListBlock, Run, Sign, TableBlock, Verdict

_SIGNS: Mapping[str, Sign] = {"better": "good", "same": "good", "worse": "bad", "cannot tell": "doubtful", "not to be trusted": "doubtful"}
_OUTCOMES = {"good": "passed", "bad": "failed"}


def comparison_run(result: Place) -> Run:
    """A run from one comparison of `redmobile bench compare`."""
    outcome = result["outcome"].text()
    verdict = Verdict(_SIGNS.get(outcome, "doubtful"), outcome.capitalize(), f"{result['says'].text()}.")
    plan, target = result["plan"].text(), result["target"].text()
    reasons = result["reasons"].texts() if result.get("reasons") else []
    blocks: list[Block] = [_changes(result["rows"].items())]
    if reasons:
        blocks.append(ListBlock("Not to be trusted, because", reasons))
    check = Check(f"{plan} on {target}: no worse than before", _OUTCOMES.get(verdict.sign, "skipped"), verdict.says)  # type: ignore[arg-type]
    return Run(
        name=f"{target}, before and after",
        target="compare",
        model=_last(result["new"].text()),
        plan=plan,
        nature="measured",
        verdict=verdict,
        tiles=[],
        compared={},
        blocks=blocks,
        facts={"Before": result["old"].text(), "After": result["new"].text(), "Plan": plan, "Target": target},
        date="",
        checks=[check],
    )


def _changes(rows: list[Place]) -> Block:
    cells: list[list[Cell]] = [
        [
            row["metric"].text(),
            row.figure("old", "before"),
            row.figure("new", "after"),
            row["unit"].text(),
            _change(row, "value"),
            f"{_change(row, 'low')} to {_change(row, 'high')}",
            _change(row, "tolerance"),
            row["outcome"].text(),
        ]
        for row in rows
    ]
    columns = ["", "before", "after", "", "change", "95 % sure between", "may worsen by", ""]
    return TableBlock("What changed", columns, cells, says="Worse only where the whole interval lies beyond what is allowed.")


def _change(row: Place, key: str) -> str:
    """A ratio as percent more or less, a difference with its sign."""
    if key == "tolerance":
        value = row["tolerance"].number()
        return f"{100 * value:g} %" if row["is_ratio"].flag() else f"{value:g}"
    value = row["change"][key].number()
    return f"{100 * (value - 1):+.1f} %" if row["is_ratio"].flag() else f"{value:+.3g}"


def _last(file: str) -> str:
    return file.replace("\\", "/").rsplit("/", 1)[-1]
