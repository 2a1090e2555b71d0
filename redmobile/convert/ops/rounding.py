"""Abs, Neg, Sign, Floor, Ceil, Round."""

from __future__ import annotations

from redmobile.convert.formula import Formula, lower_unary
from redmobile.convert.lowering import Lowering, lowers
from redmobile.graph.onnx_graph import OnnxNode


@lowers("Abs")
def abs_(node: OnnxNode, out: Lowering) -> None:
    """`y = |x|`   ->   ABS; for int64, which it lacks, MAXIMUM of x and -x."""
    formula = Formula(node, out)
    (x,) = formula.operands
    formula.finish(formula.apply("MAXIMUM", x, formula.apply("NEG", x)) if x.dtype == "int64" else formula.apply("ABS", x))


@lowers("Neg")
def neg(node: OnnxNode, out: Lowering) -> None:
    """`y = -x`   ->   MUL by -1, since TFLite's int8 NEG turns the sign of codes, not of values; NEG for integers."""
    formula = Formula(node, out)
    (x,) = formula.operands
    formula.finish(formula.apply("MUL", x, -1.0) if x.dtype == "float32" else formula.apply("NEG", x))


@lowers("Sign")
def sign(node: OnnxNode, out: Lowering) -> None:
    """`y = -1, 0 or 1`   ->   SIGN; for int64, which it lacks, MAXIMUM and MINIMUM."""
    formula = Formula(node, out)
    (x,) = formula.operands
    formula.finish(formula.apply("MINIMUM", formula.apply("MAXIMUM", x, -1), 1) if x.dtype == "int64" else formula.apply("SIGN", x))


@lowers("Floor")
def floor(node: OnnxNode, out: Lowering) -> None:
    """`y = largest whole number that is not above x`   ->   FLOOR."""
    lower_unary(node, out, "FLOOR")


@lowers("Ceil")
def ceil(node: OnnxNode, out: Lowering) -> None:
    """`y = smallest whole number that is not below x`   ->   CEIL."""
    lower_unary(node, out, "CEIL")


@lowers("Round")
def round_(node: OnnxNode, out: Lowering) -> None:
    """`y = nearest whole number, of two the even one`   ->   ROUND, which does the same."""
    lower_unary(node, out, "ROUND")
