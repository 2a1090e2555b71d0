"""Add, Sub, Mul, Div."""

from __future__ import annotations

import math

import numpy as np

from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.graph.layout import Order
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor


@lowers("Add")
def add(node: OnnxNode, out: Lowering) -> None:
    """`y = a + b, broadcast`   ->   ADD."""
    _binary(node, out, "ADD")


@lowers("Sub")
def sub(node: OnnxNode, out: Lowering) -> None:
    """`y = a - b, broadcast`   ->   SUB."""
    _binary(node, out, "SUB")


@lowers("Mul")
def mul(node: OnnxNode, out: Lowering) -> None:
    """`y = a · b, broadcast`   ->   MUL."""
    _binary(node, out, "MUL")


@lowers("Div")
def div(node: OnnxNode, out: Lowering) -> None:
    """`y = a / b, broadcast`   ->   DIV; by a constant, MUL with its reciprocal (TFLite has no int8 DIV)."""
    if not out.is_constant(node.inputs[1]):
        _binary(node, out, "DIV")
        return
    divisor = out.constant(node.inputs[1], "divisor")
    if not np.all(divisor):
        raise Refusal(f"its constant divisor '{node.inputs[1]}' holds zeros")
    order = _common_order(node, out)
    reciprocal = out.broadcast(node.inputs[1], order)
    reciprocal = Tensor.constant(f"{node.inputs[1]}/reciprocal", (1 / np.asarray(reciprocal.data, np.float64)).astype(np.float32))
    _define(node, out, "MUL", [out.broadcast(node.inputs[0], order), reciprocal], order)


def _binary(node: OnnxNode, out: Lowering, kind: str) -> None:
    order = _common_order(node, out)
    _define(node, out, kind, [out.broadcast(name, order) for name in node.inputs], order)


def _define(node: OnnxNode, out: Lowering, kind: str, operands: list[Tensor], order: Order) -> None:
    out.define(node.outputs[0], kind, operands, {"fused_activation_function": "NONE"}, order=order)


def _common_order(node: OnnxNode, out: Lowering) -> Order:
    """The order of the operand that has most to move: computed before constant, of full rank, the largest."""
    rank = len(out.shape(node.outputs[0]))
    full = [name for name in node.inputs if len(out.shape(name)) == rank]
    leader = max(full, key=lambda name: (not out.is_constant(name), math.prod(out.shape(name))))
    return out.order(leader)
