"""RED-mobile: RED (encoder-decoder, residuals, dual attention, pyramid pooling) on a MobileNetV3-style backbone.

                 x (N, 3, H, W) in [0, 1]
    1/4   row planes x_0…x_3 ── 1×1 ── stem ─────────────────────────── skip ─► fusion ─► gain g, residuals r_0…r_3
    1/8       inverted residuals ───────────────────────── skip ─► fusion
    1/16          inverted residuals (SE) ─ pyramid context ─ dual attention

    out = clip(depth_to_space(concat_i(x_i · g + r_i)), 0, 1)

A dark picture wants a gain; with it the residual has only detail and noise to carry, and quantizes well.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from redmobile.nets.blocks.attention import attention_of
from redmobile.nets.blocks.convolution import Convolution, scale_weights
from redmobile.nets.blocks.fusion import Fusion
from redmobile.nets.blocks.inverted_residual import InvertedResidual
from redmobile.nets.blocks.pyramid_context import context_of
from redmobile.nets.blocks.rounding import Rounding
from redmobile.nets.blocks.row_planes import PATCH, depth_to_space, space_to_depth
from redmobile.nets.model_document import Layers

_COLOURS = 3
_FIRST_GAIN = 2.0
"""Where the gain starts: a dark picture, doubled (facts of the first trial: learns faster than from 1)."""


class RedMobile(nn.Module):
    """(N, 3, H, W) float32 RGB in [0, 1] -> the same, enhanced. H, W divisible by the document's `size_multiple`."""

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        self.patch = layers.patch
        self.stem = _Stem(layers)
        channels, self.stages, skips = layers.stem_width, nn.ModuleList(), []
        for row in layers.encoder:
            if row.stride == 2:  # noqa: PLR2004 - a halving opens a stage
                skips.append(channels)
                self.stages.append(nn.Sequential())
            stage = self.stages[-1]
            assert isinstance(stage, nn.Sequential)  # noqa: S101 - for the type checker
            stage.append(InvertedResidual(channels, row, layers.activation))
            channels = row.out
        self.context = context_of(channels, layers.context, layers.activation)
        self.attention = attention_of(layers.attention, channels)
        self.fusions = nn.ModuleList()
        for level, skip in enumerate(reversed(skips)):
            # The finest fusion works at 1/4, where detail and noise are told apart; the coarser ones only merge.
            self.fusions.append(Fusion(channels, skip, layers.activation, pointwise=level == len(skips) - 1))
            channels = skip
        self.tail = _Tail(channels, layers.patch, gain=layers.tail.gain)

    def forward(self, x: Tensor) -> Tensor:
        """Enhance."""
        return self.unclipped(x).clamp(0, 1)

    def landmarks(self) -> list[nn.Module]:
        """Modules whose outputs a teacher guides: the finest features, and the deepest."""
        return [self.fusions[-1], self.attention]

    def unclipped(self, x: Tensor) -> Tensor:
        """Enhance without the final clip: training needs a gradient outside [0, 1] too."""
        patches = space_to_depth(x, self.patch)
        y: Tensor = self.stem(x, patches)
        skips = []
        for stage in self.stages:
            skips.append(y)
            y = stage(y)
        y = self.attention(self.context(y))
        for fusion, skip in zip(self.fusions, reversed(skips), strict=True):
            y = fusion(y, skip)
        enhanced: Tensor = self.tail(y, patches)
        return enhanced


class _Stem(nn.Module):
    """A convolution of whole patches, 4×4 and stride 4 unless the document says otherwise.

    Its weights are kept as those of a 1×1 convolution on patches, whichever way it runs.
    """

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        self.by_patches = layers.stem == "space_to_depth"
        self.patch = layers.patch
        self.mix = Convolution(layers.patch**2 * _COLOURS, layers.stem_width, activation=layers.activation)

    def forward(self, x: Tensor, patches: Tensor) -> Tensor:
        if self.by_patches:
            mixed: Tensor = self.mix(patches)
            return mixed
        convolution = self.mix.convolution
        kernel = self.mix.weights.reshape(-1, self.patch, self.patch, _COLOURS).permute(0, 3, 1, 2)
        activated: Tensor = self.mix.activation(functional.conv2d(x, kernel, convolution.bias, stride=self.patch))
        rounded: Tensor = self.mix.rounded(activated)
        return rounded


class _Tail(nn.Module):
    """Residual and gain for each row plane; one 1×1 convolution a row, so that nothing has to be split afterwards.

    Four residuals, whatever the patch: of larger patches, neighbouring rows have the same (nets/wider_patch.py).
    """

    def __init__(self, channels: int, patch: int, *, gain: bool) -> None:
        super().__init__()
        self.patch = patch
        self.residual = nn.ModuleList(scale_weights(Convolution(channels, patch * _COLOURS), 0.1) for _ in range(PATCH))
        self.gain = scale_weights(Convolution(channels, patch * _COLOURS), 0.1) if gain else None
        if self.gain is not None and self.gain.convolution.bias is not None:
            nn.init.constant_(self.gain.convolution.bias, _FIRST_GAIN)
        self.brightened = Rounding()

    def forward(self, y: Tensor, patches: Tensor) -> Tensor:
        planes = torch.split(patches, self.patch * _COLOURS, dim=1)
        if self.gain is not None:
            gain = self.gain(y)
            planes = tuple(self.brightened(plane * gain) for plane in planes)
        residuals = [residual(y) for residual in self.residual]
        rows = [plane + residuals[row * PATCH // self.patch] for row, plane in enumerate(planes)]
        return depth_to_space(torch.cat(rows, dim=1), self.patch)
