"""Anybody's network: `package.module:factory`, its weights, and a shape → ONNX."""

from __future__ import annotations

import importlib
import inspect
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from redmobile.core.artifact import read_bytes, write_bytes
from redmobile.errors import InputError, UsageError
from redmobile.export.torch_to_onnx import compare, describe_weights, trace

_WRAPPERS = ("state_dict", "model_state_dict", "model", "params", "net")
"""Keys under which training scripts keep the weights beside other things."""

_PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every name."""

_NAMED = 3


def export_foreign(spec: str, shape: tuple[int, ...], out: Path, *, weights: Path | None = None) -> Path:
    """Write the network that `spec` ('package.module:factory', called without arguments) makes as ONNX to `out`; returns `out`.

    shape: of its one float32 input, e.g. (1, 3, 1080, 1920), in [0, 1] as the network's own training had it. weights: .safetensors, or
    .pt, .pth, .ckpt that hold tensors alone; without it the factory's. The file is run in onnxruntime and compared with PyTorch before it is
    moved into place. Raises InputError, UsageError, UnsupportedModelError, OutputError.
    """
    network = load_foreign(spec, weights)
    example = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    model = trace(network, shape, ["input"], None)
    describe_weights(model, spec.rpartition(":")[2], network)
    data = model.SerializeToString(deterministic=True)
    compare(network, data, example, spec)
    write_bytes(out, data)
    return out


def load_foreign(spec: str, weights: Path | None = None) -> nn.Module:
    """What the factory makes, in eval mode, with the weights at `weights`. Modules are looked for in the working folder too. Raises as above."""
    network = _factory(spec)()
    if not isinstance(network, nn.Module):
        raise InputError(f"{spec}: gave {type(network).__name__}, a torch.nn.Module was expected.")
    if weights is not None:
        _load(network, _tensors(weights), weights)
    return network.eval()


def _factory(spec: str) -> Any:
    module_name, _, name = spec.rpartition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise InputError(f"{spec}: no module named '{error.name}' here or among what is installed.") from error
    factory = getattr(module, name, None)
    if not callable(factory):
        known = sorted(key for key, value in vars(module).items() if callable(value) and getattr(value, "__module__", "") == module.__name__)
        raise InputError(f"{spec}: {module_name} has nothing callable of that name. It has: {', '.join(known) or 'nothing of its own'}.")
    needed = [
        parameter.name
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.default is parameter.empty and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise UsageError(f"{spec}: wants {', '.join(needed)}; it is called without arguments, so write a small function that fills them in.")
    return factory


def _tensors(path: Path) -> dict[str, Tensor]:
    data = read_bytes(path)
    if path.suffix == ".safetensors":
        try:
            return dict(safetensors.torch.load(data))
        except safetensors.SafetensorError as error:
            raise InputError(f"{path}: is not a whole safetensors file ({error}).") from error
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path}: holds more than tensors, and such a pickle may run any code, so it is not opened. Save `network.state_dict()` as safetensors."
        ) from error
    except (RuntimeError, EOFError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as PyTorch weights ({' '.join(str(error).split())}).") from error
    for key in _WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not found or not all(isinstance(value, Tensor) for value in found.values()):
        raise InputError(f"{path}: holds no state_dict (names and tensors, perhaps under {', '.join(_WRAPPERS)}).")
    return dict(found)


def _load(network: nn.Module, found: dict[str, Tensor], path: Path) -> None:
    for prefix in _PREFIXES:
        if found and all(key.startswith(prefix) for key in found):
            found = {key.removeprefix(prefix): value for key, value in found.items()}
    expected = network.state_dict()
    faults = [f"{key} is missing" for key in expected if key not in found] + [f"{key} is not expected" for key in found if key not in expected]
    faults += [
        f"{key} has shape {tuple(found[key].shape)}, expected {tuple(value.shape)}"
        for key, value in expected.items()
        if key in found and found[key].shape != value.shape
    ]
    if faults:
        raise InputError(f"{path}: does not fit the network: {'; '.join(faults[:_NAMED])}{' …' if len(faults) > _NAMED else ''}.")
    network.load_state_dict(found)
