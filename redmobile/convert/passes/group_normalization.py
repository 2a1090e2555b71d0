"""Recognise a group normalization written out as an instance normalization of joined channels."""

from __future__ import annotations

from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode

_RANK_OF_GROUPS = 3
"""(N, groups, positions): what PyTorch's exporter views the picture as."""


def recognise_group_normalization(graph: OnnxGraph) -> None:
    """Three nodes become one, which needs no move of channels behind their positions.

        before   x (N, C, H, W) ─ Reshape (N, g, C / g · H · W) ─ InstanceNormalization ─ Reshape (N, C, H, W) ─ y
        after    x ─ GroupNormalization(g), one scale and shift a group ─ y

    What is left without a reader is removed later.
    """
    for node in graph.nodes:
        if node.op == "Reshape":
            _rewrite(graph, node)


def _rewrite(graph: OnnxGraph, last: OnnxNode) -> None:
    norm = graph.producer(last.inputs[0])
    first = graph.producer(norm.inputs[0]) if norm and norm.op == "InstanceNormalization" else None
    if norm is None or first is None or first.op != "Reshape":
        return
    outer, inner = graph.shapes.get(first.inputs[0], ()), graph.shapes.get(first.outputs[0], ())
    if len(inner) != _RANK_OF_GROUPS or len(outer) < _RANK_OF_GROUPS or inner[0] != outer[0] or outer[1] % inner[1]:
        return
    if graph.shapes.get(last.outputs[0]) == outer:
        last.op, last.inputs = "GroupNormalization", [first.inputs[0], *norm.inputs[1:]]
        last.attributes = {"num_groups": inner[1], "epsilon": norm.attributes.get("epsilon", 1e-5)}
