"""Where an INT8 graph rounds its activations, so that training can make a network that bears it.

Off (the default, and always in export) it does nothing. On, a tensor is rounded to 255 steps of its range:

    y = x + s · (round(x / s) − x / s),   s = (max(high, 0) − min(low, 0)) / 255

low, high: the extremes of this batch or of those before it, whichever reach further; those before fade by a thousandth a step. A file has one
scale for all pictures, so a dark picture gets few of the steps that a bright one needs, and training must know it.

The gradient passes x as if nothing were rounded (straight-through: Bengio et al., 2013) and, where this batch sets the range, reaches its
extremes through s: a channel that widens the range of its tensor pays for the noise it brings to all others (Esser et al., ICLR 2020,
learn s; here s follows the range).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

STEPS = 255
"""Between the smallest and the largest of 8-bit codes."""

FADING = 0.999
"""What is left of a remembered range after a step."""

LOGISTIC_LIMIT = 6.24
"""Beyond ±6.24 the 8-bit code of a sigmoid does not change: the quantizer ends the range of its input there (quantize/ranges.py)."""


class Rounding(nn.Module):
    """(…) float32 -> the same, rounded where `on`. limit: the range never goes beyond ±limit."""

    on = False
    reach: Tensor

    def __init__(self, limit: float = math.inf) -> None:
        super().__init__()
        self.limit = limit
        self.register_buffer("reach", torch.zeros(2), persistent=False)  # (-low, high); checkpoints keep it, weights do not

    def forward(self, x: Tensor) -> Tensor:
        """Round, or pass on."""
        if not self.on:
            return x
        reach = torch.stack([-x.amin(), x.amax()]).maximum(self.reach * FADING).clamp_max(self.limit)
        self.reach.copy_(reach.detach())
        step = reach.sum() / STEPS + torch.finfo(x.dtype).tiny
        codes = x.detach() / step.detach()
        return x + step * (codes.round() - codes)


def set_rounding(network: nn.Module, *, on: bool) -> None:
    """Turn all roundings in `network` on or off."""
    for module in network.modules():
        if isinstance(module, Rounding):
            module.on = on
