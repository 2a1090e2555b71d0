"""What a network is made of: layers, shapes, parameters, multiply-accumulates, activation bytes."""

from __future__ import annotations

import copy
import dataclasses

import torch
from torch import Tensor, nn

from redmobile.nets.blocks.convolution import Convolution


@dataclasses.dataclass(frozen=True)
class LayerFacts:
    """One convolution. shape: its output (C, H, W); macs: multiply-accumulates; output_bytes: as INT8."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    macs: int
    output_bytes: int


def describe_network(network: nn.Module, height: int, width: int) -> list[LayerFacts]:
    """The convolutions of `network` in the order in which they run on one height×width picture.

    Counted on torch's meta device: no arithmetic is done. Additions, products and resizes are not counted as MACs,
    as is usual. The output bytes are those of convolutions alone.
    """
    found: list[LayerFacts] = []
    network = copy.deepcopy(network).to("meta")

    def listen(name: str, module: Convolution) -> torch.utils.hooks.RemovableHandle:
        def note(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            found.append(_facts(name, module.convolution, output))

        return module.register_forward_hook(note)

    handles = [listen(name, module) for name, module in network.named_modules() if isinstance(module, Convolution)]
    with torch.no_grad():
        network(torch.empty(1, 3, height, width, device="meta"))
    for handle in handles:
        handle.remove()
    return found


def _facts(name: str, layer: nn.Conv2d, output: Tensor) -> LayerFacts:
    kernel, stride = layer.kernel_size[0], layer.stride[0]
    kind = f"{'depthwise ' if layer.groups == layer.in_channels else ''}{kernel}×{kernel}" + (f"/{stride}" if stride > 1 else "")
    per_output = layer.weight[0].numel()
    parameters = sum(p.numel() for p in layer.parameters())
    return LayerFacts(name, kind, tuple(output.shape[1:]), parameters, per_output * output.numel(), output.numel())
