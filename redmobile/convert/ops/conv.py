"""Conv, ConvTranspose."""

from __future__ import annotations

import numpy as np

from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.convert.windows import Window, window_of
from redmobile.graph.layout import NHWC
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor


@lowers("Conv")
def conv(node: OnnxNode, out: Lowering) -> None:
    """`y = w ∗ x + b`   ->   CONV_2D, or DEPTHWISE_CONV_2D where each group is one channel; PAD before it where SAME and VALID do not fit.

    x: (N, C, H, W); w: (O, C / groups, kh, kw) constant, stored as (O, kh, kw, C / groups), depthwise as (1, kh, kw, O).
    A missing bias becomes zeros: every target takes a bias, not every one its absence.
    """
    weights = out.constant(node.inputs[1], "weights")
    _, channels, height, width = _image_shape(out, node)
    window = window_of(node, (height, width), weights.shape[2:])
    data = out.image(node.inputs[0])
    padding = window.padding
    if padding is None:
        data, padding = out.pad(data, ((0, 0), *window.used_pads, (0, 0)), f"{node.outputs[0]}/padded"), "VALID"
    options = {"padding": padding, **_steps(window), "fused_activation_function": "NONE"}
    bias = _bias(node, out, weights.shape[0])
    if node.attributes.get("group", 1) == channels and channels > 1:
        filters = Tensor.constant(node.inputs[1], weights[:, 0].transpose(1, 2, 0)[None])
        options["depth_multiplier"] = weights.shape[0] // channels
        out.define(node.outputs[0], "DEPTHWISE_CONV_2D", [data, filters, bias], options, order=NHWC)
    else:
        filters = Tensor.constant(node.inputs[1], weights.transpose(0, 2, 3, 1))
        out.define(node.outputs[0], "CONV_2D", [data, filters, bias], options, order=NHWC)


@lowers("ConvTranspose")
def conv_transpose(node: OnnxNode, out: Lowering) -> None:
    """`y = transposed convolution of x by w, plus b`   ->   TRANSPOSE_CONV, cropped by STRIDED_SLICE where SAME and VALID do not fit.

    x: (N, C, H, W); w: (C, O, kh, kw) constant, stored as (O, kh, kw, C). One group, no dilation.
    """
    weights = out.constant(node.inputs[1], "weights")
    batch, _, height, width = _image_shape(out, node)
    window = window_of(node, (height, width), weights.shape[2:])
    if node.attributes.get("group", 1) != 1 or window.dilation != (1, 1):
        raise Refusal("a transposed convolution with groups or dilation has no counterpart in TFLite")
    if node.attributes.get("auto_pad", "NOTSET") not in {"NOTSET", "VALID"}:
        raise Refusal(f"auto_pad {node.attributes['auto_pad']} is not supported; give pads")
    filters = Tensor.constant(node.inputs[1], weights.transpose(1, 2, 3, 0))
    full = tuple((size - 1) * stride + kernel for size, stride, kernel in zip(window.size, window.stride, window.kernel, strict=True))
    wanted = out.shape(node.outputs[0])[2:]
    pads = tuple(before for before, _ in window.pads)
    if any(before + size > whole for before, size, whole in zip(pads, wanted, full, strict=True)):
        raise Refusal("its output_padding reaches beyond what the kernel writes")
    same = _is_same(window, full, wanted, pads)
    size = wanted if same else full
    shape = (batch, *size, weights.shape[1])
    name = node.outputs[0] if size == wanted else f"{node.outputs[0]}/full"
    inputs = [Tensor.constant(f"{name}/shape", np.array(shape, np.int32)), filters, out.image(node.inputs[0]), _bias(node, out, weights.shape[1])]
    options = {"padding": "SAME" if same else "VALID", **_strides(window), "fused_activation_function": "NONE"}
    whole = out.emit("TRANSPOSE_CONV", inputs, name, shape, options)
    if size != wanted:
        cuts = {axis + 1: slice(before, before + size, 1) for axis, (before, size) in enumerate(zip(pads, wanted, strict=True))}
        whole = out.strided_slice(whole, cuts, node.outputs[0])
    out.alias(node.outputs[0], whole, NHWC)


def _is_same(window: Window, full: tuple[int, ...], wanted: tuple[int, ...], pads: tuple[int, ...]) -> bool:
    """Whether SAME crops what ONNX crops: `stride` outputs an input, the smaller half of the excess cut off before."""
    multiples = tuple(size * stride for size, stride in zip(window.size, window.stride, strict=True))
    halves = tuple((whole - size) // 2 for whole, size in zip(full, wanted, strict=True))
    return wanted != full and wanted == multiples and pads == halves


def _image_shape(out: Lowering, node: OnnxNode) -> tuple[int, int, int, int]:
    shape = out.image(node.inputs[0]).shape
    batch, height, width, channels = shape
    return batch, channels, height, width


def _bias(node: OnnxNode, out: Lowering, channels: int) -> Tensor:
    if len(node.inputs) > 2 and node.inputs[2]:  # noqa: PLR2004  data, weights, bias
        return Tensor.constant(node.inputs[2], out.constant(node.inputs[2], "bias"))
    return Tensor.constant(f"{node.outputs[0]}/bias", np.zeros(channels, np.float32))


def _strides(window: Window) -> dict[str, int]:
    return {"stride_h": window.stride[0], "stride_w": window.stride[1]}


def _steps(window: Window) -> dict[str, int]:
    return {**_strides(window), "dilation_h_factor": window.dilation[0], "dilation_w_factor": window.dilation[1]}
