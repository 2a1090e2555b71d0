"""The table of operators: docstrings read, opsets told, tests counted, and all of it found again in the Markdown."""

import pytest

from redmobile.convert.lowering import LOWERINGS
from redmobile.parity.node_outcomes import NAMED, NodeOutcome
from redmobile.parity.ops_table import as_markdown, onnx_version_in, op_rows, passed_in, totals

OUTCOMES = [
    NodeOutcome(name="test_abs", op="Abs", opset=13, outcome="failed", floats=True, reason="differs by 2 | 3. Known ops: Abs, Add."),
    NodeOutcome(name="test_add", op="Add", opset=14, outcome="passed", floats=True, error=0.0, int8=True),
    NodeOutcome(name="test_add_bcast", op="Add", opset=14, outcome="passed", floats=True, error=0.0, int8=False),
    NodeOutcome(name="test_add_uint8", op="Add", opset=14, outcome="listed", floats=False, reason="eight bits"),
    NodeOutcome(name="test_and2d", op="And", opset=7, outcome="passed", floats=False, error=0.0, int8=False),
    NodeOutcome(name="test_nonzero", op="NonZero", opset=13, outcome="listed", floats=True, reason="no lowering: NonZero"),
]


def row(op, outcomes=()):
    (found,) = (row for row in op_rows(outcomes) if row.op == op)
    return found


def test_every_lowering_has_a_row_with_both_sides_of_its_first_line():
    rows = {row.op: row for row in op_rows()}
    assert set(rows) == {*LOWERINGS, *NAMED}
    incomplete = [op for op in LOWERINGS if not rows[op].formula or not rows[op].lowers_to]
    assert not incomplete
    assert (rows["Add"].formula, rows["Add"].lowers_to) == ("y = a + b", "ADD")


@pytest.mark.parametrize(("op", "opsets"), [("Add", "11–22"), ("Gelu", "20–22"), ("Upsample", "up to 9"), ("Swish", "from 24")])
def test_opsets(op, opsets):
    assert row(op).opsets == opsets


def test_tests_are_counted():
    found = row("Add", OUTCOMES)
    assert (found.passed, found.applicable, found.listed, found.int8) == (2, 2, 1, "some of it")
    assert row("And", OUTCOMES).int8 == "no"
    assert row("Abs", OUTCOMES).int8 == ""
    assert totals(OUTCOMES) == {"passed": 3, "applicable": 4, "listed": 2, "float_passed": 2, "float_applicable": 3}


def test_markdown_holds_everything_and_is_read_again():
    made = as_markdown(OUTCOMES)
    assert passed_in(made) == {"test_add", "test_add_bcast", "test_and2d"}
    assert onnx_version_in(made)
    assert "**3 passed of 4 applicable; 2 listed.**" in made
    assert "- test_abs: differs by 2 \\| 3.\n" in made
    assert "- no lowering: NonZero: test_nonzero\n" in made
    columns = {line.replace("\\|", "").count("|") for line in made.splitlines() if line.startswith("| ")}
    assert columns == {9}
