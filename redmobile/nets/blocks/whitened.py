"""Convolutions whose weights are learned in coordinates in which what they see is centred, or white as well.

What blur leaves of fine detail is far less than a thousandth of a picture's variance, and a gradient moves the weights that see it as much less
than those that see its brightness: a small network hardly becomes a sharpening filter. So the convolution is

    y = W · (x − μ) + b,   W = Θ · P,   P = diag(λ + ε)^−½ · Vᵀ,   V · diag(λ) · Vᵀ = cov(x)

over the k·k·I values x under the kernel, and Θ is what is learned: all directions are alike then (LeCun et al., "Efficient BackProp", 1998, §4.3).
P and μ are measured once, on the first pictures, and travel with the weights, into the ONNX file too; the converter folds them: W and one bias.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from redmobile.nets.blocks.convolution import Convolution
from redmobile.nets.blocks.rounding import round_weights
from redmobile.nets.model_document import Activation

MIDDLE = 3.0
"""Of ReLU6, where features start: what is small passes linearly, what is large is bent on both sides."""

_SMALLEST = 1e-5
"""ε, as a variance of pixels in [0, 1]: about that of rounding to 8 bits. What is less is noise."""


class Centred(Convolution):
    """W · (x − μ) + b with μ = MIDDLE for all inputs; stride 1. At the picture's edge SAME's zeros are seen as such."""

    def _convolve(self, x: Tensor) -> Tensor:
        weights = self.weights
        return functional.conv2d(x, weights, self.bias - MIDDLE * weights.sum((1, 2, 3)), padding=self.convolution.padding)


class Whitened(Convolution):
    """W · (x − μ) + b with W = Θ · P; stride 1. Until `whiten` has seen pictures, P is the identity and μ zero."""

    whitening: Tensor
    mean: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, *, activation: Activation | None = None) -> None:
        super().__init__(inputs, outputs, kernel, activation=activation)
        count = inputs * kernel * kernel
        self.register_buffer("whitening", torch.eye(count))
        self.register_buffer("mean", torch.zeros(count))
        nn.init.normal_(self.convolution.weight, std=count**-0.5)  # as many directions as inputs, each of variance 1

    @property
    def weights(self) -> Tensor:
        """W, (O, I, k, k), rounded where the activations are."""
        weights = (self.convolution.weight.flatten(1) @ self.whitening).view_as(self.convolution.weight)
        return round_weights(weights) if self.rounded.on else weights

    @property
    def is_settled(self) -> bool:
        """Whether P and μ were measured."""
        return bool(self.mean.any())

    def settle(self, mean: Tensor, covariance: Tensor) -> None:
        """Take P and μ from (k·k·I,) and (k·k·I, k·k·I) float64."""
        variances, directions = torch.linalg.eigh(covariance)
        self.whitening.copy_((directions / (variances.clamp(min=0) + _SMALLEST).sqrt()).T)
        self.mean.copy_(mean)

    def _convolve(self, x: Tensor) -> Tensor:
        weights = self.weights
        return functional.conv2d(x, weights, self.bias - weights.flatten(1) @ self.mean, padding=self.convolution.padding)


@torch.no_grad()
def whiten(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Measure P and μ of every `Whitened` in `network` on `batches` of its inputs; what was measured before stays. Nothing without any."""
    layers = [module for module in network.modules() if isinstance(module, Whitened) and not module.is_settled]
    if not layers:
        return
    sums = {layer: _Moments(layer) for layer in layers}
    handles = [layer.register_forward_pre_hook(lambda module, inputs: sums[module].add(inputs[0])) for layer in layers]
    try:
        for batch in batches:
            network(batch)
    finally:
        for handle in handles:
            handle.remove()
    for layer, moments in sums.items():
        layer.settle(*moments.found())


class _Moments:
    """Mean and covariance of what lies under a kernel."""

    def __init__(self, layer: Whitened) -> None:
        (self._kernel, _), count = layer.convolution.kernel_size, layer.mean.numel()
        self._count = 0
        self._sum = torch.zeros(count, dtype=torch.float64, device=layer.mean.device)
        self._products = torch.zeros(count, count, dtype=torch.float64, device=layer.mean.device)

    def add(self, x: Tensor) -> None:
        """Another (N, C, H, W); without its edges, where zeros stand."""
        seen = functional.unfold(x, self._kernel).transpose(0, 1).flatten(1).double()
        self._count += seen.shape[1]
        self._sum += seen.sum(1)
        self._products += seen @ seen.T

    def found(self) -> tuple[Tensor, Tensor]:
        """(mean, covariance)."""
        mean = self._sum / self._count
        return mean, self._products / self._count - torch.outer(mean, mean)
