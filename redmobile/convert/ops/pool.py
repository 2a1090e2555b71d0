"""MaxPool."""

from __future__ import annotations

from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.convert.windows import window_of
from redmobile.graph.layout import NHWC
from redmobile.graph.onnx_graph import OnnxNode


@lowers("MaxPool")
def max_pool(node: OnnxNode, out: Lowering) -> None:
    """`y = maximum of x in each window`   ->   MAX_POOL_2D. x: (N, C, H, W); pads as SAME or none; positions outside never win."""
    _, height, width, _ = out.image(node.inputs[0]).shape
    window = window_of(node, (height, width), node.attributes["kernel_shape"])
    if len(node.outputs) > 1:
        raise Refusal("the positions of the maxima are asked for")
    if window.dilation != (1, 1):
        raise Refusal("a dilated pooling has no counterpart in TFLite")
    if window.padding is None or node.attributes.get("ceil_mode", 0):
        raise Refusal(f"pads {node.attributes.get('pads')} with ceil_mode {node.attributes.get('ceil_mode', 0)} are neither TFLite's SAME nor VALID")
    options = {
        "padding": window.padding,
        "stride_h": window.stride[0],
        "stride_w": window.stride[1],
        "filter_height": window.kernel[0],
        "filter_width": window.kernel[1],
        "fused_activation_function": "NONE",
    }
    out.define(node.outputs[0], "MAX_POOL_2D", [out.image(node.inputs[0])], options, order=NHWC)
