"""Sinh, Cosh, Asinh, Acosh, Atanh: composed so that nothing overflows before the function itself does."""

from __future__ import annotations

import math

from redmobile.convert.formula import Formula
from redmobile.convert.lowering import Lowering, lowers
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_LOG_2 = math.log(2)


@lowers("Sinh")
def sinh(node: OnnxNode, out: Lowering) -> None:
    """`y = (exp(x) - exp(-x)) / 2`   ->   sign(x) · exp(|x| - log 2) · -(exp(-2|x|) - 1): the last is ELU, exact near 0."""
    formula = Formula(node, out)
    (x,) = formula.operands
    size = formula.apply("ABS", x)
    grown = formula.apply("EXP", formula.apply("SUB", size, _LOG_2))
    bend = formula.apply("ELU", formula.apply("MUL", size, -2.0))
    formula.finish(formula.apply("MUL", formula.apply("MUL", formula.apply("SIGN", x), grown), formula.apply("MUL", bend, -1.0)))


@lowers("Cosh")
def cosh(node: OnnxNode, out: Lowering) -> None:
    """`y = (exp(x) + exp(-x)) / 2`   ->   exp(x - log 2) + exp(-x - log 2)."""
    formula = Formula(node, out)
    (x,) = formula.operands
    rising = formula.apply("EXP", formula.apply("SUB", x, _LOG_2))
    formula.finish(formula.apply("ADD", rising, formula.apply("EXP", formula.apply("SUB", -_LOG_2, x))))


@lowers("Asinh")
def asinh(node: OnnxNode, out: Lowering) -> None:
    """`y = sign(x) · log(|x| + √(x² + 1))`   ->   the same with |x| and 1 divided by s = max(|x|, 1), and log s added."""
    formula = Formula(node, out)
    (x,) = formula.operands
    size = formula.apply("ABS", x)
    scale = formula.apply("MAXIMUM", size, 1.0)
    one, part = formula.apply("DIV", 1.0, scale), formula.apply("DIV", size, scale)
    root = formula.apply("SQRT", formula.apply("ADD", _square(formula, part), _square(formula, one)))
    result = formula.apply("ADD", formula.apply("LOG", scale), formula.apply("LOG", formula.apply("ADD", part, root)))
    formula.finish(formula.apply("MUL", result, formula.apply("SIGN", x)))


@lowers("Acosh")
def acosh(node: OnnxNode, out: Lowering) -> None:
    """`y = log(x + √(x² - 1))`   ->   log(x + √(x - 1) · √(x + 1))."""
    formula = Formula(node, out)
    (x,) = formula.operands
    roots = [formula.apply("SQRT", formula.apply("ADD", x, shift)) for shift in (-1.0, 1.0)]
    formula.finish(formula.apply("LOG", formula.apply("ADD", x, formula.apply("MUL", *roots))))


@lowers("Atanh")
def atanh(node: OnnxNode, out: Lowering) -> None:
    """`y = log((1 + x) / (1 - x)) / 2`   ->   ADD, SUB, DIV, LOG, MUL."""
    formula = Formula(node, out)
    (x,) = formula.operands
    ratio = formula.apply("DIV", formula.apply("ADD", x, 1.0), formula.apply("SUB", 1.0, x))
    formula.finish(formula.apply("MUL", formula.apply("LOG", ratio), 0.5))


def _square(formula: Formula, x: Tensor) -> Tensor:
    return formula.apply("MUL", x, x)
