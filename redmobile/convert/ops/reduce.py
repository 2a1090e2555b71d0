"""ReduceMean, ReduceMax, GlobalAveragePool."""

from __future__ import annotations

import numpy as np

from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.graph.layout import NHWC, after_reduction
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor


@lowers("ReduceMean")
def reduce_mean(node: OnnxNode, out: Lowering) -> None:
    """`y = mean of x over axes`   ->   MEAN."""
    _reduce(node, out, "MEAN")


@lowers("ReduceMax")
def reduce_max(node: OnnxNode, out: Lowering) -> None:
    """`y = maximum of x over axes`   ->   REDUCE_MAX."""
    _reduce(node, out, "REDUCE_MAX")


@lowers("GlobalAveragePool")
def global_average_pool(node: OnnxNode, out: Lowering) -> None:
    """`y = mean of x over height and width`   ->   MEAN. x: (N, C, H, W), y: (N, C, 1, 1)."""
    data = out.image(node.inputs[0])
    out.define(node.outputs[0], "MEAN", [data, _axes_constant(node, [1, 2])], {"keep_dims": True}, order=NHWC)


def _reduce(node: OnnxNode, out: Lowering, kind: str) -> None:
    source = node.inputs[0]
    rank = len(out.shape(source))
    given = out.parameter(node, "axes", 1)
    if not given and node.attributes.get("noop_with_empty_axes", 0):
        raise Refusal("it reduces nothing (noop_with_empty_axes)")
    axes = [axis % rank for axis in given] if given else list(range(rank))
    keeps = bool(node.attributes.get("keepdims", 1))
    order = out.order(source) if keeps else after_reduction(out.order(source), axes)
    memory_axes = sorted(out.axis(source, axis) for axis in axes)
    out.define(node.outputs[0], kind, [out.tensor(source), _axes_constant(node, memory_axes)], {"keep_dims": keeps}, order=order)


def _axes_constant(node: OnnxNode, axes: list[int]) -> Tensor:
    return Tensor.constant(f"{node.outputs[0]}/axes", np.array(axes, np.int32))
