"""Take the normalisation of a network's pixels into its first convolutions."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from redmobile.graph.layout import IMAGE_RANK
from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode

_ARITHMETIC = frozenset({"Add", "Sub", "Mul", "Div"})
_COMMUTING_PADS = frozenset({"reflect", "edge"})
"""What such a Pad adds are values of the picture: normalising them before or after is the same."""

_CHANNELS_FROM_END = 3

FloatArray = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class _Affine:
    """value = scale · input + shift, by channel: (C,) each; nodes: what computes it."""

    value: str
    scale: FloatArray
    shift: FloatArray
    nodes: tuple[OnnxNode, ...] = ()


def fold_normalization(graph: OnnxGraph) -> None:
    """Per-channel constants added to and multiplied with an input go into the convolutions that read the result.

        before   image ─ Sub m ─ Div s ─ Conv w, c
        after    image ─ Conv w / s, c - Σ w · m / s          where the convolution pads nothing
                 image ─ Add -m ─ Conv w / s, c               where it pads: its zeros are the mean colour, not black

    So the file's pixels are quantized as they are, one code a level. Padding with the mean instead (PADV2) would cost as much as the
    Add and hit the mean only to the nearest code. All readers must be convolutions with constant weights, seen through SpaceToDepth
    and mirrored pads; with another reader, and where the file itself quantizes what lies between, all stays as it is.
    """
    for name in graph.inputs:
        if len(graph.shapes[name]) == IMAGE_RANK:
            for node in graph.consumers(name):
                affine = _chain(graph, name, node)
                if affine.nodes:
                    _fold(graph, name, affine)


def _chain(graph: OnnxGraph, name: str, node: OnnxNode | None) -> _Affine:
    channels = graph.shapes[name][1]
    found = _Affine(name, np.ones(channels), np.zeros(channels))
    while node is not None:
        step = _step(graph, node, found.value, channels)
        if step is None or node.outputs[0] in graph.outputs or node.outputs[0] in graph.given:
            break
        scale, shift = step
        found = _Affine(node.outputs[0], found.scale * scale, found.shift * scale + shift, (*found.nodes, node))
        node = graph.only_consumer(found.value)
    return found


def _step(graph: OnnxGraph, node: OnnxNode, value: str, channels: int) -> tuple[FloatArray, FloatArray] | None:
    """(scale, shift) of one node, None if it is none of these."""
    if node.op not in _ARITHMETIC or len(node.inputs) != 2 or graph.shapes.get(node.outputs[0]) != graph.shapes[value]:  # noqa: PLR2004
        return None
    other = node.inputs[1 - node.inputs.index(value)]
    constant = _per_channel(graph, other, channels)
    if constant is None or (node.op == "Div" and (node.inputs[1] == value or not constant.all())):
        return None
    if node.op == "Add":
        return np.ones(channels), constant
    if node.op == "Sub":
        return (np.ones(channels), -constant) if node.inputs[0] == value else (-np.ones(channels), constant)
    return (constant if node.op == "Mul" else 1 / constant), np.zeros(channels)


def _per_channel(graph: OnnxGraph, name: str, channels: int) -> FloatArray | None:
    if name not in graph.initializers:
        return None
    values = graph.initializers[name].astype(np.float64)
    if values.size == 1:
        return np.full(channels, values.item())
    fits = values.size == channels and values.ndim >= _CHANNELS_FROM_END and values.shape[-_CHANNELS_FROM_END] == channels
    return values.reshape(-1) if fits else None


def _fold(graph: OnnxGraph, name: str, affine: _Affine) -> None:
    readers = _convolutions(graph, affine.value)
    if not readers or not affine.scale.all():
        return
    if not affine.shift.any() or not any(_pads(graph, node) for node, _ in readers):
        _replace_reads(graph, affine.value, name)
        for node, repeat in readers:
            _absorb(graph, node, np.tile(affine.scale, repeat), np.tile(affine.shift, repeat))
    elif len(affine.nodes) > 1 or (affine.scale != 1).any():
        _replace_reads(graph, affine.value, _centre(graph, name, affine))
        for node, repeat in readers:
            _absorb(graph, node, np.tile(affine.scale, repeat), np.zeros(repeat * len(affine.scale)))


def _convolutions(graph: OnnxGraph, value: str, repeat: int = 1) -> list[tuple[OnnxNode, int]]:
    """(convolution, how many pixels of a patch its input's channels hold) for all that reads `value`; empty if something else does."""
    if value in graph.outputs:
        return []
    found: list[tuple[OnnxNode, int]] = []
    for node in graph.consumers(value):
        if node.op == "Conv" and node.inputs[0] == value and _is_free(graph, node):
            found.append((node, repeat))
            continue
        patch = node.attributes["blocksize"] ** 2 if node.op == "SpaceToDepth" and node.attributes.get("mode", "DCR") == "DCR" else 1
        moves = patch > 1 or (node.op == "Pad" and node.attributes.get("mode") in _COMMUTING_PADS)
        behind = _convolutions(graph, node.outputs[0], repeat * patch) if moves else []
        if not behind:
            return []
        found += behind
    return found


def _is_free(graph: OnnxGraph, node: OnnxNode) -> bool:
    constants = [name for name in node.inputs[1:] if name]
    return all(name in graph.initializers and name not in graph.given for name in constants)


def _pads(graph: OnnxGraph, node: OnnxNode) -> bool:
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        return any(size > 1 for size in graph.shapes[node.inputs[1]][2:])
    return automatic == "NOTSET" and any(node.attributes.get("pads", []))


def _replace_reads(graph: OnnxGraph, old: str, new: str) -> None:
    for node in graph.consumers(old):
        node.inputs = [new if value == old else value for value in node.inputs]


def _centre(graph: OnnxGraph, name: str, affine: _Affine) -> str:
    """Input + shift / scale, for a convolution that has taken the scale."""
    value = f"{affine.value}/centred"
    graph.shapes[value], graph.dtypes[value] = graph.shapes[name], "float32"
    shift = graph.add_constant(f"{value}/shift", (affine.shift / affine.scale).astype(np.float32).reshape(-1, 1, 1))
    graph.nodes.insert(graph.nodes.index(affine.nodes[0]), OnnxNode(value, "Add", [name, shift], [value]))
    return value


def _absorb(graph: OnnxGraph, node: OnnxNode, scale: FloatArray, shift: FloatArray) -> None:
    weights = graph.initializers[node.inputs[1]].astype(np.float64)
    outputs, inputs = weights.shape[:2]
    groups = len(scale) // inputs
    # (O, C / groups): which input channel each slice of the weights reads.
    channel = (np.arange(outputs) * groups // outputs)[:, None] * inputs + np.arange(inputs)[None]
    along = (outputs, inputs, *[1] * (weights.ndim - 2))
    bias = graph.initializers[node.inputs[2]].astype(np.float64) if len(node.inputs) > 2 and node.inputs[2] else np.zeros(outputs)  # noqa: PLR2004
    bias = bias + (weights * shift[channel].reshape(along)).reshape(outputs, -1).sum(axis=1)
    label = f"{node.inputs[1]}/of_pixels"
    node.inputs = [
        node.inputs[0],
        graph.add_constant(label, (weights * scale[channel].reshape(along)).astype(np.float32)),
        graph.add_constant(f"{label}/bias", bias.astype(np.float32)),
    ]
