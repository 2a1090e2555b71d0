"""Relu, PRelu, Clip, Sigmoid, HardSwish."""

from __future__ import annotations

import numpy as np

from redmobile.convert.lowering import Lowering, Refusal, lowers, scalar
from redmobile.graph.layout import NHWC
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_CLAMPS = {(0.0, np.inf): "RELU", (0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1", (0.0, 1.0): "RELU_0_TO_1"}
_UNBOUNDED = float(np.finfo(np.float32).max)


@lowers("Relu")
def relu(node: OnnxNode, out: Lowering) -> None:
    """`y = max(x, 0)`   ->   RELU."""
    _unary(node, out, "RELU")


@lowers("Sigmoid")
def sigmoid(node: OnnxNode, out: Lowering) -> None:
    """`y = 1 / (1 + exp(-x))`   ->   LOGISTIC."""
    _unary(node, out, "LOGISTIC")


@lowers("PRelu")
def prelu(node: OnnxNode, out: Lowering) -> None:
    """`y = max(x, 0) + slope · min(x, 0)`   ->   PRELU.

    x: (N, C, H, W); slope: constant, one value or one a channel, stored as (1, 1, C).
    """
    slope = out.constant(node.inputs[1], "slope")
    channels = out.image(node.inputs[0]).shape[3]
    if slope.size not in {1, channels} or (slope.size > 1 and slope.shape[-3:] != (channels, 1, 1)):
        raise Refusal(f"a slope of shape {slope.shape} is neither one value nor one a channel")
    per_channel = np.broadcast_to(slope.reshape(-1), (channels,)).reshape(1, 1, channels)
    out.define(node.outputs[0], "PRELU", [out.image(node.inputs[0]), Tensor.constant(node.inputs[1], per_channel)], order=NHWC)


@lowers("Clip")
def clip(node: OnnxNode, out: Lowering) -> None:
    """`y = min(max(x, low), high)`   ->   RELU, RELU6, RELU_N1_TO_1, RELU_0_TO_1, or MAXIMUM and MINIMUM.

    low, high: constants of the graph (attributes before opset 11); a computed bound is refused.
    """
    low, high = _bound(node, out, "min", 1, -np.inf), _bound(node, out, "max", 2, np.inf)
    kind = _CLAMPS.get((low, high))
    source, order = out.tensor(node.inputs[0]), out.order(node.inputs[0])
    if kind:
        out.define(node.outputs[0], kind, [source], order=order)
        return
    name = node.outputs[0]
    if low > -np.inf:
        lowest = scalar(f"{name}/low", low)
        source = out.emit("MAXIMUM", [source, lowest], name if high == np.inf else f"{name}/raised", source.shape)
    if high < np.inf:
        source = out.emit("MINIMUM", [source, scalar(f"{name}/high", high)], name, source.shape)
    out.alias(name, source, order)


@lowers("HardSwish")
def hard_swish(node: OnnxNode, out: Lowering) -> None:
    """`y = x · relu6(x + 3) / 6`   ->   HARD_SWISH, or ADD with fused RELU6 and two MULs, as LoweringChoices.hard_swish says."""
    out.explain(f"{node.outputs[0]}: hard-swish as {out.choices.hard_swish}")
    if out.choices.hard_swish == "hard_swish":
        _unary(node, out, "HARD_SWISH")
        return
    x, name = out.tensor(node.inputs[0]), node.outputs[0]
    shifted = out.emit("ADD", [x, scalar(f"{name}/three", 3.0)], f"{name}/relu6", x.shape, {"fused_activation_function": "RELU6"})
    product = out.emit("MUL", [x, shifted], f"{name}/product", x.shape, {"fused_activation_function": "NONE"})
    options = {"fused_activation_function": "NONE"}
    out.define(name, "MUL", [product, scalar(f"{name}/sixth", 1 / 6)], options, order=out.order(node.inputs[0]))


def _unary(node: OnnxNode, out: Lowering, kind: str) -> None:
    out.define(node.outputs[0], kind, [out.tensor(node.inputs[0])], order=out.order(node.inputs[0]))


def _bound(node: OnnxNode, out: Lowering, which: str, position: int, default: float) -> float:
    found = out.parameter(node, which, position)
    if found is None:
        return default
    # Exporters write "no bound" as the largest float.
    return float(found[0]) if abs(found[0]) < _UNBOUNDED else default
