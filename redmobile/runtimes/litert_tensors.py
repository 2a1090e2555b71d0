"""LiteRT on the CPU for a model in memory, its outputs read by name without a copy: calibration marks inner tensors as outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.errors import DeviceError, InputError, UsageError
from redmobile.runtimes.base import available_threads
from redmobile.runtimes.tflite_interpreter import _without_info_lines


class LitertTensors:
    """A .tflite file's bytes, loaded. threads: None takes all cores. Not thread-safe.

    Raises DeviceError where LiteRT is not installed, InputError for a model that LiteRT refuses.
    """

    def __init__(self, data: bytes, threads: int | None = None) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise DeviceError(f"LiteRT cannot be loaded here ({error}): pip install ai-edge-litert") from error
        try:
            with _without_info_lines():
                self._interpreter = Interpreter(model_content=data, num_threads=threads or available_threads())
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise InputError(f"LiteRT cannot load the model ({' '.join(str(error).split())}).") from error
        self._inputs = self._interpreter.get_input_details()
        self._outputs = {detail["name"]: detail["index"] for detail in self._interpreter.get_output_details()}

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the first input."""
        return tuple(int(size) for size in self._inputs[0]["shape"])

    def zeros(self) -> tuple[NDArray[Any], ...]:
        """An array of zeros for each input."""
        return tuple(np.zeros(detail["shape"], detail["dtype"]) for detail in self._inputs)

    def run(self, array: NDArray[Any] | tuple[NDArray[Any], ...]) -> dict[str, NDArray[Any]]:
        """Outputs by name. They are views of the engine's memory: valid until the next run, and not to be held beyond it.

        array: one for each input. Raises UsageError unless each has the shape and dtype of its input, DeviceError if LiteRT cannot run
        an operator.
        """
        arrays = array if isinstance(array, tuple) else (array,)
        if len(arrays) != len(self._inputs):
            raise UsageError(f"The network takes {len(self._inputs)} inputs, {len(arrays)} were given.")
        for given, detail in zip(arrays, self._inputs, strict=True):
            if given.shape != tuple(detail["shape"]) or given.dtype != detail["dtype"]:
                expected, found = "×".join(map(str, detail["shape"])), "×".join(map(str, given.shape))
                raise UsageError(f"The network's input is {expected} {detail['dtype'].__name__}; an array of {found} {given.dtype} was given.")
            self._interpreter.set_tensor(detail["index"], given)
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise DeviceError(f"LiteRT failed while running the model ({' '.join(str(error).split())}).") from error
        return {name: self._interpreter.tensor(index)() for name, index in self._outputs.items()}
