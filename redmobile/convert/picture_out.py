"""A network's result with other channels: the operators that compute it, once more, with other weights."""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

from redmobile.convert.channel_layout import ChannelLayout, cut, in_patches, laid_out, sources
from redmobile.convert.picture_in import PictureIn
from redmobile.graph.layout import IMAGE_RANK
from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode

_ZERO_STAYS = frozenset({"AveragePool", "Elu", "HardSwish", "LeakyRelu", "MaxPool", "Resize", "Tanh", "Upsample"})
"""Channel by channel, and zeros stay zeros: but of alpha only zeros are left."""

_CLAMPS = frozenset({"Clip", "Identity", "Relu"})
_ARITHMETIC = frozenset({"Add", "Sub", "Mul"})
_CHANNELS_FROM_END = 3


class Carried(enum.Enum):
    """What a tensor holds where alpha stands: the picture's alpha, zeros, or something else."""

    ALPHA = "alpha"
    ZERO = "zero"
    MIXED = "mixed"


@dataclasses.dataclass(frozen=True)
class Made:
    """value: name of a value with the layout that was asked for."""

    value: str
    carried: Carried


class PictureOut:
    """Makes values with another layout than the network's; new nodes stand right behind those that they are copies of."""

    def __init__(self, graph: OnnxGraph, picture: PictureIn) -> None:
        self._graph = graph
        self._picture = picture
        self._made: dict[tuple[str, ChannelLayout, bool], Made | None] = {}
        self._convolutions: dict[tuple[str, ChannelLayout], Made] = {}

    def make(self, value: str, layout: ChannelLayout, *, moved: bool = True) -> Made | None:
        """`value` with the channels of `layout`, or None where that does not go into weights.

        moved: what follows only moves values or clamps them, so `value` may have the scale of pixels, and with alpha it gets that.
        """
        if value in self._picture.layouts:
            same = self._picture.layouts[value] == layout
            return Made(value, Carried.ALPHA if value in self._picture.pure else Carried.MIXED) if same else None
        key = (value, layout, moved)
        if key not in self._made:
            node = self._graph.producer(value)
            found = self._of(node, layout, moved=moved) if node is not None else None
            self._made[key] = found
            if found and moved and self._picture.has_alpha:
                self._graph.given[found.value] = self._picture.scale
        return self._made[key]

    def _of(self, node: OnnxNode, layout: ChannelLayout, *, moved: bool) -> Made | None:
        if node.op in ("Conv", "ConvTranspose"):
            return self._convolution(node, layout)
        if node.op in _ARITHMETIC:
            return self._arithmetic(node, layout, moved=moved)
        if node.op in _CLAMPS:
            made = self._copy(node, layout, [self.make(node.inputs[0], layout, moved=moved)])
            return dataclasses.replace(made, carried=self._clamped(node, made.carried)) if made else None
        if node.op in _ZERO_STAYS:
            made = self._copy(node, layout, [self.make(node.inputs[0], layout, moved=False)])
            return dataclasses.replace(made, carried=Carried.ZERO if made.carried is Carried.ZERO else Carried.MIXED) if made else None
        return self._copy(node, layout, [self.make(value, piece, moved=moved) for value, piece in self._pieces(node, layout)])

    def _pieces(self, node: OnnxNode, layout: ChannelLayout) -> list[tuple[str, ChannelLayout]]:
        """The inputs of an operator that only moves values, with the layouts that they need; none for another operator."""
        if node.op == "DepthToSpace" and node.attributes.get("mode", "DCR") == "DCR":
            return [(node.inputs[0], in_patches(layout, self._graph.shapes[node.outputs[0]][1], node.attributes["blocksize"]))]
        if node.op == "Concat" and node.attributes["axis"] % IMAGE_RANK == 1:
            pieces = cut(layout, [self._picture.channels(value) for value in node.inputs])
            return list(zip(node.inputs, pieces, strict=True)) if pieces else []
        return []

    def _convolution(self, node: OnnxNode, layout: ChannelLayout) -> Made | None:
        graph, constants = self._graph, [name for name in node.inputs[1:] if name]
        if node.attributes.get("group", 1) != 1 or any(name not in graph.initializers for name in constants):
            return None
        # Of whose pixels' alpha an output is zero makes no difference: one gain for several rows stays one.
        key = (node.outputs[0], tuple(entry if isinstance(entry, int) else () for entry in layout))
        if key in self._convolutions:
            return self._convolutions[key]
        inputs = [node.inputs[0]]
        for name, axis in zip(constants, (0 if node.op == "Conv" else 1, 0), strict=False):
            inputs.append(graph.add_constant(f"{name}/laid", laid_out(graph.initializers[name], layout, axis)))
            given = graph.given.get(name)
            if given is not None:
                graph.given[inputs[-1]] = given.taken(sources(layout)) if given.quantization.axis == axis else given
        self._convolutions[key] = Made(self._insert(node, layout, inputs), Carried.ZERO)
        return self._convolutions[key]

    def _clamped(self, node: OnnxNode, carried: Carried) -> Carried:
        low, high = self._bounds(node)
        if carried is Carried.ALPHA:
            return carried if low <= self._picture.span[0] and self._picture.span[1] <= high else Carried.MIXED
        return carried if low <= 0 <= high else Carried.MIXED

    def _bounds(self, node: OnnxNode) -> tuple[float, float]:
        if node.op != "Clip":
            return (0.0 if node.op == "Relu" else -np.inf), np.inf
        found = [node.attributes.get("min", -np.inf), node.attributes.get("max", np.inf)]
        for place, name in enumerate(node.inputs[1:3]):
            if name:
                found[place] = self._graph.initializers[name].item() if name in self._graph.initializers else np.nan
        return found[0], found[1]

    def _arithmetic(self, node: OnnxNode, layout: ChannelLayout, *, moved: bool) -> Made | None:
        operands = [self._operand(node, value, layout) for value in node.inputs]
        kinds = [made.carried for made in operands if made]
        made = self._copy(node, layout, operands)
        if made is None:
            return None
        if node.op == "Mul":
            return Made(made.value, Carried.ZERO if Carried.ZERO in kinds else Carried.MIXED)
        if kinds == [Carried.ZERO, Carried.ZERO]:
            return Made(made.value, Carried.ZERO)
        alpha_first = kinds == [Carried.ALPHA, Carried.ZERO] or (node.op == "Add" and kinds == [Carried.ZERO, Carried.ALPHA])
        return Made(made.value, Carried.ALPHA if alpha_first and moved else Carried.MIXED)

    def _operand(self, node: OnnxNode, value: str, layout: ChannelLayout) -> Made | None:
        graph = self._graph
        if value not in graph.initializers:
            return self.make(value, layout, moved=False)
        values, channels = graph.initializers[value], graph.shapes[node.outputs[0]][1]
        if values.size == 1:
            values = np.broadcast_to(values.reshape(1, 1, 1), (channels, 1, 1))
        values = values.reshape(values.shape[-_CHANNELS_FROM_END:]) if values.ndim > _CHANNELS_FROM_END else values
        if values.shape != (channels, 1, 1):
            return None
        return Made(graph.add_constant(f"{value}/laid", laid_out(values, layout, 0)), Carried.ZERO)

    def _copy(self, node: OnnxNode, layout: ChannelLayout, operands: list[Made | None]) -> Made | None:
        """`node` for other operands; the rest of its inputs (bounds, scales) stay."""
        values = [made.value for made in operands if made]
        if not operands or len(values) < len(operands):
            return None
        kinds = {made.carried for made in operands if made}
        value = self._insert(node, layout, [*values, *node.inputs[len(values) :]])
        return Made(value, kinds.pop() if len(kinds) == 1 else Carried.MIXED)

    def _insert(self, node: OnnxNode, layout: ChannelLayout, inputs: list[str]) -> str:
        graph, (old,) = self._graph, node.outputs
        name = f"{old}/laid"
        number = 1
        while name in graph.shapes:
            name, number = f"{old}/laid{number}", number + 1
        shape = graph.shapes[old]
        graph.shapes[name], graph.dtypes[name] = (shape[0], len(layout), *shape[2:]), "float32"
        if old in graph.given:
            graph.given[name] = graph.given[old]
        copy = OnnxNode(f"{node.name}/laid", node.op, inputs, [name], dict(node.attributes))
        graph.nodes.insert(graph.nodes.index(node) + 1, copy)
        self._picture.claim(copy)
        return name
