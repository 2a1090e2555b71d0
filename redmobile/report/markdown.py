"""For a pull request: verdicts first, one table, the rest folded away."""

from __future__ import annotations

import re
from collections.abc import Sequence

from redmobile.report.compare import Group, across
from redmobile.report.figures import Figure
from redmobile.report.view import ListBlock, Report, Run, TableBlock

_MARKS = {"good": "✅", "bad": "❌", "doubtful": "⚠️", "none": "➖"}
_SHOWN = ("What changed", "Gates", "Stages", "Left to the CPU", "Against the ground truth")
"""Tables that a reader of a pull request wants to see unfolded in a run's part."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")
_MENTION = re.compile(r"@(?=\w)")

LONGEST = 60_000
"""GitHub takes comments of 65,536 characters."""

MARKER = "<!-- redmobile report -->"
"""The first line: by it, a comment is found again and written anew instead of another one below it."""


def to_markdown(report: Report, most: int = LONGEST) -> str:
    """The report in GitHub's Markdown, at most `most` characters: parts of single runs are left out, from the last, until it fits."""
    verdict = report.verdict
    head = [MARKER, f"## {_MARKS[verdict.sign]} {_safe(verdict.word)}: {_safe(report.title)}", _safe(verdict.says), _summary(report)]
    parts = [_run(run) for run in report.runs]
    kept = list(parts)
    while kept and len(_joined(head, kept, len(parts))) > most:
        kept.pop()
    return _joined(head, kept, len(parts))


def _joined(head: Sequence[str], kept: Sequence[str], count: int) -> str:
    left = [f"Details of {count - len(kept)} of {count} results are left out here; the page has them."] if len(kept) < count else []
    return "\n\n".join(part for part in (*head, *kept, *left) if part) + "\n"


def _summary(report: Report) -> str:
    return "\n\n".join(_group(group) for group in across(report).groups)


def _group(group: Group) -> str:
    head = [group.title, "model", "verdict", *group.columns]
    rows = [
        [_safe(run.name), _safe(run.model), f"{_MARKS[run.verdict.sign]} {_safe(run.verdict.word)}", *map(_cell, figures)]
        for run, figures in group.rows
    ]
    return _table(head, rows, left=3)


def _run(run: Run) -> str:
    lines = [f"<details><summary>{_html(run.name)} · {_html(run.model)} · {_html(run.plan)}</summary>", "", _safe(run.verdict.says), ""]
    for block in run.blocks:
        if isinstance(block, ListBlock):
            lines += [f"**{_safe(block.title)}**", "", *(f"- {_safe(item)}" for item in block.items), ""]
        if isinstance(block, TableBlock) and block.title in _SHOWN:
            lines += [f"**{_safe(block.title)}**", "", _table(block.columns, [[_cell(cell) for cell in row] for row in block.rows], left=1), ""]
    lines += [_table(["made with", ""], [[_safe(label), _safe(text)] for label, text in run.facts.items()], left=2), ""]
    if run.command:
        lines += ["```sh", run.command.replace("\n", " "), "```", ""]
    return "\n".join([*lines, "</details>"])


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """left: how many columns stand at the left, the others at the right."""
    rule = ["---" if index < left else "---:" for index in range(len(columns))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [[_safe(column) for column in columns], rule, *rows])


def _cell(cell: Figure | str | None) -> str:
    if cell is None:
        return "–"
    return _safe(cell if isinstance(cell, str) else cell.text)


def _safe(text: str) -> str:
    """`text` as itself: nothing in it is Markdown or HTML, nobody is called by their name."""
    return _MENTION.sub("@\u200b", _SPECIAL.sub(r"\\\1", " ".join(text.split())))


def _html(text: str) -> str:
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u200b")
