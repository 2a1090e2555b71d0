"""A file that takes other pixels than its network: RGBA, RGB for a network that wants BGR, plain ones for one that wants them normalised.

What can goes into weights. On the way in, the convolutions that read the picture get zero weights for alpha, or permuted ones. On the
way out, the convolutions whose results become the picture get one more output, which is zero:

    image (RGBA) ─ Conv w|0 ─ … ─ Conv v|0 ─ (+ image) ─ clip ─ enhanced (RGBA)

A sum with the picture itself carries its alpha along, exactly: both have the scale of pixels. Where a network multiplies or replaces the
picture, alpha does not survive in 8 bits; there alpha · mask is added to the result, whose alpha is zero. Both operands and the sum have
the pixels' scale, so bytes come out as they went in.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from redmobile.convert.channel_layout import ChannelLayout
from redmobile.convert.picture_in import PictureIn
from redmobile.convert.picture_out import Carried, PictureOut
from redmobile.core.quant_math import asymmetric
from redmobile.errors import UnsupportedModelError, UsageError
from redmobile.graph.layout import IMAGE_RANK
from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode

RGB = 3


@dataclasses.dataclass(frozen=True)
class Pixels:
    """What the file takes and gives, where the network differs.

    alpha: RGBA pixels, alpha unchanged from input to output. bgr: the network's input, and its output if that is a picture of the same size,
    is ordered blue, green, red; the file's red, green, blue. mean, std: the network wants (pixel - mean) / std, the file takes pixels;
    a value for each of red, green, blue, in the units of the file's pixels. span: real values of the darkest and the brightest pixel.
    """

    alpha: bool = False
    bgr: bool = False
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    span: tuple[float, float] = (0.0, 1.0)

    @property
    def layout(self) -> ChannelLayout:
        """Which channel of the network each of the file's is."""
        colours: ChannelLayout = (2, 1, 0) if self.bgr else (0, 1, 2)
        return (*colours, ()) if self.alpha else colours

    @property
    def adapted(self) -> str:
        """What the network takes instead of RGB pixels, '' if those."""
        said = ["BGR"] if self.bgr else []
        said += [f"{what} {','.join(map(str, values))}" for what, values in (("mean", self.mean), ("std", self.std)) if values]
        return ", ".join(said)

    @property
    def order(self) -> str:
        """As the file's metadata say it."""
        return "RGBA" if self.alpha else "RGB"


def add_normalization(graph: OnnxGraph, pixels: Pixels) -> None:
    """Put (pixel - mean) / std before all that reads the input; passes/fold_normalization takes it into convolutions where it can.

    Raises UsageError for values that do not fit.
    """
    if not (pixels.mean or pixels.std):
        return
    mean, std = (_of_channels(values, what, default) for values, what, default in ((pixels.mean, "mean", 0.0), (pixels.std, "std", 1.0)))
    if not (std > 0).all():
        raise UsageError(f"--std must hold numbers above 0, found {pixels.std}.")
    name = _picture(graph, graph.inputs, "input")
    order = [2, 1, 0] if pixels.bgr else [0, 1, 2]
    readers = graph.consumers(name)
    centred, normal = f"{name}/centred", f"{name}/normalised"
    for value in (centred, normal):
        graph.shapes[value], graph.dtypes[value] = graph.shapes[name], "float32"
    for reader in readers:
        reader.inputs = [normal if value == name else value for value in reader.inputs]
    constants = [graph.add_constant(f"{name}/{what}", values[order].reshape(RGB, 1, 1)) for what, values in (("mean", mean), ("std", std))]
    graph.nodes[:0] = [OnnxNode(centred, "Sub", [name, constants[0]], [centred]), OnnxNode(normal, "Div", [centred, constants[1]], [normal])]


def explain_normalization(graph: OnnxGraph, pixels: Pixels) -> list[str]:
    """What has become of the nodes that `add_normalization` put in, in a sentence; none where it put in nothing."""
    if not (pixels.mean or pixels.std):
        return []
    name = graph.inputs[0]
    if graph.consumers(f"{name}/centred"):
        return ["Mean and standard deviation stay as SUB and MUL: what reads the picture is not only convolutions."]
    if graph.consumers(f"{name}/normalised/centred"):
        return ["The standard deviation is folded into the first convolutions; they pad with zeros, so the mean stays as an ADD before them."]
    return ["Mean and standard deviation are folded into the first convolutions."]


def adapt_channels(graph: OnnxGraph, pixels: Pixels, explain: list[str]) -> None:
    """Let `graph` take, and if it gives a picture of that size give, pixels in the order of `pixels`, with alpha.

    Adds a sentence for each decision to `explain`. Raises UnsupportedModelError for a graph whose input is no RGB picture or, with alpha,
    whose output is none of the same size or whose pixels have a range that int8 codes do not hold as their bytes.
    """
    if pixels.layout == (0, 1, 2):
        return
    name, result = _picture(graph, graph.inputs, "input"), graph.outputs[0]
    gives = len(graph.outputs) == 1 and graph.shapes[result] == graph.shapes[name]
    if pixels.alpha:
        _check_alpha(graph, pixels, name, gives=gives)
    before = _rename_output(graph, result, len(pixels.layout)) if gives else ""
    picture = PictureIn(graph, name, pixels.layout, pixels.span)
    if gives:
        _Output(graph, pixels, picture, result, explain).compute(before)
    graph.drop_unused()
    explain += picture.cut_off_for_others()


def _check_alpha(graph: OnnxGraph, pixels: Pixels, name: str, *, gives: bool) -> None:
    if not gives:
        found = ", ".join(f"'{output}' ({'×'.join(map(str, graph.shapes[output]))})" for output in graph.outputs)
        raise UnsupportedModelError(f"RGBA pixels need one output of the size of the input '{name}'; the network gives {found}.")
    levels = np.arange(256)
    codes = asymmetric(*pixels.span, "int8").quantize(np.linspace(*pixels.span, 256), "int8")
    if not np.array_equal(codes.astype(np.int64) + 128, levels):
        raise UnsupportedModelError(
            f"The network's pixels range from {pixels.span[0]:g} to {pixels.span[1]:g}: int8 codes are their bytes only from 0 on."
        )


def _rename_output(graph: OnnxGraph, old: str, channels: int) -> str:
    """Give the value `old` another name; the output `old` has `channels` from now on, and nothing gives it yet."""
    new = f"{old}/before"
    for node in graph.nodes:
        node.inputs = [new if value == old else value for value in node.inputs]
        node.outputs = [new if value == old else value for value in node.outputs]
    graph.shapes[new], graph.dtypes[new] = graph.shapes[old], graph.dtypes[old]
    if old in graph.given:
        graph.given[new] = graph.given[old]
    batch, _, height, width = graph.shapes[old]
    graph.shapes[old] = (batch, channels, height, width)
    return new


class _Output:
    """The graph's output `name` in the layout of `pixels`."""

    def __init__(self, graph: OnnxGraph, pixels: Pixels, picture: PictureIn, name: str, explain: list[str]) -> None:
        self._graph, self._pixels, self._picture, self._name, self._explain = graph, pixels, picture, name, explain

    def compute(self, before: str) -> None:
        """Of `before`, the network's own output."""
        made = PictureOut(self._graph, self._picture).make(before, self._pixels.layout)
        if made is None or (self._pixels.alpha and made.carried is Carried.MIXED):
            self._append(before)
        elif not self._pixels.alpha or made.carried is Carried.ALPHA:
            self._end("Identity", [made.value])
            self._explain.append("The output's channels are folded into the weights of the operators that compute it.")
        else:
            self._add_alpha(made.value)
        if self._pixels.alpha:
            self._pin(self._picture.name, self._name)

    def _end(self, op: str, inputs: list[str], **attributes: int) -> None:
        node = OnnxNode(f"{self._name}/laid", op, inputs, [self._name], dict(attributes))
        self._graph.nodes.append(node)
        if op != "Concat":  # which reads the network's own channels besides alpha
            self._picture.claim(node)

    def _add_alpha(self, value: str) -> None:
        """Value + picture · (0, 0, 0, 1). The mask spans a row, so that a kernel's inner loop is long."""
        graph, picture, masked = self._graph, self._picture.name, f"{self._name}/alpha"
        graph.shapes[masked], graph.dtypes[masked] = graph.shapes[picture], "float32"
        mask: NDArray[np.float32] = np.zeros((1, len(self._pixels.layout), 1, graph.shapes[picture][3]), np.float32)
        mask[:, -1] = 1
        node = OnnxNode(masked, "Mul", [picture, graph.add_constant(f"{self._name}/mask", mask)], [masked])
        graph.nodes.append(node)
        self._picture.claim(node)
        self._end("Add", [value, masked])
        self._pin(masked)
        self._explain.append("Alpha is added to the result, whose own is zero (MUL and ADD): the network's operators do not carry it in 8 bits.")

    def _append(self, before: str) -> None:
        """Put the picture's alpha beside the network's result, or put its channels in order by a 1×1 convolution."""
        producer = self._graph.producer(before)
        what = f"The output is computed by {producer}, " if producer else "The output is the input, "
        if self._pixels.bgr:
            before = self._picture.permute(before, self._pixels.layout[:RGB])
            self._explain.append(f"{what}into which another order of channels cannot be folded: it is put in order behind it (CONV_2D).")
        if not self._pixels.alpha:
            self._end("Identity", [before])
            return
        alpha = self._picture.slice(self._picture.name, RGB, RGB + 1, f"{self._name}/alpha")
        self._end("Concat", [before, alpha], axis=1)
        self._explain.append(f"{what}into which a fourth channel cannot be folded: alpha is put beside it (STRIDED_SLICE, CONCATENATION).")

    def _pin(self, *values: str) -> None:
        self._graph.given |= dict.fromkeys(values, self._picture.scale)


def _of_channels(values: tuple[float, ...], what: str, default: float) -> NDArray[np.float32]:
    if values and len(values) not in (1, RGB):
        raise UsageError(f"--{what} takes one number or three (red, green, blue), found {len(values)}.")
    if not np.isfinite(values).all():
        raise UsageError(f"--{what} must hold finite numbers, found {values}.")
    return np.broadcast_to(np.array(values or [default], np.float32), RGB)


def _picture(graph: OnnxGraph, names: list[str], which: str) -> str:
    """The only one of `names`, an RGB picture (N, 3, H, W)."""
    found = ", ".join(f"'{name}' ({'×'.join(map(str, graph.shapes[name]))})" for name in names)
    if len(names) != 1 or len(graph.shapes[names[0]]) != IMAGE_RANK or graph.shapes[names[0]][1] != RGB:
        raise UnsupportedModelError(f"Another form of pixels needs one {which} of N×3×H×W (RGB); the network has {found}.")
    return names[0]
