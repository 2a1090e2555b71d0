"""What a converted file says of itself: TFLite metadata entry "redmobile", a JSON document."""

from __future__ import annotations

import msgspec
import numpy as np

from redmobile.convert.outer_layout import outer_layout
from redmobile.core.documents import Document
from redmobile.core.tensor_spec import Layout
from redmobile.errors import InputError
from redmobile.graph.layout import IMAGE_RANK
from redmobile.graph.onnx_graph import OnnxGraph
from redmobile.graph.tflite_model import Tensor, TfliteModel
from redmobile.graph.tflite_read import read_metadata_entries

ENTRY = "redmobile"
"""Name of the metadata entry."""

_IMAGE_CHANNELS = 3


class Port(Document):
    """One input or output.

    layout: as the file has it, '?' for what is not of rank 4. range: (low, high) of the real values; of integers, what their dtype can
    hold. order: of the channels of an image, '' for anything else.
    """

    name: str
    range: tuple[float, float]
    layout: Layout
    order: str


class FileMetadata(Document):
    """Whence a file comes. sha256 in hexadecimal, '' where unknown; converter: name of the recipe.

    adapted: how the file's pixels differ from those that the network in the ONNX file takes, beside alpha; '' if they do not.
    """

    name: str
    version: str
    converter: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    weights_sha256: str
    onnx_sha256: str
    adapted: str = ""


def input_range(graph: OnnxGraph) -> tuple[float, float]:
    """Real values of pixels 0 and 255, as the ONNX file says; [0, 1] where it says nothing. Raises InputError if they are not two numbers."""
    return _range(graph.metadata.get("redmobile.input_range", "0,1"))


def describe(graph: OnnxGraph, converter: str, model: TfliteModel, order: str = "RGB", adapted: str = "") -> FileMetadata:
    """The metadata of `model`, which `converter` made of `graph`; a foreign ONNX file without our properties has range [0, 1].

    order: of the channels that the file has where the graph has three; adapted: see FileMetadata.

    Raises InputError if the ONNX file's property redmobile.input_range is not two numbers.
    """
    low_high = input_range(graph)
    return FileMetadata(
        name=graph.metadata.get("redmobile.name", ""),
        version=graph.metadata.get("redmobile.version", ""),
        converter=converter,
        inputs=tuple(_port(tensor, graph, low_high, order) for tensor in model.inputs),
        outputs=tuple(_port(tensor, graph, low_high, order) for tensor in model.outputs),
        weights_sha256=graph.metadata.get("redmobile.weights_sha256", ""),
        onnx_sha256=graph.sha256,
        adapted=adapted,
    )


def attach(model: TfliteModel, metadata: FileMetadata) -> None:
    """Put `metadata` into `model`."""
    model.metadata[ENTRY] = msgspec.json.encode(metadata)


def read_metadata(data: bytes, name: str = "TFLite model") -> FileMetadata | None:
    """The metadata in the bytes of a .tflite file, without reading the rest of it; None for a file that is not ours.

    Raises InputError (not a TFLite file, damaged, or metadata that does not fit).
    """
    return _decode(read_metadata_entries(data, name), name)


def metadata_of(model: TfliteModel) -> FileMetadata | None:
    """The metadata of a model in memory; None for one that is not ours. Raises InputError if it does not fit."""
    return _decode(model.metadata, "TFLite model")


def _decode(entries: dict[str, bytes], name: str) -> FileMetadata | None:
    if ENTRY not in entries:
        return None
    try:
        return msgspec.json.decode(entries[ENTRY], type=FileMetadata)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{name}: its metadata entry '{ENTRY}' cannot be read ({error}).") from error


def _port(tensor: Tensor, graph: OnnxGraph, floats: tuple[float, float], order: str) -> Port:
    dtype = np.dtype(graph.dtypes[tensor.name])
    low_high = (float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)) if dtype.kind in "iu" else (0.0, 1.0) if dtype.kind == "b" else floats
    shape = graph.shapes[tensor.name]
    layout = outer_layout(shape, _without_alpha(tensor.shape, shape))
    channels = 0 if layout == "?" else _without_alpha(tensor.shape, shape)[3 if layout == "NHWC" else 1]
    return Port(name=tensor.name, range=low_high, layout=layout, order=order if channels == _IMAGE_CHANNELS else "")


def _without_alpha(shape: tuple[int, ...], onnx_shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that the file would have without the fourth channel that --io rgba adds to an ONNX shape of three."""
    added = len(shape) == IMAGE_RANK and shape[3] == _IMAGE_CHANNELS + 1 and onnx_shape[1] == _IMAGE_CHANNELS
    return (*shape[:3], _IMAGE_CHANNELS) if added else shape


def _range(text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"The ONNX file's property redmobile.input_range should be two numbers like '0,1', found '{text}'.") from error
    return low, high
