"""TensorFlow's own TFLite interpreter: a second opinion."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from redmobile.errors import MissingExtraError
from redmobile.runtimes.base import RUNTIMES
from redmobile.runtimes.tflite_interpreter import InterpreterRuntime, load_interpreter


@RUNTIMES.register("tensorflow")
def open_tensorflow(path: Path, threads: int) -> InterpreterRuntime:
    """Load a .tflite with tf.lite.Interpreter. Raises as `load_interpreter`; MissingExtraError where TensorFlow is not installed."""
    try:
        import tensorflow as tf
    except ImportError as error:
        raise MissingExtraError("tensorflow", "tensorflow", "the runtime tensorflow") from error

    def make(content: bytes) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated")  # LiteRT is what it advises; we have it
            return tf.lite.Interpreter(model_content=content, num_threads=threads)

    return load_interpreter(f"tensorflow {tf.__version__}", path, make)
