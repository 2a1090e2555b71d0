"""OneHot, Trilu: what is mostly constant, laid over what is computed."""

from __future__ import annotations

import numpy as np

from redmobile.convert.lowering import Lowering, Refusal, lowers, scalar
from redmobile.graph.layout import plain
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor


@lowers("OneHot")
def one_hot(node: OnnxNode, out: Lowering) -> None:
    """`y[i, c] = on where c = index[i], off elsewhere`   ->   ONE_HOT; negative positions count from the end: LESS, ADD, SELECT_V2.

    depth and values (off, on): constants. Positions outside give off alone.
    """
    index, name = node.inputs[0], node.outputs[0]
    depth = int(out.constant(node.inputs[1], "depth").reshape(-1)[0])
    off, on = out.constant(node.inputs[2], "values").tolist()
    rank = len(out.shape(index))
    tensor = out.tensor(index, plain(rank))
    if tensor.dtype not in {"int32", "int64"}:
        options = {"in_data_type": tensor.dtype.upper(), "out_data_type": "INT32"}
        tensor = out.emit("CAST", [tensor], f"{name}/index", tensor.shape, options, dtype="int32")
    negative = out.emit("LESS", [tensor, scalar(f"{name}/start", 0, tensor.dtype)], f"{name}/negative", tensor.shape, dtype="bool")
    options = {"fused_activation_function": "NONE"}
    raised = out.emit("ADD", [tensor, scalar(f"{name}/from_end", depth, tensor.dtype)], f"{name}/raised", tensor.shape, options)
    forward = out.emit("SELECT_V2", [negative, raised, tensor], f"{name}/forward", tensor.shape, dtype=tensor.dtype)
    dtype = out.dtype(name)
    values = [scalar(f"{name}/{which}", value, dtype) for which, value in (("on", on), ("off", off))]
    axis = node.attributes.get("axis", -1) % (rank + 1)
    out.define(name, "ONE_HOT", [forward, scalar(f"{name}/depth", depth, "int32"), *values], {"axis": axis}, order=plain(rank + 1))


@lowers("Trilu")
def trilu(node: OnnxNode, out: Lowering) -> None:
    """`y = x above (upper) or below a diagonal of its last two axes, 0 elsewhere`   ->   SELECT_V2 by a constant mask. Constant k."""
    source, name = node.inputs[0], node.outputs[0]
    shape, order = out.shape(source), out.order(source)
    offset = (out.parameter(node, "k", 1) or [0])[0]
    square = np.ones(shape[-2:], bool)
    kept = np.triu(square, offset) if node.attributes.get("upper", 1) else np.tril(square, offset)
    if len(shape) < kept.ndim:
        raise Refusal("it needs a matrix")
    mask = Tensor.constant(f"{name}/mask", kept.reshape((1,) * (len(shape) - 2) + kept.shape).transpose(order))
    zero = scalar(f"{name}/zero", 0, out.dtype(source))
    out.define(name, "SELECT_V2", [mask, out.tensor(source), zero], order=order)
