"""Large strides in steps of two, for targets that know no larger ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.core.converter import LoweringChoices
from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

_ONE = {"float32": 1, "int8": 127}
"""Dtype of weights → the code of 1, at the scale 1 / code."""


def stride_by_two(model: TfliteModel, choices: LoweringChoices, explain: Callable[[str], None]) -> None:
    """A convolution b×1 with stride (b, 1) becomes one of 2×1 and stride (2, 1), behind others that put two rows side by side.

        before   x (N, H, W, C) ─ CONV_2D 4×1, stride (4, 1) ─ y (N, H/4, W, O)
        after    x ─ RESHAPE (N, H, W/2, 2·C) ─ CONV_2D 2×1, stride (2, 1), weights 0 and 1 ─ RESHAPE (N, H/2, W, 2·C)
                 ─ CONV_2D 2×1, stride (2, 1) ─ y

    Codes are moved exactly: 127 · code / 127. Two pixels move at a time, for the longer run of channels (Vela: two thirds of the time).
    Where something else views x's source too, the new view looks at that view: a compiler then sees one reader of the picture and does not
    copy it (Vela: a twelfth of the time of a 1080p frame).
    """
    if choices.patch_convolution != "row_stride_2":
        return
    operators: list[Operator] = []
    for operator in model.operators:
        steps = _steps(operator)
        if steps:
            explain(f"{operator.outputs[0].name}: a stride of {2 ** (steps + 1)} in {steps + 1} steps of 2")
            operators += _in_steps(model, operator, steps)
        else:
            operators.append(operator)
    model.operators = operators


def _steps(operator: Operator) -> int:
    """How many convolutions only move values before the one that counts; 0 where there is nothing to do."""
    weights = operator.inputs[1] if operator.kind == "CONV_2D" else None
    if weights is None or weights.data is None or weights.dtype not in _ONE or operator.options["stride_w"] != 1:
        return 0
    block, width, data = weights.shape[1], weights.shape[2], operator.inputs[0]
    if width != 1 or operator.options["stride_h"] != block or block & (block - 1) or data is None or data.shape[1] % block:
        return 0
    return max(block.bit_length() - 2, 0)


def _in_steps(model: TfliteModel, operator: Operator, steps: int) -> list[Operator]:
    data, weights, *bias = operator.inputs
    assert data is not None and weights is not None and weights.data is not None  # noqa: S101, PT018  _steps has looked
    made: list[Operator] = []
    for step in range(steps):
        data = _two_rows(
            _source(model, data) if step == 0 else data, data.shape, f"{operator.outputs[0].name}/by{2 ** (step + 1)}", weights.dtype, made
        )
    values = weights.data.reshape(weights.shape[0], 2, 1, data.shape[3])
    last = Tensor(weights.name, values.shape, weights.dtype, values, weights.quantization, weights.given)
    return [*made, Operator("CONV_2D", [data, last, *bias], operator.outputs, {**operator.options, "stride_h": 2})]


def _source(model: TfliteModel, data: Tensor) -> Tensor:
    """What the first view looks at: `data`, or where that is a view itself, the first view of the same source."""
    earlier: dict[int, Tensor] = {}
    for operator in model.operators:
        source = operator.inputs[0] if operator.kind == "RESHAPE" else None
        if source is not None and operator.outputs[0] is data:
            return earlier.get(id(source), data)
        if source is not None:
            earlier.setdefault(id(source), operator.outputs[0])
    return data


def _two_rows(source: Tensor, shape: tuple[int, ...], name: str, dtype: str, made: list[Operator]) -> Tensor:
    """`source`, seen in `shape` (N, H, W, C), as (N, H / 2, W, 2·C): a row and the one below it."""
    batch, height, width, channels = shape
    pixels = 2 if width % 2 == 0 else 1
    view = _reshaped(source, (batch, height, width // pixels, pixels * channels), f"{name}/runs", made)
    weights = _moving(pixels, channels)
    moved = Tensor(name, (batch, height // 2, width // pixels, 2 * pixels * channels), source.dtype, quantization=source.quantization)
    options = {"padding": "VALID", "stride_h": 2, "stride_w": 1, "fused_activation_function": "NONE"}
    made.append(Operator("CONV_2D", [view, *_constants(name, weights, source, dtype)], [moved], options))
    return _reshaped(moved, (batch, height // 2, width, 2 * channels), f"{name}/pixels", made)


def _moving(pixels: int, channels: int) -> NDArray[np.float32]:
    """(pixels · 2 · C, 2, 1, pixels · C): output (pixel, row, channel) is input (pixel, channel) of that row."""
    weights = np.zeros((pixels, 2, channels, 2, 1, pixels, channels), np.float32)
    for pixel, row, channel in np.ndindex(pixels, 2, channels):
        weights[pixel, row, channel, row, 0, pixel, channel] = 1
    return weights.reshape(pixels * 2 * channels, 2, 1, pixels * channels)


def _constants(name: str, weights: NDArray[np.float32], source: Tensor, dtype: str) -> list[Tensor]:
    """Weights and a bias of zeros, in the dtypes that a convolution of `source` with weights of `dtype` takes."""
    outputs = weights.shape[0]
    codes = (weights * _ONE[dtype]).astype(dtype)
    if source.quantization is None:
        return [Tensor.constant(f"{name}/weights", codes), Tensor.constant(f"{name}/bias", np.zeros(outputs, np.float32))]
    scale = np.full(outputs, 1 / _ONE[dtype], np.float32)
    zero = np.zeros(outputs, np.int64)
    of_bias: dict[str, Any] = {"int8": np.int32, "int16": np.int64}
    bias = np.zeros(outputs, of_bias[source.dtype])
    products = Quantization((scale * source.quantization.scale[0]).astype(np.float32), zero, 0)
    return [
        Tensor.constant(f"{name}/weights", codes, Quantization(scale, zero, 0)),
        Tensor.constant(f"{name}/bias", bias, products),
    ]


def _reshaped(tensor: Tensor, shape: tuple[int, ...], name: str, made: list[Operator]) -> Tensor:
    if tensor.shape == shape:
        return tensor
    view = Tensor(name, shape, tensor.dtype, quantization=tensor.quantization)
    constant = Tensor.constant(f"{name}/shape", np.array(shape, np.int32))
    made.append(Operator("RESHAPE", [tensor, constant], [view], {"new_shape": list(shape)}))
    return view
