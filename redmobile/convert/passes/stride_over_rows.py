"""Convolve patches where they lie, instead of joining their rows first."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from redmobile.core.converter import LoweringChoices
from redmobile.graph.layout import IMAGE_RANK
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel


def stride_over_rows(model: TfliteModel, choices: LoweringChoices, explain: Callable[[str], None]) -> None:
    """A convolution of b×b patches strides over rows of them: in NHWC a row of a patch is one run of b · C values.

        before   x (N, H, W, C) ─ RESHAPE, SPLIT ─ row planes (N, H/b, W/b, b·C) ─ CONCATENATION ─ CONV_2D 1×1 ─ y
                 x (N, H, W, C) ─ CONV_2D b×b, stride b ─ y
        after    x ─ RESHAPE (N, H, W/b, b·C) ─ CONV_2D b×1, stride (b, 1) ─ y

    The same products in the same sums. Nothing is copied (XNNPACK: joining planes of 12 channels takes as long as the convolution behind it),
    and runs of b · C channels are read where b×b/b reads b times C.
    """
    if choices.patch_convolution == "as_written":
        return
    producers = model.producers()
    operators: list[Operator] = []
    for operator in model.operators:
        patches = _patches(operator, producers)
        if patches is None:
            operators.append(operator)
            continue
        name = operator.outputs[0].name
        explain(f"{name}: patches of {patches.block}×{patches.block} convolved with a stride over their rows")
        view = _view(patches, name)
        operators += [view, _strided(operator, view, patches.block)]
    model.operators = operators


@dataclasses.dataclass(frozen=True)
class _Patches:
    """What a convolution takes patches of, and their size."""

    source: Tensor
    block: int


def _patches(operator: Operator, producers: dict[int, Operator]) -> _Patches | None:
    if operator.kind != "CONV_2D":
        return None
    data, weights = operator.inputs[:2]
    if data is None or weights is None or weights.data is None or len(data.shape) != IMAGE_RANK or data.shape[3] != weights.shape[3]:
        return None
    options = operator.options
    _, height, width, _ = weights.shape
    if (height, width, options["stride_h"], options["stride_w"]) == (1, 1, 1, 1):
        return _of_planes(producers.get(id(data)), producers)
    block = height
    if block > 1 and (width, options["stride_h"], options["stride_w"]) == (block,) * 3 and not any(side % block for side in data.shape[1:3]):
        return _Patches(data, block) if options.get("dilation_h_factor", 1) == options.get("dilation_w_factor", 1) == 1 else None
    return None


def _of_planes(joined: Operator | None, producers: dict[int, Operator]) -> _Patches | None:
    """What all row planes, in order, were cut out of."""
    if joined is None or joined.kind != "CONCATENATION" or joined.options["axis"] != IMAGE_RANK - 1:
        return None
    pieces = [_unviewed(tensor, producers) for tensor in joined.inputs]
    split = producers.get(id(pieces[0]))
    if split is None or split.kind != "SPLIT" or [id(piece) for piece in pieces] != [id(piece) for piece in split.outputs]:
        return None
    axis, rows = split.inputs
    source = _unviewed(rows, producers)
    block = len(pieces)
    if axis is None or axis.data is None or int(axis.data) != 2 or source is None or len(source.shape) != IMAGE_RANK:  # noqa: PLR2004
        return None
    batch, height, width, channels = source.shape
    plane = joined.inputs[0]
    is_patch = plane is not None and plane.shape == (batch, height // block, width // block, block * channels) and height % block == 0
    return _Patches(source, block) if is_patch else None


def _unviewed(tensor: Tensor | None, producers: dict[int, Operator]) -> Tensor | None:
    view = producers.get(id(tensor))
    return view.inputs[0] if view is not None and view.kind == "RESHAPE" else tensor


def _view(patches: _Patches, name: str) -> Operator:
    batch, height, width, channels = patches.source.shape
    shape = (batch, height, width // patches.block, patches.block * channels)
    view = Tensor(f"{name}/runs", shape, patches.source.dtype)
    return Operator("RESHAPE", [patches.source, Tensor.constant(f"{view.name}/shape", np.array(shape, np.int32))], [view], {"new_shape": list(shape)})


def _strided(operator: Operator, view: Operator, block: int) -> Operator:
    (data,), weights = view.outputs, operator.inputs[1]
    assert weights is not None and weights.data is not None  # noqa: S101, PT018  _patches has looked
    values = weights.data.reshape(weights.shape[0], block, 1, data.shape[3])
    runs = Tensor(weights.name, values.shape, weights.dtype, values, weights.quantization, weights.given)
    options = {**operator.options, "padding": "VALID", "stride_h": block, "stride_w": 1}
    return Operator("CONV_2D", [data, runs, *operator.inputs[2:]], operator.outputs, options)
