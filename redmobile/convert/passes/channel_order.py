"""Bring patches in (colour, row, column) order into TFLite's (row, column, colour) order, at no cost where a convolution is near."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode

_BENT = frozenset({"Clip", "HardSigmoid", "HardSwish", "LeakyRelu", "Relu", "ThresholdedRelu"})
_SMOOTH = frozenset({"Celu", "Elu", "Gelu", "Mish", "Selu", "Sigmoid", "Softplus", "Softsign", "Swish", "Tanh"})
_PLAIN = frozenset({"Abs", "Exp", "Neg", "Sqrt"})
_VALUE_BY_VALUE = _BENT | _SMOOTH | _PLAIN
"""Operators that treat all channels alike, so that a permutation may pass through them."""


def reorder_channels(graph: OnnxGraph) -> None:
    """DepthToSpace and SpaceToDepth of mode CRD become DCR; the permutation moves into a convolution's weights.

        before   Conv w ─ DepthToSpace(CRD)             SpaceToDepth(CRD) ─ Conv w
        after    Conv w[p] ─ DepthToSpace(DCR)          SpaceToDepth(DCR) ─ Conv w[:, p]

    The convolution may stand behind or before activations. Where there is none, or where others read the same tensor, a 1×1
    convolution whose weights are the permutation is put in.
    """
    for node in list(graph.nodes):
        if node.op == "DepthToSpace" and node.attributes.get("mode", "DCR") == "CRD":
            _reorder_before(graph, node)
        elif node.op == "SpaceToDepth" and node.attributes.get("mode", "DCR") == "CRD":
            _reorder_behind(graph, node)


def _reorder_before(graph: OnnxGraph, node: OnnxNode) -> None:
    index = _crd_of_dcr(graph.shapes[node.inputs[0]][1], node.attributes["blocksize"])
    node.attributes["mode"] = "DCR"
    source = _convolution_behind(graph, node)
    if source is None:
        node.inputs[0] = _insert_permutation(graph, node.inputs[0], index, position=graph.nodes.index(node))
        return
    for position in range(1, len(source.inputs)):
        if source.inputs[position]:
            _permute(graph, source, position, index, axis=0)


def _reorder_behind(graph: OnnxGraph, node: OnnxNode) -> None:
    output = node.outputs[0]
    index = _crd_of_dcr(graph.shapes[output][1], node.attributes["blocksize"])
    node.attributes["mode"] = "DCR"
    consumers = graph.consumers(output)
    if consumers and output not in graph.outputs and all(_takes_permuted_weights(graph, consumer) for consumer in consumers):
        for consumer in consumers:
            _permute(graph, consumer, 1, index, axis=1)
        return
    shuffled = f"{output}/dcr"
    graph.shapes[shuffled], graph.dtypes[shuffled] = graph.shapes[output], graph.dtypes[output]
    node.outputs[0] = shuffled
    _insert_permutation(graph, shuffled, np.argsort(index), position=graph.nodes.index(node) + 1, result=output)


def _crd_of_dcr(channels: int, block: int) -> NDArray[np.intp]:
    """For each channel in (row, column, colour) order, where it stands in (colour, row, column) order."""
    return np.arange(channels).reshape(-1, block * block).T.reshape(-1)


def _convolution_behind(graph: OnnxGraph, node: OnnxNode) -> OnnxNode | None:
    """The convolution that feeds `node`, seen through activations, if nothing else reads what lies between and its weights can be permuted."""
    value = node.inputs[0]
    while graph.only_consumer(value) is not None:
        producer = graph.producer(value)
        if producer is None:
            return None
        if producer.op in _VALUE_BY_VALUE:
            value = producer.inputs[0]
            continue
        return (
            producer if _takes_permuted_weights(graph, producer) and all(name in graph.initializers for name in producer.inputs[1:] if name) else None
        )
    return None


def _takes_permuted_weights(graph: OnnxGraph, node: OnnxNode) -> bool:
    return node.op == "Conv" and node.attributes.get("group", 1) == 1 and node.inputs[1] in graph.initializers


def _permute(graph: OnnxGraph, node: OnnxNode, position: int, index: NDArray[np.intp], axis: int) -> None:
    name = node.inputs[position]
    node.inputs[position] = graph.add_constant(f"{name}/reordered", np.take(graph.initializers[name], index, axis))
    given = graph.given.get(name)
    if given is not None:
        graph.given[node.inputs[position]] = given.taken(index) if given.quantization.axis == axis else given


def _insert_permutation(graph: OnnxGraph, value: str, index: NDArray[np.intp], *, position: int, result: str | None = None) -> str:
    """Put a 1×1 convolution that gives channel index[i] of `value` as its channel i at `position` of the graph; returns its output."""
    output = result or f"{value}/dcr"
    weights = np.eye(len(index), dtype=np.float32)[index].reshape(len(index), len(index), 1, 1)
    name = graph.add_constant(f"{output}/permutation", weights)
    graph.shapes[output], graph.dtypes[output] = graph.shapes[value], graph.dtypes[value]
    graph.nodes.insert(position, OnnxNode(f"{output}/reorder", "Conv", [value, name], [output]))
    return output
