"""Add, Sub, Mul, Div, Pow, Mod, Min, Max, Sum, Mean: arithmetic on values that stand at the same place, broadcast."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from redmobile.convert.formula import Formula, lower_binary
from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor


@lowers("Add")
def add(node: OnnxNode, out: Lowering) -> None:
    """`y = a + b`   ->   ADD."""
    lower_binary(node, out, "ADD")


@lowers("Sub")
def sub(node: OnnxNode, out: Lowering) -> None:
    """`y = a - b`   ->   SUB."""
    lower_binary(node, out, "SUB")


@lowers("Mul")
def mul(node: OnnxNode, out: Lowering) -> None:
    """`y = a · b`   ->   MUL."""
    lower_binary(node, out, "MUL")


@lowers("Div")
def div(node: OnnxNode, out: Lowering) -> None:
    """`y = a / b, for integers cut off towards zero`   ->   DIV; by constant floats, MUL with their reciprocals, which has an INT8 form."""
    formula = Formula(node, out)
    dividend, divisor = formula.operands
    reciprocal = _reciprocal(divisor)
    formula.finish(formula.apply("MUL", dividend, reciprocal) if reciprocal else formula.apply("DIV", dividend, divisor))


@lowers("Pow")
def pow_(node: OnnxNode, out: Lowering) -> None:
    """`y = a to the power of b, in the dtype of a`   ->   MUL, SQRT, DIV for constant powers 2, 3, 4, 1/2, -1, -1/2; else POW.

    Exponents of another dtype are cast to that of a; for an integer a, only whole constant ones. TFLite's POW stops at a negative
    power of integers, so constant ones are refused.
    """
    formula = Formula(node, out)
    base, exponents = formula.operands
    power = float(exponents.data.item()) if exponents.data is not None and exponents.data.size == 1 else None
    if base.dtype != "float32":
        _check_whole(exponents)
    if power is not None and power in _POWERS and (base.dtype == "float32" or power >= 1):
        formula.finish(_POWERS[power](formula, base))
        return
    formula.finish(formula.apply("POW", base, _as(formula, exponents, base.dtype)))


@lowers("Mod")
def mod(node: OnnxNode, out: Lowering) -> None:
    """`y = a - b · floor(a / b), with the sign of b`   ->   FLOOR_MOD; fmod = 1, with the sign of a: FLOOR_MOD of |a| and |b|, sign put back."""
    formula = Formula(node, out)
    dividend, divisor = formula.operands
    if not node.attributes.get("fmod", 0):
        formula.finish(formula.apply("FLOOR_MOD", dividend, divisor))
        return
    rest = formula.apply("FLOOR_MOD", _magnitude(formula, dividend), _magnitude(formula, divisor))
    formula.finish(formula.apply("SELECT_V2", formula.apply("LESS", dividend, 0), formula.apply("NEG", rest), rest))


@lowers("Max")
def maximum(node: OnnxNode, out: Lowering) -> None:
    """`y = largest of any number of inputs`   ->   MAXIMUM, one after the other."""
    formula = Formula(node, out)
    formula.finish(_chain(formula, "MAXIMUM"))


@lowers("Min")
def minimum(node: OnnxNode, out: Lowering) -> None:
    """`y = smallest of any number of inputs`   ->   MINIMUM, one after the other."""
    formula = Formula(node, out)
    formula.finish(_chain(formula, "MINIMUM"))


@lowers("Sum")
def sum_(node: OnnxNode, out: Lowering) -> None:
    """`y = sum of any number of inputs`   ->   ADD, one after the other."""
    formula = Formula(node, out)
    formula.finish(_chain(formula, "ADD"))


@lowers("Mean")
def mean(node: OnnxNode, out: Lowering) -> None:
    """`y = mean of any number of inputs`   ->   ADD, one after the other, and MUL."""
    formula = Formula(node, out)
    total = _chain(formula, "ADD")
    formula.finish(total if len(formula.operands) == 1 else formula.apply("MUL", total, 1 / len(formula.operands)))


def _chain(formula: Formula, kind: str) -> Tensor:
    return functools.reduce(lambda first, second: formula.apply(kind, first, second), formula.operands)


def _reciprocal(divisor: Tensor) -> Tensor | None:
    """The reciprocals of constant floats, None where one of them is beyond float32."""
    if divisor.data is None or divisor.dtype != "float32":
        return None
    with np.errstate(divide="ignore", over="ignore"):
        reciprocals = (1 / divisor.data.astype(np.float64)).astype(np.float32)
    return Tensor.constant(f"{divisor.name}/reciprocal", reciprocals) if np.isfinite(reciprocals).all() else None


def _square(formula: Formula, x: Tensor) -> Tensor:
    return formula.apply("MUL", x, x)


_POWERS: dict[float, Callable[[Formula, Tensor], Tensor]] = {
    1.0: lambda _, x: x,
    2.0: _square,
    3.0: lambda formula, x: formula.apply("MUL", _square(formula, x), x),
    4.0: lambda formula, x: _square(formula, _square(formula, x)),
    0.5: lambda formula, x: formula.apply("SQRT", x),
    -1.0: lambda formula, x: formula.apply("DIV", 1.0, x),
    -0.5: lambda formula, x: formula.apply("DIV", 1.0, formula.apply("SQRT", x)),
}
"""Power → its steps."""


def _check_whole(exponents: Tensor) -> None:
    if exponents.dtype == "float32" and (exponents.data is None or (exponents.data % 1).any()):
        raise Refusal("it raises integers to broken powers; Cast its base to float before it")
    if exponents.data is not None and (exponents.data < 0).any():
        raise Refusal("it raises integers to negative powers, at which TFLite's POW stops; Cast its base to float before it")


def _as(formula: Formula, value: Tensor, dtype: str) -> Tensor:
    return formula.cast(value, dtype) if value.data is None else Tensor.constant(value.name, value.data.astype(dtype))


def _magnitude(formula: Formula, x: Tensor) -> Tensor:
    if x.data is not None:
        return Tensor.constant(f"{x.name}/magnitude", np.abs(x.data))
    return formula.apply("MAXIMUM", x, formula.apply("NEG", x)) if x.dtype == "int64" else formula.apply("ABS", x)
