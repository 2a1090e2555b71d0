"""Recognise a clamp that is written out as a difference of two Relus."""

from __future__ import annotations

from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode


def recognise_clamp(graph: OnnxGraph) -> None:
    """What rises from 0 with x and no further than a constant c > 0 becomes one Clip.

    before   Relu(x) - Relu(x - c)
    after    Clip(x; 0, c)

    As exact for every x up to rounding, and closer for large ones, where the difference cancels. In INT8 the clamp is the range of x itself,
    where two Relus of several ranges and their difference would be rounded three times.
    """
    for node in graph.nodes:
        if node.op == "Sub":
            _replace(graph, node)
    graph.drop_unused()


def _replace(graph: OnnxGraph, node: OnnxNode) -> None:
    whole, beyond = (_under_relu(graph, name) for name in node.inputs)
    shifted = graph.producer(beyond) if beyond is not None else None
    if whole is None or shifted is None or shifted.op not in ("Sub", "Add") or shifted.inputs[0] != whole:
        return
    constant = _number(graph, shifted.inputs[1])
    if constant is None:
        return
    top = constant if shifted.op == "Sub" else -constant
    if top > 0:
        node.op, node.inputs, node.attributes = "Clip", [whole], {"min": 0.0, "max": top}


def _under_relu(graph: OnnxGraph, value: str) -> str | None:
    node = graph.producer(value)
    return node.inputs[0] if node is not None and node.op == "Relu" else None


def _number(graph: OnnxGraph, value: str) -> float | None:
    values = graph.initializers.get(value)
    return float(values.item()) if values is not None and values.size == 1 and values.dtype.kind == "f" else None
