"""Channel attention (squeeze-and-excite) and spatial attention; together RED's dual attention.

Sources: Hu et al., CVPR 2018 (squeeze-and-excitation); Woo et al., ECCV 2018 (channel and spatial attention).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from redmobile.nets.blocks.convolution import Convolution
from redmobile.nets.blocks.rounding import LOGISTIC_LIMIT, Grid, Rounding
from redmobile.nets.model_document import Attention

FACTOR = Grid(1 / 256, -128)
"""What TFLite prescribes for the output of LOGISTIC."""


class ChannelAttention(nn.Module):
    """x · sigmoid(W2 · relu(W1 · mean over H, W)): one factor a channel."""

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        self.squeeze = Convolution(channels, channels // reduction, activation="relu")
        self.excite = Convolution(channels // reduction, channels, limit=LOGISTIC_LIMIT)
        self.mean, self.factor, self.scaled = Rounding(), Rounding(fixed=FACTOR), Rounding()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        mean = self.mean(x.mean(dim=(2, 3), keepdim=True))
        factor = self.factor(torch.sigmoid(self.excite(self.squeeze(mean))))
        scaled: Tensor = self.scaled(x * factor)
        return scaled


class SpatialAttention(nn.Module):
    """x · sigmoid(w · depthwise(x)): one factor a position.

    Learned channel weights stand for CBAM's mean and maximum over channels: one 1×1 convolution is cheaper on NPUs than
    two reductions and their concatenation.
    """

    def __init__(self, channels: int, kernel: int = 3) -> None:
        super().__init__()
        self.look = Convolution(channels, channels, kernel, groups=channels)
        self.weigh = Convolution(channels, 1, limit=LOGISTIC_LIMIT)
        self.factor, self.scaled = Rounding(fixed=FACTOR), Rounding()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        scaled: Tensor = self.scaled(x * self.factor(torch.sigmoid(self.weigh(self.look(x)))))
        return scaled


class DualAttention(nn.Module):
    """x + channel attention, then spatial attention, of x: the residual keeps what neither of them wants to touch.

    channel, spatial: whether there is the one and the other; without them the other alone, for comparisons (redmobile ablate).
    """

    def __init__(self, channels: int, *, channel: bool = True, spatial: bool = True) -> None:
        super().__init__()
        self.channel = ChannelAttention(channels) if channel else nn.Identity()
        self.spatial = SpatialAttention(channels) if spatial else nn.Identity()
        self.added = Rounding()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        attended: Tensor = self.added(x + self.spatial(self.channel(x)))
        return attended


def attention_of(kind: Attention, channels: int) -> nn.Module:
    """The attention that a model.toml asks for; one that changes nothing for `none`."""
    if kind == "none":
        return nn.Identity()
    return DualAttention(channels, channel=kind != "spatial", spatial=kind != "channel")
