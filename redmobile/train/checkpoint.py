"""Checkpoints of a run: tensors as safetensors, the rest as JSON.

The JSON is written last and names the tensors' file, so that a kill at any moment leaves the older checkpoint or the newer one, whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from redmobile.core.artifact import read_bytes, sha256_bytes, write_bytes
from redmobile.core.results import read_json, write_json
from redmobile.errors import InputError

INDEX = "checkpoint.json"

_MOMENTS = ("exp_avg", "exp_avg_sq")
"""AdamW's, of each parameter; beside them the number of steps that it was moved."""


def save_checkpoint(run: Path, step: int, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer, about: dict[str, Any]) -> None:
    """Write the state after `step` steps into the folder `run`; `about` goes into the JSON. Raises OutputError."""
    data = safetensors.torch.save({key: value.detach().cpu().contiguous() for key, value in _flatten(network, average, optimizer).items()})
    file = run / f"checkpoint-{step:07d}.safetensors"
    write_bytes(file, data)
    write_json(run / INDEX, {"step": step, "tensors": file.name, "sha256": sha256_bytes(data), **about})
    for older in run.glob("checkpoint-*.safetensors"):
        if older != file:
            older.unlink()


def load_checkpoint(run: Path, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Restore the newest checkpoint in `run`; returns its JSON. Raises InputError (none there, or damaged), DocumentError."""
    if not (run / INDEX).exists():
        raise InputError(f"{run}: holds no {INDEX}, so there is nothing to resume; start without --resume.")
    about: dict[str, Any] = read_json(run / INDEX)
    file = run / str(about["tensors"])
    data = read_bytes(file)
    if sha256_bytes(data) != about["sha256"]:
        raise InputError(f"{file}: its sha256 is not the one in {INDEX}: the checkpoint is damaged.")
    found = safetensors.torch.load(data)
    device = next(network.parameters()).device
    network.load_state_dict({key: found[f"network.{key}"] for key in network.state_dict()})
    average.load_state_dict({key: found[f"average.{key}"] for key in average.state_dict()})
    for name, parameter in network.named_parameters():
        if f"exp_avg.{name}" in found:  # or no phase has moved it yet
            moments = {key: torch.empty_like(parameter).copy_(found[f"{key}.{name}"].to(device)) for key in _MOMENTS}
            optimizer.state[parameter] = {"step": found[f"step.{name}"], **moments}
    return about


def _flatten(network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    tensors = {f"network.{key}": value for key, value in network.state_dict().items()}
    tensors |= {f"average.{key}": value for key, value in average.state_dict().items()}
    for name, parameter in network.named_parameters():
        if parameter in optimizer.state:
            tensors |= {f"{key}.{name}": optimizer.state[parameter][key] for key in ("step", *_MOMENTS)}
    return tensors
