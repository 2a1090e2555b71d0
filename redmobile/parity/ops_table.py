"""Which ONNX operators are lowered, to what, and how they fare in ONNX's own tests: the rows of `redmobile ops` and converters/OPS.md."""

from __future__ import annotations

import collections
import inspect
import re
from collections.abc import Iterable, Sequence

import onnx

from redmobile.convert.lowering import LOWERINGS
from redmobile.core.documents import Document
from redmobile.parity.node_outcomes import HALF_TOLERANCE, NAMED, TOLERANCE, NodeOutcome

COMMAND = "redmobile ops --backend-tests --out converters/OPS.md"
"""What writes OPS.md."""

_FIRST_OPSET, _LAST_OPSET = 11, 22
_ARROW = "->"
_LONGEST_REASON = 200


class OpRow(Document):
    """One operator. formula, lowers_to: the two sides of the first line of its lowering's docstring ('' where there is no lowering).

    opsets: in which of 11 to 22 it exists, or the last one it existed in; passed, applicable, listed: its node tests;
    int8: whether what the passed tests became has an 8-bit form ('yes', 'no', 'some of it', '' where nothing passed).
    """

    op: str
    opsets: str
    formula: str
    lowers_to: str
    passed: int = 0
    applicable: int = 0
    listed: int = 0
    int8: str = ""


def op_rows(outcomes: Sequence[NodeOutcome] = ()) -> list[OpRow]:
    """A row for every operator that has a lowering or that networks for pictures use, sorted by name."""
    tests = collections.defaultdict(list)
    for outcome in outcomes:
        tests[outcome.op].append(outcome)
    return [_row(op, tests[op]) for op in sorted({*LOWERINGS, *NAMED})]


def totals(outcomes: Sequence[NodeOutcome]) -> dict[str, int]:
    """passed, applicable, listed: of all; float_passed, float_applicable: of the tests of NAMED whose inputs are float."""
    floats = [found for found in outcomes if found.floats and found.op in NAMED and found.outcome != "listed"]
    return {
        "passed": _count(outcomes, "passed"),
        "applicable": len(outcomes) - _count(outcomes, "listed"),
        "listed": _count(outcomes, "listed"),
        "float_passed": _count(floats, "passed"),
        "float_applicable": len(floats),
    }


def as_markdown(outcomes: Sequence[NodeOutcome]) -> str:
    """The whole of OPS.md: totals, the table, what failed and what is listed with reasons, what passed."""
    found = totals(outcomes)
    parts = [
        "# Operators",
        f"Written by `{COMMAND}`; a test compares it with what happens now. {_tests_text()}",
        (
            f"**{found['passed']} passed of {found['applicable']} applicable; {found['listed']} listed.** "
            f"Of the float tests of the operators that networks for pictures use, {found['float_passed']} of {found['float_applicable']} pass."
        ),
        _table(op_rows(outcomes)),
        "## Failed",
        _lines(f"{outcome.name}: {_cell(_shortened(outcome.reason))}" for outcome in outcomes if outcome.outcome == "failed"),
        "## Listed: what TFLite cannot express, and operators beyond those of networks for pictures",
        _lines(f"{reason}: {', '.join(names)}" for reason, names in _by_reason(outcomes)),
        "## Passed",
        _lines(f"{op}: {', '.join(names)}" for op, names in _passed(outcomes)),
    ]
    return "\n\n".join(parts) + "\n"


def passed_in(markdown: str) -> set[str]:
    """The names of the tests that an OPS.md says have passed."""
    return set(re.findall(r"\btest_\w+", markdown.partition("\n## Passed\n")[2]))


def onnx_version_in(markdown: str) -> str:
    """The version of the onnx package whose tests an OPS.md tells of; '' if it does not say."""
    found = re.search(r"onnx (\d[\w.]*)", markdown)
    return found[1].rstrip(".") if found else ""


def _row(op: str, tests: list[NodeOutcome]) -> OpRow:
    lowering = LOWERINGS.get(op)
    formula, _, lowers_to = (inspect.getdoc(lowering) or "").partition("\n")[0].partition(_ARROW)
    passed = [found.int8 for found in tests if found.outcome == "passed"]
    return OpRow(
        op=op,
        opsets=_opsets(op),
        formula=formula.strip().strip("`"),
        lowers_to=lowers_to.strip().rstrip("."),
        passed=len(passed),
        applicable=len(tests) - _count(tests, "listed"),
        listed=_count(tests, "listed"),
        int8="" if not passed else "yes" if all(passed) else "some of it" if any(passed) else "no",
    )


def _opsets(op: str) -> str:
    if not onnx.defs.has(op):
        return ""
    schemas = sorted((schema for schema in onnx.defs.get_all_schemas_with_history() if schema.name == op and not schema.domain), key=_since)
    if schemas[-1].deprecated:
        return f"up to {schemas[-1].since_version - 1}"
    first = max(_FIRST_OPSET, schemas[0].since_version)
    return f"{first}–{_LAST_OPSET}" if first <= _LAST_OPSET else f"from {first}"


def _since(schema: onnx.defs.OpSchema) -> int:
    return schema.since_version


def _tests_text() -> str:
    return (
        f"The tests are the node tests of onnx {onnx.__version__}, converted with `litert_fp32` and run in LiteRT. One passes if no "
        f"|a - b| / max(|b|, 1) is above {TOLERANCE:g} ({HALF_TOLERANCE:.2g} for float16), NaN meets NaN and infinities meet their like; integers "
        "and truth values must be equal. Inputs that are constants in a network (weights, shapes, axes, indices, scales) are given to the "
        "converter as such. A test with `_expanded` in its name is an ONNX function written out in the operators that it consists of."
    )


def _table(rows: Iterable[OpRow]) -> str:
    lines = ["| ONNX | opsets | formula | TFLite | passed | applicable | listed | INT8 |", "|---|---|---|---|--:|--:|--:|---|"]
    for row in rows:
        formula = f"`{row.formula}`" if row.formula else ""
        cells = (row.op, row.opsets, formula, row.lowers_to or "no lowering", str(row.passed), str(row.applicable), str(row.listed), row.int8)
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    """`text` as markdown takes it inside of a table: bars would begin another column."""
    return text.replace("|", "\\|")


def _shortened(reason: str) -> str:
    """On a line of its own: without the folder of a temporary file, without the list of known operators, and cut where it goes on for long."""
    said = re.sub(r"\S*/(test\.tflite)", r"\1", re.sub(r"\s*Known ops: [\w, ]+\.", "", " ".join(reason.split())))
    return said if len(said) <= _LONGEST_REASON else f"{said[:_LONGEST_REASON]}…"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) or "None."


def _by_reason(outcomes: Sequence[NodeOutcome]) -> list[tuple[str, list[str]]]:
    return _grouped((found.reason, found.name) for found in outcomes if found.outcome == "listed")


def _passed(outcomes: Sequence[NodeOutcome]) -> list[tuple[str, list[str]]]:
    return _grouped((found.op, found.name) for found in outcomes if found.outcome == "passed")


def _grouped(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    groups = collections.defaultdict(list)
    for key, name in pairs:
        groups[key].append(name)
    return sorted((key, sorted(names)) for key, names in groups.items())


def _count(outcomes: Iterable[NodeOutcome], outcome: str) -> int:
    return sum(found.outcome == outcome for found in outcomes)
