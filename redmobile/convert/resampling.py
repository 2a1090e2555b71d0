"""ONNX's Resize along one axis, as what it is: a matrix. Row i says of which inputs output i is made.

Source: the operator documentation of ONNX Resize (opsets 10 to 19) and Upsample.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from redmobile.convert.lowering import Refusal

Matrix = NDArray[np.float64]

Mode = Literal["nearest", "linear", "cubic"]

_ROUNDINGS: dict[str, Callable[[Matrix], Matrix]] = {
    "round_prefer_floor": lambda positions: np.ceil(positions - 0.5),
    "round_prefer_ceil": lambda positions: np.floor(positions + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
"""ONNX's nearest_mode → where a position between two inputs falls."""


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How outputs are made along every axis. coordinates, rounding: as ONNX calls them; `simple` rounding is opset 10's.

    cubic_a: the coefficient of the cubic kernel; drops_outside: weights outside count nothing, the others are scaled up (exclude_outside).
    antialias: when shrinking, the kernel is as much wider as the image becomes smaller.
    """

    mode: Mode
    coordinates: str
    rounding: str = "round_prefer_floor"
    cubic_a: float = -0.75
    drops_outside: bool = False
    antialias: bool = False


@dataclasses.dataclass(frozen=True)
class Axis:
    """size, result: inputs and outputs; scale: what ONNX computes with, not always result / size; roi: (start, end) for tf_crop_and_resize."""

    size: int
    result: int
    scale: float
    roi: tuple[float, float] = (0.0, 1.0)


def matrix_of(axis: Axis, sampling: Sampling) -> Matrix:
    """(result, size). A row of zeros: tf_crop_and_resize gives the extrapolation value there."""
    positions = _positions(axis, sampling.coordinates)
    if sampling.mode == "nearest":
        matrix = _spread(_rounded(positions, axis, sampling.rounding)[:, None], np.ones((axis.result, 1)), axis.size)
    else:
        matrix = _interpolation(positions, axis, sampling)
    if sampling.coordinates == "tf_crop_and_resize":
        matrix[(positions < 0) | (positions > axis.size - 1)] = 0
    return matrix


def chosen(matrix: Matrix) -> NDArray[np.intp] | None:
    """The index that each row takes, if each takes exactly one input as it is; otherwise None."""
    if not np.array_equal((matrix != 0).sum(axis=1), np.ones(len(matrix))) or not np.isin(matrix, (0, 1)).all():
        return None
    return np.asarray(matrix.argmax(axis=1))


def _positions(axis: Axis, coordinates: str) -> NDArray[np.float64]:
    """Where on the input's axis each output lies, in float32 as runtimes compute it."""
    outputs, scale = np.arange(axis.result, dtype=np.float32), np.float32(axis.scale)
    if coordinates == "asymmetric":
        positions = outputs / scale
    elif coordinates == "align_corners":
        positions = outputs * np.float32(axis.size - 1) / np.float32(max(axis.result - 1, 1))
    elif coordinates == "pytorch_half_pixel" and axis.result == 1:
        positions = np.zeros(1, np.float32)
    elif coordinates in {"half_pixel", "pytorch_half_pixel"}:
        positions = (outputs + np.float32(0.5)) / scale - np.float32(0.5)
    elif coordinates == "half_pixel_symmetric":
        adjustment = np.float32(axis.result / (axis.scale * axis.size))
        positions = np.float32(axis.size / 2) * (1 - adjustment) + (outputs + np.float32(0.5)) / scale - np.float32(0.5)
    elif coordinates == "tf_half_pixel_for_nn":
        positions = (outputs + np.float32(0.5)) / scale
    elif coordinates == "tf_crop_and_resize":
        (start, end), last = axis.roi, axis.size - 1
        spread = outputs * np.float32((end - start) * last / max(axis.result - 1, 1))
        positions = np.float32(start * last) + spread if axis.result > 1 else np.full(1, (start + end) * last / 2, np.float32)
    else:
        raise Refusal(f"coordinate_transformation_mode '{coordinates}' is not known")
    return positions.astype(np.float64)


def _rounded(positions: NDArray[np.float64], axis: Axis, rounding: str) -> NDArray[np.intp]:
    if rounding == "simple":
        rounding = "ceil" if axis.scale < 1 else "floor"
    if rounding not in _ROUNDINGS:
        raise Refusal(f"nearest_mode '{rounding}' is not known; {', '.join(_ROUNDINGS)} are")
    return np.asarray(np.clip(_ROUNDINGS[rounding](positions), 0, axis.size - 1).astype(np.intp))


def _interpolation(positions: NDArray[np.float64], axis: Axis, sampling: Sampling) -> Matrix:
    shrink = min(axis.scale, 1.0) if sampling.antialias else 1.0
    reach = (1 if sampling.mode == "linear" else 2) / shrink
    taps = np.floor(positions)[:, None] + np.arange(np.floor(-reach) + 1, np.ceil(reach) + 1)
    distances = np.abs(taps - positions[:, None]) * shrink
    weights = np.maximum(1 - distances, 0) if sampling.mode == "linear" else _cubic(distances, sampling.cubic_a)
    if sampling.drops_outside:
        weights = np.where((taps < 0) | (taps >= axis.size), 0, weights)
    weights /= weights.sum(axis=1, keepdims=True)  # a stretched kernel adds up to more than 1, one without its outside to less
    return _spread(np.clip(taps, 0, axis.size - 1).astype(np.intp), weights, axis.size)


def _cubic(distances: NDArray[np.float64], a: float) -> NDArray[np.float64]:
    """Keys' kernel. Source: Keys, "Cubic convolution interpolation for digital image processing", 1981, equation 15 for a = -1/2."""
    near = ((a + 2) * distances - (a + 3)) * distances**2 + 1
    far = ((distances - 5) * distances + 8) * distances * a - 4 * a
    return np.where(distances <= 1, near, np.where(distances < 2, far, 0.0))  # noqa: PLR2004  the kernel's pieces


def _spread(indices: NDArray[np.intp], weights: NDArray[np.float64], size: int) -> Matrix:
    """Weights (result, taps) at indices (result, taps) as a matrix; the same index twice adds up."""
    matrix = np.zeros((len(indices), size))
    np.add.at(matrix, (np.arange(len(indices))[:, None], indices), weights)
    return matrix
