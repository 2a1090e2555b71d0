"""What LiteRT, tflite-runtime and TensorFlow Lite have in common: an Interpreter object. Knows none of the three."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.core.quant_math import Quantization
from redmobile.core.tensor_spec import TensorSpec, guess_layout
from redmobile.errors import DeviceError, UnsupportedModelError
from redmobile.runtimes.base import check_arrays

_DELEGATE = "DELEGATE"
_ALWAYS_TAKEN = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})
_TAKEN_DTYPES = frozenset({"float32", "int8", "uint8"})


@dataclasses.dataclass(frozen=True)
class DelegateCoverage:
    """How much of a graph XNNPACK took. partitions: pieces it runs; taken, left: operators in and outside of them, by kind."""

    partitions: int
    taken: Mapping[str, int]
    left: Mapping[str, int]

    def __str__(self) -> str:
        outside = ", ".join(f"{count} {kind}" for kind, count in self.left.items()) or "none"
        return (
            f"{self.partitions} XNNPACK partition{'' if self.partitions == 1 else 's'}, {sum(self.taken.values())} operators in, outside: {outside}"
        )


class InterpreterRuntime:
    """A network in an Interpreter whose default delegate is XNNPACK. Implements runtimes.base.Runtime.

    Raises DeviceError if XNNPACK takes nothing of a graph that holds operators it always takes: the engine would run it all the
    same, on slow kernels, without a word.
    """

    def __init__(self, name: str, path: Path, interpreter: Any, metadata: Mapping[str, str]) -> None:
        self.name = name
        self.metadata = metadata
        self._path = path
        self._interpreter = interpreter
        self._allocate()
        self._check_xnnpack(path)

    def run(self, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """See runtimes.base.Runtime."""
        check_arrays(self.inputs, arrays)
        for index, array in zip(self._input_indices, arrays, strict=True):
            self._interpreter.set_tensor(index, array)
        self._interpreter.invoke()
        return tuple(self._interpreter.get_tensor(index) for index in self._output_indices)

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
            reason = " ".join(str(error).split())
            raise UnsupportedModelError(f"{self._path}: cannot be brought from {self.inputs[0]} to {wanted} ({reason}).") from error

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
        return DelegateCoverage(len(partitions), dict(inside.most_common()), dict(outside.most_common()))

    def _allocate(self) -> None:
        self._interpreter.allocate_tensors()
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self.inputs = tuple(map(_spec, inputs))
        self.outputs = tuple(map(_spec, outputs))
        self._input_indices = [detail["index"] for detail in inputs]
        self._output_indices = [detail["index"] for detail in outputs]

    def _check_xnnpack(self, path: Path) -> None:
        operators = self._interpreter._get_ops_details()  # noqa: SLF001
        if any(operator["op_name"] == _DELEGATE for operator in operators):
            return
        missed = {
            operator["op_name"]
            for operator in operators
            if operator["op_name"] in _ALWAYS_TAKEN and _dtype_name(operator["operand_types"][0]) in _TAKEN_DTYPES
        }
        if missed:
            raise DeviceError(
                f"{path}: {self.name} did not apply XNNPACK to {', '.join(sorted(missed))}: the network would run on slow kernels. "
                "Install another build of it."
            )


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
