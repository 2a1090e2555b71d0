"""RED-detail: the residual in image space alone, for what is fine: blur, low resolution. No notion of the whole picture.

    1/p   row planes x_0 … x_p ── k×k, whitened ── 3×3 ── … ── 3×3 ─► residuals r_0 … r_p

    out = clip(depth_to_space(concat_i(x_i + r_i)), 0, 1)

RED-mobile sees 4×4 pixels through a few channels and then looks around with depthwise kernels: enough for tone and noise, and no way to be a
sharpening filter. Here few channels meet full 3×3 kernels at half the picture's size (p = 2), at the same number of multiplications.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from redmobile.nets.blocks.row_planes import depth_to_space, space_to_depth
from redmobile.nets.blocks.whitened import MIDDLE, Centred, Whitened
from redmobile.nets.model_document import Activation, DetailLayers

_COLOURS = 3
_ACTIVATION: Activation = "relu6"
"""Bent on both sides of where features start, which others are not."""


class RedDetail(nn.Module):
    """(N, 3, H, W) float32 RGB in [0, 1] -> the same, enhanced. H, W divisible by the document's `size_multiple`. Begins as the identity."""

    def __init__(self, layers: DetailLayers) -> None:
        super().__init__()
        self.patch = layers.patch
        self.stem = Whitened(layers.patch**2 * _COLOURS, layers.width, layers.stem_kernel, activation=_ACTIVATION)
        self.body = nn.ModuleList(_passing(layers) for _ in range(layers.depth))
        self.residual = nn.ModuleList(_silent(layers) for _ in range(layers.patch))
        nn.init.constant_(self.stem.bias, MIDDLE)

    def forward(self, x: Tensor) -> Tensor:
        """Enhance."""
        return self.unclipped(x).clamp(0, 1)

    def landmarks(self) -> list[nn.Module]:
        """Modules whose outputs a teacher guides: the last features are the finest and the deepest."""
        return [self.body[-1], self.body[-1]]

    def unclipped(self, x: Tensor) -> Tensor:
        """Enhance without the final clip: training needs a gradient outside [0, 1] too."""
        patches = space_to_depth(x, self.patch)
        y: Tensor = self.stem(patches)
        for layer in self.body:
            y = layer(y)
        planes = torch.split(patches, self.patch * _COLOURS, dim=1)
        rows = [plane + residual(y) for plane, residual in zip(planes, self.residual, strict=True)]
        return depth_to_space(torch.cat(rows, dim=1), self.patch)


@torch.no_grad()
def _passing(layers: DetailLayers) -> Centred:
    """Passes on what comes in, a little mixed."""
    layer = Centred(layers.width, layers.width, 3, activation=_ACTIVATION)
    weight = layer.convolution.weight
    nn.init.normal_(weight, std=0.3 * weight[0].numel() ** -0.5)
    weight[:, :, 1, 1] += torch.eye(layers.width)
    nn.init.constant_(layer.bias, MIDDLE)
    return layer


def _silent(layers: DetailLayers) -> Centred:
    """Says nothing yet."""
    layer = Centred(layers.width, layers.patch * _COLOURS, layers.tail_kernel)
    nn.init.zeros_(layer.convolution.weight)
    return layer
