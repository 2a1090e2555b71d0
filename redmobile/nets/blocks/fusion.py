"""The decoder's step: bring a coarse tensor to the skip's resolution and merge the two."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from redmobile.nets.blocks.convolution import Convolution, depthwise
from redmobile.nets.blocks.rounding import Rounding
from redmobile.nets.model_document import Activation


class Fusion(nn.Module):
    """act(pw(act(dw(up2(lateral(coarse)) + skip)))) [+ what went in]. coarse (N, I, H, W), skip (N, S, 2H, 2W) -> (N, S, 2H, 2W).

    The lateral 1×1 convolution runs before the upsampling, where it costs a quarter.
    """

    def __init__(self, coarse: int, skip: int, activation: Activation, *, pointwise: bool) -> None:
        super().__init__()
        self.lateral = Convolution(coarse, skip)
        self.merged = Rounding()
        self.look = depthwise(skip, 3, activation=activation)
        self.mix = Convolution(skip, skip, activation=activation) if pointwise else None
        self.added = Rounding()

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """Merge."""
        wide = self.lateral.rounded(functional.interpolate(self.lateral(coarse), scale_factor=2.0, mode="bilinear", align_corners=False))
        merged: Tensor = self.merged(skip + wide)
        looked: Tensor = self.look(merged)
        fused: Tensor = self.added(looked + merged) if self.mix is None else self.mix(looked)
        return fused
