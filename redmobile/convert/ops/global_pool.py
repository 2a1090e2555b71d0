"""GlobalAveragePool, GlobalMaxPool, GlobalLpPool: one value a channel of signals, images and volumes alike."""

from __future__ import annotations

import numpy as np

from redmobile.convert.lowering import Lowering, lowers
from redmobile.convert.powers import power
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor


@lowers("GlobalAveragePool")
def global_average_pool(node: OnnxNode, out: Lowering) -> None:
    """`y = mean of x over all but batch and channels`   ->   MEAN. x: (N, C, …), y: (N, C, 1, …)."""
    _define(node, out, _reduced(node, out, "MEAN", out.tensor(node.inputs[0]), node.outputs[0]))


@lowers("GlobalMaxPool")
def global_max_pool(node: OnnxNode, out: Lowering) -> None:
    """`y = maximum of x over all but batch and channels`   ->   REDUCE_MAX. x: (N, C, …), y: (N, C, 1, …)."""
    _define(node, out, _reduced(node, out, "REDUCE_MAX", out.tensor(node.inputs[0]), node.outputs[0]))


@lowers("GlobalLpPool")
def global_lp_pool(node: OnnxNode, out: Lowering) -> None:
    """`y = (sum of |x|^p over all but batch and channels)^(1/p)`   ->   the power, SUM, the root. x: (N, C, …), y: (N, C, 1, …)."""
    exponent, name = node.attributes.get("p", 2), node.outputs[0]
    powers = power(out, out.tensor(node.inputs[0]), exponent, f"{name}/powers")
    total = _reduced(node, out, "SUM", powers, f"{name}/sums")
    _define(node, out, power(out, total, 1 / exponent, name))


def _reduced(node: OnnxNode, out: Lowering, kind: str, data: Tensor, name: str) -> Tensor:
    """`data`, which lies as the node's input, reduced over what is neither batch nor channels."""
    source = node.inputs[0]
    axes = sorted(out.axis(source, axis) for axis in range(2, len(data.shape)))
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(data.shape))
    constant = Tensor.constant(f"{name}/axes", np.array(axes, np.int32))
    return out.emit(kind, [data, constant], name, shape, {"keep_dims": True})


def _define(node: OnnxNode, out: Lowering, result: Tensor) -> None:
    out.alias(node.outputs[0], result, out.order(node.inputs[0]))
