"""LRN, LpNormalization: values divided by the size of their neighbours."""

from __future__ import annotations

import numpy as np

from redmobile.convert.images import define_image, image_of
from redmobile.convert.lowering import Lowering, Refusal, lowers, scalar
from redmobile.convert.powers import inverse_power
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_TINY = 1e-24
"""Below any sum of squares that matters, above what float32 flushes to zero: 0 / 0 becomes 0."""


@lowers("LRN")
def lrn(node: OnnxNode, out: Lowering) -> None:
    """`y = x / (bias + alpha / size · sum of x² over `size` channels around)^beta`   ->   a 1×1 CONV_2D sums the squares. x: (N, C, H, W).

    LOCAL_RESPONSE_NORMALIZATION is outside of XNNPACK, has no INT8 form and no even sizes. For a beta of 0.5, 0.75 or 1 all has INT8 forms.
    """
    data, name, size = image_of(out, node.inputs[0]), node.outputs[0], node.attributes["size"]
    channels = data.shape[3]
    distance = np.arange(channels)[None, :] - np.arange(channels)[:, None]
    near = (distance >= -((size - 1) // 2)) & (distance <= size // 2)
    weights = (near * (node.attributes.get("alpha", 1e-4) / size)).astype(np.float32)[:, None, None]
    bias = np.full(channels, node.attributes.get("bias", 1.0), np.float32)
    squares = _multiply(out, data, data, f"{name}/squares")
    options = {"padding": "VALID", "stride_h": 1, "stride_w": 1, "fused_activation_function": "NONE"}
    constants = [Tensor.constant(f"{name}/weights", weights), Tensor.constant(f"{name}/bias", bias)]
    sums = out.emit("CONV_2D", [squares, *constants], f"{name}/sums", data.shape, options)
    define_image(out, name, _multiply(out, data, inverse_power(out, sums, node.attributes.get("beta", 0.75), f"{name}/factor"), name))


@lowers("LpNormalization")
def lp_normalization(node: OnnxNode, out: Lowering) -> None:
    """`y = x / (sum of |x|^p over an axis)^(1/p)`   ->   L2_NORMALIZATION along the last axis in memory; else SUM, RSQRT and MUL. p: 1 or 2."""
    source, name, p = node.inputs[0], node.outputs[0], node.attributes.get("p", 2)
    data, axis = out.tensor(source), out.axis(source, node.attributes.get("axis", -1))
    if p not in {1, 2}:
        raise Refusal(f"p {p} is not defined; 1 and 2 are")
    if p == 2 and axis == len(data.shape) - 1:  # noqa: PLR2004
        result = out.emit("L2_NORMALIZATION", [data], name, data.shape, {"fused_activation_function": "NONE"})
    else:
        powers = out.emit("ABS", [data], f"{name}/magnitudes", data.shape) if p == 1 else _multiply(out, data, data, f"{name}/squares")
        shape = (*data.shape[:axis], 1, *data.shape[axis + 1 :])
        total = out.emit("SUM", [powers, Tensor.constant(f"{name}/axes", np.array([axis], np.int32))], f"{name}/sum", shape, {"keep_dims": True})
        raised = out.emit("MAXIMUM", [total, scalar(f"{name}/tiny", _TINY)], f"{name}/raised", shape)
        result = _multiply(out, data, inverse_power(out, raised, 1 / p, f"{name}/factor"), name)
    out.alias(name, result, out.order(source))


def _multiply(out: Lowering, first: Tensor, second: Tensor, name: str) -> Tensor:
    return out.emit("MUL", [first, second], name, first.shape, {"fused_activation_function": "NONE"})
