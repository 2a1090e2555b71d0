"""ArgMax, ArgMin, TopK: where the largest values stand."""

from __future__ import annotations

import numpy as np

from redmobile.convert.lowering import Lowering, lowers, scalar
from redmobile.graph.layout import after_reduction
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_NONE = {"fused_activation_function": "NONE"}


@lowers("ArgMax")
def arg_max(node: OnnxNode, out: Lowering) -> None:
    """`y = where x is largest along an axis`   ->   ARG_MAX; the last of equals (select_last_index) by way of REVERSE_V2."""
    _arg(node, out, "ARG_MAX")


@lowers("ArgMin")
def arg_min(node: OnnxNode, out: Lowering) -> None:
    """`y = where x is smallest along an axis`   ->   ARG_MIN; the last of equals (select_last_index) by way of REVERSE_V2."""
    _arg(node, out, "ARG_MIN")


@lowers("TopK")
def top_k(node: OnnxNode, out: Lowering) -> None:
    """`values, indices = the k largest of x along an axis`   ->   TOPK_V2, the axis brought to the end; the smallest of 0 - x. Constant k."""
    source = node.inputs[0]
    rank = len(out.shape(source))
    axis = node.attributes.get("axis", -1) % rank
    order = (*(other for other in out.order(source) if other != axis), axis)
    (count,) = out.parameter(node, "k", 1) or [1]
    values, indices = node.outputs
    tensor = out.tensor(source, order)
    shape = (*tensor.shape[:-1], int(count))
    smallest = not node.attributes.get("largest", 1)
    if smallest:
        tensor = _negative(out, tensor, f"{values}/negative")
    found = out.emit("TOPK_V2", [tensor, scalar(f"{values}/k", count, "int32")], f"{values}/values", shape, dtype=tensor.dtype)
    places = Tensor(f"{values}/places", shape, "int32")
    out.operators[-1].outputs.append(places)
    out.alias(values, _negative(out, found, values) if smallest else found, order)
    wide = out.emit("CAST", [places], indices, shape, {"in_data_type": "INT32", "out_data_type": "INT64"}, dtype="int64")
    out.alias(indices, wide, order)


def _negative(out: Lowering, tensor: Tensor, name: str) -> Tensor:
    # NEG has no 8-bit form, SUB has.
    return out.emit("SUB", [scalar(f"{name}/zero", 0, tensor.dtype), tensor], name, tensor.shape, dict(_NONE), dtype=tensor.dtype)


def _arg(node: OnnxNode, out: Lowering, kind: str) -> None:
    source, name = node.inputs[0], node.outputs[0]
    onnx_axis = node.attributes.get("axis", 0) % len(out.shape(source))
    tensor, axis = out.tensor(source), out.axis(source, onnx_axis)
    size = tensor.shape[axis]
    last = bool(node.attributes.get("select_last_index", 0))
    if last:
        tensor = out.emit("REVERSE_V2", [tensor, Tensor.constant(f"{name}/axis", np.array([axis], np.int32))], f"{name}/reversed", tensor.shape)
    shape = (*tensor.shape[:axis], *tensor.shape[axis + 1 :])
    place = Tensor.constant(f"{name}/along", np.array([axis], np.int32))
    found = out.emit(kind, [tensor, place], f"{name}/place", shape, {"output_type": "INT64"}, dtype="int64")
    if last:
        found = out.emit("SUB", [scalar(f"{name}/end", size - 1, "int64"), found], f"{name}/forward", shape, dict(_NONE))
    if node.attributes.get("keepdims", 1):
        kept = (*shape[:axis], 1, *shape[axis:])
        out.alias(name, out.reshape(found, kept, name), out.order(source))
    else:
        out.alias(name, found, after_reduction(out.order(source), [onnx_axis]))
