"""One tensor in two files: what is summed over frames, and the figures that come of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.core.documents import Document
from redmobile.core.quant_math import INTEGER_RANGES
from redmobile.graph.layout import Order
from redmobile.parity.arrangement import arranged
from redmobile.parity.figures import ratio_db
from redmobile.parity.sides import LayerTensor
from redmobile.quantize.clamps import EVERYTHING, Limits

BAD_STEPS = 0.7
"""Root mean squared error of one operator, in steps of its output's scale, from which on it is bad."""

_STEPS_OF_16_BITS = 256
"""16-bit tensors over 8-bit weights: their error is told in steps that 8 bits would have."""

_BLOCKS = (2, 3, 4)
"""Sides of the blocks of pixel shuffles before which lowering may have brought channels into another order."""

_SHARE = 0.1
"""A shuffle is believed that leaves less than this of the difference."""

FloatArray = NDArray[np.float64]


class LayerFigures(Document):
    """One tensor. sqnr_db: power of the expected values over that of the difference, channel gains taken out.

    max_error: the largest difference in the expected file's units; of_peak: the same by the largest expected value. gain_low, gain_high:
    the channel factors that were taken out. own_steps: error of this operator by itself in steps of the scale (of 8 bits); clipped: share
    of its values that its range cuts off; used: share of its codes between the smallest and the largest that came up; None for floats.
    """

    name: str
    operator: str
    shape: tuple[int, ...]
    dtype: str
    sqnr_db: float
    max_error: float
    of_peak: float
    gain_low: float = 1.0
    gain_high: float = 1.0
    own_steps: float | None = None
    clipped: float | None = None
    used: float | None = None
    bad: bool = False


@dataclasses.dataclass(eq=False)
class Layer:
    """One tensor that both files have, and what was summed of it. gains: (C,) found by expected; limits: of the expected values that count.

    shuffle: channels in the found file's order.
    """

    expected: LayerTensor
    found: LayerTensor
    orders: tuple[Order, ...]
    shuffle: NDArray[np.intp] | None = None
    gains: FloatArray | None = None
    limits: Limits = EVERYTHING
    may_be_shuffled: bool = False
    settled: bool = False
    signal: float = 0.0
    noise: float = 0.0
    largest: float = 0.0
    peak: float = 0.0
    own_noise: float = 0.0
    own_count: int = 0
    clipped: int = 0
    lowest_code: int = 2**31
    highest_code: int = -(2**31)

    @property
    def is_quantized(self) -> bool:
        """In the found file."""
        return self.found.quantization is not None

    def real(self, values: NDArray[Any], beside: NDArray[Any]) -> NDArray[Any]:
        """The expected values as the found file has its axes and channels; the first call decides where several fit."""
        turned, order = arranged(self.expected.real(values), self.orders, beside)
        if not self.settled:
            self.orders, self.settled = (order,), True
            self.shuffle = _shuffle(turned, beside) if self.may_be_shuffled else None
        return turned if self.shuffle is None else turned[..., self.shuffle]

    def add(self, expected: NDArray[Any], codes: NDArray[Any], found: NDArray[Any]) -> None:
        """All layers together."""
        expected = np.clip(expected, *self.limits)
        difference = np.clip(found if self.gains is None else found / self.gains, *self.limits) - expected
        self.signal += float(np.square(expected, dtype=np.float64).sum())
        self.noise += float(np.square(difference, dtype=np.float64).sum())
        self.largest = max(self.largest, float(np.abs(difference).max(initial=0.0)))
        self.peak = max(self.peak, float(np.abs(expected).max(initial=0.0)))
        if self.is_quantized:
            self.lowest_code, self.highest_code = min(self.lowest_code, int(codes.min())), max(self.highest_code, int(codes.max()))

    def add_own(self, own: NDArray[Any], found: NDArray[Any]) -> None:
        """This operator by itself. own: in the units of the expected file."""
        quantization = self.found.quantization
        if quantization is None:
            return
        gains = np.ones(1) if self.gains is None else self.gains
        wanted = np.clip(own, *self.limits) * gains
        found = np.clip(found, self.limits[0] * gains, self.limits[1] * gains)
        low, high = quantization.reach(self.found.dtype)
        half = float(quantization.scale[0]) / 2
        self.own_noise += float(np.square(found - wanted, dtype=np.float64).sum())
        self.own_count += wanted.size
        self.clipped += int(np.count_nonzero((wanted < low - half) | (wanted > high + half)))

    def figures(self, limit: float | None) -> LayerFigures:
        """What came of it. limit: of the largest difference by the peak, for float tensors; None: not judged by that."""
        of_peak = self.largest / self.peak if self.peak else float(self.largest > 0)
        steps = self._own_steps()
        bad = steps > BAD_STEPS if steps is not None else limit is not None and not self.is_quantized and of_peak > limit
        return LayerFigures(
            name=self.found.name,
            operator=self.found.operator,
            shape=self.found.shape,
            dtype=self.found.dtype,
            sqnr_db=ratio_db(self.signal, self.noise),
            max_error=self.largest,
            of_peak=of_peak,
            gain_low=1.0 if self.gains is None else float(self.gains.min()),
            gain_high=1.0 if self.gains is None else float(self.gains.max()),
            own_steps=steps,
            clipped=self.clipped / self.own_count if self.own_count else None,
            used=self._used(),
            bad=bad,
        )

    def _own_steps(self) -> float | None:
        if not self.own_count or self.found.quantization is None:
            return None
        step = float(self.found.quantization.scale[0]) * (_STEPS_OF_16_BITS if self.found.dtype == "int16" else 1)
        return float(np.sqrt(self.own_noise / self.own_count)) / step

    def _used(self) -> float | None:
        if not self.is_quantized or self.found.dtype not in INTEGER_RANGES:
            return None
        low, high = INTEGER_RANGES[self.found.dtype]
        return (self.highest_code - self.lowest_code) / (high - low)


def _shuffle(expected: NDArray[Any], found: NDArray[Any]) -> NDArray[np.intp] | None:
    """The order of channels before a pixel shuffle that explains the difference; None where channels lie as they should, or nothing explains it."""
    plain = float(np.abs(found - expected).sum(dtype=np.float64))
    channels = expected.shape[-1] if expected.ndim else 0
    if plain <= _SHARE * float(np.abs(expected).sum(dtype=np.float64)):
        return None
    for block in _BLOCKS:
        if channels and channels % block**2 == 0:
            order = np.arange(channels).reshape(-1, block**2).T.reshape(-1)
            for candidate in (order, np.argsort(order)):
                if float(np.abs(found - expected[..., candidate]).sum(dtype=np.float64)) < _SHARE * plain:
                    return candidate
    return None
