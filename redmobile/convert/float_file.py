"""An ONNX file as a float .tflite, without a recipe around it."""

from __future__ import annotations

from pathlib import Path

from redmobile.convert.metadata import attach, describe
from redmobile.convert.onnx_to_tflite import lower
from redmobile.core.converter import LoweringChoices
from redmobile.graph.onnx_graph import load_onnx
from redmobile.graph.tflite_write import write_tflite


def write_float(onnx: Path, file: Path, choices: LoweringChoices) -> Path:
    """Lower the network at `onnx` to a float .tflite at `file`, which is returned. Raises InputError, UnsupportedModelError."""
    graph = load_onnx(onnx)
    model = lower(graph, choices)
    attach(model, describe(graph, "", model))
    file.write_bytes(write_tflite(model))
    return file
