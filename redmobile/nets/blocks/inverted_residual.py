"""MobileNetV3's block: expand, depthwise, squeeze-and-excite, project, add.

Source: Howard et al., ICCV 2019 (MobileNetV3); Sandler et al., CVPR 2018 (inverted residuals).
"""

from __future__ import annotations

from torch import Tensor, nn

from redmobile.nets.blocks.attention import ChannelAttention
from redmobile.nets.blocks.convolution import Convolution, depthwise, scale_weights
from redmobile.nets.blocks.rounding import Rounding
from redmobile.nets.model_document import Activation, InvertedResidualRow


class InvertedResidual(nn.Module):
    """(N, inputs, H, W) -> (N, row.out, H/stride, W/stride); x is added where the shapes agree."""

    def __init__(self, inputs: int, row: InvertedResidualRow, activation: Activation) -> None:
        super().__init__()
        activation = row.activation or activation
        self.adds = row.stride == 1 and inputs == row.out
        layers: list[nn.Module] = []
        if row.expand != inputs:
            layers.append(Convolution(inputs, row.expand, activation=activation))
        layers.append(depthwise(row.expand, row.kernel, row.stride, activation=activation))
        if row.squeeze_excite:
            layers.append(ChannelAttention(row.expand))
        layers.append(scale_weights(Convolution(row.expand, row.out), 0.5 if self.adds else 1.0))
        self.layers = nn.Sequential(*layers)
        self.added = Rounding()

    def forward(self, x: Tensor) -> Tensor:
        """Run the block."""
        y: Tensor = self.layers(x)
        if self.adds:
            y = self.added(x + y)
        return y
