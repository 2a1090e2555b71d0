"""Take a batch normalization into the convolution before it."""

from __future__ import annotations

import numpy as np

from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode

_OUTPUT_AXIS = {"Conv": 0, "ConvTranspose": 1}
"""The axis of output channels in the weights."""


def fold_batch_normalization(graph: OnnxGraph) -> None:
    """A convolution that only a BatchNormalization reads takes its scale and shift.

        before   x ─ Conv w, b ─ BatchNormalization γ, β, μ, σ² ─ y
        after    x ─ Conv w·s, (b - μ)·s + β ─ y          with s = γ / sqrt(σ² + ε)

    Source: Jacob et al., CVPR 2018, section 3.2.
    """
    for node in list(graph.nodes):
        if node.op == "BatchNormalization":
            source = graph.producer(node.inputs[0])
            if source and _takes(graph, source, node):
                _fold(graph, source, node)


def _takes(graph: OnnxGraph, source: OnnxNode, node: OnnxNode) -> bool:
    constants = [*node.inputs[1:], *(name for name in source.inputs[1:] if name)]
    return (
        source.op in _OUTPUT_AXIS
        and graph.only_consumer(source.outputs[0]) is node
        and all(name in graph.initializers for name in constants)
        and not node.attributes.get("training_mode", 0)
    )


def _fold(graph: OnnxGraph, source: OnnxNode, node: OnnxNode) -> None:
    gamma, beta, mean, variance = (graph.initializers[name].astype(np.float64) for name in node.inputs[1:])
    scale = gamma / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    weights = graph.initializers[source.inputs[1]].astype(np.float64)
    groups = source.attributes.get("group", 1) if source.op == "ConvTranspose" else 1
    along = [groups, *[1] * weights.ndim]
    along[1 + _OUTPUT_AXIS[source.op]] = -1
    by_group = weights.reshape(groups, -1, *weights.shape[1:])
    bias = graph.initializers[source.inputs[2]].astype(np.float64) if len(source.inputs) > 2 and source.inputs[2] else 0.0  # noqa: PLR2004
    label = f"{source.inputs[1]}/normalized"
    source.inputs = [
        source.inputs[0],
        graph.add_constant(label, (by_group * scale.reshape(along)).reshape(weights.shape).astype(np.float32)),
        graph.add_constant(f"{label}/bias", ((bias - mean) * scale + beta).astype(np.float32)),
    ]
    source.outputs[0] = node.outputs[0]
    graph.nodes.remove(node)
