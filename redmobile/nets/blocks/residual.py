"""The plain residual block of image restoration: two 3×3 convolutions and a shortcut, without normalization.

Source: Lim et al., CVPRW 2017 (EDSR): what batch normalization does to a picture's range, restoration cannot afford.
"""

from __future__ import annotations

from torch import Tensor, nn

from redmobile.nets.blocks.convolution import Convolution, scale_weights
from redmobile.nets.model_document import Activation


class Residual(nn.Module):
    """x + conv(act(conv(x))). (N, C, H, W) -> the same."""

    def __init__(self, channels: int, activation: Activation) -> None:
        super().__init__()
        self.layers = nn.Sequential(Convolution(channels, channels, 3, activation=activation), scale_weights(Convolution(channels, channels, 3), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        """Run the block."""
        y: Tensor = x + self.layers(x)
        return y
