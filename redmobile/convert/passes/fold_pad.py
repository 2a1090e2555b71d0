"""Take a Pad with zeros into the convolutions that read it."""

from __future__ import annotations

from redmobile.graph.layout import IMAGE_RANK
from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode


def fold_pad(graph: OnnxGraph) -> None:
    """The pads move into the convolution, where they often are what TFLite calls SAME.

        before   x ─ Pad (0, 0, 1, 1) ─ Conv 3×3/2 ─ y
        after    x ─ Conv 3×3/2, pads (0, 0, 1, 1) ─ y

    Other readers keep the Pad.
    """
    for node in graph.nodes:
        if node.op == "Conv":
            source = graph.producer(node.inputs[0])
            if source and source.op == "Pad":
                _fold(graph, source, node)


def _fold(graph: OnnxGraph, pad: OnnxNode, conv: OnnxNode) -> None:
    added = _spatial_zeros(graph, pad)
    if added is None or conv.attributes.get("auto_pad", "NOTSET") not in {"NOTSET", "VALID"}:
        return
    own = conv.attributes.get("pads", [0, 0, 0, 0])
    conv.attributes["pads"] = [ours + theirs for ours, theirs in zip(own, added, strict=True)]
    conv.attributes["auto_pad"] = "NOTSET"
    conv.inputs[0] = pad.inputs[0]


def _spatial_zeros(graph: OnnxGraph, pad: OnnxNode) -> list[int] | None:
    """[top, left, bottom, right], if the Pad adds zeros to height and width of an image and nothing else."""
    constants = [name for name in pad.inputs[1:] if name]
    if pad.attributes.get("mode", "constant") != "constant" or any(name not in graph.initializers for name in constants):
        return None
    values = [graph.initializers[name].reshape(-1).tolist() if name else None for name in pad.inputs[1:]]
    amounts, value, axes = (values + [None] * 3)[:3]
    amounts = pad.attributes.get("pads", amounts or [])
    value = value[0] if value else pad.attributes.get("value", 0.0)
    if value or len(graph.shapes.get(pad.inputs[0], ())) != IMAGE_RANK:
        return None
    axes = [axis % IMAGE_RANK for axis in axes] if axes else list(range(IMAGE_RANK))
    sides = {(axis, end): amounts[index + end * len(axes)] for index, axis in enumerate(axes) for end in (0, 1)}
    if min(sides.values()) < 0 or any(sides.get((axis, end), 0) for axis in (0, 1) for end in (0, 1)):
        return None
    return [sides.get(side, 0) for side in ((2, 0), (3, 0), (2, 1), (3, 1))]
