"""One file written over and over with other numbers: a search cannot wait for a flatbuffer to be built anew each time."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from redmobile.graph.tflite_model import TfliteModel
from redmobile.graph.tflite_write import write_tflite


class Template:
    """The bytes of a quantized model, into which scales, zero points and constants of a model of the same build are put in place."""

    def __init__(self, model: TfliteModel) -> None:
        self._bytes = bytearray(write_tflite(model))
        root = schema.Model.GetRootAs(self._bytes, 0)
        graph = root.Subgraphs(0)
        tensors = [graph.Tensors(index) for index in range(graph.TensorsLength())]
        self._slots = [_Slot(root, tensor) for tensor in tensors]

    def fill(self, model: TfliteModel) -> bytes:
        """The bytes of `model`, which must have the tensors of the first one: names, shapes and dtypes in the same order."""
        for tensor, slot in zip(model.tensors(), self._slots, strict=True):
            if tensor.name != slot.name:
                raise ValueError(f"tensor '{tensor.name}' stands where the template has '{slot.name}'")
            if tensor.quantization is None:
                continue
            slot.scale[:] = tensor.quantization.scale
            slot.zero_point[:] = tensor.quantization.zero_point
            if tensor.data is not None:
                slot.data[:] = np.frombuffer(tensor.data.astype(tensor.data.dtype.newbyteorder("<")).tobytes(), np.uint8)
        return bytes(self._bytes)


class _Slot:
    """Where a tensor's numbers lie in the file: views of its bytes."""

    def __init__(self, root: Any, tensor: Any) -> None:
        self.name: str = tensor.Name().decode()
        quantization = tensor.Quantization()
        self.scale: Any = quantization.ScaleAsNumpy() if quantization else None
        self.zero_point: Any = quantization.ZeroPointAsNumpy() if quantization else None
        self.data: Any = root.Buffers(tensor.Buffer()).DataAsNumpy()
