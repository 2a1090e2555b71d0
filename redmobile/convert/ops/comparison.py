"""Equal, Greater, GreaterOrEqual, Less, LessOrEqual, IsNaN, IsInf: questions about numbers."""

from __future__ import annotations

import math

from redmobile.convert.formula import Formula, lower_binary
from redmobile.convert.lowering import Lowering, lowers
from redmobile.graph.onnx_graph import OnnxNode


@lowers("Equal")
def equal(node: OnnxNode, out: Lowering) -> None:
    """`y = a == b`   ->   EQUAL."""
    lower_binary(node, out, "EQUAL")


@lowers("Greater")
def greater(node: OnnxNode, out: Lowering) -> None:
    """`y = a > b`   ->   GREATER."""
    lower_binary(node, out, "GREATER")


@lowers("GreaterOrEqual")
def greater_or_equal(node: OnnxNode, out: Lowering) -> None:
    """`y = a >= b`   ->   GREATER_EQUAL."""
    lower_binary(node, out, "GREATER_EQUAL")


@lowers("Less")
def less(node: OnnxNode, out: Lowering) -> None:
    """`y = a < b`   ->   LESS."""
    lower_binary(node, out, "LESS")


@lowers("LessOrEqual")
def less_or_equal(node: OnnxNode, out: Lowering) -> None:
    """`y = a <= b`   ->   LESS_EQUAL."""
    lower_binary(node, out, "LESS_EQUAL")


@lowers("IsNaN")
def is_nan(node: OnnxNode, out: Lowering) -> None:
    """`y = x is not a number`   ->   NOT_EQUAL of x and x."""
    formula = Formula(node, out)
    (x,) = formula.operands
    formula.finish(formula.apply("NOT_EQUAL", x, x))


@lowers("IsInf")
def is_inf(node: OnnxNode, out: Lowering) -> None:
    """`y = x is infinite`   ->   EQUAL; detect_positive and detect_negative say which infinities count."""
    formula = Formula(node, out)
    (x,) = formula.operands
    positive, negative = (bool(node.attributes.get(f"detect_{side}", 1)) for side in ("positive", "negative"))
    if positive and negative:
        formula.finish(formula.apply("EQUAL", formula.apply("ABS", x), math.inf))
    elif positive or negative:
        formula.finish(formula.apply("EQUAL", x, math.inf if positive else -math.inf))
    else:
        formula.finish(formula.apply("LESS", x, -math.inf))  # never
