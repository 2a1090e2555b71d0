"""LiteRT (ai-edge-litert) on the CPU, with XNNPACK. The runtime that the phone has, and the default."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from redmobile.errors import DeviceError
from redmobile.runtimes.base import RUNTIMES
from redmobile.runtimes.tflite_interpreter import InterpreterRuntime, load_interpreter


@RUNTIMES.register("litert")
def open_litert(path: Path, threads: int) -> InterpreterRuntime:
    """Load a .tflite with LiteRT. Raises as `load_interpreter`."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise DeviceError(f"LiteRT cannot be loaded here ({error}): pip install ai-edge-litert") from error
    name = f"litert {importlib.metadata.version('ai-edge-litert')}"
    return load_interpreter(name, path, lambda content: Interpreter(model_content=content, num_threads=threads))
