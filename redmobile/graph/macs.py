"""Multiply-accumulates of TFLite operators."""

from __future__ import annotations

import math
from collections.abc import Callable

from redmobile.graph.tflite_model import Operator, TfliteModel


def macs_of(operator: Operator) -> int:
    """How many products one run of `operator` adds up; 0 for kinds that only move, add, scale or compare values, as is usual.

    A position that lies in the padding counts like any other. Shapes must be static.
    """
    count = _COUNTS.get(operator.kind)
    return count(operator) if count else 0


def total_macs(model: TfliteModel) -> int:
    """The sum over all operators."""
    return sum(map(macs_of, model.operators))


def _weights(operator: Operator) -> tuple[int, ...]:
    return _shape(operator, 1)


def _shape(operator: Operator, place: int) -> tuple[int, ...]:
    """The shape of an input; () for one that a damaged file lacks."""
    tensor = operator.inputs[place] if place < len(operator.inputs) else None
    return tensor.shape if tensor is not None else ()


def _results(operator: Operator) -> int:
    return math.prod(operator.outputs[0].shape)


def _convolution(operator: Operator) -> int:
    """Weights (O, …, I): each result adds up one filter; with groups, I is the input channels of one group."""
    return _results(operator) * math.prod(_weights(operator)[1:])


def _depthwise(operator: Operator) -> int:
    """Weights (1, kh, kw, C)."""
    return _results(operator) * math.prod(_weights(operator)[1:3])


def _transposed(operator: Operator) -> int:
    """Weights (O, kh, kw, I), data the third input: each input value meets the whole filter."""
    return math.prod(_shape(operator, 2)[:-1]) * math.prod(_weights(operator))


def _volume(operator: Operator) -> int:
    """Weights (kd, kh, kw, I, O)."""
    return _results(operator) * math.prod(_weights(operator)[:-1])


def _dense(operator: Operator) -> int:
    """Weights (O, I)."""
    return _results(operator) * math.prod(_weights(operator)[-1:])


def _product(operator: Operator) -> int:
    """(…, rows, inner) times (…, inner, columns)."""
    shape = _shape(operator, 0)
    return _results(operator) * math.prod(shape[-2:-1] if operator.options.get("adj_x", False) else shape[-1:])


_COUNTS: dict[str, Callable[[Operator], int]] = {
    "BATCH_MATMUL": _product,
    "CONV_2D": _convolution,
    "CONV_3D": _volume,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "TRANSPOSE_CONV": _transposed,
}
