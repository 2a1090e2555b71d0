"""ConvTranspose."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from redmobile.convert.images import define_image, image_of
from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.convert.taking import interleave
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_PHASES = 16
"""With groups, up to that many convolutions, one for each output position within a stride; beyond it one with zeros between the groups."""

Pair = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class _Scatter:
    """size: of the data; weights: (groups, C / groups, O / groups, kh, kw), holes of a dilation filled with zeros.

    wanted: size of the output; before: how much of what the kernels write is cut off before it (negative: is missing).
    """

    size: Pair
    weights: NDArray[np.float32]
    stride: Pair
    wanted: Pair
    before: Pair

    @property
    def kernel(self) -> Pair:
        height, width = self.weights.shape[3:]
        return height, width

    @property
    def full(self) -> Pair:
        """Size of what the kernels write."""
        return _both((size - 1) * step + reach for size, step, reach in zip(self.size, self.stride, self.kernel, strict=True))


@lowers("ConvTranspose")
def conv_transpose(node: OnnxNode, out: Lowering) -> None:
    """`y = transposed convolution of x by w, plus b`   ->   TRANSPOSE_CONV, cropped by STRIDED_SLICE where SAME and VALID do not fit.

    x: (N, C, H, W) or (N, C, L); w: (C, O / groups, kh, kw) constant, stored as (O, kh, kw, C). A dilation becomes a larger kernel with
    zeros. TFLite has no groups here: with stride s they become s² convolutions with groups whose outputs interleave.
    """
    data = image_of(out, node.inputs[0])
    scatter = _scatter(node, out, data)
    bias = _bias(node, out, scatter)
    groups = scatter.weights.shape[0]
    if groups > 1 and math.prod(scatter.stride) <= _PHASES:
        result = _by_phases(out, data, scatter, bias, node.outputs[0])
    else:
        result = _at_once(out, data, dataclasses.replace(scatter, weights=_joined_groups(scatter.weights)), bias, node.outputs[0])
    define_image(out, node.outputs[0], result)


def _scatter(node: OnnxNode, out: Lowering, data: Tensor) -> _Scatter:
    weights = out.constant(node.inputs[1], "weights")
    axes, groups = weights.ndim - 2, node.attributes.get("group", 1)
    if weights.ndim != len(out.shape(node.inputs[0])) or weights.shape[0] != data.shape[3] or weights.shape[0] % groups:
        raise Refusal(f"weights of shape {weights.shape} in {groups} groups do not go with {data.shape[3]} channels")
    if axes == 1:
        weights = weights[:, :, None]
    weights = _dilated(weights, _pair(node.attributes.get("dilations", [1] * axes)))
    stride = _pair(node.attributes.get("strides", [1] * axes))
    if len(out.shape(node.outputs[0])) != axes + 2:
        raise Refusal(f"output_shape {node.attributes.get('output_shape')} is smaller than its input, for which onnx infers no shape; use pads")
    wanted = _pair(out.shape(node.outputs[0])[2:])
    size = (data.shape[1], data.shape[2])
    scatter = _Scatter(size, weights.reshape(groups, -1, *weights.shape[1:]), stride, wanted, (0, 0))
    return dataclasses.replace(scatter, before=_before(node, scatter, axes))


def _before(node: OnnxNode, scatter: _Scatter, axes: int) -> Pair:
    """What is cut off before the output.

    An output_shape, or auto_pad SAME, only says how much is cut off on both sides together: SAME_UPPER cuts the odd one off behind,
    everything else before.
    """
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if automatic == "VALID":
        return 0, 0
    if automatic == "NOTSET" and "output_shape" not in node.attributes:
        return _pair(node.attributes.get("pads", [0] * 2 * axes)[:axes], missing=0)
    extra = _pair(node.attributes.get("output_padding", [0] * axes), missing=0)
    cut = [max(whole + more - size, 0) for whole, more, size in zip(scatter.full, extra, scatter.wanted, strict=True)]
    return _both(amount // 2 if automatic == "SAME_UPPER" else amount - amount // 2 for amount in cut)


def _dilated(weights: NDArray[np.float32], dilation: Pair) -> NDArray[np.float32]:
    spans = [(size - 1) * factor + 1 for size, factor in zip(weights.shape[2:], dilation, strict=True)]
    spread = np.zeros((*weights.shape[:2], *spans), np.float32)
    spread[:, :, :: dilation[0], :: dilation[1]] = weights
    return spread


def _joined_groups(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(groups, I, O, kh, kw) → (1, groups · I, groups · O, kh, kw) with zeros between one group and another."""
    groups, inputs, outputs, *kernel = weights.shape
    joined = np.zeros((groups, inputs, groups, outputs, *kernel), np.float32)
    for group in range(groups):
        joined[group, :, group] = weights[group]
    return joined.reshape(1, groups * inputs, groups * outputs, *kernel)


def _at_once(out: Lowering, data: Tensor, scatter: _Scatter, bias: Tensor, name: str) -> Tensor:
    """TRANSPOSE_CONV. Where the output reaches beyond what the kernels write, rows of zeros around the data make them write further."""
    data, scatter = _reaching(out, data, scatter, name)
    same = _is_same(scatter)
    size = scatter.wanted if same else scatter.full
    whole_name = name if size == scatter.wanted else f"{name}/full"
    filters = Tensor.constant(f"{name}/weights", scatter.weights[0].transpose(1, 2, 3, 0))
    shape = (data.shape[0], *size, filters.shape[0])
    inputs = [Tensor.constant(f"{name}/shape", np.array(shape, np.int32)), filters, data, bias]
    down, across = scatter.stride
    options = {"padding": "SAME" if same else "VALID", "stride_h": down, "stride_w": across, "fused_activation_function": "NONE"}
    whole = out.emit("TRANSPOSE_CONV", inputs, whole_name, shape, options)
    return whole if same else _cropped(out, whole, scatter.before, scatter.wanted, name)


def _reaching(out: Lowering, data: Tensor, scatter: _Scatter, name: str) -> tuple[Tensor, _Scatter]:
    added, before = [], []
    for size, reach, step, start, wanted in zip(scatter.size, scatter.kernel, scatter.stride, scatter.before, scatter.wanted, strict=True):
        front = max(-(start // step), 0)
        written = (size + front - 1) * step + reach
        added.append((front, max(-(-(start + front * step + wanted - written) // step), 0)))
        before.append(start + front * step)
    grown = _both(size + sum(more) for size, more in zip(scatter.size, added, strict=True))
    padded = out.pad(data, ((0, 0), *added, (0, 0)), f"{name}/padded")
    return padded, dataclasses.replace(scatter, size=grown, before=_both(before))


def _is_same(scatter: _Scatter) -> bool:
    """Whether SAME crops what ONNX crops: `stride` outputs an input, the smaller half of the excess cut off before."""
    multiples = tuple(size * step for size, step in zip(scatter.size, scatter.stride, strict=True))
    halves = tuple((whole - size) // 2 for whole, size in zip(scatter.full, scatter.wanted, strict=True))
    return scatter.wanted != scatter.full and scatter.wanted == multiples and scatter.before == halves


def _by_phases(out: Lowering, data: Tensor, scatter: _Scatter, bias: Tensor, name: str) -> Tensor:
    """Output s · i + r is a convolution of the data around i by the kernel's elements r, r + s, …: one convolution for each r.

    All write the positions i that the output touches; their outputs interleave and are cropped.
    """
    taps = [-(-reach // step) for reach, step in zip(scatter.kernel, scatter.stride, strict=True)]
    first = [start // step for start, step in zip(scatter.before, scatter.stride, strict=True)]
    ends = [-(-(start + size) // step) for start, size, step in zip(scatter.before, scatter.wanted, scatter.stride, strict=True)]
    padded = _framed(out, data, [(lead - count + 1, end) for lead, count, end in zip(first, taps, ends, strict=True)], f"{name}/framed")
    phases = [
        [_phase(out, padded, scatter, (row, column), bias, f"{name}/phase{row}_{column}") for column in range(scatter.stride[1])]
        for row in range(scatter.stride[0])
    ]
    rows = [interleave(out, row, 2, f"{name}/row{index}") for index, row in enumerate(phases)]
    crop = _both(start - lead * step for start, lead, step in zip(scatter.before, first, scatter.stride, strict=True))
    return _cropped(out, interleave(out, rows, 1, f"{name}/whole"), crop, scatter.wanted, name)


def _framed(out: Lowering, data: Tensor, frame: list[Pair], name: str) -> Tensor:
    """The data from `frame[axis][0]` to `frame[axis][1]` (excluded) along height and width, zeros where there is none."""
    sizes = data.shape[1:3]
    cuts = {axis + 1: slice(max(start, 0), min(end, size), 1) for axis, ((start, end), size) in enumerate(zip(frame, sizes, strict=True))}
    if any(cut.stop - cut.start < data.shape[axis] for axis, cut in cuts.items()):
        data = out.strided_slice(data, cuts, f"{name}/inner")
    pads = [(max(-start, 0), max(end - size, 0)) for (start, end), size in zip(frame, sizes, strict=True)]
    return out.pad(data, ((0, 0), *pads, (0, 0)), name)


def _phase(out: Lowering, data: Tensor, scatter: _Scatter, place: Pair, bias: Tensor, name: str) -> Tensor:
    groups, inputs, outputs, *_ = scatter.weights.shape
    height, width = (-(-reach // step) for reach, step in zip(scatter.kernel, scatter.stride, strict=True))
    taps = np.zeros((groups, inputs, outputs, height, width), np.float32)
    part = scatter.weights[:, :, :, place[0] :: scatter.stride[0], place[1] :: scatter.stride[1]]
    taps[..., : part.shape[3], : part.shape[4]] = part
    taps = taps[..., ::-1, ::-1]
    shape = (data.shape[0], data.shape[1] - height + 1, data.shape[2] - width + 1, groups * outputs)
    options = {"padding": "VALID", "stride_h": 1, "stride_w": 1, "fused_activation_function": "NONE"}
    if inputs == 1:
        filters = taps[:, 0].reshape(groups * outputs, height, width).transpose(1, 2, 0)[None]
        constants = [Tensor.constant(f"{name}/weights", filters), bias]
        return out.emit("DEPTHWISE_CONV_2D", [data, *constants], name, shape, {**options, "depth_multiplier": outputs})
    filters = taps.transpose(0, 2, 3, 4, 1).reshape(groups * outputs, height, width, inputs)
    return out.emit("CONV_2D", [data, Tensor.constant(f"{name}/weights", filters), bias], name, shape, options)


def _cropped(out: Lowering, whole: Tensor, before: Pair, wanted: Pair, name: str) -> Tensor:
    if whole.shape[1:3] == wanted:
        return whole
    return out.strided_slice(whole, {axis + 1: slice(before[axis], before[axis] + wanted[axis], 1) for axis in (0, 1)}, name)


def _bias(node: OnnxNode, out: Lowering, scatter: _Scatter) -> Tensor:
    channels = scatter.weights.shape[0] * scatter.weights.shape[2]
    if len(node.inputs) > 2 and node.inputs[2]:  # noqa: PLR2004  data, weights, bias
        return Tensor.constant(node.inputs[2], out.constant(node.inputs[2], "bias"))
    return Tensor.constant(f"{node.outputs[0]}/bias", np.zeros(channels, np.float32))


def _pair(values: Sequence[int], missing: int = 1) -> Pair:
    """(down, across); a signal has only the second, and `missing` as the first."""
    down, across = values if len(values) > 1 else (missing, *values)
    return down, across


def _both(values: Iterable[int]) -> Pair:
    down, across = values
    return down, across
