"""Pad."""

from __future__ import annotations

from typing import Literal

import numpy as np

from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.convert.taking import take
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

Sides = list[tuple[int, int]]
"""(before, after) of each axis in memory."""

_MODES = ("constant", "reflect", "edge", "wrap")
_MOST_AXES = 4
"""XNNPACK and NPUs know no PAD of more axes."""


@lowers("Pad")
def pad(node: OnnxNode, out: Lowering) -> None:
    """`y = x with values added around it`   ->   PAD, or PADV2 for another constant than 0; reflect, edge, wrap: slices and CONCATENATION.

    Negative amounts cut off, before anything is added. Any rank; amounts, value and axes constant.
    """
    source, mode, name = node.inputs[0], node.attributes.get("mode", "constant"), node.outputs[0]
    if mode not in _MODES:
        raise Refusal(f"mode '{mode}' is not known; {', '.join(_MODES)} are")
    sides = _sides(node, out)
    tensor = _cropped(out, out.tensor(source), sides, f"{name}/cropped")
    added = [(max(before, 0), max(after, 0)) for before, after in sides]
    if mode == "constant":
        value = out.parameter(node, "value", 2) or [0.0]
        padded = _with_constant(out, tensor, added, float(value[0]), name)
    else:
        padded = _with_own_values(out, tensor, added, mode, name)
    out.alias(name, padded, out.order(source))


def _sides(node: OnnxNode, out: Lowering) -> Sides:
    source = node.inputs[0]
    rank = len(out.shape(source))
    amounts = out.parameter(node, "pads", 1) or []
    axes = out.parameter(node, "axes", 3) or list(range(rank))
    if len(amounts) != 2 * len(axes):
        raise Refusal(f"pads {amounts} for axes {axes}: expected one amount for each side of each axis")
    sides = [(0, 0)] * rank
    for index, axis in enumerate(axes):
        sides[out.axis(source, axis)] = (amounts[index], amounts[index + len(axes)])
    return sides


def _cropped(out: Lowering, tensor: Tensor, sides: Sides, name: str) -> Tensor:
    cuts = {
        axis: slice(max(-before, 0), tensor.shape[axis] - max(-after, 0), 1) for axis, (before, after) in enumerate(sides) if min(before, after) < 0
    }
    return out.strided_slice(tensor, cuts, name) if cuts else tensor


def _with_constant(out: Lowering, tensor: Tensor, added: Sides, value: float, name: str) -> Tensor:
    if len(tensor.shape) <= _MOST_AXES:
        return out.pad(tensor, added, name, value)
    shape, merged = _merged(tensor.shape, added)
    if len(shape) > _MOST_AXES:  # one axis after the other: each time all others join
        for axis, sides in enumerate(added):
            alone = [sides if index == axis else (0, 0) for index in range(len(added))]
            tensor = _with_constant(out, tensor, alone, value, f"{name}/axis{axis}") if any(sides) else tensor
        return tensor
    padded = out.pad(out.reshape(tensor, shape, f"{name}/view"), merged, f"{name}/padded", value)
    return out.reshape(padded, tuple(size + sum(sides) for size, sides in zip(tensor.shape, added, strict=True)), name)


def _merged(shape: tuple[int, ...], added: Sides) -> tuple[tuple[int, ...], Sides]:
    """Shape and amounts with axes next to each other that get nothing joined into one."""
    sizes: list[int] = []
    sides: Sides = []
    for size, amounts in zip(shape, added, strict=True):
        if sides and not any(amounts) and not any(sides[-1]):
            sizes[-1] *= size
        else:
            sizes.append(size)
            sides.append(amounts)
    return tuple(sizes), sides


def _with_own_values(out: Lowering, tensor: Tensor, added: Sides, mode: Literal["reflect", "edge", "wrap"], name: str) -> Tensor:
    for axis, amounts in enumerate(added):
        if any(amounts):
            size = tensor.shape[axis]
            indices = np.pad(np.arange(size), amounts, mode=mode)
            tensor = take(out, tensor, axis, indices, f"{name}/axis{axis}")
    return tensor
