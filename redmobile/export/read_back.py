"""Export the other way round: an INT8 .tflite of one of our networks, as weights and grids that training can go on from.

Quantization chose scales and equalized channels over the whole graph; training that starts from there keeps both. On RED-mobile it stood at
42 dB to the float network after 50 steps, and at 37 dB when it began with float weights and the extremes of its tensors.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from redmobile.core.artifact import read_bytes
from redmobile.core.quant_math import Quantization
from redmobile.errors import UnsupportedModelError
from redmobile.export.torch_to_onnx import trace_places
from redmobile.graph import tflite_model as tflite
from redmobile.graph.tflite_read import read_tflite
from redmobile.nets.blocks.rounding import Rounding
from redmobile.nets.checkpoint import build_network
from redmobile.nets.model_document import ModelDocument

_CONVOLUTIONS = {"CONV_2D": (0, 3, 1, 2), "DEPTHWISE_CONV_2D": (3, 0, 1, 2)}
"""Kind → how its weights, (O, H, W, I) or (1, H, W, O), become (O, I, H, W)."""


def read_back(file: Path, document: ModelDocument) -> dict[str, Tensor]:
    """The state of the network of `document` that the INT8 `file` is: weights and biases as their codes mean them, and a grid for each rounding.

    Roundings that no tensor of the file stands for, because the network does not run them, get grid 1. Raises InputError (no such file, not
    a .tflite), UnsupportedModelError (not an INT8 file of this network).
    """
    model = read_tflite(read_bytes(file), str(file))
    network = build_network(document)
    _, places = trace_places(network, (1, 3, 2 * document.size_multiple, 2 * document.size_multiple), ["image"], ["enhanced"])
    state = network.state_dict()
    missing = {key for key, _ in network.named_parameters() if not key.endswith(".log_scale")}
    for operator in model.operators:
        if operator.kind in _CONVOLUTIONS:
            missing -= _read_convolution(operator, state)
    tensors = {tensor.name: tensor for tensor in model.tensors()}
    for name, module in network.named_modules():
        if isinstance(module, Rounding) and not module.fixed:
            found = [tensors[value] for value in places.get(name, []) if value in tensors]
            missing |= {name} if name in places and not found else set()
            _set_grid(state, name, found)
    if missing:
        raise UnsupportedModelError(f"{file}: holds no INT8 tensor for '{min(missing)}' of the network; is it a file of this one, by litert_int8?")
    return state


def _read_convolution(operator: tflite.Operator, state: dict[str, Tensor]) -> set[str]:
    """Fill in weights and bias of one convolution; returns their keys."""
    _, weights, bias = operator.inputs
    key = weights.name if weights else ""
    values, offsets = _real(weights), _real(bias)
    if key not in state or values is None or offsets is None:
        return set()
    shaped = values.permute(_CONVOLUTIONS[operator.kind])
    other = key.removesuffix("weight") + "bias"
    if shaped.shape != state[key].shape or offsets.shape != state[other].shape:
        return set()
    state[key], state[other] = shaped.contiguous(), offsets
    return {key, other}


def _real(tensor: tflite.Tensor | None) -> Tensor | None:
    if tensor is None or tensor.data is None or tensor.quantization is None:
        return None
    return torch.from_numpy(tensor.quantization.dequantize(tensor.data))


def _set_grid(state: dict[str, Tensor], place: str, tensors: list[tflite.Tensor]) -> None:
    """The widest of what the tensors have: one rounding may stand for several."""
    grids = [tensor.quantization for tensor in tensors if tensor.quantization is not None and tensor.dtype == "int8"]
    widest = max(grids, key=lambda each: float(each.scale[0]), default=Quantization.per_tensor(1.0, 0))
    state[f"{place}.log_scale"] = torch.tensor(math.log(float(widest.scale[0])))
    state[f"{place}.zero_point"] = torch.tensor(float(widest.zero_point[0]))
