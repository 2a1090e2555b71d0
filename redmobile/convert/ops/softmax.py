"""Softmax, LogSoftmax, Hardmax."""

from __future__ import annotations

import math
from collections.abc import Callable

from redmobile.convert.lowering import Lowering, lowers, scalar
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_ONE_AXIS_SINCE = 13
"""The opset from which on these normalize along one axis; before, over all axes from the given one on."""

_LARGEST_RANK = 4
"""Up to this rank every runtime's SOFTMAX works along the last axis."""


@lowers("Softmax")
def softmax(node: OnnxNode, out: Lowering) -> None:
    """`y = exp(x) / sum of exp(x) along an axis`   ->   SOFTMAX, where needed between RESHAPEs that gather the axes, or behind a TRANSPOSE."""
    _along_axes(node, out, lambda x: out.emit("SOFTMAX", [x], f"{node.outputs[0]}/softmax", x.shape, {"beta": 1.0}))


@lowers("LogSoftmax")
def log_softmax(node: OnnxNode, out: Lowering) -> None:
    """`y = x - log of the sum of exp(x) along an axis`   ->   LOG_SOFTMAX, as Softmax."""
    _along_axes(node, out, lambda x: out.emit("LOG_SOFTMAX", [x], f"{node.outputs[0]}/log_softmax", x.shape))


@lowers("Hardmax")
def hardmax(node: OnnxNode, out: Lowering) -> None:
    """`y = 1 at the first maximum along an axis, 0 elsewhere`   ->   ARG_MAX - ONE_HOT, as Softmax; several axes in ONNX's order."""
    _along_axes(node, out, lambda x: _one_at_maximum(x, node.outputs[0], out), in_order=True)


def _one_at_maximum(x: Tensor, name: str, out: Lowering) -> Tensor:
    axis = scalar(f"{name}/axis", len(x.shape) - 1, "int32")
    place = out.emit("ARG_MAX", [x, axis], f"{name}/argmax", x.shape[:-1], {"output_type": "INT32"}, dtype="int32")
    values = [scalar(f"{name}/depth", x.shape[-1], "int32"), scalar(f"{name}/on", 1.0), scalar(f"{name}/off", 0.0)]
    return out.emit("ONE_HOT", [place, *values], f"{name}/one_hot", x.shape, {"axis": -1}, dtype="float32")


def _along_axes(node: OnnxNode, out: Lowering, compute: Callable[[Tensor], Tensor], *, in_order: bool = False) -> None:
    """Let `compute` see the axes that count as the last axis of its argument. in_order: it matters in which order they are gathered."""
    source, name = node.inputs[0], node.outputs[0]
    counted = _axes(node, out)
    current = out.order(source)
    order = (*(axis for axis in current if axis not in counted), *sorted(counted, key=None if in_order else current.index))
    x = out.tensor(source, order)
    rows = x
    if len(counted) > 1 or len(x.shape) > _LARGEST_RANK:
        length = math.prod(x.shape[len(x.shape) - len(counted) :])
        rows = out.reshape(x, (math.prod(x.shape) // max(length, 1), length), f"{name}/rows")
    result = out.reshape(compute(rows), x.shape, name)
    result.name = name
    out.alias(name, result, order)


def _axes(node: OnnxNode, out: Lowering) -> list[int]:
    """The ONNX axes over which the sum runs; axes of size 1 among several do not matter."""
    shape = out.shape(node.inputs[0])
    one = out.graph.opset >= _ONE_AXIS_SINCE
    axis = node.attributes.get("axis", -1 if one else 1)
    out.axis(node.inputs[0], axis)  # refuses one that does not exist
    axes = [axis % len(shape)] if one else list(range(axis % len(shape), len(shape)))
    return [axis for axis in axes if shape[axis] != 1] or axes[-1:]
