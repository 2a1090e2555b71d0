"""Between 8-bit pixels and what a network's tensor holds: floats or quantized codes, in either layout."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.core.quant_math import INTEGER_RANGES
from redmobile.core.tensor_spec import TensorSpec
from redmobile.errors import UnsupportedModelError

_LEVELS = np.arange(256, dtype=np.uint8)
_SIGN_BIT = np.uint8(0x80)
RGBA_CHANNELS = 4
_FLOATS = ("float32", "float16", "float64")


class PixelCodes:
    """How one image tensor of a network holds pixels. value_range: (low, high), the real values of pixels 0 and 255.

    An int8 tensor of scale 1/255 and zero point -128 holds a pixel with its sign bit flipped; that costs next to nothing, as does
    uint8 of scale 1/255 and zero point 0. Everything else goes through a table or arithmetic. A tensor of four channels holds RGBA: alpha
    is 255 on the way in, and dropped on the way out, for networks do not change it. Raises UnsupportedModelError.
    """

    def __init__(self, spec: TensorSpec, value_range: tuple[float, float]) -> None:
        self._spec = spec
        self._low, self._high = value_range
        if spec.dtype not in (*_FLOATS, "int8", "uint8", "int16") or (spec.dtype not in _FLOATS and spec.quantization is None):
            raise UnsupportedModelError(f"{spec}: pixels need float values, or int8, uint8 or int16 with a scale.")
        self._has_alpha = spec.image_size[2] == RGBA_CHANNELS
        self._table = self._to_tensor(_LEVELS)
        self._flips = spec.dtype == "int8" and np.array_equal(self._table.view(np.uint8), _LEVELS ^ _SIGN_BIT)
        self._same = spec.dtype == "uint8" and np.array_equal(self._table, _LEVELS)

    def pack(self, frame: Frame) -> NDArray[Any]:
        """The tensor, with a leading 1, of `frame` (H, W, 3) uint8."""
        if self._has_alpha:
            frame = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2RGBA), np.uint8)
        if self._flips:
            values: NDArray[Any] = (frame ^ _SIGN_BIT).view(np.int8)
        elif self._same:
            values = frame
        elif self._spec.dtype == "float32":
            values = cv2.LUT(frame, self._table)
        else:
            values = self._table[frame]
        return np.ascontiguousarray(values[None] if self._spec.layout == "NHWC" else values.transpose(2, 0, 1)[None])

    def unpack(self, tensor: NDArray[Any]) -> Frame:
        """The frame (H, W, 3) uint8 of a tensor with a leading 1, clipped and rounded. Raises UnsupportedModelError for NaN and infinity."""
        frame = self._unpacked(tensor)
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGBA2RGB), np.uint8) if self._has_alpha else frame

    def _unpacked(self, tensor: NDArray[Any]) -> Frame:
        values = tensor[0] if self._spec.layout == "NHWC" else np.ascontiguousarray(tensor[0].transpose(1, 2, 0))
        if self._flips:
            return np.ascontiguousarray(values).view(np.uint8) ^ _SIGN_BIT
        if self._same:
            return values
        if self._spec.dtype in INTEGER_RANGES:
            return self._from_integers(values)
        if not np.isfinite(values.sum(dtype=np.float64)):
            raise UnsupportedModelError(f"{self._spec}: the network's output holds values that are not finite.")
        return self._from_real(values.astype(np.float32, copy=False))

    def _to_tensor(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        real = self._low + pixels.astype(np.float64) / 255 * (self._high - self._low)
        if self._spec.quantization is None:
            return real.astype(self._spec.dtype)
        return self._spec.quantization.quantize(real, self._spec.dtype)

    def _from_integers(self, codes: NDArray[Any]) -> Frame:
        quantization = self._spec.quantization
        assert quantization is not None  # noqa: S101 - the constructor has refused it
        lowest, highest = INTEGER_RANGES[self._spec.dtype]
        table = self._from_real(quantization.dequantize(np.arange(lowest, highest + 1)))
        return table[codes.astype(np.int64) - lowest]

    def _from_real(self, values: NDArray[np.float32]) -> Frame:
        scaled = (values - self._low) / (self._high - self._low) if (self._low, self._high) != (0.0, 1.0) else values
        # In two dimensions OpenCV takes the factor for every channel, not for the first alone. It rounds and saturates.
        flat = cv2.multiply(np.ascontiguousarray(scaled).reshape(scaled.shape[0], -1), 255.0, dtype=cv2.CV_8U)  # type: ignore[call-overload]  # stubs lack numbers
        return np.asarray(flat, np.uint8).reshape(values.shape)
