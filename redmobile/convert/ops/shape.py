"""Identity, Transpose, Reshape, Flatten, Squeeze, Unsqueeze, Expand, Tile, Concat, Split, Slice: operators that compute nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.graph.layout import Order, after_transpose, plain, stored
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor


@lowers("Identity")
def identity(node: OnnxNode, out: Lowering) -> None:
    """`y = x`   ->   nothing."""
    out.alias(node.outputs[0], out.tensor(node.inputs[0]), out.order(node.inputs[0]))


@lowers("Transpose")
def transpose(node: OnnxNode, out: Lowering) -> None:
    """`y = x with its axes permuted`   ->   nothing: the tensor stays, only what its axes are called changes."""
    rank = len(out.shape(node.inputs[0]))
    perm = node.attributes.get("perm", list(reversed(range(rank))))
    if sorted(perm) != list(range(rank)):
        raise Refusal(f"perm {perm} is no permutation of its {rank} axes")
    out.alias(node.outputs[0], out.tensor(node.inputs[0]), after_transpose(out.order(node.inputs[0]), perm))


@lowers("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def reshape(node: OnnxNode, out: Lowering) -> None:
    """`y = x with another shape, values in ONNX's order`   ->   RESHAPE. The shape is the one that ONNX infers."""
    out.define_reshape(node.outputs[0], node.inputs[0])


@lowers("Expand")
def expand(node: OnnxNode, out: Lowering) -> None:
    """`y = x repeated along axes of size 1, and along new ones before`   ->   BROADCAST_TO."""
    source, shape = node.inputs[0], out.shape(node.outputs[0])
    new = len(shape) - len(out.shape(source))
    order: Order = (*plain(new), *(axis + new for axis in out.order(source)))
    tensor, target = out.broadcast(source, order), stored(shape, order)
    if tensor.shape != target:
        tensor = out.emit("BROADCAST_TO", [tensor, _sizes(f"{node.outputs[0]}/shape", target)], node.outputs[0], target)
    out.alias(node.outputs[0], tensor, order)


@lowers("Tile")
def tile(node: OnnxNode, out: Lowering) -> None:
    """`y = x repeated as a whole along each axis`   ->   TILE. Constant repeats."""
    source, order = node.inputs[0], out.order(node.inputs[0])
    repeats = out.constant(node.inputs[1], "repeats").tolist()
    out.define(node.outputs[0], "TILE", [out.tensor(source), _sizes(f"{node.outputs[0]}/repeats", stored(repeats, order))], order=order)


@lowers("Concat")
def concat(node: OnnxNode, out: Lowering) -> None:
    """`y = inputs side by side along an axis`   ->   CONCATENATION. Empty inputs are left out."""
    filled = [name for name in node.inputs if 0 not in out.shape(name)]
    leader = max(filled, key=lambda name: (not out.is_constant(name), math.prod(out.shape(name))))
    order, axis = out.order(leader), out.axis(leader, node.attributes["axis"])
    if len(filled) == 1:
        out.alias(node.outputs[0], out.tensor(leader), order)
        return
    options = {"axis": axis, "fused_activation_function": "NONE"}
    out.define(node.outputs[0], "CONCATENATION", [out.tensor(name, order) for name in filled], options, order=order)


@lowers("Split")
def split(node: OnnxNode, out: Lowering) -> None:
    """`y_i = consecutive pieces of x along an axis`   ->   SPLIT, or STRIDED_SLICE for pieces that differ or are many."""
    source, axis = node.inputs[0], node.attributes.get("axis", 0)
    memory_axis = out.axis(source, axis)
    sizes = [out.shape(name)[axis] for name in node.outputs]
    if sum(sizes) != out.shape(source)[axis]:
        raise Refusal(f"its pieces {sizes} do not add up to {out.shape(source)[axis]}")
    pieces = out.split(out.tensor(source), memory_axis, sizes, node.outputs)
    for name, piece in zip(node.outputs, pieces, strict=True):
        out.alias(name, piece, out.order(source))


@lowers("Slice")
def slice_(node: OnnxNode, out: Lowering) -> None:
    """`y = x[start:end:step] along some axes`   ->   STRIDED_SLICE; for a negative step, REVERSE_V2 of the same values. Constant bounds."""
    source, name = node.inputs[0], node.outputs[0]
    shape, order = out.shape(source), out.order(source)
    starts, ends = out.parameter(node, "starts", 1), out.parameter(node, "ends", 2)
    if starts is None or ends is None:
        raise Refusal("its bounds are missing")
    axes = out.parameter(node, "axes", 3) or list(range(len(starts)))
    steps = out.parameter(node, "steps", 4) or [1] * len(starts)
    cuts, backward = {}, []
    for onnx_axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        axis = out.axis(source, onnx_axis)
        taken = range(*slice(start, end, step).indices(shape[onnx_axis]))
        if not taken:
            raise Refusal(f"it takes nothing along axis {onnx_axis}: the result is empty")
        if step < 0:
            backward.append(axis)
            taken = taken[::-1]
        cuts[axis] = slice(taken[0], taken[-1] + 1, taken.step)
    whole = all(cut == slice(0, out.tensor(source).shape[axis], 1) for axis, cut in cuts.items())
    tensor = out.tensor(source) if whole else out.strided_slice(out.tensor(source), cuts, f"{name}/ascending" if backward else name)
    for axis in backward:
        tensor = out.emit("REVERSE_V2", [tensor, _sizes(f"{name}/axis{axis}", [axis])], f"{name}/reversed{axis}", tensor.shape)
    out.alias(name, tensor, order)


def _sizes(name: str, values: Sequence[int]) -> Tensor:
    return Tensor.constant(name, np.array(values, np.int32))
