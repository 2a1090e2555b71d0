"""Codes and scales of weights and biases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redmobile.core.quant_math import Given, Quantization
from redmobile.quantize.op_rules import WIDE

FloatArray = NDArray[np.floating]

WEIGHT_LIMIT = 127
"""Weights take codes of [-127, 127]: with -128 a product of two int8 would not fit the kernels' int16 lanes."""

_NEGLIGIBLE = 2.0**-24
"""A weight scale below this share of output scale / input scale cannot move the output by a code; kernels refuse factors below 2^-32."""

_WHOLE = 0.01
"""How far from a whole number a float32 product of code and scale, divided by the scale, may lie."""

_BIAS_ROOM = {8: 2.0**30, WIDE: 2.0**46}
"""Largest code of a bias, so that the sum of products still fits beside it (int32, and for 16-bit activations int64 of 48 bits)."""


def weight_scales(weights: FloatArray, axis: int, *, per_channel: bool) -> NDArray[np.float64]:
    """Largest magnitude / 127 of each slice along `axis`, or of all: (C,) or (1,) float64, 0 for a slice of zeros."""
    magnitudes = np.abs(np.asarray(weights, np.float64))
    if not per_channel:
        return np.array([magnitudes.max()]) / WEIGHT_LIMIT
    others = tuple(index for index in range(weights.ndim) if index != axis)
    largest: NDArray[np.float64] = magnitudes.max(axis=others)
    return largest / WEIGHT_LIMIT


def given_scales(weights: FloatArray, given: Given | None, axis: int) -> NDArray[np.float64] | None:
    """The scales that the source model gives its `weights`: (C,) or (1,) float64; None if they do not hold here.

    They hold where every weight is a whole number of steps of at most ±128: not if a rewrite has changed the weights since, nor for
    codes around another zero point than the middle, which reach further than int8 does.
    """
    scale = np.ones(0) if given is None else given.quantization.scale.astype(np.float64)
    if len(scale) not in (1, weights.shape[axis]):
        return None
    along = [1] * weights.ndim
    along[axis] = len(scale)
    codes = np.asarray(weights, np.float64) / scale.reshape(along)
    whole = np.abs(codes - np.round(codes)).max() < _WHOLE
    return scale if whole and np.abs(codes).max() < WEIGHT_LIMIT + 1 + _WHOLE else None


def usable_scales(scales: NDArray[np.float64], bias: FloatArray | None, in_scale: float, out_scale: float, bits: int) -> NDArray[np.float64]:
    """`scales` raised where they are too small: for slices of zeros, for dead channels, and where a bias would not fit its integers."""
    floor = np.full_like(scales, out_scale / in_scale * _NEGLIGIBLE)
    if bias is not None and bias.size:
        needed = np.abs(np.asarray(bias, np.float64)) / (in_scale * _BIAS_ROOM[bits])
        floor = np.maximum(floor, needed if len(scales) > 1 else needed.max())
    return np.maximum(scales, floor)


def quantize_weights(weights: FloatArray, scales: NDArray[np.float64], axis: int) -> tuple[NDArray[np.int8], Quantization]:
    """(codes int8, symmetric quantization with the float32 scales that the file holds)."""
    quantization = Quantization.per_channel(scales.astype(np.float32), axis if len(scales) > 1 else 0)
    codes = np.clip(quantization.quantize(weights, "int8"), -WEIGHT_LIMIT, WEIGHT_LIMIT)
    return codes.astype(np.int8), quantization


def quantize_bias(bias: FloatArray, in_scale: float, weight_quantization: Quantization, bits: int) -> tuple[NDArray[np.integer], Quantization]:
    """(codes int32, or int64 over 16-bit activations; quantization at input scale · weight scale of each channel)."""
    scales = np.float64(in_scale) * weight_quantization.scale.astype(np.float64)
    codes = np.round(np.asarray(bias, np.float64) / scales)
    quantization = Quantization.per_channel(scales.astype(np.float32), 0)
    return codes.astype(np.int64 if bits == WIDE else np.int32), quantization
