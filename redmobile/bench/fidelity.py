"""How far a converted network's outputs are from those of the network it was made of, on real pictures, whatever the outputs are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.core.documents import Document
from redmobile.core.metrics import Frame
from redmobile.core.tensor_spec import TensorSpec
from redmobile.errors import UnsupportedModelError
from redmobile.runtimes.base import Runtime

_RGB = 3
_IMAGE_RANK = 4
_EDGE = 1e-3
_MOST_OUTSIDE = 0.2
"""The part of a picture's values that may lie outside of [0, 1]: highlights of a network that leaves the clamp to its user."""


class Fidelity(Document):
    """Of all pictures together; of several outputs, the worst one's.

    psnr_db: peak over the root of the mean squared error; None: not one value differs. largest: the largest difference, over the same peak.
    The peak is 1 for an output that is a picture like the input, both sides clipped to [0, 1]; else the reference's largest minus its
    smallest value.
    """

    psnr_db: float | None
    largest: float
    pictures: int


def compare_outputs(reference: Runtime, found: Runtime, pictures: Sequence[Frame]) -> Fidelity:
    """The Fidelity of `found` to `reference` on `pictures`, (H, W, 3) uint8 of their size; both take values in [0, 1].

    Raises UnsupportedModelError if one of them does not take one such picture, if outputs do not belong together, or are not finite.
    """
    outputs: list[_Output] = []
    for picture in pictures:
        expected, given = _run(reference, picture), _run(found, picture)
        outputs = outputs or [_Output(is_picture=_is_picture(reference, wanted)) for wanted in expected]
        for output, wanted, values in zip(outputs, expected, _in_order(reference, expected, found, given), strict=True):
            output.add(wanted, values)
    relative = max(output.mean_square / output.peak**2 for output in outputs)
    return Fidelity(
        psnr_db=-10 * math.log10(relative) if relative else None,
        largest=max(output.largest / output.peak for output in outputs),
        pictures=len(pictures),
    )


@dataclasses.dataclass
class _Output:
    """What one output comes to over all pictures. low, high: of the reference's values."""

    is_picture: bool
    squares: list[float] = dataclasses.field(default_factory=list)
    largest: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    def add(self, wanted: NDArray[Any], values: NDArray[Any]) -> None:
        if self.is_picture:
            wanted, values = np.clip(wanted, 0, 1), np.clip(values, 0, 1)
        difference = np.abs(wanted.astype(np.float64) - values)
        self.squares.append(float(np.mean(difference**2)))
        self.largest = max(self.largest, float(difference.max()))
        self.low, self.high = min(self.low, float(wanted.min())), max(self.high, float(wanted.max()))

    @property
    def mean_square(self) -> float:
        return float(np.mean(self.squares))

    @property
    def peak(self) -> float:
        return 1.0 if self.is_picture else max(self.high - self.low, float(np.finfo(np.float32).tiny))


def _run(runtime: Runtime, picture: Frame) -> list[NDArray[Any]]:
    """The outputs as real values, float32."""
    if len(runtime.inputs) != 1 or runtime.inputs[0].layout == "?" or runtime.inputs[0].image_size != (*picture.shape[:2], _RGB):
        raise UnsupportedModelError(f"{runtime.name}: expected one input that takes {picture.shape}, found {', '.join(map(str, runtime.inputs))}.")
    outputs = runtime.run(_as_input(runtime.inputs[0], picture))
    reals = [_real(spec, values) for spec, values in zip(runtime.outputs, outputs, strict=True)]
    if not all(np.isfinite(values).all() for values in reals):
        raise UnsupportedModelError(f"{runtime.name}: gives values that are not finite.")
    return reals


def _as_input(spec: TensorSpec, picture: Frame) -> NDArray[Any]:
    values = (picture / 255).astype(np.float32)[None]
    if spec.layout == "NCHW":
        values = np.ascontiguousarray(values.transpose(0, 3, 1, 2))
    return values.astype(spec.dtype) if spec.quantization is None else spec.quantization.quantize(values, spec.dtype)


def _real(spec: TensorSpec, values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.float32) if spec.quantization is None else spec.quantization.dequantize(values)


def _in_order(reference: Runtime, expected: list[NDArray[Any]], found: Runtime, given: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """`given` in the order, and each in the layout, of `expected`: converters exchange outputs, and put channels last."""
    left, ordered = list(given), []
    for spec, wanted in zip(reference.outputs, expected, strict=True):
        at = next((index for index, values in enumerate(left) if _laid_out(values, wanted.shape) is not None), None)
        matched = None if at is None else _laid_out(left.pop(at), wanted.shape)
        if matched is None:
            raise UnsupportedModelError(f"{found.name}: none of its outputs ({', '.join(map(str, found.outputs))}) belongs to {spec}.")
        ordered.append(matched)
    return ordered


def _laid_out(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any] | None:
    """`values` as an array of `shape`: as they are, or NHWC as NCHW; None if neither fits."""
    if values.shape == shape:
        return values
    if values.ndim == _IMAGE_RANK and values.transpose(0, 3, 1, 2).shape == shape:
        return values.transpose(0, 3, 1, 2)
    return None


def _is_picture(reference: Runtime, output: NDArray[Any]) -> bool:
    """Of the input's shape, and hardly anything outside of [0, 1]: what lies outside is then meant to be clipped."""
    return output.shape == reference.inputs[0].shape and float(np.mean((output < -_EDGE) | (output > 1 + _EDGE))) <= _MOST_OUTSIDE
