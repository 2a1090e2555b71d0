"""MaxPool, AveragePool, LpPool."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.convert.images import define_image, image_of
from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.convert.powers import power
from redmobile.convert.taking import take
from redmobile.convert.windows import Window, window_of
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_HEIGHT = 1
"""The memory axis of an image's height; its width comes next."""


@lowers("MaxPool")
def max_pool(node: OnnxNode, out: Lowering) -> None:
    """`y = maximum of x in each window`   ->   MAX_POOL_2D; positions outside never win. x: (N, C, H, W) or (N, C, L).

    Pads that SAME does not say repeat the edge: a window that reaches beyond the edge holds the edge too, so the maximum stays, and no
    value below all others spoils the scale of an INT8 tensor. The whole image: REDUCE_MAX. With dilation: GATHER and REDUCE_MAX, first
    down, then across.
    """
    if any(out.graph.consumers(positions) or positions in out.graph.outputs for positions in node.outputs[1:]):
        raise Refusal("the positions of the maxima are asked for, which TFLite does not give")
    data, window = _data(node, out)
    name = node.outputs[0]
    if any(_is_outside(window, axis).all(axis=1).any() for axis in (0, 1)):
        raise Refusal(f"some of its windows lie outside of the image altogether (pads {node.attributes.get('pads')})")
    if window.covers_all:
        result = _whole(out, "REDUCE_MAX", data, name)
    elif window.dilation != (1, 1) or window.kernel == (1, 1):  # XNNPACK takes no window of one position
        result = _largest(out, _largest(out, data, window, 0, f"{name}/down"), window, 1, name)
    else:
        padding = window.padding
        if padding is None:
            data, padding = _with_edges(out, data, window, name), "VALID"
        result = _pool(out, "MAX_POOL_2D", data, window, padding, name)
    define_image(out, name, result)


@lowers("AveragePool")
def average_pool(node: OnnxNode, out: Lowering) -> None:
    """`y = mean of x in each window`   ->   DEPTHWISE_CONV_2D with equal weights, or as LoweringChoices.average_pool says AVERAGE_POOL_2D.

    x: (N, C, H, W) or (N, C, L). AVERAGE_POOL_2D leaves out what is outside, so it fits where nothing is padded, and SAME without
    count_include_pad. Elsewhere a MUL makes good for the windows with fewer positions. The whole image: MEAN.
    """
    data, window = _data(node, out)
    name = node.outputs[0]
    counts = _counts(window, include_pads=bool(node.attributes.get("count_include_pad", 0)))
    alike = np.array_equal(counts, _counts(window, include_pads=False))
    fits = alike and window.padding is not None and window.dilation == (1, 1) and window.kernel != (1, 1)
    if window.covers_all:
        result = _whole(out, "MEAN", data, name)
    elif out.choices.average_pool == "average_pool" and fits:
        out.explain(f"{name}: average pooling as average_pool")
        result = _pool(out, "AVERAGE_POOL_2D", data, window, window.padding, name)
    else:
        out.explain(f"{name}: average pooling as a depthwise convolution with constant weights")
        area = float(np.prod(window.kernel))
        result = _weighted_sum(out, data, window, 1 / area, name)
        if (counts != area).any():
            corrections = Tensor.constant(f"{name}/corrections", (area / counts).astype(np.float32)[None, :, :, None])
            result = out.emit("MUL", [result, corrections], name, result.shape, {"fused_activation_function": "NONE"})
    define_image(out, name, result)


@lowers("LpPool")
def lp_pool(node: OnnxNode, out: Lowering) -> None:
    """`y = (sum of |x|^p in each window)^(1/p)`   ->   the power, DEPTHWISE_CONV_2D of ones, the root. x: (N, C, H, W) or (N, C, L)."""
    exponent = node.attributes.get("p", 2)
    data, window = _data(node, out)
    name = node.outputs[0]
    total = _weighted_sum(out, power(out, data, exponent, f"{name}/powers"), window, 1.0, f"{name}/sums")
    define_image(out, name, power(out, total, 1 / exponent, name))


def _data(node: OnnxNode, out: Lowering) -> tuple[Tensor, Window]:
    data = image_of(out, node.inputs[0])
    window = window_of(node, (data.shape[1], data.shape[2]), node.attributes["kernel_shape"])
    expected = out.shape(node.outputs[0])[2:]
    if expected != window.outputs[-len(expected) :]:
        raise Refusal(f"onnx infers {expected} windows, of which only {window.outputs} begin on the image; set ceil_mode to 0")
    return data, window


def _pool(out: Lowering, kind: str, data: Tensor, window: Window, padding: str | None, name: str) -> Tensor:
    options: dict[str, Any] = {
        "padding": padding,
        "stride_h": window.stride[0],
        "stride_w": window.stride[1],
        "filter_height": window.kernel[0],
        "filter_width": window.kernel[1],
        "fused_activation_function": "NONE",
    }
    return out.emit(kind, [data], name, (data.shape[0], *window.outputs, data.shape[3]), options)


def _whole(out: Lowering, kind: str, data: Tensor, name: str) -> Tensor:
    axes = Tensor.constant(f"{name}/axes", np.array([_HEIGHT, _HEIGHT + 1], np.int32))
    return out.emit(kind, [data, axes], name, (data.shape[0], 1, 1, data.shape[3]), {"keep_dims": True})


def _weighted_sum(out: Lowering, data: Tensor, window: Window, weight: float, name: str) -> Tensor:
    """The sum of `weight` times every position of each window, zeros outside."""
    channels, padding = data.shape[3], window.padding
    if padding is None:
        data, padding = out.pad(data, ((0, 0), *window.used_pads, (0, 0)), f"{name}/padded"), "VALID"
    filters = Tensor.constant(f"{name}/weights", np.full((1, *window.kernel, channels), weight, np.float32))
    bias = Tensor.constant(f"{name}/bias", np.zeros(channels, np.float32))
    options = {
        "padding": padding,
        "stride_h": window.stride[0],
        "stride_w": window.stride[1],
        "dilation_h_factor": window.dilation[0],
        "dilation_w_factor": window.dilation[1],
        "depth_multiplier": 1,
        "fused_activation_function": "NONE",
    }
    return out.emit("DEPTHWISE_CONV_2D", [data, filters, bias], name, (data.shape[0], *window.outputs, channels), options)


def _counts(window: Window, *, include_pads: bool) -> NDArray[np.float64]:
    """(outputs down, outputs across): how many positions of each window count. What rounding up adds behind the pads never does."""
    along = []
    for axis in (0, 1):
        before, after = window.pads[axis] if include_pads else (0, 0)
        positions = window.positions(axis)
        along.append(((positions >= -before) & (positions < window.size[axis] + after)).sum(axis=1))
    return np.outer(along[0], along[1]).astype(np.float64)


def _is_outside(window: Window, axis: int) -> NDArray[np.bool_]:
    positions = window.positions(axis)
    return np.asarray((positions < 0) | (positions >= window.size[axis]))


def _with_edges(out: Lowering, data: Tensor, window: Window, name: str) -> Tensor:
    for axis, ((before, after), size) in enumerate(zip(window.used_pads, window.size, strict=True)):
        indices = np.clip(np.arange(-before, size + after), 0, size - 1)
        data = take(out, data, _HEIGHT + axis, indices, f"{name}/edges{axis}")
    return data


def _largest(out: Lowering, data: Tensor, window: Window, axis: int, name: str) -> Tensor:
    """The maximum along one axis. A position outside is read as another one of the same window."""
    positions, outside = window.positions(axis), _is_outside(window, axis)
    inside = np.take_along_axis(positions, outside.argmin(axis=1)[:, None], axis=1)
    indices = np.where(outside, inside, positions)
    memory_axis = _HEIGHT + axis
    picked = take(out, data, memory_axis, indices.reshape(-1), f"{name}/picked")
    if indices.shape[1] == 1:
        return picked
    shape = (*data.shape[:memory_axis], *indices.shape, *data.shape[memory_axis + 1 :])
    axes = Tensor.constant(f"{name}/axes", np.array([memory_axis + 1], np.int32))
    result = (*data.shape[:memory_axis], len(indices), *data.shape[memory_axis + 1 :])
    return out.emit("REDUCE_MAX", [out.reshape(picked, shape, f"{name}/windows"), axes], name, result, {"keep_dims": False})
