"""Biases that take back what rounding the weights does to the mean of a layer's output.

Rounding changes weights by d, and so the mean of an output channel by d · mean of the inputs: over flat regions a visible shift of
brightness. The inputs' means are those of the float graph over all calibration frames. Source: Nagel et al., "Data-free quantization
through weight equalization and bias correction", ICCV 2019, equation 14, with measured means.

Also tried: running the quantized graph and moving each bias by the difference of its output's mean, layer by layer in execution order
(2 and 8 frames, 1 to 36 steps). On the frames it was made from that looked better still (+0.3 to +1.3 dB); on other photographs it lost
up to 6 dB against none, where this one gains 0.4 to 0.6: that difference also holds what clipping did to those very frames.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.quantize.op_rules import rule_of
from redmobile.quantize.precision import CONVERSION

FloatArray = NDArray[np.float64]
Shifts = dict[int, FloatArray]
"""id of an operator of the layout → (C,) real values to add to its bias."""


def weighted_operators(model: TfliteModel) -> list[Operator]:
    """The operators with weights and a bias, in execution order."""
    return [operator for operator in model.operators if (rule := rule_of(operator)) and rule.scales == "weighted"]


def data_names(model: TfliteModel) -> list[str]:
    """Names of the tensors whose channel means `correct_biases` wants."""
    return list(dict.fromkeys(_data(operator).name for operator in weighted_operators(model)))


def correct_biases(source: TfliteModel, quantized: TfliteModel, means: Mapping[str, FloatArray]) -> Shifts:
    """Shifts for the biases of `source`, a float model, of which `quantized` was written. means: (C,) channel means by name."""
    pairs = zip(weighted_operators(source), weighted_operators(quantized), strict=True)
    converted = {id(operator.outputs[0]): operator.inputs[0] for operator in source.operators if operator.kind == CONVERSION}
    shifts: Shifts = {}
    for operator, written in pairs:
        if written.outputs[0].quantization is not None:  # else it stays float
            data = _data(operator)
            shifts[id(operator)] = -_shift(operator, written, means[(converted.get(id(data)) or data).name])
    return shifts


def _shift(operator: Operator, written: Operator, means: FloatArray) -> FloatArray:
    """(C,) how far the means of the outputs move."""
    rule = rule_of(operator)
    if rule is None:
        raise TypeError(f"{operator.kind} has no weights")  # weighted_operators has seen its rule
    change = _real(written.inputs[rule.weights_at]) - _real(operator.inputs[rule.weights_at])
    bias = operator.inputs[rule.bias_at] if len(operator.inputs) > rule.bias_at else None
    bias_change = _real(written.inputs[rule.bias_at]) - (_real(bias) if bias is not None else 0.0)
    if operator.kind == "DEPTHWISE_CONV_2D":
        channels = change.shape[-1]
        return np.asarray(change.sum(axis=(0, 1, 2)) * np.repeat(means, channels // len(means)) + bias_change)
    taps = change.reshape(change.shape[0], -1, change.shape[-1]).sum(axis=1)
    if operator.kind == "TRANSPOSE_CONV":  # each output pixel meets only one tap in stride²
        taps = taps / (operator.options["stride_h"] * operator.options["stride_w"])
    groups = len(means) // taps.shape[1]
    by_group = means.reshape(groups, -1)[np.arange(len(taps)) * groups // len(taps)]
    return np.asarray((taps * by_group).sum(axis=1) + bias_change)


def _data(operator: Operator) -> Tensor:
    rule = rule_of(operator)
    tensor = operator.inputs[rule.data_at] if rule else None
    if tensor is None:
        raise TypeError(f"{operator.kind} has no data")  # weighted_operators has seen its rule
    return tensor


def _real(tensor: Tensor | None) -> FloatArray:
    if tensor is None or tensor.data is None:
        raise TypeError("weights or bias are no constant")  # op_rules.faults has refused such a graph
    values = tensor.data if tensor.quantization is None else tensor.quantization.dequantize(tensor.data)
    return np.asarray(values, np.float64)
