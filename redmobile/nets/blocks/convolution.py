"""Convolution with the padding that TFLite calls SAME, and an activation."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from redmobile.nets.blocks.rounding import Rounding, round_weights
from redmobile.nets.model_document import Activation

_ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu6": nn.ReLU6, "relu": nn.ReLU, "hard_swish": nn.Hardswish}


class Convolution(nn.Module):
    """k×k convolution, stride 1 or 2, bias, activation (None: linear). (N, I, H, W) -> (N, O, H/stride, W/stride).

    At stride 2 the padding stands at the bottom and the right only (for an even size), as in TFLite's SAME:
    PyTorch's own symmetric padding would cost an explicit PAD over the whole tensor.
    limit: where the range that training rounds to ends (rounding.py).
    There is no batch normalization: the absolute brightness of a picture is what this network must not lose.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        groups: int = 1,
        activation: Activation | None = None,
        limit: float = math.inf,
    ) -> None:
        super().__init__()
        excess = kernel - stride
        self._same = (excess // 2, excess - excess // 2)
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2 if stride == 1 else 0, groups=groups)
        self.activation = _ACTIVATIONS[activation]() if activation else nn.Identity()
        self.rounded = Rounding(limit)
        gain = 1.0 if activation is None else 2.0
        fan_in = inputs // groups * kernel * kernel
        nn.init.normal_(self.convolution.weight, std=(gain / fan_in) ** 0.5)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Pad, convolve, activate, round."""
        if self.convolution.stride != (1, 1):
            x = functional.pad(x, (*self._same, *self._same))
        activated: Tensor = self.rounded(self.activation(self._convolve(x)))
        return activated

    @property
    def weights(self) -> Tensor:
        """(O, I/groups, k, k), rounded where the activations are."""
        return round_weights(self.convolution.weight) if self.rounded.on else self.convolution.weight

    @property
    def bias(self) -> Tensor:
        """(O,), as it is learned."""
        assert self.convolution.bias is not None  # noqa: S101 - for the type checker
        return self.convolution.bias

    def _convolve(self, x: Tensor) -> Tensor:
        layer = self.convolution
        if not self.rounded.on:
            convolved: Tensor = layer(x)
            return convolved
        return functional.conv2d(x, self.weights, layer.bias, layer.stride, layer.padding, layer.dilation, layer.groups)


def depthwise(channels: int, kernel: int, stride: int = 1, *, activation: Activation | None = None) -> Convolution:
    """Depthwise k×k convolution: one filter a channel."""
    return Convolution(channels, channels, kernel, stride, groups=channels, activation=activation)


@torch.no_grad()
def scale_weights(convolution: Convolution, factor: float) -> Convolution:
    """Shrink the initial weights, so that a residual branch starts near zero."""
    convolution.convolution.weight.mul_(factor)
    return convolution
