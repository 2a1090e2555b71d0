"""LiteRT (ai-edge-litert) on the CPU, with XNNPACK. The runtime that the phone has, and the default."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from redmobile.core.artifact import read_bytes
from redmobile.errors import DeviceError, InputError
from redmobile.runtimes.base import RUNTIMES
from redmobile.runtimes.tflite_interpreter import InterpreterRuntime


@RUNTIMES.register("litert")
def open_litert(path: Path, threads: int) -> InterpreterRuntime:
    """Load a .tflite with LiteRT. Raises InputError, DeviceError."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise DeviceError(f"LiteRT cannot be loaded here ({error}): pip install ai-edge-litert") from error
    version = importlib.metadata.version("ai-edge-litert")
    content = read_bytes(path)
    try:
        return InterpreterRuntime(f"litert {version}", path, Interpreter(model_content=content, num_threads=threads), {})
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: LiteRT {version} cannot load it ({' '.join(str(error).split())}).") from error
