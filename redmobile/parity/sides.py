"""The inner tensors of a network file, whichever kind it is: what they are, and their values for a frame."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.core.artifact import read_bytes
from redmobile.core.quant_math import Quantization
from redmobile.graph.onnx_graph import load_onnx
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_read import read_tflite
from redmobile.graph.tflite_write import write_tflite
from redmobile.parity.feed import Arrays
from redmobile.runtimes.litert_tensors import LitertTensors
from redmobile.runtimes.onnx_tensors import OnnxTensors

_FLOATS = frozenset({"float16", "float32", "float64"})

Run = Callable[[Arrays], Mapping[str, NDArray[Any]]]
"""Inputs in the file's order → raw values by name."""


@dataclasses.dataclass(frozen=True, eq=False)
class LayerTensor:
    """What one operator computes. operator: its kind."""

    name: str
    operator: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None = None

    @property
    def float_bytes(self) -> int:
        """Size of the real values."""
        return int(np.prod(self.shape, dtype=np.int64)) * 4

    def real(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """The real values of raw ones."""
        if self.quantization is None:
            return np.asarray(values, np.float32)
        return self.quantization.dequantize(values)


class OnnxSide:
    """An .onnx file. tensors: those of real numbers that nodes compute, in execution order; constants are folded away."""

    def __init__(self, path: Path, threads: int | None) -> None:
        graph = load_onnx(path)
        self.tensors = {
            name: LayerTensor(name, node.op, graph.shapes[name], graph.dtypes[name])
            for node in graph.nodes
            for name in node.outputs
            if name in graph.shapes and graph.dtypes[name] in _FLOATS
        }
        self._path, self._threads = path, threads

    def open(self, names: Sequence[str]) -> Run:
        """Ready to give the tensors called `names`."""
        return OnnxTensors(self._path, names, self._threads).run


class TfliteSide:
    """A .tflite file. tensors: those of real numbers (floats, or codes with a scale) that operators compute, in execution order.

    Of tensors that share a name none is here: they cannot be told apart.
    """

    def __init__(self, model: TfliteModel, threads: int | None) -> None:
        made = [(tensor, operator.kind) for operator in model.operators for tensor in operator.outputs]
        counts = collections.Counter(tensor.name for tensor in model.tensors())
        self.model = model
        self.tensors = {
            tensor.name: LayerTensor(tensor.name, kind, tensor.shape, tensor.dtype, tensor.quantization)
            for tensor, kind in made
            if counts[tensor.name] == 1 and (tensor.dtype in _FLOATS or _has_one_scale(tensor))
        }
        self._threads = threads

    def open(self, names: Sequence[str]) -> Run:
        """Ready to give the tensors called `names`."""
        wanted = set(names)
        outputs = [tensor for operator in self.model.operators for tensor in operator.outputs if tensor.name in wanted]
        return open_tflite(dataclasses.replace(self.model, outputs=outputs), self._threads)


Side = OnnxSide | TfliteSide


def open_tflite(model: TfliteModel, threads: int | None) -> Run:
    """Ready to give the outputs of `model`, copied out of the engine's memory. Raises as LitertTensors."""
    engine = LitertTensors(write_tflite(model), threads)
    return lambda arrays: {name: values.copy() for name, values in engine.run(arrays).items()}


def open_side(path: Path, threads: int | None) -> Side:
    """The inner tensors of the file at `path`. Raises InputError, UnsupportedModelError."""
    if path.suffix.lower() == ".onnx":
        return OnnxSide(path, threads)
    return TfliteSide(read_tflite(read_bytes(path), str(path)), threads)


OWN = "/own"
"""Ending of the name of what `isolate` computes of a tensor."""


def isolate(model: TfliteModel, names: Iterable[str], given: set[str]) -> TfliteModel:
    """The operators of `model` that compute the tensors called `names`, each fed from outside with the tensors in `given`.

    What lies between two given tensors is computed along. Inputs keep their names, an output is called NAME/own, so that one operator's
    result does not reach the next: the error of each can be seen by itself.
    """
    return _Isolating(model, given).model(list(names))


class _Isolating:
    def __init__(self, model: TfliteModel, given: set[str]) -> None:
        self._makers = model.producers()
        self._by_name = {tensor.name: tensor for operator in model.operators for tensor in operator.outputs}
        self._given = given
        self._inputs: dict[int, Tensor] = {}
        self._made: dict[int, Tensor] = {}
        self._operators: list[Operator] = []

    def model(self, names: list[str]) -> TfliteModel:
        outputs = [self._computed(self._by_name[name]) for name in names]
        return TfliteModel(self._operators, list(self._inputs.values()), outputs)

    def _computed(self, tensor: Tensor) -> Tensor:
        if id(tensor) not in self._made:
            maker = self._makers[id(tensor)]
            inputs = [source if source is None else self._read(source) for source in maker.inputs]
            copies = [dataclasses.replace(output, name=f"{output.name}{OWN}") for output in maker.outputs]
            self._made |= {id(output): copy for output, copy in zip(maker.outputs, copies, strict=True)}
            self._operators.append(Operator(maker.kind, inputs, copies, dict(maker.options)))
        return self._made[id(tensor)]

    def _read(self, tensor: Tensor) -> Tensor:
        if tensor.data is not None:
            return tensor
        if tensor.name in self._given or id(tensor) not in self._makers:
            return self._inputs.setdefault(id(tensor), dataclasses.replace(tensor))
        return self._computed(tensor)


def _has_one_scale(tensor: Tensor) -> bool:
    return tensor.quantization is not None and len(tensor.quantization.scale) == 1
