"""And, Or, Xor, Not, Where: truth values, and choosing by them."""

from __future__ import annotations

from redmobile.convert.formula import Formula, lower_binary, lower_unary
from redmobile.convert.lowering import Lowering, lowers
from redmobile.graph.onnx_graph import OnnxNode


@lowers("And")
def and_(node: OnnxNode, out: Lowering) -> None:
    """`y = a and b`   ->   LOGICAL_AND."""
    lower_binary(node, out, "LOGICAL_AND")


@lowers("Or")
def or_(node: OnnxNode, out: Lowering) -> None:
    """`y = a or b`   ->   LOGICAL_OR."""
    lower_binary(node, out, "LOGICAL_OR")


@lowers("Xor")
def xor(node: OnnxNode, out: Lowering) -> None:
    """`y = either a or b`   ->   NOT_EQUAL."""
    lower_binary(node, out, "NOT_EQUAL")


@lowers("Not")
def not_(node: OnnxNode, out: Lowering) -> None:
    """`y = not x`   ->   LOGICAL_NOT."""
    lower_unary(node, out, "LOGICAL_NOT")


@lowers("Where")
def where(node: OnnxNode, out: Lowering) -> None:
    """`y = a where condition, else b; all three broadcast`   ->   SELECT_V2."""
    formula = Formula(node, out)
    condition, first, second = formula.operands
    formula.finish(formula.apply("SELECT_V2", condition, first, second))
