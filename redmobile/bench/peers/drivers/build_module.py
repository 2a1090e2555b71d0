"""PyTorch networks by name, the same ones in every environment. Runs where torch, timm and segmentation-models-pytorch are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import segmentation_models_pytorch
import timm
import torch
from torch import nn

from redmobile.bench.peers.drivers.protocol import Module
from redmobile.nets.checkpoint import build_network, load_weights
from redmobile.nets.model_document import load_model_document

_SEED = 4


def build(module: Module, frames: Path) -> nn.Module:
    """The network in eval mode, with its weights, or with random ones from a fixed seed.

    Where weights are random, each batch normalization takes its statistics from `frames` ((N, H, W, 3) float32 in [0, 1], .npy):
    the activations then spread as those of a trained network do, and quantizing them means something.
    """
    torch.manual_seed(_SEED)
    network = _make(module)
    if module.weights:
        load_weights(network, Path(module.weights))
    else:
        _take_statistics(network, torch.from_numpy(np.load(frames)).permute(0, 3, 1, 2).contiguous())
    return network.eval()


def _make(module: Module) -> nn.Module:
    made: nn.Module
    match module.source:
        case "timm":
            made = timm.create_model(module.what, pretrained=False, **module.options)
        case "segmentation_models":
            made = getattr(segmentation_models_pytorch, module.what)(encoder_weights=None, **module.options)
        case _:
            made = build_network(load_model_document(module.what)[1])
    return made


def _take_statistics(network: nn.Module, pictures: torch.Tensor) -> None:
    norms = [layer for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]  # noqa: SLF001 - the base of all of them
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
        norm.train()
    if norms:
        with torch.no_grad():
            network(pictures)
