"""Sin, Cos, Tan, Asin, Acos, Atan. Angles in radians; LiteRT reduces those up to 1e8 to one turn, beyond its SIN and COS mean nothing."""

from __future__ import annotations

from redmobile.convert.formula import Formula, lower_unary
from redmobile.convert.lowering import Lowering, lowers
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor


@lowers("Sin")
def sin(node: OnnxNode, out: Lowering) -> None:
    """`y = sine of x`   ->   SIN."""
    lower_unary(node, out, "SIN")


@lowers("Cos")
def cos(node: OnnxNode, out: Lowering) -> None:
    """`y = cosine of x`   ->   COS."""
    lower_unary(node, out, "COS")


@lowers("Tan")
def tan(node: OnnxNode, out: Lowering) -> None:
    """`y = sin(x) / cos(x)`   ->   SIN, COS, DIV."""
    formula = Formula(node, out)
    (x,) = formula.operands
    formula.finish(formula.apply("DIV", formula.apply("SIN", x), formula.apply("COS", x)))


@lowers("Asin")
def asin(node: OnnxNode, out: Lowering) -> None:
    """`y = angle in [-π/2, π/2] whose sine is x`   ->   ATAN2 of x and √((1 - x) · (1 + x))."""
    formula = Formula(node, out)
    (x,) = formula.operands
    formula.finish(formula.apply("ATAN2", x, _other_side(formula, x)))


@lowers("Acos")
def acos(node: OnnxNode, out: Lowering) -> None:
    """`y = angle in [0, π] whose cosine is x`   ->   ATAN2 of √((1 - x) · (1 + x)) and x."""
    formula = Formula(node, out)
    (x,) = formula.operands
    formula.finish(formula.apply("ATAN2", _other_side(formula, x), x))


@lowers("Atan")
def atan(node: OnnxNode, out: Lowering) -> None:
    """`y = angle in [-π/2, π/2] whose tangent is x`   ->   ATAN2 of x and 1."""
    formula = Formula(node, out)
    (x,) = formula.operands
    formula.finish(formula.apply("ATAN2", x, formula.full(x, 1.0)))


def _other_side(formula: Formula, x: Tensor) -> Tensor:
    """√(1 - x²) without the digits that 1 - x² loses near ±1."""
    return formula.apply("SQRT", formula.apply("MUL", formula.apply("SUB", 1.0, x), formula.apply("ADD", x, 1.0)))
