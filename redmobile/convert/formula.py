"""Formulas over tensors: what the lowerings of operators that compute value by value share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from redmobile.convert.lowering import Lowering, Refusal, scalar
from redmobile.graph.layout import Order
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_NARROW = frozenset({"uint8", "int8", "int16"})
_COMPARISONS = frozenset({"EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"})
_INTEGERS = frozenset({"int32", "int64"})
_EVERYTHING = frozenset({"bool", *_INTEGERS, "float32"})
_NUMBERS = frozenset({*_INTEGERS, "float32"})
_NUMBERS_32 = frozenset({"int32", "float32"})

_KERNELS = {
    "ABS": _NUMBERS_32,
    "ADD": _NUMBERS,
    "BITWISE_XOR": frozenset({"int32"}),
    "CAST": _EVERYTHING,
    "DIV": _NUMBERS_32,
    "EQUAL": _EVERYTHING,
    "FLOOR_MOD": _NUMBERS,
    "GREATER": _NUMBERS,
    "GREATER_EQUAL": _NUMBERS,
    "LESS": _NUMBERS,
    "LESS_EQUAL": _NUMBERS,
    "LOGICAL_AND": frozenset({"bool"}),
    "LOGICAL_NOT": frozenset({"bool"}),
    "LOGICAL_OR": frozenset({"bool"}),
    "MAXIMUM": _NUMBERS,
    "MINIMUM": _NUMBERS,
    "MUL": _NUMBERS,
    "NEG": _NUMBERS,
    "NOT_EQUAL": _EVERYTHING,
    "POW": _NUMBERS_32,
    "RIGHT_SHIFT": frozenset({"int32"}),
    "SELECT_V2": _EVERYTHING,
    "SIGN": _NUMBERS_32,
    "SUB": _NUMBERS,
}
"""Kind → dtypes, besides narrow integers, for which LiteRT 2.3 has a kernel that takes bare values. What is not listed: float32 alone."""


class Formula:
    """The steps that compute a node's output, value by value.

    operands: the node's inputs (those that are there), brought to the output's rank and one memory order. Integers narrower than 32
    bits are computed in 32 and brought back at the end, wrapped around as ONNX's own are: TFLite takes bare 8-bit integers for the
    codes of a quantized tensor. Broadcasting is TFLite's, which is ONNX's. Numbers become constants.
    """

    def __init__(self, node: OnnxNode, out: Lowering, inputs: Sequence[str] | None = None) -> None:
        """inputs: the names of the operands, where these are not all of the node's inputs."""
        names = [name for name in node.inputs if name] if inputs is None else inputs
        self._out, self._name = out, node.outputs[0]
        self._order = _common_order(names, len(out.shape(self._name)), out)
        self.operands = [self._widen(out.broadcast(name, self._order)) for name in names]

    def apply(self, kind: str, *operands: Tensor | float, **options: Any) -> Tensor:
        """One step: its result. A number gets the dtype of the tensors beside it. Refuses a dtype for which TFLite has no kernel."""
        values = operands[1:] if kind == "SELECT_V2" else operands
        dtype = next((value.dtype for value in values if isinstance(value, Tensor)), self._out.dtype(self._name))
        if dtype not in _KERNELS.get(kind, {"float32"}):
            raise Refusal(f"TFLite has no {kind} for {dtype}; Cast to {_wider(kind)} before it")
        tensors = [value if isinstance(value, Tensor) else scalar(f"{self._name}/constant", value, dtype) for value in operands]
        shape = np.broadcast_shapes(*(tensor.shape for tensor in tensors))
        return self._emit(kind, tensors, shape, "bool" if kind in _COMPARISONS else dtype, options)

    def cast(self, value: Tensor, dtype: str) -> Tensor:
        """CAST: floats are cut off towards zero and saturate, integers wrap around, truth values become 0 and 1."""
        if value.dtype == dtype:
            return value
        options = {"in_data_type": value.dtype.upper(), "out_data_type": dtype.upper()}
        return self._emit("CAST", [value], value.shape, dtype, options)

    def polynomial(self, x: Tensor, coefficients: Sequence[float]) -> Tensor:
        """The sum of coefficients[i] · x^i by Horner's rule; at least two coefficients."""
        *rest, last = coefficients
        result: Tensor | float = last
        for coefficient in reversed(rest):
            result = self.apply("ADD", self.apply("MUL", x, result), coefficient)
        assert isinstance(result, Tensor)  # noqa: S101  for the type checker
        return result

    def full(self, like: Tensor, value: float) -> Tensor:
        """`value` in the shape of `like`, for kernels that do not broadcast."""
        shape = Tensor.constant(f"{self._name}/shape", np.array(like.shape, np.int32))
        return self._emit("BROADCAST_TO", [scalar(f"{self._name}/constant", value, like.dtype), shape], like.shape, like.dtype, {})

    def finish(self, result: Tensor) -> None:
        """Let `result` be the node's output."""
        result = self.cast(result, self._out.dtype(self._name))
        if all(result is not operand for operand in self.operands):
            result.name = self._name
        self._out.alias(self._name, result, self._order)

    def _emit(self, kind: str, inputs: Sequence[Tensor], shape: tuple[int, ...], dtype: str, options: dict[str, Any]) -> Tensor:
        return self._out.emit(kind, inputs, f"{self._name}/{kind.lower()}", shape, options, dtype=dtype)

    def _widen(self, operand: Tensor) -> Tensor:
        if operand.dtype not in _NARROW:
            return operand
        if operand.data is not None:
            return Tensor.constant(operand.name, operand.data.astype(np.int32))
        return self.cast(operand, "int32")


def lower_unary(node: OnnxNode, out: Lowering, kind: str, **options: Any) -> None:
    """One operator of TFLite with the node's first input."""
    formula = Formula(node, out, node.inputs[:1])
    formula.finish(formula.apply(kind, formula.operands[0], **options))


def lower_binary(node: OnnxNode, out: Lowering, kind: str) -> None:
    """One operator of TFLite with the node's two inputs, broadcast."""
    formula = Formula(node, out)
    first, second = formula.operands
    formula.finish(formula.apply(kind, first, second))


def _common_order(names: Sequence[str], rank: int, out: Lowering) -> Order:
    """The order of the operand that has most to move: of full rank, computed before constant, the largest."""
    full = [name for name in names if len(out.shape(name)) == rank]
    leader = max(full, key=lambda name: (not out.is_constant(name), math.prod(out.shape(name))))
    return out.order(leader)


def _wider(kind: str) -> str:
    return " or ".join(sorted(_KERNELS.get(kind, {"float32"})))
