"""What every runtime offers, and how one is chosen."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from redmobile.core.registry import Registry
from redmobile.core.tensor_spec import TensorSpec
from redmobile.errors import InputError, UsageError


class Runtime(Protocol):
    """One loaded network, ready to run. Not thread-safe: one runtime a thread."""

    name: str
    """The engine and its version, e.g. 'litert 2.3.0'."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    metadata: Mapping[str, str]
    """What the file says of itself, e.g. {'redmobile.input_range': '0,1'}; empty for a file from elsewhere."""

    def run(self, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Outputs for one set of inputs, in the dtypes, shapes and layouts of the specs; the caller owns what comes back.

        Raises UsageError if the number, a shape or a dtype of `arrays` is not that of `inputs`.
        """
        ...


Opener = Callable[[Path, int], Runtime]
"""(file, threads) → runtime. Raises InputError for a broken file, MissingExtraError or DeviceError where the engine is not installed."""

RUNTIMES: Registry[Opener] = Registry("runtime", "redmobile.runtimes")
"""Engine name → how to open a file with it. No engine is imported before it is asked for."""


@dataclasses.dataclass(frozen=True)
class Delegate:
    """What an engine hands (parts of) a graph to, in place of its own choice.

    name: 'redmobile' for our kernels, or the path of another external delegate's library (.so); options: key → value, for it.
    """

    name: str
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)


DelegatedOpener = Callable[[Path, int, Delegate], Runtime]
"""As Opener, with a delegate. Raises also UsageError (an option that the delegate refuses), UnsupportedModelError (it takes no operator)."""

DELEGATED: Registry[DelegatedOpener] = Registry("runtime with delegates", "redmobile.runtimes")
"""Engine name → how to open a file with it and an external delegate."""

DEFAULT_RUNTIMES = {".tflite": "litert", ".onnx": "onnxruntime"}
"""Ending of a file → the engine that runs it when none is named."""


def open_runtime(path: Path, name: str | None = None, threads: int | None = None, delegate: Delegate | None = None) -> Runtime:
    """Load the network at `path` with the engine `name`, or with the one that suits the file's ending.

    threads: how many the engine may use; None: as many as this process may. delegate: what it hands the graph to; None: its own choice.
    Raises UsageError (unknown engine or ending), InputError (missing or broken file), UnsupportedModelError (a network the engine
    cannot run), MissingExtraError or DeviceError (engine not installed or not able to do its work).
    """
    if name is None:
        name = DEFAULT_RUNTIMES.get(path.suffix.lower())
        if name is None:
            raise UsageError(f"{path}: a network file ends with {' or '.join(DEFAULT_RUNTIMES)}; for another ending say which runtime is meant.")
    opener = RUNTIMES[name]
    if threads is not None and threads < 1:
        raise UsageError(f"The number of threads must be at least 1, found {threads}.")
    if path.is_dir():
        raise InputError(f"{path}: is a folder, the file of a network was expected.")
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    if delegate is None:
        return opener(path, threads or available_threads())
    if name not in DELEGATED.names():
        raise UsageError(f"--delegate: the runtime {name} takes no delegates; those that do: {', '.join(DELEGATED.names())}.")
    return DELEGATED[name](path, threads or available_threads(), delegate)


def available_threads() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_arrays(specs: tuple[TensorSpec, ...], arrays: tuple[NDArray[Any], ...]) -> None:
    """Raise UsageError unless `arrays` have the number, shapes and dtypes of `specs`."""
    if len(specs) != len(arrays):
        raise UsageError(f"The network takes {len(specs)} inputs, {len(arrays)} were given.")
    for spec, array in zip(specs, arrays, strict=True):
        if array.shape != spec.shape or array.dtype.name != spec.dtype:
            found = "×".join(map(str, array.shape))
            raise UsageError(f"The network's input is {spec}; an array of {found} {array.dtype.name} was given.")
