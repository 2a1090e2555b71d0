"""Exp, Log, Sqrt, Reciprocal, Erf."""

from __future__ import annotations

from redmobile.convert.formula import Formula, lower_unary
from redmobile.convert.lowering import Lowering, lowers
from redmobile.graph.onnx_graph import OnnxNode

_ERF = (1.128379226, 1.027690545e-01, -1.918315538e-04, -6.197840557e-04, 8.763712685e-05, -5.668445283e-06, 1.418506201e-07)
"""P in erf(x) ≈ tanh(x · P(x²)). Our own minimax fit of artanh(erf(x)) / x on [0, 4.2] in powers of x², weighted so that the relative error
of erf is even: 1e-7 in exact arithmetic and 3e-7 in float32 for every x (tests/convert/test_convert_functions.py). Abramowitz and Stegun's
7.1.26 bounds the absolute error, loses all digits near 0 and needs an exponential, a division and a sign. P(0) is 2/√π."""


@lowers("Exp")
def exp(node: OnnxNode, out: Lowering) -> None:
    """`y = e to the power of x`   ->   EXP."""
    lower_unary(node, out, "EXP")


@lowers("Log")
def log(node: OnnxNode, out: Lowering) -> None:
    """`y = natural logarithm of x`   ->   LOG."""
    lower_unary(node, out, "LOG")


@lowers("Sqrt")
def sqrt(node: OnnxNode, out: Lowering) -> None:
    """`y = √x`   ->   SQRT."""
    lower_unary(node, out, "SQRT")


@lowers("Reciprocal")
def reciprocal(node: OnnxNode, out: Lowering) -> None:
    """`y = 1 / x`   ->   DIV."""
    formula = Formula(node, out)
    formula.finish(formula.apply("DIV", 1.0, formula.operands[0]))


@lowers("Erf")
def erf(node: OnnxNode, out: Lowering) -> None:
    """`y = 2/√π · integral of exp(-t²) from 0 to x`   ->   TANH of a polynomial: MULs and ADDs. TFLite has no ERF.

    No division, no branch, exact signs; x² that overflows saturates at ±1 as it should.
    """
    formula = Formula(node, out)
    (x,) = formula.operands
    slope = formula.polynomial(formula.apply("MUL", x, x), _ERF)
    formula.finish(formula.apply("TANH", formula.apply("MUL", x, slope)))
