"""The arithmetic of affine quantization: real = scale · (code - zero_point).

Source: the published TensorFlow Lite 8-bit quantization specification; Jacob et al., CVPR 2018.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from redmobile.errors import UsageError

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

INTEGER_RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
"""Smallest and largest code of each quantized dtype."""


@dataclasses.dataclass(frozen=True, eq=False)
class Quantization:
    """Scales and zero points of one tensor: one of each, or one a slice along `axis`.

    scale: (1,) or (C,) float32, > 0; zero_point: (1,) or (C,) int64; axis: the quantized dimension (0 when per tensor).
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int = 0

    @classmethod
    def per_tensor(cls, scale: float, zero_point: int) -> Quantization:
        """One scale and one zero point for the whole tensor."""
        return cls(np.array([scale], np.float32), np.array([zero_point], np.int64))

    @classmethod
    def per_channel(cls, scale: FloatArray, axis: int) -> Quantization:
        """Symmetric, one scale a slice along `axis`."""
        return cls(np.asarray(scale, np.float32), np.zeros(len(scale), np.int64), axis)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quantization):
            return NotImplemented
        if len(self.scale) == len(other.scale) == 1:  # a search compares these by the ten thousand
            return self.axis == other.axis and bool(self.scale[0] == other.scale[0]) and bool(self.zero_point[0] == other.zero_point[0])
        return self.axis == other.axis and np.array_equal(self.scale, other.scale) and np.array_equal(self.zero_point, other.zero_point)

    __hash__ = None  # type: ignore[assignment]

    def quantize(self, real: FloatArray, dtype: str) -> IntArray:
        """Codes of `real`, rounded half away from zero as TFLite's QUANTIZE does, saturated to `dtype`."""
        low, high = INTEGER_RANGES[dtype]
        scaled = np.asarray(real, np.float64) / self._along_axis(self.scale, real.ndim)
        rounded = np.trunc(scaled + np.copysign(0.5, scaled)) + self._along_axis(self.zero_point, real.ndim)
        return np.clip(rounded, low, high).astype(dtype)

    def dequantize(self, codes: IntArray) -> NDArray[np.float32]:
        """The real values of `codes`, float32."""
        shifted = codes.astype(np.float64) - self._along_axis(self.zero_point, codes.ndim)
        return (shifted * self._along_axis(self.scale, codes.ndim)).astype(np.float32)

    def reach(self, dtype: str) -> tuple[float, float]:
        """The real values of the smallest and the largest code of `dtype`, for a tensor with one scale."""
        low, high = INTEGER_RANGES[dtype]
        scale, zero_point = float(self.scale[0]), int(self.zero_point[0])
        return (low - zero_point) * scale, (high - zero_point) * scale

    def _along_axis(self, values: NDArray[np.generic], rank: int) -> NDArray[np.float64]:
        wide = values.astype(np.float64)
        if len(wide) == 1:
            return wide.reshape(())
        shape = [1] * rank
        shape[self.axis] = -1
        return wide.reshape(shape)


@dataclasses.dataclass(frozen=True, eq=False)
class Given:
    """What is said of a float tensor beforehand: `quantization` in codes of `dtype` ('int8', 'uint8', 'int16', …).

    pinned: not by the source model but by conversion, because something depends on that very scale.
    """

    quantization: Quantization
    dtype: str
    pinned: bool = False

    @property
    def width(self) -> float:
        """The width of the span of real values that the codes reach (of the widest slice)."""
        low, high = INTEGER_RANGES.get(self.dtype, (0, 0))
        return float(self.quantization.scale.max()) * (high - low)

    def taken(self, index: NDArray[np.intp]) -> Given:
        """For a tensor of which the slices `index` along the quantized axis were taken; itself where one scale holds for all."""
        if len(self.quantization.scale) == 1:
            return self
        scale, zero_point = self.quantization.scale[index], self.quantization.zero_point[index]
        return Given(Quantization(scale, zero_point, self.quantization.axis), self.dtype)

    def int8(self) -> Quantization | None:
        """One scale and zero point for int8 codes, which for uint8 are those minus 128; None for slices and other dtypes."""
        if len(self.quantization.scale) > 1 or self.dtype not in ("int8", "uint8"):
            return None
        shift = 128 if self.dtype == "uint8" else 0
        return Quantization(self.quantization.scale, self.quantization.zero_point - shift)


def widest(*given: Given | None) -> Given | None:
    """The one whose codes reach furthest: one tensor has one scale, and a narrower one would cut off what others need. A pinned one counts first."""
    return max((each for each in given if each is not None), key=lambda each: (each.pinned, each.width), default=None)


def asymmetric(low: float, high: float, dtype: str) -> Quantization:
    """Scale and zero point that cover [low, high] with all codes of `dtype`; zero is always represented exactly.

    The range is first widened to hold 0. A range of no width gets scale 1. Raises UsageError unless low <= high, both finite.
    """
    _check_range(low, high)
    low, high = min(low, 0.0), max(high, 0.0)
    code_low, code_high = INTEGER_RANGES[dtype]
    if low == high:
        return Quantization.per_tensor(1.0, max(code_low, 0))
    scale = (high - low) / (code_high - code_low)
    zero_point = int(np.clip(np.floor(code_low - low / scale + 0.5), code_low, code_high))
    return Quantization.per_tensor(scale, zero_point)


def symmetric(low: float, high: float, dtype: str) -> Quantization:
    """Zero point 0 and the smallest scale with which [low, high] fits into ±(largest code). Raises UsageError as `asymmetric`."""
    _check_range(low, high)
    bound = max(abs(low), abs(high))
    return Quantization.per_tensor(bound / INTEGER_RANGES[dtype][1] if bound else 1.0, 0)


def _check_range(low: float, high: float) -> None:
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise UsageError(f"A quantization range must be finite with low <= high, found [{low}, {high}].")
