"""Store float constants in half the space."""

from __future__ import annotations

import dataclasses

import numpy as np

from redmobile.errors import UnsupportedModelError
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel


def store_weights_as_float16(model: TfliteModel) -> None:
    """Every float32 constant becomes float16 with a DEQUANTIZE behind it, TFLite's convention: runtimes unpack it once, when they load.

        before   x, w float32 ─ CONV_2D ─ y
        after    w float16 ─ DEQUANTIZE ─ w' float32;   x, w' ─ CONV_2D ─ y

    Activations stay float32, unless a runtime with float16 kernels is told otherwise. Raises UnsupportedModelError for a constant
    beyond float16's range (65504).
    """
    unpacked: dict[int, Operator] = {}
    for operator in model.operators:
        operator.inputs = [_unpack(tensor, unpacked) for tensor in operator.inputs]
    model.operators = [*unpacked.values(), *model.operators]


def _unpack(tensor: Tensor | None, unpacked: dict[int, Operator]) -> Tensor | None:
    if tensor is None or tensor.data is None or tensor.dtype != "float32":
        return tensor
    if id(tensor) not in unpacked:
        limit = float(np.finfo(np.float16).max)
        if np.abs(tensor.data).max(initial=0.0) > limit:
            raise UnsupportedModelError(
                f"Constant '{tensor.name}' holds values beyond ±{limit:g} and cannot be stored as float16; use float32 weights."
            )
        half = Tensor(f"{tensor.name}/float16", tensor.shape, "float16", tensor.data.astype(np.float16))
        whole = dataclasses.replace(tensor, data=None)
        unpacked[id(tensor)] = Operator("DEQUANTIZE", [half], [whole])
    return unpacked[id(tensor)].outputs[0]
