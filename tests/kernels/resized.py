"""RED-mobile's INT8 file at another size of picture: the same operators and weights, so the same arithmetic, in a fraction of the time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from redmobile.graph.tflite_model import TfliteModel
from redmobile.graph.tflite_read import read_tflite
from redmobile.graph.tflite_write import write_tflite
from redmobile.shelf import find

_HEIGHTS = (1088, 272, 136, 68, 34, 17)
_WIDTHS = (1920, 480, 240, 120, 60, 30, 5760)


def resized_red_mobile(height: int, width: int) -> bytes:
    """height, width: multiples of 64. The released network is 1088×1920."""
    model = read_tflite((find("models", "red_mobile") / "red_mobile_int8.tflite").read_bytes())

    def scaled(shape: tuple[int, ...]) -> tuple[int, ...]:
        batch, rows, columns, channels = shape
        rows = rows * height // 1088 if rows in _HEIGHTS else rows
        columns = columns * width // 1920 if columns in _WIDTHS else columns
        return batch, rows, columns, channels * width // 1920 if channels == 5760 else channels  # a row of the picture as channels

    for tensor in model.tensors():
        if tensor.data is None and len(tensor.shape) == 4:
            tensor.shape = scaled(tensor.shape)
    _rewrite_sizes(model)
    return write_tflite(model)


def _rewrite_sizes(model: TfliteModel) -> None:
    for operator in model.operators:
        shape = operator.outputs[0].shape
        if operator.kind == "RESHAPE":
            operator.options["new_shape"] = list(shape)
            operator.inputs[1].data = np.array(shape, np.int32)
        if operator.kind == "RESIZE_BILINEAR":
            operator.inputs[1].data = np.array(shape[1:3], np.int32)


def write_resized(folder: Path, height: int, width: int) -> Path:
    """The same as a file."""
    path = folder / f"red_mobile_{height}x{width}.tflite"
    path.write_bytes(resized_red_mobile(height, width))
    return path
