"""By which factor each channel of a quantized file differs from the float graph, on purpose: read from the weights of both.

Our quantizer equalizes channels (redmobile.quantize.equalize), as others' do: a convolution's weights w[o, i] become
w[o, i]·g_out[o]/g_in[i]. No file holds the factors, but both hold the weights, so g_out follows from g_in, from the inputs (factor 1) on
through the graph. A channel's scale is its largest weight by 127, which gives its factor to the last digit; where the quantizer chose
another scale, the least-squares factor over the channel's weights stands in, if rounding them leaves it sure to one per cent. Fitting
activations instead would take part of the very errors that are looked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

FloatArray = NDArray[np.float64]

_EXACT = 1e-4
"""Factors this near to 1 are 1: scales are stored as float32."""

_ALIKE = 0.02
"""How far the factor by the scale may be from the one by all weights."""

_SURE = 0.01
"""A factor by least squares whose standard error is larger says nothing: then it is 1."""

_STANDARD_ERRORS = 4
"""A factor by least squares within so many of 1 is 1."""

_LARGEST_CODE = 127

_PASS_ON = frozenset(
    {"ADD", "AVERAGE_POOL_2D", "LEAKY_RELU", "MAX_POOL_2D", "MEAN", "MIRROR_PAD", "PAD", "PRELU", "QUANTIZE", "REDUCE_MAX", "REDUCE_MIN", "RELU"}
    | {"RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "SPLIT", "STRIDED_SLICE", "SUB", "SUM"}
)
"""Kinds whose output has the factors of its first activation, where it has as many channels: all terms of a sum have the same ones."""


def channel_gains(expected: TfliteModel, found: TfliteModel) -> dict[str, FloatArray]:
    """Name of a tensor of the float graph `expected` → (C,) factors, found by expected; without the tensors whose factors are all 1.

    found: what was made of it; convolutions are matched by the names of their outputs.
    """
    makers = {tensor.name: operator for operator in found.operators for tensor in operator.outputs}
    gains: dict[int, FloatArray] = {}
    for operator in expected.operators:
        made = makers.get(operator.outputs[0].name)
        for output in operator.outputs:
            gains[id(output)] = _gains(operator, output, made, gains)
    outer = {id(tensor) for tensor in expected.outputs}  # what leaves the network must mean what it says
    inner = [tensor for operator in expected.operators for tensor in operator.outputs if id(tensor) not in outer]
    return {tensor.name: gains[id(tensor)] for tensor in inner if (gains[id(tensor)] != 1).any()}


def _gains(operator: Operator, output: Tensor, made: Operator | None, gains: dict[int, FloatArray]) -> FloatArray:
    channels = output.shape[-1] if output.shape else 1
    sources = [tensor for tensor in operator.inputs if tensor is not None and tensor.data is None]
    incoming = [gains.get(id(source), np.ones(source.shape[-1] if source.shape else 1)) for source in sources]
    if operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D") and incoming:
        return _of_weights(operator, made, incoming[0]) if made is not None and made.kind == operator.kind else np.ones(channels)
    if operator.kind == "CONCATENATION" and sum(map(len, incoming)) == channels:
        return np.concatenate(incoming)
    if operator.kind == "MUL" and len(sources) > 1:
        return _product(incoming, channels)
    if incoming and len(incoming[0]) == channels and operator.kind in {*_PASS_ON, "MUL"}:
        return incoming[0]
    return np.ones(channels)


def _product(incoming: Sequence[FloatArray], channels: int) -> FloatArray:
    product = np.ones(channels)
    for factors in incoming:
        if len(factors) in (1, channels):
            product = product * factors
    return product


def _of_weights(operator: Operator, made: Operator, incoming: FloatArray) -> FloatArray:
    """(C,) factors of a convolution's output, from those of its input and its weights in both files."""
    weights, others = _real(operator.inputs[1]), _real(made.inputs[1])
    channels = operator.outputs[0].shape[-1]
    if weights is None or others is None or weights.shape != others.shape:
        return np.ones(channels)
    if operator.kind == "CONV_2D":
        rows, found = weights / _fitting(incoming, weights.shape[-1]), others
    else:  # the output channel is the last axis; each input channel feeds one of them or several
        spread = np.repeat(incoming, channels // len(incoming))
        rows, found = np.moveaxis(weights / spread, -1, 0), np.moveaxis(others, -1, 0)
    rows, found = rows.reshape(channels, -1), found.reshape(channels, -1)
    exact = _by_scale(made.inputs[1], np.abs(rows).max(axis=1))
    fitted, error = _by_least_squares(rows, found, made.inputs[1])
    sure = (error < _SURE) & (fitted > 0)
    factors = np.where(sure & (np.abs(fitted - 1) > _STANDARD_ERRORS * error), fitted, 1.0)
    if exact is not None:
        factors = np.where(sure & (np.abs(exact - fitted) < _ALIKE * fitted), exact, factors)
    return np.where(np.abs(factors - 1) < _EXACT, 1.0, factors)


def _by_least_squares(rows: FloatArray, found: FloatArray, weights: Tensor | None) -> tuple[FloatArray, FloatArray]:
    """The factor of each row, and its standard error by the rounding of `found`."""
    power = np.square(rows).sum(axis=1)
    fitted = np.divide((rows * found).sum(axis=1), power, out=np.zeros(len(rows)), where=power > 0)
    if weights is None or weights.quantization is None:
        return fitted, np.zeros(len(rows))
    noise = weights.quantization.scale.astype(np.float64) / np.sqrt(12)
    relative = np.sqrt(np.square(found).sum(axis=1))
    return fitted, np.divide(np.broadcast_to(noise, len(rows)), relative, out=np.full(len(rows), np.inf), where=relative > 0)


def _fitting(incoming: FloatArray, channels: int) -> FloatArray:
    """The factors of a group's input channels; a grouped convolution reads a part at a time, and only where all are 1 it is known which."""
    return incoming if len(incoming) == channels else np.ones(channels)


def _by_scale(weights: Tensor | None, largest: FloatArray) -> FloatArray | None:
    if weights is None or weights.quantization is None or len(weights.quantization.scale) != len(largest):
        return None
    scales = weights.quantization.scale.astype(np.float64) * _LARGEST_CODE
    return np.divide(scales, largest, out=np.ones(len(largest)), where=largest > 0)


def _real(tensor: Tensor | None) -> FloatArray | None:
    if tensor is None or tensor.data is None:
        return None
    return np.asarray(tensor.data if tensor.quantization is None else tensor.quantization.dequantize(tensor.data), np.float64)
