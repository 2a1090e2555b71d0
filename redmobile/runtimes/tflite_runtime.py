"""tflite-runtime, the predecessor of LiteRT: what phones and boards of some years ago have. It needs numpy < 2, so an environment of its own."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from redmobile.errors import DeviceError
from redmobile.runtimes.base import RUNTIMES
from redmobile.runtimes.tflite_interpreter import InterpreterRuntime, load_interpreter


@RUNTIMES.register("tflite")
def open_tflite(path: Path, threads: int) -> InterpreterRuntime:
    """Load a .tflite with tflite-runtime. Raises as `load_interpreter`; DeviceError where it is not installed.

    Its XNNPACK takes float networks only: integer ones run on its own kernels (2.14.0 was asked; that is how it was built).
    """
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise DeviceError(
            f"tflite-runtime cannot be loaded here ({reason}). It needs numpy < 2: in an environment of its own, pip install tflite-runtime 'numpy<2'"
        ) from error
    name = f"tflite-runtime {importlib.metadata.version('tflite-runtime')}"
    return load_interpreter(name, path, lambda content: Interpreter(model_content=content, num_threads=threads), frozenset({"float32"}))
