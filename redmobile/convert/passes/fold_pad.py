"""Take a Pad into the windows that read it."""

from __future__ import annotations

import dataclasses

import numpy as np

from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode

_LOWEST = float(np.finfo(np.float32).min)
_SIGNAL_RANK = 3


@dataclasses.dataclass(frozen=True)
class _Added:
    """What a Pad adds to the spatial axes of a signal or image. amounts: as ONNX's pads, all before, then all after."""

    amounts: list[int]
    value: float


def fold_pad(graph: OnnxGraph) -> None:
    """The pads move into the convolution or pooling, where they often are what TFLite calls SAME.

        before   x ─ Pad (0, 0, 1, 1) ─ Conv 3×3/2 ─ y
        after    x ─ Conv 3×3/2, pads (0, 0, 1, 1) ─ y

    Zeros into Conv, and into an AveragePool, which then counts them; the lowest value or -inf into MaxPool. Other readers keep the Pad.
    """
    for node in graph.nodes:
        if node.op in _FOLDS and node.attributes.get("auto_pad", "NOTSET") in {"NOTSET", "VALID"}:
            source = graph.producer(node.inputs[0])
            added = _added(graph, source) if source and source.op == "Pad" else None
            if source and added and _FOLDS[node.op](node, added):
                node.attributes["pads"] = _sum(node, added)
                node.attributes["auto_pad"] = "NOTSET"
                node.inputs[0] = source.inputs[0]


def _into_conv(_: OnnxNode, added: _Added) -> bool:
    return added.value == 0


def _into_average(node: OnnxNode, added: _Added) -> bool:
    if added.value or (any(node.attributes.get("pads", [])) and not node.attributes.get("count_include_pad", 0)):
        return False
    node.attributes["count_include_pad"] = 1
    return True


def _into_maximum(node: OnnxNode, added: _Added) -> bool:
    kernel, dilations = node.attributes["kernel_shape"], node.attributes.get("dilations", [])
    holds_data = all(amount < size for amount, size in zip(_sum(node, added), [*kernel, *kernel], strict=True))
    return added.value <= _LOWEST and holds_data and all(factor == 1 for factor in dilations)


_FOLDS = {"Conv": _into_conv, "AveragePool": _into_average, "MaxPool": _into_maximum}
"""Operator → whether it takes the pads in, made ready for them if so."""


def _sum(node: OnnxNode, added: _Added) -> list[int]:
    own = node.attributes.get("pads", [0] * len(added.amounts))
    return [ours + theirs for ours, theirs in zip(own, added.amounts, strict=True)]


def _added(graph: OnnxGraph, pad: OnnxNode) -> _Added | None:
    """What `pad` adds, if it is a constant value, and to nothing but spatial axes."""
    constants = [name for name in pad.inputs[1:] if name]
    rank = len(graph.shapes.get(pad.inputs[0], ()))
    if pad.attributes.get("mode", "constant") != "constant" or rank < _SIGNAL_RANK or any(name not in graph.initializers for name in constants):
        return None
    values = [graph.initializers[name].reshape(-1).tolist() if name else None for name in pad.inputs[1:]]
    amounts, value, axes = (values + [None] * 3)[:3]
    amounts = pad.attributes.get("pads", amounts or [])
    axes = [axis % rank for axis in axes] if axes else list(range(rank))
    sides = {(axis, end): amounts[index + end * len(axes)] for index, axis in enumerate(axes) for end in (0, 1)}
    if min(sides.values()) < 0 or any(sides.get((axis, end), 0) for axis in (0, 1) for end in (0, 1)):
        return None
    spatial = [sides.get((axis, end), 0) for end in (0, 1) for axis in range(2, rank)]
    return _Added(spatial, float(value[0]) if value else pad.attributes.get("value", 0.0))
