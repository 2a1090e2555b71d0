"""Dynamic range: 8-bit weights, float32 activations. A file a quarter as large, no calibration."""

from __future__ import annotations

import dataclasses

import numpy as np

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.quantize.weights import quantize_weights, weight_scales

SMALLEST = 1024
"""Weights of fewer values stay float32, as in TensorFlow's converter: they save nothing and cost precision."""

_AXES: dict[str, int | None] = {"CONV_2D": 0, "FULLY_CONNECTED": None}
"""Kinds whose hybrid form XNNPACK takes → the axis of output channels, which get a scale each; None: one for all (older runtimes know no other)."""


def quantize_weights_only(model: TfliteModel) -> TfliteModel:
    """The float32 `model`, which is left as it is, with the weights of convolutions and dense layers as int8; biases stay float32.

    LiteRT measures the activations anew in every run, quantizes them to int8, multiplies integers and scales the sums back to float32: XNNPACK
    does so for CONV_2D of one group and FULLY_CONNECTED (seen with LiteRT 2.3.0). A DEPTHWISE_CONV_2D over int8 weights leaves XNNPACK, grouped
    and transposed convolutions have no such form: they keep float32 weights, which are few. Inputs and outputs are float32.
    """
    made: dict[int, Tensor] = {}
    operators = [_hybrid(operator, made) for operator in model.operators]
    return dataclasses.replace(model, operators=operators, metadata=dict(model.metadata))


def _hybrid(operator: Operator, made: dict[int, Tensor]) -> Operator:
    weights = operator.inputs[1] if len(operator.inputs) > 1 else None
    if operator.kind not in _AXES or weights is None or weights.data is None or not _is_worth_it(operator, weights):
        return dataclasses.replace(operator)
    if id(weights) not in made:
        made[id(weights)] = _codes(weights, _AXES[operator.kind])
    return dataclasses.replace(operator, inputs=[operator.inputs[0], made[id(weights)], *operator.inputs[2:]])


def _is_worth_it(operator: Operator, weights: Tensor) -> bool:
    data = operator.inputs[0]
    if data is None or (data.dtype, weights.dtype) != ("float32", "float32"):
        return False
    is_grouped = operator.kind == "CONV_2D" and data.shape[-1] != weights.shape[-1]
    return weights.data is not None and weights.data.size >= SMALLEST and not is_grouped


def _codes(weights: Tensor, axis: int | None) -> Tensor:
    data = np.asarray(weights.data)
    scales = weight_scales(data, axis or 0, per_channel=axis is not None)
    codes, quantization = quantize_weights(data, np.where(scales > 0, scales, 1.0), axis or 0)
    return Tensor.constant(weights.name, codes, quantization)
