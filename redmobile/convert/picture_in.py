"""A picture with other channels on its way into a network: how far it gets as it is, and the weights that take it."""

from __future__ import annotations

import numpy as np

from redmobile.convert.channel_layout import ChannelLayout, cut, in_patches, join, laid_out, plain, sources
from redmobile.core.quant_math import Given, asymmetric
from redmobile.graph.layout import IMAGE_RANK
from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode

_ALIKE = frozenset(
    {
        *("Abs", "AveragePool", "Clip", "Elu", "Exp", "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu"),
        *("Log", "MaxPool", "Neg", "Relu", "Resize", "Sigmoid", "Softplus", "Sqrt", "Tanh", "Upsample"),
    }
)
"""Operators of one computed input that treat every channel alike."""

_MOVING = frozenset({"Concat", "Identity", "SpaceToDepth", "Split"})
_NEUTRAL = {"Add": 0.0, "Sub": 0.0, "Mul": 1.0, "Div": 1.0}
_CHANNEL_AXIS = 1


class PictureIn:
    """The graph's input `name`, which from now on has the channels of `layout`, and all that is computed of it alone.

    span: real values of the darkest and the brightest pixel; scale: that of pixels, whatever is seen of them. layouts: value → its layout;
    pure: the values among them that hold pixels, unchanged and only moved. Values keep their names; `graph.shapes` follows. Convolutions
    that read such values get new weights. All other readers are left: they are replaced, or served by `cut_off_for_others`.
    """

    def __init__(self, graph: OnnxGraph, name: str, layout: ChannelLayout, span: tuple[float, float]) -> None:
        self._graph = graph
        self.name = name
        self.span = span
        self.has_alpha = not all(isinstance(entry, int) for entry in layout)
        self.scale = Given(asymmetric(*span, "int8"), "int8", pinned=True)
        self.layouts: dict[str, ChannelLayout] = {}
        self.pure: set[str] = set()
        self._old_channels: dict[str, int] = {}
        self._set(name, layout)
        self.pure.add(name)
        self._claimed: set[int] = set()
        for node in graph.nodes:
            self._follow(node)

    def _set(self, value: str, layout: ChannelLayout) -> None:
        shape = self._graph.shapes[value]
        self._old_channels[value] = shape[_CHANNEL_AXIS]
        self.layouts[value] = layout
        self._graph.shapes[value] = (*shape[:_CHANNEL_AXIS], len(layout), *shape[_CHANNEL_AXIS + 1 :])

    def channels(self, value: str) -> int:
        """How many channels `value` had in the network as it came."""
        return self._old_channels.get(value) or self._graph.shapes[value][_CHANNEL_AXIS]

    def claim(self, node: OnnxNode) -> None:
        """`node` reads laid out values on purpose."""
        self._claimed.add(id(node))

    def _follow(self, node: OnnxNode) -> None:
        read = [value for value in node.inputs if value in self.layouts]
        made = self._made(node) if read else None
        if made is None:
            return
        self.claim(node)
        computed = [value for value in node.inputs if value and value not in self._graph.initializers]
        moves = node.op in _MOVING and all(value in self.pure for value in computed)
        for value, layout in made.items():
            self._set(value, layout)
            if moves:
                self.pure.add(value)

    def _made(self, node: OnnxNode) -> dict[str, ChannelLayout] | None:
        """Value → layout of what `node` makes of laid out inputs, its constants adapted; None if it cannot take them."""
        if node.op in _NEUTRAL:
            return self._with_constant(node)
        if node.op == "Concat":
            return self._concat(node)
        layout = self.layouts.get(node.inputs[0])
        if layout is None:
            return None
        if node.op == "Conv":
            return {} if self._weights(node, layout) else None
        if node.op == "Split":
            return self._split(node, layout)
        return self._alike(node, layout)

    def _alike(self, node: OnnxNode, layout: ChannelLayout) -> dict[str, ChannelLayout] | None:
        if node.op == "SpaceToDepth" and node.attributes.get("mode", "DCR") == "DCR":
            return {node.outputs[0]: in_patches(layout, self.channels(node.inputs[0]), node.attributes["blocksize"])}
        return {node.outputs[0]: layout} if node.op in _ALIKE or (node.op == "Pad" and self._pads_space(node)) else None

    def _pads_space(self, node: OnnxNode) -> bool:
        amounts: list[int] = node.attributes.get("pads", [])
        if not amounts and len(node.inputs) > 1 and node.inputs[1] in self._graph.initializers:
            amounts = self._graph.initializers[node.inputs[1]].tolist()
        has_axes = len(node.inputs) > 3 and bool(node.inputs[3])  # noqa: PLR2004  data, pads, value, axes
        half = len(amounts) // 2
        return half == IMAGE_RANK and not has_axes and not (amounts[_CHANNEL_AXIS] or amounts[half + _CHANNEL_AXIS])

    def _concat(self, node: OnnxNode) -> dict[str, ChannelLayout] | None:
        if node.attributes["axis"] % IMAGE_RANK != _CHANNEL_AXIS:
            return None
        sizes = [self.channels(value) for value in node.inputs]
        layouts = [self.layouts.get(value) or plain(size) for value, size in zip(node.inputs, sizes, strict=True)]
        return {node.outputs[0]: join(layouts, sizes)}

    def _split(self, node: OnnxNode, layout: ChannelLayout) -> dict[str, ChannelLayout] | None:
        if node.attributes.get("axis", 0) % IMAGE_RANK != _CHANNEL_AXIS:
            return None
        pieces = cut(layout, [self._graph.shapes[value][_CHANNEL_AXIS] for value in node.outputs])
        if pieces is None:
            return None
        if "split" in node.attributes:
            node.attributes["split"] = [len(piece) for piece in pieces]
        elif len(node.inputs) > 1:
            node.inputs[1] = self._graph.add_constant(f"{node.name}/sizes", np.array([len(piece) for piece in pieces], np.int64))
        return dict(zip(node.outputs, pieces, strict=True))

    def _weights(self, node: OnnxNode, layout: ChannelLayout) -> bool:
        name, graph = node.inputs[1], self._graph
        if node.attributes.get("group", 1) != 1 or name not in graph.initializers:
            return False
        node.inputs[1] = graph.add_constant(f"{name}/laid", laid_out(graph.initializers[name], layout, 1))
        given = graph.given.get(name)
        if given is not None:
            graph.given[node.inputs[1]] = given.taken(sources(layout)) if given.quantization.axis == 1 else given
        return True

    def _with_constant(self, node: OnnxNode) -> dict[str, ChannelLayout] | None:
        """A laid out value and a constant: one value for all channels, or one each."""
        graph = self._graph
        (laid,) = [place for place, value in enumerate(node.inputs) if value in self.layouts][:1]
        other = node.inputs[1 - laid]
        layout = self.layouts[node.inputs[laid]]
        if other not in graph.initializers or (node.op == "Div" and laid == 1):
            return None
        values = graph.initializers[other]
        if values.size > 1:
            per_channel = values.reshape(values.shape[-_CHANNELS_FROM_END:]) if values.ndim >= _CHANNELS_FROM_END else values
            if per_channel.shape != (self.channels(node.inputs[laid]), 1, 1):
                return None
            node.inputs[1 - laid] = graph.add_constant(f"{other}/laid", laid_out(per_channel, layout, 0, _NEUTRAL[node.op]))
        return {node.outputs[0]: layout}

    # For those that want the network's own channels -----------------------------------------------------------------

    def cut_off_for_others(self) -> list[str]:
        """Give every reader that takes no other channels the network's own; a sentence for each."""
        said = []
        for node in list(self._graph.nodes):
            for place, value in enumerate(node.inputs if id(node) not in self._claimed else ()):
                if value in self.layouts and self.layouts[value] != plain(self.channels(value)):
                    node.inputs[place] = self._own_channels(value)
                    said.append(f"'{value}' is read by {node}, which takes only the network's own channels: the others are cut off before it.")
        return said

    def _own_channels(self, value: str) -> str:
        channels, layout, name = self.channels(value), self.layouts[value], f"{value}/own"
        if name in self._graph.shapes:
            return name
        if layout[:channels] == plain(channels):
            return self.slice(value, 0, channels, name)
        back = [layout.index(channel) for channel in range(channels)]
        return self.permute(value, tuple(back), name)

    def slice(self, value: str, start: int, stop: int, name: str) -> str:
        """Channels `start` to `stop` of `value` as a new value `name`."""
        attributes = {"starts": [start], "ends": [stop], "axes": [_CHANNEL_AXIS]}
        return self._insert(value, OnnxNode(f"{name}/laid", "Slice", [value], [name], attributes), stop - start)

    def permute(self, value: str, layout: ChannelLayout, name: str = "") -> str:
        """The channels `layout` of `value` by a 1×1 convolution."""
        name = name or f"{value}/ordered"
        channels = self._graph.shapes[value][_CHANNEL_AXIS]
        weights = np.eye(channels, dtype=np.float32)[sources(layout)].reshape(len(layout), channels, 1, 1)
        constant = self._graph.add_constant(f"{name}/permutation", weights)
        return self._insert(value, OnnxNode(f"{name}/laid", "Conv", [value, constant], [name]), len(layout))

    def _insert(self, value: str, node: OnnxNode, channels: int) -> str:
        graph = self._graph
        producer = graph.producer(value)
        self.claim(node)
        graph.nodes.insert(graph.nodes.index(producer) + 1 if producer else 0, node)
        (name,) = node.outputs
        shape = graph.shapes[value]
        graph.shapes[name], graph.dtypes[name] = (shape[0], channels, *shape[2:]), "float32"
        return name


_CHANNELS_FROM_END = 3
"""(C, 1, 1): where a constant has its channels, counted from the end."""
