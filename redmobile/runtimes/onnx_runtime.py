"""onnxruntime on the CPU."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.core.tensor_spec import TensorSpec, guess_layout
from redmobile.errors import DeviceError, InputError, UnsupportedModelError
from redmobile.runtimes.base import RUNTIMES, check_arrays

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(int16)": "int16",
    "tensor(uint16)": "uint16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}


_KERNEL = "_kernel_time"


class OnnxRuntime:
    """A network in an onnxruntime session. Implements runtimes.base.Runtime."""

    def __init__(self, path: Path, session: Any, version: str) -> None:
        self.name = f"onnxruntime {version}"
        self.inputs = tuple(_spec(path, value) for value in session.get_inputs())
        self.outputs = tuple(_spec(path, value) for value in session.get_outputs())
        self.metadata: Mapping[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        self._session = session

    def run(self, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """See runtimes.base.Runtime."""
        check_arrays(self.inputs, arrays)
        feed = {spec.name: array for spec, array in zip(self.inputs, arrays, strict=True)}
        return tuple(np.asarray(output) for output in self._session.run(None, feed))


@dataclasses.dataclass(frozen=True)
class NodeTime:
    """One node of the graph as onnxruntime runs it, after its own fusions. mean_ms: of one run."""

    name: str
    kind: str
    mean_ms: float


@RUNTIMES.register("onnxruntime")
def open_onnx(path: Path, threads: int) -> OnnxRuntime:
    """Load an .onnx with onnxruntime. Raises InputError, UnsupportedModelError (dynamic shapes), DeviceError."""
    session, version = _session(path, threads)
    return OnnxRuntime(path, session, version)


def profile_onnx(path: Path, threads: int, arrays: Sequence[NDArray[Any]], runs: int) -> list[NodeTime]:
    """How long each node takes, by onnxruntime's own profiler, in the order of execution; the first run is not counted.

    Raises InputError, UnsupportedModelError, DeviceError.
    """
    with tempfile.TemporaryDirectory() as folder:
        session, version = _session(path, threads, Path(folder) / "profile")
        runtime = OnnxRuntime(path, session, version)
        for _ in range(runs + 1):
            runtime.run(*arrays)
        events = json.loads(Path(session.end_profiling()).read_text())
    spent: dict[str, list[float]] = {}
    kinds: dict[str, str] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(_KERNEL):
            name = event["name"].removesuffix(_KERNEL)
            kinds[name] = event["args"]["op_name"]
            spent.setdefault(name, []).append(event["dur"] / 1000)
    return [NodeTime(name, kinds[name], sum(times[1:]) / runs) for name, times in spent.items()]


def _session(path: Path, threads: int, profile: Path | None = None) -> tuple[Any, str]:
    """The session and onnxruntime's version. profile: how the file of its profiler is to begin; None: none is written."""
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as native
    except ImportError as error:
        raise DeviceError(f"onnxruntime cannot be loaded here ({error}): pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    options.log_severity_level = 4  # what goes wrong is raised; its log lines would come on top
    faults = (
        native.Fail,
        native.InvalidProtobuf,
        native.InvalidGraph,
        native.InvalidArgument,
        native.NoSuchFile,
        native.NotImplemented,
        native.RuntimeException,
    )
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except faults as error:
        raise InputError(f"{path}: onnxruntime {onnxruntime.__version__} cannot load it ({' '.join(str(error).split())}).") from error
    return session, onnxruntime.__version__


def _spec(path: Path, value: Any) -> TensorSpec:
    if not all(isinstance(size, int) and size > 0 for size in value.shape):
        found = "×".join(map(str, value.shape))
        raise UnsupportedModelError(f"{path}: '{value.name}' has the dynamic shape {found}; a static shape is needed (export with fixed sizes).")
    shape = tuple(value.shape)
    return TensorSpec(value.name, shape, _DTYPES.get(value.type, value.type), guess_layout(shape))
