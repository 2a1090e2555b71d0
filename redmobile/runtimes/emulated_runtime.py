"""LiteRT on an emulated ARM processor: qemu:cortex-a76, one runtime for every device file with [cpu]. For equality, not for speed."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from redmobile.core.artifact import read_bytes
from redmobile.core.tensor_spec import TensorSpec
from redmobile.emulator.cpus import PREFIX, cpu_names, load_cpu
from redmobile.emulator.network import EmulatedNetwork
from redmobile.errors import UsageError
from redmobile.graph.tflite_read import read_tflite
from redmobile.runtimes.base import RUNTIMES, check_arrays
from redmobile.runtimes.tflite_interpreter import file_metadata


class EmulatedRuntime:
    """A .tflite in the emulated LiteRT. Implements runtimes.base.Runtime."""

    def __init__(self, cpu: str, network: EmulatedNetwork, metadata: Mapping[str, str]) -> None:
        self.name = f"litert {network.version} on {PREFIX}{cpu}"
        self.inputs: tuple[TensorSpec, ...] = network.inputs
        self.outputs: tuple[TensorSpec, ...] = network.outputs
        self.metadata = metadata
        self._network = network

    def run(self, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """See runtimes.base.Runtime. Raises ToolError too, if the emulated process dies."""
        check_arrays(self.inputs, arrays)
        return self._network.run(*arrays)


def open_emulated(path: Path, threads: int, *, cpu: str) -> EmulatedRuntime:
    """Load a .tflite with the emulated LiteRT on `cpu`. Raises as EmulatedNetwork; UsageError for another kind of file."""
    if path.suffix.lower() != ".tflite":
        raise UsageError(f"{path}: emulated processors run LiteRT, which takes .tflite files.")
    model = read_tflite(read_bytes(path), str(path))
    network = EmulatedNetwork(path, load_cpu(cpu)[1], threads=threads)
    return EmulatedRuntime(cpu, network, file_metadata(path, model))


for _name in cpu_names():
    RUNTIMES.register(f"{PREFIX}{_name}")(functools.partial(open_emulated, cpu=_name))
