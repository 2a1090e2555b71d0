"""onnxruntime on the CPU for an ONNX file whose inner tensors are asked for by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray

from redmobile.errors import DeviceError, InputError, UsageError
from redmobile.runtimes.base import available_threads


class OnnxTensors:
    """The .onnx at `path`, loaded so that it puts out the tensors called `names`, and nothing else. threads: None takes all cores.

    Raises InputError (not an ONNX file, or one that onnxruntime refuses), UsageError (no tensor of that name), DeviceError (no onnxruntime).
    """

    def __init__(self, path: Path, names: Sequence[str], threads: int | None = None) -> None:
        try:
            import onnxruntime
            from onnxruntime.capi import onnxruntime_pybind11_state as native
        except ImportError as error:
            raise DeviceError(f"onnxruntime cannot be loaded here ({error}): pip install onnxruntime") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or available_threads()
        options.log_severity_level = 4  # what goes wrong is raised; its log lines would come on top
        faults = (native.Fail, native.InvalidProtobuf, native.InvalidGraph, native.InvalidArgument, native.NotImplemented, native.RuntimeException)
        try:
            data = _with_outputs(path, names).SerializeToString()
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except faults as error:
            raise InputError(f"{path}: onnxruntime {onnxruntime.__version__} cannot load it ({' '.join(str(error).split())}).") from error
        self._names = list(names)
        self._inputs = [value.name for value in self._session.get_inputs()]

    def run(self, arrays: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The tensors by name, for one array an input, in the order of the inputs. Raises UsageError for another number of arrays."""
        if len(arrays) != len(self._inputs):
            raise UsageError(f"The network takes {len(self._inputs)} inputs, {len(arrays)} were given.")
        found = self._session.run(self._names, dict(zip(self._inputs, arrays, strict=True)))
        return dict(zip(self._names, map(np.asarray, found), strict=True))


def _with_outputs(path: Path, names: Sequence[str]) -> onnx.ModelProto:
    try:
        model = onnx.load(path)
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        raise InputError(f"{path}: cannot be read as an ONNX file ({' '.join(str(error).split())}).") from error
    known = {value.name: value for value in model.graph.output}
    made = {name for node in model.graph.node for name in node.output}
    missing = [name for name in names if name not in made]
    if missing:
        raise UsageError(f"{path}: computes no tensor called {', '.join(missing)}.")
    del model.graph.output[:]
    model.graph.output.extend(known.get(name) or onnx.ValueInfoProto(name=name) for name in names)
    return model
