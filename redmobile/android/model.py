"""Which models the app takes: one RGBA picture in, one of the same size out, a bitmap's bytes with their sign bit flipped."""

from __future__ import annotations

from pathlib import Path

from redmobile.core.artifact import read_bytes
from redmobile.errors import UnsupportedModelError
from redmobile.graph.tflite_model import Tensor
from redmobile.graph.tflite_read import read_tflite
from redmobile.graph.tflite_resize import resize_pictures
from redmobile.graph.tflite_write import write_tflite

MODEL_NAME = "red_mobile_rgba_int8.tflite"
"""The asset's name in the APK, whatever the file was called."""

SMALLER_FOLDER = "smaller"
"""Where among the assets the same network lies for smaller pictures, as HEIGHTxWIDTH.tflite."""

_SMALLER, _MULTIPLE = (2 / 3, 0.4), 64
"""Parts of each side, and what they are rounded to: sides that six halvings divide."""

_RANK, _CHANNELS = 4, 4
_ZERO_POINT, _LEVELS, _TOLERANCE = -128, 255.0, 1e-3


def check_bitmap_model(path: Path) -> tuple[int, int]:
    """(height, width) of the pictures. Raises InputError (no model), UnsupportedModelError (another kind of model)."""
    model = read_tflite(read_bytes(path), str(path))
    tensors = [*model.inputs, *model.outputs]
    if len(tensors) != 2 or not all(map(_is_picture, tensors)) or tensors[0].shape != tensors[1].shape:  # noqa: PLR2004 - in and out
        found = " to ".join(f"{tensor.dtype} {'×'.join(map(str, tensor.shape))}" for tensor in tensors)
        raise UnsupportedModelError(
            f"{path}: the app takes models from int8 1×H×W×4 to the same, scale 1/255 and zero point -128; found {found}. "
            "Convert yours with: redmobile convert … --with litert_int8 --io rgba:int8"
        )
    return tensors[0].shape[1], tensors[0].shape[2]


def smaller_models(path: Path) -> dict[str, bytes]:
    """{file name: model}: the network of the file `path` for smaller pictures, which the live camera goes down to on a phone that is too slow.

    Raises UnsupportedModelError: the network cannot be given another size.
    """
    data = read_bytes(path)
    found = {}
    for part in _SMALLER:
        model = read_tflite(data, str(path))
        _, height, width, _ = model.inputs[0].shape
        small = tuple(max(_MULTIPLE, int(side * part / _MULTIPLE + 0.5) * _MULTIPLE) for side in (height, width))
        if small[0] < height and small[1] < width:
            resize_pictures(model, *small)
            found[f"{small[0]}x{small[1]}.tflite"] = write_tflite(model)
    return found


def _is_picture(tensor: Tensor) -> bool:
    quantization = tensor.quantization
    if tensor.dtype != "int8" or len(tensor.shape) != _RANK or tensor.shape[0] != 1 or tensor.shape[-1] != _CHANNELS or quantization is None:
        return False
    scales, zero_points = quantization.scale, quantization.zero_point
    return bool(abs(float(scales.flat[0]) * _LEVELS - 1) < _TOLERANCE and int(zero_points.flat[0]) == _ZERO_POINT)
