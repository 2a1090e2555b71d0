"""Reshape, Transpose, Identity, Concat, Split, Slice, Pad: operators that move values and compute nothing."""

from __future__ import annotations

from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.graph.layout import after_transpose
from redmobile.graph.onnx_graph import OnnxNode


@lowers("Identity")
def identity(node: OnnxNode, out: Lowering) -> None:
    """`y = x`   ->   nothing."""
    out.alias(node.outputs[0], out.tensor(node.inputs[0]), out.order(node.inputs[0]))


@lowers("Transpose")
def transpose(node: OnnxNode, out: Lowering) -> None:
    """`y = x with its axes permuted`   ->   nothing: the tensor stays, only what its axes are called changes."""
    rank = len(out.shape(node.inputs[0]))
    perm = node.attributes.get("perm", list(reversed(range(rank))))
    out.alias(node.outputs[0], out.tensor(node.inputs[0]), after_transpose(out.order(node.inputs[0]), perm))


@lowers("Reshape")
def reshape(node: OnnxNode, out: Lowering) -> None:
    """`y = x with another shape, values in ONNX's order`   ->   RESHAPE."""
    out.define_reshape(node.outputs[0], node.inputs[0])


@lowers("Concat")
def concat(node: OnnxNode, out: Lowering) -> None:
    """`y = inputs side by side along an axis`   ->   CONCATENATION."""
    computed = [name for name in node.inputs if not out.is_constant(name)]
    order = out.order(computed[0])
    axis = out.axis(computed[0], node.attributes["axis"])
    options = {"axis": axis, "fused_activation_function": "NONE"}
    out.define(node.outputs[0], "CONCATENATION", [out.tensor(name, order) for name in node.inputs], options, order=order)


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
    """`y = x[start:end:step] along some axes`   ->   STRIDED_SLICE. Constant bounds, steps forward."""
    source = node.inputs[0]
    shape = out.shape(source)
    starts, ends = out.parameter(node, "starts", 1), out.parameter(node, "ends", 2)
    if starts is None or ends is None:
        raise Refusal("its bounds are missing")
    axes = out.parameter(node, "axes", 3) or list(range(len(starts)))
    steps = out.parameter(node, "steps", 4) or [1] * len(starts)
    if min(steps) < 1:
        raise Refusal("it steps backwards, which XNNPACK and NPUs do not take")
    cuts = {}
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        first, stop, _ = slice(start, end, step).indices(shape[axis])
        cuts[out.axis(source, axis)] = slice(first, max(first, stop), step)
    out.alias(node.outputs[0], out.strided_slice(out.tensor(source), cuts, node.outputs[0]), out.order(source))


@lowers("Pad")
def pad(node: OnnxNode, out: Lowering) -> None:
    """`y = x with values added around it`   ->   PAD, PADV2 (another constant than 0) or MIRROR_PAD (reflect)."""
    source, mode = node.inputs[0], node.attributes.get("mode", "constant")
    rank = len(out.shape(source))
    amounts = out.parameter(node, "pads", 1) or []
    axes = out.parameter(node, "axes", 3) or list(range(rank))
    if len(amounts) != 2 * len(axes) or min(amounts, default=0) < 0:
        raise Refusal(f"pads {amounts} for axes {axes}: expected one amount of at least 0 for each side of each axis")
    pads = [(0, 0)] * rank
    for index, axis in enumerate(axes):
        pads[out.axis(source, axis)] = (amounts[index], amounts[index + len(axes)])
    tensor, name = out.tensor(source), node.outputs[0]
    if mode == "constant":
        value = out.parameter(node, "value", 2) or [0.0]
        padded = out.pad(tensor, pads, name, float(value[0]))
    elif mode == "reflect":
        padded = out.mirror_pad(tensor, pads, name)
    else:
        raise Refusal(f"mode '{mode}' has no counterpart in TFLite; constant and reflect have")
    out.alias(name, padded, out.order(source))
