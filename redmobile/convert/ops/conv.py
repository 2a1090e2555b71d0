"""Conv."""

from __future__ import annotations

import dataclasses

import numpy as np

from redmobile.convert.images import SIGNAL_RANK, define_image, image_of
from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.convert.windows import Window, window_of
from redmobile.graph.layout import IMAGE_RANK, Order, plain
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_OUTPUTS_FIRST: Order = (0, 2, 3, 1)
"""(O, I, kh, kw) stored as (O, kh, kw, I)."""

_OUTPUTS_LAST: Order = (1, 2, 3, 0)
"""(O, 1, kh, kw) stored as (1, kh, kw, O), for depthwise convolutions."""


@lowers("Conv")
def conv(node: OnnxNode, out: Lowering) -> None:
    """`y = w ∗ x + b`   ->   CONV_2D, or DEPTHWISE_CONV_2D where each group is one channel; PAD before it where SAME and VALID do not fit.

    x: (N, C, H, W), or (N, C, L) as an image of height 1; w: (O, C / groups, kh, kw), stored as (O, kh, kw, C / groups), depthwise as
    (1, kh, kw, O). A missing bias becomes zeros: every target takes a bias, not every one its absence. Computed weights go through in
    float32. A 3×3/2 with PyTorch's pads keeps its PAD: XNNPACK hides it in the convolution (LiteRT 2.3: at most 5 % over SAME), where
    a 4×4 kernel with zeros, which SAME would fit, takes 1.4 to 1.6 times as long.
    """
    data = image_of(out, node.inputs[0])
    _, height, width, channels = data.shape
    shape = out.shape(node.inputs[1])
    groups = node.attributes.get("group", 1)
    if len(shape) != len(out.shape(node.inputs[0])) or shape[1] * groups != channels or shape[0] % groups:
        raise Refusal(f"weights of shape {shape} in {groups} groups do not go with {channels} channels")
    window = window_of(node, (height, width), shape[2:])
    padding = window.padding
    if padding is None:
        data, padding = out.pad(data, ((0, 0), *window.used_pads, (0, 0)), f"{node.outputs[0]}/padded"), "VALID"
    options = {"padding": padding, **_steps(window), "fused_activation_function": "NONE"}
    depthwise = groups == channels and channels > 1
    if depthwise:
        options["depth_multiplier"] = shape[0] // channels
    filters = _filters(out, node.inputs[1], _OUTPUTS_LAST if depthwise else _OUTPUTS_FIRST)
    kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    result = (data.shape[0], *window.outputs, shape[0])
    define_image(out, node.outputs[0], out.emit(kind, [data, filters, _bias(node, out, shape[0])], node.outputs[0], result, options))


def _filters(out: Lowering, name: str, order: Order) -> Tensor:
    """The weights as images: a signal's kernel is one row."""
    if len(out.shape(name)) == IMAGE_RANK:
        return out.tensor(name, order)
    assert len(out.shape(name)) == SIGNAL_RANK  # noqa: S101  the caller has compared it with the data
    outputs, inputs, length = out.shape(name)
    lying = _row_order(order)
    kernel = out.tensor(name, lying)
    shape = (outputs, 1, length, inputs) if order == _OUTPUTS_FIRST else (inputs, 1, length, outputs)
    if kernel.data is not None:
        return dataclasses.replace(kernel, shape=shape, data=np.ascontiguousarray(kernel.data).reshape(shape))
    return out.reshape(kernel, shape, f"{name}/row")


def _row_order(order: Order) -> Order:
    """The order of a signal's kernel (O, I, L) for the order of an image's kernel (O, I, 1, L)."""
    return tuple(axis - (axis > 2) for axis in order if axis != 2)  # noqa: PLR2004  axis 2 is the height


def _bias(node: OnnxNode, out: Lowering, channels: int) -> Tensor:
    if len(node.inputs) > 2 and node.inputs[2]:  # noqa: PLR2004  data, weights, bias
        return out.tensor(node.inputs[2], plain(1))
    return Tensor.constant(f"{node.outputs[0]}/bias", np.zeros(channels, np.float32))


def _steps(window: Window) -> dict[str, int]:
    (down, across), (dilation_down, dilation_across) = window.stride, window.dilation
    return {"stride_h": down, "stride_w": across, "dilation_h_factor": dilation_down, "dilation_w_factor": dilation_across}
