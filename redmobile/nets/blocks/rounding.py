"""Where an INT8 graph rounds its activations, and how: quantization-aware training learns the grid, and the file takes it.

Off (the default, and always in export) a rounding does nothing. On, a tensor is brought to the 255 steps of its grid, as the file will:

    y = s · clip(round(x / s), −128 − z, 127 − z)

with scale s and zero point z. z comes from the extremes that were measured first (from less than those, bright pictures, which are few in
training, were cut off for good); s is learned from there, as its logarithm: an optimizer's step is then a share of the scale. Its gradient
is that of y, as if round(x / s) − x / s were constant; x has a straight-through gradient within the grid and none outside:

    ∂y/∂s = round(x / s) − x / s  inside,   the outermost code outside

scaled by 1 / √(elements · 127), or it would drown those of the weights (Esser et al., "Learned step size quantization", ICLR 2020).
Weights are rounded per output channel to 127 steps of their largest magnitude on both sides of zero, as quantize/weights.py does it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

LOWEST, HIGHEST = -128, 127
"""Codes of int8."""

MARK = "redmobile::Rounded"
"""The operator that tells the export which tensors have a grid; it never leaves the export (export/grids.py)."""

LOGISTIC_LIMIT = 6.24
"""Beyond ±6.24 the 8-bit code of a sigmoid does not change: the quantizer ends the range of its input there (quantize/ranges.py)."""


@dataclasses.dataclass(frozen=True)
class Grid:
    """Real value = scale · (code − zero_point), code in int8."""

    scale: float
    zero_point: int


class Rounding(nn.Module):
    """(…) float32 -> the same, rounded where `on`. limit: the range never goes beyond ±limit. fixed: a grid that the format prescribes."""

    zero_point: Tensor

    def __init__(self, limit: float = math.inf, fixed: Grid | None = None) -> None:
        super().__init__()
        self.on = self.measures = False
        self.mark: dict[str, Any] = {}
        self.limit, self.fixed = limit, fixed
        self.log_scale = nn.Parameter(torch.tensor(math.log(fixed.scale) if fixed else 0.0), requires_grad=fixed is None)
        self.register_buffer("zero_point", torch.tensor(fixed.zero_point if fixed else math.nan))  # NaN: nothing was measured yet
        self._low = self._high = 0.0

    @property
    def grid(self) -> Grid | None:
        """What it rounds to; None before anything was measured."""
        return None if self.zero_point.isnan() else Grid(float(self.log_scale.detach().exp()), int(self.zero_point))

    def forward(self, x: Tensor) -> Tensor:
        """Round, or pass on."""
        if self.measures:
            self._see(x)
        if self.mark:
            marked: Tensor = torch.onnx.ops.symbolic(MARK, (x,), self.mark, dtype=x.dtype, shape=x.shape)
            return marked
        if not self.on:
            return x
        rounded: Tensor = _Round.apply(x, self.log_scale, self.zero_point)
        return rounded

    def settle(self) -> None:
        """Take the range that was seen: zero gets a code, and the range is nowhere narrower than a thousandth."""
        if self.fixed:
            return
        width = max(self._high - self._low, 1e-3)
        with torch.no_grad():
            self.log_scale.fill_(math.log(width / (HIGHEST - LOWEST)))
            self.zero_point.fill_(min(max(round(LOWEST - self._low * (HIGHEST - LOWEST) / width), LOWEST), HIGHEST))
        self._low = self._high = 0.0

    def _see(self, x: Tensor) -> None:
        low, high = (float(end) for end in torch.aminmax(x.detach().clamp(-self.limit, self.limit)))
        self._low, self._high = min(self._low, low), max(self._high, high)


class _Round(torch.autograd.Function):
    """Written out: as a chain of torch's own operations it would keep six tensors of the size of x for the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, log_scale: Tensor, zero_point: Tensor) -> Tensor:
        ctx.save_for_backward(x, log_scale, zero_point)
        scale, zero = float(log_scale.exp()), float(zero_point)
        return (x / scale).round_().clamp_(LOWEST - zero, HIGHEST - zero).mul_(scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        x, log_scale, zero_point = ctx.saved_tensors
        (gradient,) = gradients
        scale, zero = float(log_scale.exp()), float(zero_point)
        steps = x / scale
        codes = steps.round().clamp_(LOWEST - zero, HIGHEST - zero)
        inside = (codes - steps).abs_() <= 0.5  # noqa: PLR2004 - half a step
        by_scale = codes.sub_(steps.mul_(inside)).mul_(gradient).sum() * (scale / math.sqrt(x.numel() * HIGHEST))
        return gradient * inside, by_scale.to(log_scale.dtype), None


def round_weights(weights: Tensor) -> Tensor:
    """(O, …) weights of a convolution -> the same on the grid of each output channel; the gradient goes straight through."""
    scales = weights.detach().abs().amax(dim=tuple(range(1, weights.ndim)), keepdim=True) / HIGHEST + torch.finfo(weights.dtype).tiny
    return weights + ((weights.detach() / scales).round() * scales - weights.detach())


def roundings(network: nn.Module) -> list[Rounding]:
    """All roundings in `network`."""
    return [module for module in network.modules() if isinstance(module, Rounding)]


def set_rounding(network: nn.Module, *, on: bool) -> None:
    """Turn all roundings in `network` on or off."""
    for rounding in roundings(network):
        rounding.on = on


@contextlib.contextmanager
def marking(network: nn.Module) -> Iterator[None]:
    """While it lasts, roundings are traced as operators of their own; attributes: place, the module's name, and its grid if it has one."""
    places = {name: module for name, module in network.named_modules() if isinstance(module, Rounding)}
    for place, rounding in places.items():
        learned = None if rounding.fixed else rounding.grid  # what the format prescribes needs no saying
        rounding.mark = {"place": place, **(dataclasses.asdict(learned) if learned else {})}
    try:
        yield
    finally:
        for rounding in places.values():
            rounding.mark = {}


@contextlib.contextmanager
def measuring(network: nn.Module) -> Iterator[None]:
    """While it lasts, `network` is whole and takes note of its ranges; afterwards its roundings have their grids."""
    set_rounding(network, on=False)
    for rounding in roundings(network):
        rounding.measures = True
    try:
        yield
    finally:
        for rounding in roundings(network):
            rounding.measures = False
    for rounding in roundings(network):
        rounding.settle()
