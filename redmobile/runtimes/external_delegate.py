"""What LiteRT and tflite-runtime have in common where a graph is handed to an external delegate. Knows neither of the two."""

from __future__ import annotations

import ctypes
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redmobile.core.artifact import read_bytes
from redmobile.errors import DeviceError, InputError, UnsupportedModelError, UsageError
from redmobile.kernels.library import need_library
from redmobile.runtimes.base import Delegate
from redmobile.runtimes.tflite_interpreter import InterpreterRuntime, load_interpreter

OWN = "redmobile"
"""The name of our own kernels."""


class DelegatedRuntime(InterpreterRuntime):
    """A network in an Interpreter with an external delegate.

    delegate: its name; plans: how our kernels run each part that they took (see `redmobile kernels plan`), () for others' delegates.
    """

    delegate: str = ""
    plans: tuple[Mapping[str, Any], ...] = ()


def load_with_delegate(engine: Any, name: str, path: Path, threads: int, delegate: Delegate) -> DelegatedRuntime:
    """The runtime of the .tflite at `path`. engine: the module with Interpreter and load_delegate; name: engine and version.

    Raises as `load_interpreter`, and UsageError (the delegate refuses an option), DeviceError (no such library, or not built),
    UnsupportedModelError (it takes no operator of the graph: the engine would run without it, and say nothing).
    """
    library = need_library() if delegate.name == OWN else Path(delegate.name)
    if not library.is_file():
        raise UsageError(f"--delegate {delegate.name}: expected {OWN} or the path of a delegate's library (.so); there is no such file.")
    with tempfile.TemporaryDirectory(prefix="redmobile-delegate-") as folder:
        plan_file = Path(folder) / "plan.json"
        options = {"threads": str(min(threads, 8)), **delegate.options, "plan": str(plan_file)} if delegate.name == OWN else dict(delegate.options)
        loaded = _load_delegate(engine, library, options)
        runtime = load_interpreter(
            f"{name} + {delegate.name if delegate.name == OWN else library.name}",
            path,
            lambda content: engine.Interpreter(model_content=content, num_threads=threads, experimental_delegates=[loaded]),
            kind=DelegatedRuntime,
        )
        runtime.delegate = delegate.name
        if delegate.name == OWN:
            runtime.plans = _plans(path, plan_file)
    return runtime


def _load_delegate(engine: Any, library: Path, options: Mapping[str, str]) -> Any:
    try:
        ctypes.CDLL(str(library))  # the engine would say the same, and once more when its half-made object goes
        return engine.load_delegate(str(library), dict(options))
    except ValueError as error:
        raise UsageError(f"--delegate-option: {_one_line(error)}") from error
    except OSError as error:
        raise DeviceError(f"{library}: cannot be loaded as a delegate ({_one_line(error)}).") from error


def _plans(path: Path, plan_file: Path) -> tuple[Mapping[str, Any], ...]:
    try:
        plans = tuple(part["plan"] | {"nodes": part["nodes"]} for part in json.loads(read_bytes(plan_file)))
    except InputError as error:
        raise DeviceError(f"{path}: the delegate {OWN} did not know this runtime, and it would run without it.") from error
    if not plans:
        raise UnsupportedModelError(f"{path}: the delegate {OWN} takes none of its operators (it runs INT8 networks); leave --delegate out.")
    return plans


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
