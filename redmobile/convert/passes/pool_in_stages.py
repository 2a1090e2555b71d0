"""Average whole images by what the target has instead of MEAN."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from redmobile.core.converter import LoweringChoices
from redmobile.graph.layout import IMAGE_RANK
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

_AREA = 65536
_LIMITS = {"average_pool": 256, "depthwise": 64}
"""Choice → the longest side of a window: what Ethos-U takes without padding."""


def pool_in_stages(model: TfliteModel, choices: LoweringChoices, explain: Callable[[str], None]) -> None:
    """MEAN over height and width becomes windows that cover the image, one stage behind the other.

        before   x (N, H, W, C) ─ MEAN over 1, 2 ─ y
        after    x ─ AVERAGE_POOL_2D h1×w1/h1×w1, VALID ─ … ─ y          (or DEPTHWISE_CONV_2D with weights 1 / (h1·w1))

    A mean of means is the mean where all windows of a stage are alike, so each stage's size divides what is left; where a side has no
    such divisors (a prime beyond the limit), MEAN stays.
    """
    if choices.global_pool == "mean":
        return
    operators: list[Operator] = []
    for operator in model.operators:
        stages = _stages(operator, choices.global_pool) if _is_global_mean(operator) else None
        if stages is None:
            if _is_global_mean(operator):
                explain(f"{operator.outputs[0].name}: MEAN kept; {_sides(operator)} cannot be cut into equal windows for {choices.global_pool}")
            operators.append(operator)
            continue
        words = ", then ".join(f"{height}×{width}" for height, width in stages)
        explain(f"{operator.outputs[0].name}: the mean of the whole image as {choices.global_pool} of {words}")
        operators += _pooled(operator, stages, choices.global_pool)
    model.operators = operators


def _is_global_mean(operator: Operator) -> bool:
    data = operator.inputs[0]
    axes = operator.inputs[1] if operator.kind == "MEAN" else None
    return (
        data is not None
        and axes is not None
        and axes.data is not None
        and len(data.shape) == IMAGE_RANK
        and sorted(int(axis) % IMAGE_RANK for axis in np.asarray(axes.data).reshape(-1)) == [1, 2]
    )


def _sides(operator: Operator) -> str:
    data = operator.inputs[0]
    return "×".join(map(str, data.shape[1:3])) if data is not None else ""


def _stages(operator: Operator, choice: str) -> list[tuple[int, int]] | None:
    """(height, width) of the windows, stage by stage; None if there are none that fit."""
    data = operator.inputs[0]
    assert data is not None  # noqa: S101  _is_global_mean has looked
    heights, widths = (_factors(side, _LIMITS[choice]) for side in data.shape[1:3])
    if heights is None or widths is None:
        return None
    count = max(len(heights), len(widths))
    stages = [(_at(heights, index), _at(widths, index)) for index in range(count)]
    if any(height * width > _AREA for height, width in stages) or choice == "depthwise":
        # One side after the other: windows of a column, then of a row.
        stages = [*((height, 1) for height in heights), *((1, width) for width in widths)]
    return [stage for stage in stages if stage != (1, 1)] or [(1, 1)]


def _at(factors: list[int], index: int) -> int:
    return factors[index] if index < len(factors) else 1


def _factors(side: int, limit: int) -> list[int] | None:
    """As few factors of `side` as possible, each at most `limit`, the largest first; None if a prime factor is larger."""
    if side <= limit:
        return [side]
    for factor in range(limit, 1, -1):
        if side % factor == 0:
            rest = _factors(side // factor, limit)
            if rest is not None:
                return [factor, *rest]
    return None


def _pooled(operator: Operator, stages: list[tuple[int, int]], choice: str) -> list[Operator]:
    made: list[Operator] = []
    (result,) = operator.outputs
    data = operator.inputs[0]
    assert data is not None  # noqa: S101  _is_global_mean has looked
    keeps = len(result.shape) == IMAGE_RANK
    for number, (height, width) in enumerate(stages):
        batch, rows, columns, channels = data.shape
        is_last = number == len(stages) - 1 and keeps
        pooled = result if is_last else Tensor(f"{result.name}/stage{number}", (batch, rows // height, columns // width, channels), result.dtype)
        made.append(_window(data, pooled, height, width, choice))
        data = pooled
    if not keeps:
        shape = Tensor.constant(f"{result.name}/shape", np.array(result.shape, np.int32))
        made.append(Operator("RESHAPE", [data, shape], [result], {"new_shape": list(result.shape)}))
    return made


def _window(data: Tensor, result: Tensor, height: int, width: int, choice: str) -> Operator:
    options = {"padding": "VALID", "stride_h": height, "stride_w": width, "fused_activation_function": "NONE"}
    if choice == "average_pool":
        return Operator("AVERAGE_POOL_2D", [data], [result], {**options, "filter_height": height, "filter_width": width})
    channels = data.shape[3]
    weights = np.full((1, height, width, channels), 1 / math.prod((height, width)), np.float32)
    bias = Tensor.constant(f"{result.name}/bias", np.zeros(channels, np.float32))
    # A stride as large as the window, or 1 where there is but one window: NPUs know strides up to 3.
    strides = {"stride_h": 1 if result.shape[1] == 1 else height, "stride_w": 1 if result.shape[2] == 1 else width}
    return Operator(
        "DEPTHWISE_CONV_2D", [data, Tensor.constant(f"{result.name}/weights", weights), bias], [result], {**options, **strides, "depth_multiplier": 1}
    )
