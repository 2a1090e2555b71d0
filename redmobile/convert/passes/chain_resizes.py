"""Resize by what small NPUs know: factors of 2, 4 and 8 whose first output pixel is the first input pixel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from redmobile.core.converter import LoweringChoices
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

_LARGEST = 8
_ASYMMETRIC = {"align_corners": False, "half_pixel_centers": False}


def chain_resizes(model: TfliteModel, choices: LoweringChoices, explain: Callable[[str], None]) -> None:
    """RESIZE_BILINEAR by a power of two f becomes steps of at most 8; half-pixel centres become means of neighbours.

        before   x ─ RESIZE_BILINEAR 16× ─ y
        after    x ─ RESIZE_BILINEAR 8× ─ RESIZE_BILINEAR 2× ─ y

        before   x (H, W) ─ RESIZE_BILINEAR f×, half-pixel ─ y
        after    x ─ MIRROR_PAD top, left by 1 ─ RESIZE_BILINEAR f×, asymmetric ─ STRIDED_SLICE [f/2 : f/2 + f·H + 1] ─ AVERAGE_POOL_2D 2×2 ─ y

    The same function, but for rounding: output i of an asymmetric resize lies at i / f of the input's pixels (align_corners: factor
    (out - 1) / (in - 1)), always on a line between two of them, and so does what is interpolated between its points again. A half-pixel
    output lies at (i + 1/2) / f - 1/2, half-way between two points of the asymmetric one within the same line: their mean. Ethos-U55 and U65
    know half-pixel centres for f = 2 alone, and take three times as long for them. A chain of half-pixel resizes would be another function.
    """
    if choices.resize == "single":
        return
    operators: list[Operator] = []
    for operator in model.operators:
        factor, name = _factor(operator), operator.outputs[0].name
        if factor is not None and operator.options.get("half_pixel_centers", False):
            explain(f"{name}: half-pixel resize by {factor} as an asymmetric one and means of neighbours, the same function")
            operators += _half_pixel(operator, factor)
        elif factor is not None and factor > _LARGEST:
            explain(f"{name}: resize by {factor} as a chain of factors up to {_LARGEST}, the same function")
            operators += _chain(operator.inputs[0], operator.outputs[0], factor, operator.options)
        else:
            if factor is None and operator.kind == "RESIZE_BILINEAR":
                explain(f"{name}: kept as it is; it does not grow by one power of two")
            operators.append(operator)
    model.operators = operators


def _factor(operator: Operator) -> int | None:
    """The power of two by which height and width grow; None for anything else."""
    data = operator.inputs[0] if operator.kind == "RESIZE_BILINEAR" else None
    if data is None:
        return None
    less = 1 if operator.options.get("align_corners", False) else 0
    pairs = [(before - less, after - less) for before, after in zip(data.shape[1:3], operator.outputs[0].shape[1:3], strict=True)]
    if any(before < 1 or after % before for before, after in pairs):
        return None
    factors = {after // before for before, after in pairs}
    factor = factors.pop()
    return factor if not factors and factor > 1 and factor & (factor - 1) == 0 else None


def _half_pixel(operator: Operator, factor: int) -> list[Operator]:
    data, (result,) = operator.inputs[0], operator.outputs
    assert data is not None  # noqa: S101  _factor has looked
    batch, height, width, channels = data.shape
    padded = Tensor(f"{result.name}/padded", (batch, height + 1, width + 1, channels), result.dtype)
    grown = Tensor(f"{result.name}/grown", (batch, (height + 1) * factor, (width + 1) * factor, channels), result.dtype)
    begin, sizes = factor // 2, (height * factor + 1, width * factor + 1)
    cut = Tensor(f"{result.name}/cut", (batch, *sizes, channels), result.dtype)
    amounts = Tensor.constant(f"{result.name}/pads", np.array([[0, 0], [1, 0], [1, 0], [0, 0]], np.int32))
    bounds = {"begin": (0, begin, begin, 0), "end": (batch, begin + sizes[0], begin + sizes[1], channels), "strides": (1, 1, 1, 1)}
    slices = [Tensor.constant(f"{cut.name}/{what}", np.array(values, np.int32)) for what, values in bounds.items()]
    window = {"padding": "VALID", "stride_h": 1, "stride_w": 1, "filter_height": 2, "filter_width": 2, "fused_activation_function": "NONE"}
    return [
        Operator("MIRROR_PAD", [data, amounts], [padded], {"mode": "SYMMETRIC"}),
        *_chain(padded, grown, factor, _ASYMMETRIC),
        Operator("STRIDED_SLICE", [grown, *slices], [cut]),
        Operator("AVERAGE_POOL_2D", [cut], [result], window),
    ]


def _chain(data: Tensor | None, result: Tensor, factor: int, options: dict[str, bool]) -> list[Operator]:
    less = 1 if options.get("align_corners", False) else 0
    made: list[Operator] = []
    while factor > 1 and data is not None:
        step = min(_LARGEST, factor)
        factor //= step
        batch, height, width, channels = data.shape
        sizes = tuple((size - less) * step + less for size in (height, width))
        grown = result if factor == 1 else Tensor(f"{result.name}/by{step}_{len(made)}", (batch, *sizes, channels), result.dtype)
        size = Tensor.constant(f"{grown.name}/size", np.array(sizes, np.int32))
        made.append(Operator("RESIZE_BILINEAR", [data, size], [grown], dict(options)))
        data = grown
    return made
