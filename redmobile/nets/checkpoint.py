"""Weights as safetensors beside their model.toml. No pickles."""

from __future__ import annotations

from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import nn

from redmobile.core.artifact import output_path, read_bytes, sha256_bytes
from redmobile.errors import InputError
from redmobile.nets.blocks.rounding import Rounding
from redmobile.nets.model_document import ModelDocument, RedDetailDocument, RedDocument, RedMobileDocument, load_model_document
from redmobile.nets.red import Red
from redmobile.nets.red_detail import RedDetail
from redmobile.nets.red_mobile import RedMobile

Network = RedMobile | Red | RedDetail

WEIGHTS = "weights.safetensors"
"""The float network."""

INT8_WEIGHTS = "weights_int8.safetensors"
"""The same after quantization-aware training: weights that are best when rounded, and the grids of the activations."""


def build_network(document: ModelDocument) -> Network:
    """A network with fresh weights, from torch's current seed."""
    if isinstance(document, RedDocument):
        return Red(document.layers)
    if isinstance(document, RedDetailDocument):
        return RedDetail(document.layers)
    assert isinstance(document, RedMobileDocument)  # noqa: S101 - there are no others
    return RedMobile(document.layers)


def load_model(name: str, weights: Path | None = None) -> Network:
    """The network `name` (on the shelf, or a folder) with its weights (or those at `weights`), in eval mode.

    Raises InputError, DocumentError.
    """
    folder, document = load_model_document(name)
    network = build_network(document)
    if weights is None and not (folder / WEIGHTS).is_file():
        raise InputError(f"{folder}: holds no {WEIGHTS} yet; train them (redmobile train {name} --photos DIR --out RUN), or name others.")
    load_weights(network, weights or folder / WEIGHTS)
    return network.eval()


def load_weights(network: nn.Module, path: Path) -> None:
    """Read a safetensors file into `network`; every tensor must be there, with its shape, and no other. Raises InputError.

    The grids of roundings may all be absent, and then stay as they are.
    """
    try:
        found = safetensors.torch.load(read_bytes(path))
    except safetensors.SafetensorError as error:
        raise InputError(f"{path}: is not a whole safetensors file ({error}).") from error
    expected = network.state_dict()
    if not grid_names(network) & found.keys():
        found |= {key: expected[key] for key in grid_names(network)}
    faults = [f"{key} is missing" for key in expected.keys() - found.keys()] + [f"{key} is not expected" for key in found.keys() - expected.keys()]
    faults += [
        f"{key} has shape {tuple(found[key].shape)}, expected {tuple(expected[key].shape)}"
        for key in expected.keys() & found.keys()
        if found[key].shape != expected[key].shape
    ]
    if faults:
        raise InputError(f"{path}: does not fit the network: {'; '.join(sorted(faults)[:3])}{' …' if len(faults) > 3 else ''}.")  # noqa: PLR2004 - three are enough
    network.load_state_dict(found)


def save_weights(path: Path, state: dict[str, torch.Tensor]) -> None:
    """Write tensors as safetensors, whole or not at all. Raises OutputError."""
    with output_path(path) as partial:
        partial.write_bytes(safetensors.torch.save({key: tensor.detach().cpu().contiguous() for key, tensor in state.items()}))


def float_state(network: nn.Module) -> dict[str, torch.Tensor]:
    """The network's tensors without the grids of its roundings: those of the float network."""
    return {key: tensor for key, tensor in network.state_dict().items() if key not in grid_names(network)}


def grid_names(network: nn.Module) -> set[str]:
    """The keys in the state of `network` that tell grids."""
    prefixes = [name for name, module in network.named_modules() if isinstance(module, Rounding)]
    return {f"{prefix}.{key}" for prefix in prefixes for key in ("log_scale", "zero_point")}


def weights_sha256(network: nn.Module) -> str:
    """The sha256 of the float network's weights in safetensors form: the same for the same numbers, wherever they are stored."""
    return sha256_bytes(safetensors.torch.save({key: tensor.detach().cpu().contiguous() for key, tensor in float_state(network).items()}))
