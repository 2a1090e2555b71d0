"""RED, the teacher: encoder, pyramid pooling, dual attention, decoder; residual connections throughout, and one in image space.

         x (N, 3, H, W) in [0, 1]
    1/p      stem ── residual blocks ─────────────────────────────── skip ─► + ── residual blocks ─► gain g, residual r
    1/2p         down ── residual blocks ──────────────── skip ─► + ── residual blocks ─ up
    1/4p             down ── residual blocks ─ pyramid pooling ─ dual attention ─ up

    out = clip(x · g + r, 0, 1)

p is the document's `patch`: the stem sees p×p pixels at a time, and the tail gives as many back (pixel shuffle: Shi et al., CVPR 2016).
It is what RED-mobile learns from, not what a phone runs: full convolutions where the student has depthwise ones.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from redmobile.nets.blocks.attention import DualAttention
from redmobile.nets.blocks.convolution import Convolution, scale_weights
from redmobile.nets.blocks.pyramid_context import context_of
from redmobile.nets.blocks.residual import Residual
from redmobile.nets.model_document import RedLayers

_COLOURS = 3
_FIRST_GAIN = 2.0
"""As in RED-mobile: a dark picture, doubled."""


class Red(nn.Module):
    """(N, 3, H, W) float32 RGB in [0, 1] -> the same, enhanced. H, W divisible by the document's `size_multiple`."""

    def __init__(self, layers: RedLayers) -> None:
        super().__init__()
        widths, activation = layers.widths, layers.activation
        self.patch = layers.patch
        self.stem = Convolution(_COLOURS * layers.patch**2, widths[0], 3, activation=activation)
        self.encoder = nn.ModuleList(_stage(width, layers) for width in widths)
        self.down = nn.ModuleList(Convolution(fine, coarse, 3, 2, activation=activation) for fine, coarse in itertools.pairwise(widths))
        self.context = context_of(widths[-1], layers.context, activation)
        self.attention = DualAttention(widths[-1])
        self.up = nn.ModuleList(Convolution(coarse, fine) for fine, coarse in zip(widths[-2::-1], widths[:0:-1], strict=True))
        self.decoder = nn.ModuleList(_stage(width, layers) for width in widths[-2::-1])
        self.residual = scale_weights(Convolution(widths[0], _COLOURS * layers.patch**2, 3), 0.1)
        self.gain = scale_weights(Convolution(widths[0], _COLOURS * layers.patch**2, 3), 0.1) if layers.tail.gain else None
        if self.gain is not None and self.gain.convolution.bias is not None:
            nn.init.constant_(self.gain.convolution.bias, _FIRST_GAIN)

    def forward(self, x: Tensor) -> Tensor:
        """Enhance."""
        return self.unclipped(x).clamp(0, 1)

    def landmarks(self) -> list[nn.Module]:
        """Modules whose outputs guide a student: the finest features, and the deepest."""
        return [self.decoder[-1], self.attention]

    def unclipped(self, x: Tensor) -> Tensor:
        """Enhance without the final clip: training needs a gradient outside [0, 1] too."""
        y: Tensor = self.encoder[0](self.stem(functional.pixel_unshuffle(x, self.patch)))
        skips = []
        for down, stage in zip(self.down, self.encoder[1:], strict=True):
            skips.append(y)
            y = stage(down(y))
        y = self.attention(self.context(y))
        for up, stage, skip in zip(self.up, self.decoder, reversed(skips), strict=True):
            # The 1×1 convolution runs before the upsampling, where it costs a quarter.
            y = stage(skip + functional.interpolate(up(y), scale_factor=2.0, mode="bilinear", align_corners=False))
        residual: Tensor = functional.pixel_shuffle(self.residual(y), self.patch)
        if self.gain is None:
            return x + residual
        return torch.addcmul(residual, x, functional.pixel_shuffle(self.gain(y), self.patch))


def _stage(width: int, layers: RedLayers) -> nn.Sequential:
    return nn.Sequential(*(Residual(width, layers.activation) for _ in range(layers.blocks)))
