"""Pyramid pooling: what the surroundings and the whole picture look like.

Source: Zhao et al., CVPR 2017 (pyramid pooling). Pooling is a depthwise convolution of stride 2 that starts as the mean:
AVERAGE_POOL_2D cuts the XNNPACK graph, a depthwise convolution does not.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from redmobile.nets.blocks.convolution import Convolution, depthwise
from redmobile.nets.blocks.rounding import Rounding
from redmobile.nets.model_document import Activation, Context


class PyramidContext(nn.Module):
    """x + up(coarse): from the coarsest level up, each pooled level is mixed, upsampled 2× and added to the next finer one.

    The global mean joins at the coarsest level, as one value a channel. (N, C, H, W) -> the same; H, W divisible by 2^levels.
    """

    def __init__(self, channels: int, levels: int, width: int, activation: Activation) -> None:
        super().__init__()
        self.pool = nn.ModuleList(_mean_pool(channels) for _ in range(levels))
        self.mix = nn.ModuleList(Convolution(channels, width, activation=activation) for _ in range(levels))
        self.look = nn.ModuleList(depthwise(width, 5, activation=activation) for _ in range(levels))
        self.whole = nn.Sequential(Convolution(channels, width, activation=activation), Convolution(width, width, activation=activation))
        self.join = Convolution(width, channels)
        self.sums = nn.ModuleList(Rounding() for _ in range(levels))
        self.mean, self.added = Rounding(), Rounding()

    def forward(self, x: Tensor) -> Tensor:
        """Pool down, mix up."""
        pooled = [x]
        for pool in self.pool:
            pooled.append(pool(pooled[-1]))
        context: Tensor = self.whole(self.mean(pooled[-1].mean(dim=(2, 3), keepdim=True)))
        for level in reversed(range(len(self.pool))):
            last = self.look[level]
            context = last(self.sums[level](self.mix[level](pooled[level + 1]) + context))
            if level == 0:
                last = self.join  # before the last upsampling, where it costs a quarter
                context = last(context)
            assert isinstance(last, Convolution)  # noqa: S101 - for the type checker
            context = last.rounded(functional.interpolate(context, scale_factor=2.0, mode="bilinear", align_corners=False))
        added: Tensor = self.added(x + context)
        return added


def context_of(channels: int, context: Context, activation: Activation) -> nn.Module:
    """The pyramid that `context` asks for; one that changes nothing for 0 levels."""
    return PyramidContext(channels, context.levels, context.width, activation) if context.levels else nn.Identity()


def _mean_pool(channels: int) -> Convolution:
    pool = depthwise(channels, 3, 2)
    nn.init.constant_(pool.convolution.weight, 1 / 9)
    return pool
