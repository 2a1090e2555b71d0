"""Flatten images as they lie in memory."""

from __future__ import annotations

import math

import numpy as np

from redmobile.graph.layout import IMAGE_RANK, NHWC, stored
from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode

_FLATTENING = frozenset({"Flatten", "Reshape"})


def flatten_channels_last(graph: OnnxGraph) -> None:
    """Images that are flattened for a product with constant weights are flattened as NHWC, and the weights' rows follow.

        before   x (N, C, H, W) ─ Flatten (N, C·H·W) ─ Gemm w ─ y
        after    x (N, C, H, W) ─ Transpose (N, H, W, C) ─ Reshape (N, H·W·C) ─ Gemm w[p] ─ y

    The Transpose costs nothing, since memory is NHWC; the Flatten before would have needed one that does.
    """
    for node in list(graph.nodes):
        if node.op in _FLATTENING:
            image, flat = graph.shapes.get(node.inputs[0], ()), graph.shapes.get(node.outputs[0], ())
            consumers = graph.consumers(node.outputs[0])
            if len(image) == IMAGE_RANK and flat == (image[0], math.prod(image[1:])) and node.outputs[0] not in graph.outputs:
                axes = [_weights_axis(graph, consumer, node.outputs[0]) for consumer in consumers]
                if consumers and None not in axes and image[1] > 1 and image[2] * image[3] > 1:
                    _rewrite(graph, node, image, [(consumer, axis) for consumer, axis in zip(consumers, axes, strict=True) if axis is not None])


def _weights_axis(graph: OnnxGraph, node: OnnxNode, flat: str) -> int | None:
    """The axis of the constant weights that meets the flattened values; None if `node` is no such product."""
    if node.op not in {"Gemm", "MatMul"} or node.inputs[0] != flat or node.inputs[1] not in graph.initializers:
        return None
    if node.attributes.get("transA", 0) or graph.initializers[node.inputs[1]].ndim != 2:  # noqa: PLR2004  a matrix
        return None
    return 1 if node.attributes.get("transB", 0) else 0


def _rewrite(graph: OnnxGraph, node: OnnxNode, image: tuple[int, ...], products: list[tuple[OnnxNode, int]]) -> None:
    source = node.inputs[0]
    turned = f"{node.outputs[0]}/nhwc"
    graph.shapes[turned], graph.dtypes[turned] = stored(image, NHWC), graph.dtypes[source]
    graph.nodes.insert(graph.nodes.index(node), OnnxNode(f"{node.name}/nhwc", "Transpose", [source], [turned], {"perm": list(NHWC)}))
    target = graph.add_constant(f"{node.outputs[0]}/shape", np.array(graph.shapes[node.outputs[0]], np.int64))
    node.op, node.inputs, node.attributes = "Reshape", [turned, target], {}
    index = np.arange(math.prod(image[1:])).reshape(image[1:]).transpose(1, 2, 0).reshape(-1)
    for product, axis in products:
        weights = graph.initializers[product.inputs[1]]
        product.inputs[1] = graph.add_constant(f"{product.inputs[1]}/nhwc", np.take(weights, index, axis))
