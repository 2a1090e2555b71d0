"""What LiteRT, tflite-runtime and TensorFlow Lite have in common: an Interpreter object. Knows none of the three."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from redmobile.core.artifact import read_bytes
from redmobile.core.quant_math import Quantization
from redmobile.core.tensor_spec import TensorSpec, guess_layout
from redmobile.errors import DeviceError, InputError, UnsupportedModelError
from redmobile.graph.tflite_model import Operator, TfliteModel
from redmobile.graph.tflite_read import read_tflite
from redmobile.runtimes.base import check_arrays

_DELEGATE = "DELEGATE"
_ENTRY = "redmobile"
_ALWAYS_TAKEN = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})

XNNPACK_DTYPES = frozenset({"float32", "int8", "uint8"})
"""Dtypes of which XNNPACK's default build takes every convolution."""


@dataclasses.dataclass(frozen=True)
class DelegateCoverage:
    """How much of a graph XNNPACK took. partitions: pieces it runs; taken, left: operators in and outside of them, by kind.

    positions: which operators of the file, in its order, are in.
    """

    partitions: int
    taken: Mapping[str, int]
    left: Mapping[str, int]
    positions: frozenset[int] = frozenset()

    def __str__(self) -> str:
        outside = ", ".join(f"{count} {kind}" for kind, count in self.left.items()) or "none"
        return f"{_count(self.partitions, 'XNNPACK partition')}, {_count(sum(self.taken.values()), 'operator')} in, outside: {outside}"


class InterpreterRuntime:
    """A network in an Interpreter whose default delegate is XNNPACK. Implements runtimes.base.Runtime.

    must_take: kinds of operators in the graph that XNNPACK always takes. Raises DeviceError if there are some and it takes nothing:
    the engine would run the network all the same, on slow kernels, without a word.
    """

    def __init__(self, name: str, path: Path, interpreter: Any, metadata: Mapping[str, str], must_take: AbstractSet[str] = frozenset()) -> None:
        self.name = name
        self.metadata = metadata
        self._path = path
        self._interpreter = interpreter
        self._must_take = must_take
        self._allocate()

    def run(self, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """See runtimes.base.Runtime."""
        check_arrays(self.inputs, arrays)
        for index, array in zip(self._input_indices, arrays, strict=True):
            self._interpreter.set_tensor(index, array)
        try:
            self._interpreter.invoke()
            return tuple(self._interpreter.get_tensor(index) for index in self._output_indices)
        except (RuntimeError, ValueError) as error:
            raise DeviceError(f"{self._path}: {self.name} failed while running it ({_one_line(error)}).") from error

    def resize_input(self, shape: tuple[int, ...]) -> None:
        """Bring the network's only input to `shape`; `inputs` and `outputs` then say the new shapes.

        For convolutional networks from elsewhere that were stored at another size. Raises UnsupportedModelError if the network
        has several inputs or cannot run at that size; it is of no use after that.
        """
        if len(self.inputs) != 1:
            raise UnsupportedModelError(f"{self._path}: has {len(self.inputs)} inputs; only a network with one can be brought to another size.")
        try:
            self._interpreter.resize_tensor_input(self._input_indices[0], shape, strict=False)
            self._allocate()
        except (RuntimeError, ValueError) as error:
            wanted = "×".join(map(str, shape))
            raise UnsupportedModelError(f"{self._path}: cannot be brought from {self.inputs[0]} to {wanted} ({_one_line(error)}).") from error

    def delegate_coverage(self) -> DelegateCoverage:
        """The XNNPACK partitions of the loaded graph and the operators left outside, by kind.

        The interpreter lists the graph's own operators and, behind them, one DELEGATE a partition, with the tensors that enter and
        leave it. What lies between those belongs to the partition.
        """
        operators = self._interpreter._get_ops_details()  # noqa: SLF001 - the only way to ask; a test holds it
        own = [operator for operator in operators if operator["op_name"] != _DELEGATE]
        partitions = [operator for operator in operators if operator["op_name"] == _DELEGATE]
        producers = {int(tensor): position for position, operator in enumerate(own) for tensor in operator["outputs"]}
        taken: set[int] = set()
        for partition in partitions:
            taken |= _between(own, producers, {int(tensor) for tensor in partition["inputs"]}, [int(tensor) for tensor in partition["outputs"]])
        inside = collections.Counter(own[position]["op_name"] for position in sorted(taken))
        outside = collections.Counter(operator["op_name"] for position, operator in enumerate(own) if position not in taken)
        return DelegateCoverage(len(partitions), dict(inside.most_common()), dict(outside.most_common()), frozenset(taken))

    def _allocate(self) -> None:
        self._interpreter.allocate_tensors()
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self.inputs = tuple(map(_spec, inputs))
        self.outputs = tuple(map(_spec, outputs))
        self._input_indices = [detail["index"] for detail in inputs]
        self._output_indices = [detail["index"] for detail in outputs]
        self._check_xnnpack()

    def _check_xnnpack(self) -> None:
        taken = any(operator["op_name"] == _DELEGATE for operator in self._interpreter._get_ops_details())  # noqa: SLF001
        if self._must_take and not taken:
            kinds = ", ".join(sorted(self._must_take))
            raise DeviceError(f"{self._path}: {self.name} did not apply XNNPACK to {kinds}: it would run on slow kernels. Install another build.")


R = TypeVar("R", bound=InterpreterRuntime)


def load_interpreter(
    name: str,
    path: Path,
    make: Callable[[bytes], Any],
    xnnpack_dtypes: AbstractSet[str] = XNNPACK_DTYPES,
    kind: Callable[..., R] = InterpreterRuntime,  # type: ignore[assignment]
) -> R:
    """The runtime of the .tflite at `path`. make: the engine's Interpreter from the content of a file; name: engine and version.

    kind: the class of what comes back. The file is read and checked here first: engines follow broken offsets and crash.
    Raises InputError (missing, broken, or not accepted by the engine), UnsupportedModelError
    (what redmobile.graph.read_tflite refuses), DeviceError (XNNPACK not applied).
    """
    content = read_bytes(path)
    model = read_tflite(content, str(path))
    metadata = file_metadata(path, model)
    must_take = {operator.kind for operator in model.operators if operator.kind in _ALWAYS_TAKEN and _dtype(operator) in xnnpack_dtypes}
    try:
        with _without_info_lines():
            return kind(name, path, make(content), metadata, must_take)
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: {name} cannot load it ({_one_line(error)}).") from error


@contextlib.contextmanager
def _without_info_lines() -> Iterator[None]:
    """Hold back what native code writes to stderr, and pass it on without its INFO lines. No option of the engines does that."""
    sys.stderr.flush()
    standing = os.dup(2)
    try:
        with tempfile.TemporaryFile() as held:
            os.dup2(held.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(standing, 2)
                held.seek(0)
                for line in held:
                    if not line.startswith(b"INFO:"):
                        os.write(2, line)
    finally:
        os.close(standing)


def file_metadata(path: Path, model: TfliteModel) -> dict[str, str]:
    """What our converter writes (redmobile.convert.metadata), as the properties that ONNX files have: redmobile.name, ….input_range, …."""
    if _ENTRY not in model.metadata:
        return {}
    try:
        found = json.loads(model.metadata[_ENTRY])
        flat = {f"{_ENTRY}.{key}": value for key, value in found.items() if isinstance(value, str)}
        if not model.inputs:
            return flat
        low, high = map(float, found["inputs"][0]["range"])
        order = str(found["inputs"][0].get("order", ""))  # of an image
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: its metadata entry '{_ENTRY}' cannot be read ({type(error).__name__}: {error}).") from error
    properties = {**flat, f"{_ENTRY}.input_range": f"{low:g},{high:g}"}
    return properties | {f"{_ENTRY}.input_order": order} if order else properties


def _dtype(operator: Operator) -> str | None:
    first = operator.inputs[0]
    return first.dtype if first else None


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _between(operators: list[dict[str, Any]], producers: dict[int, int], entering: set[int], leaving: list[int]) -> set[int]:
    """Positions of the operators on which the tensors `leaving` depend, looking back no further than the tensors `entering`."""
    found: set[int] = set()
    pending = leaving
    while pending:
        tensor = pending.pop()
        position = producers.get(tensor)
        if position is None or position in found or tensor in entering:
            continue
        found.add(position)
        pending.extend(int(source) for source in operators[position]["inputs"] if source >= 0)
    return found


def _spec(detail: dict[str, Any]) -> TensorSpec:
    shape = tuple(int(size) for size in detail["shape"])
    parameters = detail["quantization_parameters"]
    quantization = None
    if len(parameters["scales"]):
        quantization = Quantization(parameters["scales"], parameters["zero_points"].astype(np.int64), int(parameters["quantized_dimension"]))
    return TensorSpec(detail["name"], shape, _dtype_name(detail["dtype"]), guess_layout(shape), quantization)


def _dtype_name(kind: Any) -> str:
    name: str = np.dtype(kind).name
    return name
