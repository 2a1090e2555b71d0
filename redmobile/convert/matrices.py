"""A constant matrix along axes of a tensor: by depthwise convolutions where its rows repeat, by FULLY_CONNECTED elsewhere.

Both are inside XNNPACK in INT8 and float32, and NPUs have both.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from redmobile.convert.lowering import Lowering
from redmobile.convert.resampling import Matrix, chosen
from redmobile.convert.taking import Indices, interleave, take
from redmobile.graph.layout import IMAGE_RANK, Order, permutation, plain
from redmobile.graph.tflite_model import Tensor

_SPATIAL = (1, 2)
"""Height and width in the memory of an image (N, H, W, C)."""

_PHASES = 16
"""More convolutions than that are left to a matrix product."""


def multiply_axes(out: Lowering, tensor: Tensor, matrices: dict[int, Matrix], name: str) -> Tensor:
    """y[…, i, …] = Σ_j matrix[i, j] · tensor[…, j, …] for each memory axis and its matrix (result, size), what shrinks first."""
    by_growth = sorted(matrices, key=lambda axis: matrices[axis].shape[0] / matrices[axis].shape[1])
    left = {}
    for axis in by_growth:
        matrix, label = matrices[axis], f"{name}/axis{axis}"
        indices, repeating = chosen(matrix), repeating_rows(matrix)
        if indices is not None:
            tensor = take(out, tensor, axis, indices, label)
        elif repeating is not None and len(tensor.shape) == IMAGE_RANK and axis in _SPATIAL:
            tensor = _convolve(out, tensor, axis, repeating, label)
        else:
            left[axis] = matrix
    return _products(out, tensor, left, name)


@dataclasses.dataclass(frozen=True)
class Repeating:
    """Rows that repeat: row p · i + r holds weights[r] from input step · i + first on; what lies outside is read at the edge.

    weights: (p, taps); indices: the inputs that a convolution without padding slides over.
    """

    weights: Matrix
    step: int
    indices: Indices


def repeating_rows(matrix: Matrix) -> Repeating | None:
    """`matrix` (result, size) as repeating rows, if it is that: any interpolation by a constant ratio p / step with edges repeated."""
    result, size = matrix.shape
    turns = math.gcd(result, size)
    phases, step = result // turns, size // turns
    middle = turns // 2
    block = matrix[middle * phases : (middle + 1) * phases]
    used = np.flatnonzero(block.any(axis=0))
    if phases > _PHASES or turns == 1 or not len(used):
        return None
    weights = block[:, used[0] : used[-1] + 1]
    first, taps = int(used[0]) - middle * step, weights.shape[1]
    indices = np.clip(np.arange(first, first + (turns - 1) * step + taps), 0, size - 1)
    rebuilt = np.zeros_like(matrix)
    for turn in range(turns):
        for tap in range(taps):
            rebuilt[turn * phases : (turn + 1) * phases, indices[turn * step + tap]] += weights[:, tap]
    return Repeating(weights, step, indices) if np.allclose(rebuilt, matrix, atol=1e-5) else None


def _convolve(out: Lowering, tensor: Tensor, axis: int, rows: Repeating, name: str) -> Tensor:
    data = take(out, tensor, axis, rows.indices, f"{name}/edges")
    phases = [_phase(out, data, axis, weights, rows.step, f"{name}/phase{index}") for index, weights in enumerate(rows.weights)]
    return interleave(out, phases, axis, name)


def _phase(out: Lowering, data: Tensor, axis: int, weights: Matrix, step: int, name: str) -> Tensor:
    channels, taps = data.shape[3], len(weights)
    kernel = weights.astype(np.float32).reshape((1, taps, 1, 1) if axis == 1 else (1, 1, taps, 1))
    filters = Tensor.constant(f"{name}/weights", np.broadcast_to(kernel, (*kernel.shape[:3], channels)))
    bias = Tensor.constant(f"{name}/bias", np.zeros(channels, np.float32))
    shape = (*data.shape[:axis], (data.shape[axis] - taps) // step + 1, *data.shape[axis + 1 :])
    options = {
        "padding": "VALID",
        "stride_h": step if axis == 1 else 1,
        "stride_w": 1 if axis == 1 else step,
        "depth_multiplier": 1,
        "fused_activation_function": "NONE",
    }
    return out.emit("DEPTHWISE_CONV_2D", [data, filters, bias], name, shape, options)


def _products(out: Lowering, tensor: Tensor, matrices: dict[int, Matrix], name: str) -> Tensor:
    """FULLY_CONNECTED works along the last axis: each axis goes there in turn, and all go back at the end."""
    order = start = plain(len(tensor.shape))
    for axis, matrix in matrices.items():
        last = (*(other for other in order if other != axis), axis)
        tensor = _transposed(out, tensor, order, last, f"{name}/last{axis}")
        order = last
        weights = Tensor.constant(f"{name}/matrix{axis}", matrix.astype(np.float32))
        bias = Tensor.constant(f"{name}/bias{axis}", np.zeros(len(matrix), np.float32))
        options = {"keep_num_dims": True, "fused_activation_function": "NONE"}
        tensor = out.emit("FULLY_CONNECTED", [tensor, weights, bias], f"{name}/product{axis}", (*tensor.shape[:-1], len(matrix)), options)
    return _transposed(out, tensor, order, start, name)


def _transposed(out: Lowering, tensor: Tensor, current: Order, wanted: Order, name: str) -> Tensor:
    if current == wanted:
        return tensor
    perm = permutation(current, wanted)
    shape = tuple(tensor.shape[place] for place in perm)
    return out.emit("TRANSPOSE", [tensor, Tensor.constant(f"{name}/perm", np.array(perm, np.int32))], name, shape)
