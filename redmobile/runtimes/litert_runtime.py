"""LiteRT (ai-edge-litert) on the CPU, with XNNPACK or another delegate. The runtime that the phone has, and the default."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

from redmobile.errors import DeviceError
from redmobile.runtimes.base import DELEGATED, RUNTIMES, Delegate
from redmobile.runtimes.external_delegate import DelegatedRuntime, load_with_delegate
from redmobile.runtimes.tflite_interpreter import InterpreterRuntime, load_interpreter


@RUNTIMES.register("litert")
def open_litert(path: Path, threads: int) -> InterpreterRuntime:
    """Load a .tflite with LiteRT. Raises as `load_interpreter`."""
    engine = _engine()
    return load_interpreter(_name(), path, lambda content: engine.Interpreter(model_content=content, num_threads=threads))


@DELEGATED.register("litert")
def open_litert_with(path: Path, threads: int, delegate: Delegate) -> DelegatedRuntime:
    """Load a .tflite with LiteRT and an external delegate. Raises as `load_with_delegate`."""
    return load_with_delegate(_engine(), _name(), path, threads, delegate)


def _engine() -> Any:
    try:
        import ai_edge_litert.interpreter as engine
    except ImportError as error:
        raise DeviceError(f"LiteRT cannot be loaded here ({error}): pip install ai-edge-litert") from error
    return engine


def _name() -> str:
    return f"litert {importlib.metadata.version('ai-edge-litert')}"
