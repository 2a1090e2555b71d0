"""Where an INT8 graph rounds its activations, so that training can make a network that bears it.

Off (the default, and always in export) it does nothing. On, a tensor is rounded to 255 steps of its own range in the batch:

    y = x + s · (round(x / s) − x / s),   s = (max(x, 0) − min(x, 0)) / 255

The gradient passes x as if nothing were rounded (straight-through: Bengio et al., 2013) and reaches the two extremes through s: a channel
that widens the range of its tensor pays for the noise it brings to all others (Esser et al., ICLR 2020, learn s; here s follows the range).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

STEPS = 255
"""Between the smallest and the largest of 8-bit codes."""


class Rounding(nn.Module):
    """(…) float32 -> the same, rounded where `on`."""

    on = False

    def forward(self, x: Tensor) -> Tensor:
        """Round, or pass on."""
        if not self.on:
            return x
        step = (x.amax().clamp_min(0) - x.amin().clamp_max(0)) / STEPS + torch.finfo(x.dtype).tiny
        codes = x.detach() / step.detach()
        return x + step * (codes.round() - codes)


def set_rounding(network: nn.Module, *, on: bool) -> None:
    """Turn all roundings in `network` on or off."""
    for module in network.modules():
        if isinstance(module, Rounding):
            module.on = on
