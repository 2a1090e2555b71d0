"""tflite-runtime, the predecessor of LiteRT: what phones and boards of some years ago have. It needs numpy < 2, so an environment of its own."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

from redmobile.errors import DeviceError
from redmobile.runtimes.base import DELEGATED, RUNTIMES, Delegate
from redmobile.runtimes.external_delegate import DelegatedRuntime, load_with_delegate
from redmobile.runtimes.tflite_interpreter import InterpreterRuntime, load_interpreter


@RUNTIMES.register("tflite")
def open_tflite(path: Path, threads: int) -> InterpreterRuntime:
    """Load a .tflite with tflite-runtime. Raises as `load_interpreter`; DeviceError where it is not installed.

    Its XNNPACK takes float networks only: integer ones run on its own kernels (2.14.0 was asked; that is how it was built).
    """
    engine = _engine()
    return load_interpreter(_name(), path, lambda content: engine.Interpreter(model_content=content, num_threads=threads), frozenset({"float32"}))


@DELEGATED.register("tflite")
def open_tflite_with(path: Path, threads: int, delegate: Delegate) -> DelegatedRuntime:
    """Load a .tflite with tflite-runtime and an external delegate. Raises as `load_with_delegate`."""
    return load_with_delegate(_engine(), _name(), path, threads, delegate)


def _name() -> str:
    return f"tflite-runtime {importlib.metadata.version('tflite-runtime')}"


def _engine() -> Any:
    try:
        import tflite_runtime.interpreter as engine
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise DeviceError(
            f"tflite-runtime cannot be loaded here ({reason}). It needs numpy < 2: in an environment of its own, pip install tflite-runtime 'numpy<2'"
        ) from error
    return engine
