"""BatchNormalization, where no convolution stands before it to take it in."""

from __future__ import annotations

import numpy as np

from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.graph.layout import NHWC
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor


@lowers("BatchNormalization")
def batch_normalization(node: OnnxNode, out: Lowering) -> None:
    """`y = (x - mean) · gamma / sqrt(variance + epsilon) + beta`   ->   MUL and ADD with one value a channel. x: (N, C, H, W)."""
    if node.attributes.get("training_mode", 0):
        raise Refusal("it is in training mode; export the model for inference")
    gamma, beta, mean, variance = (out.constant(name, "statistics").astype(np.float64) for name in node.inputs[1:])
    scale = gamma / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    data, name = out.image(node.inputs[0]), node.outputs[0]
    options = {"fused_activation_function": "NONE"}
    scaled = out.emit("MUL", [data, _per_channel(f"{name}/scale", scale)], f"{name}/scaled", data.shape, dict(options))
    out.define(name, "ADD", [scaled, _per_channel(f"{name}/shift", beta - mean * scale)], options, order=NHWC)


def _per_channel(name: str, values: np.ndarray) -> Tensor:
    return Tensor.constant(name, values.astype(np.float32).reshape(1, 1, 1, -1))
