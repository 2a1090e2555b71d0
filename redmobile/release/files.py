"""The files of a model's folder: its ONNX, its INT8 file, and the same weights and scales for frames of other sizes."""

from __future__ import annotations

import collections
import tempfile
from collections.abc import Callable
from pathlib import Path

from redmobile.core.artifact import read_bytes, sha256_file, write_bytes
from redmobile.errors import UnsupportedModelError
from redmobile.export.torch_to_onnx import export_onnx
from redmobile.graph.macs import total_macs
from redmobile.graph.tflite_read import read_tflite
from redmobile.nets.model_document import ModelDocument, OtherFrame, load_model_document
from redmobile.npu.islands import float_islands
from redmobile.pipeline import check_graph, convert
from redmobile.release.document import ReleasedFile

CONVERTER = "litert_int8"

OnProgress = Callable[[str, int, int], None]
"""(what is being done, done, in all)."""


def make_files(folder: Path, on_progress: OnProgress | None = None) -> None:
    """Export and convert the model in `folder` for each of its frames. Raises what export and convert raise.

    Weights that bring no scales (no weights_int8.safetensors) are calibrated with the pictures in `folder`/calibration. The same weights
    give the same bytes.
    """
    _, document = load_model_document(str(folder))
    calibration = folder / "calibration"
    frames = frames_of(document)
    with tempfile.TemporaryDirectory(prefix="redmobile-release-") as scratch:
        for done, frame in enumerate(frames):
            file = int8_file(folder, frame if done else None)
            if on_progress:
                on_progress(file.name, done, len(frames))
            onnx = (Path(scratch) if done else folder) / f"{folder.name}.onnx"
            export_onnx(str(folder), onnx, size=graph_size(document, frame), body=frame.body)
            write_bytes(file, convert(onnx, CONVERTER, calibration if calibration.is_dir() else None).data)


def released(folder: Path) -> tuple[ReleasedFile, ...]:
    """The INT8 files that lie in `folder`, checked. Raises InputError (one is missing), UnsupportedModelError (XNNPACK takes one in pieces)."""
    _, document = load_model_document(str(folder))
    return tuple(_released(int8_file(folder, frame if place else None), frame) for place, frame in enumerate(frames_of(document)))


def frames_of(document: ModelDocument) -> list[OtherFrame]:
    """What files are made for: the frame in model.toml's [input], then its `frames`."""
    return [OtherFrame(size=(document.input.height, document.input.width)), *document.frames]


def graph_size(document: ModelDocument, frame: OtherFrame) -> tuple[int, int]:
    """What `frame` is mirrored on to: the next multiples of what the network can take."""
    multiple = document.size_multiple * frame.body
    height, width = (-(-side // multiple) * multiple for side in frame.size)
    return height, width


def int8_file(folder: Path, frame: OtherFrame | None = None) -> Path:
    """NAME_int8.tflite for the frame of model.toml's [input], NAME_int8_720p.tflite for others."""
    return folder / f"{folder.name}_int8{f'_{frame.size[0]}p' if frame else ''}.tflite"


def _released(file: Path, frame: OtherFrame) -> ReleasedFile:
    model = read_tflite(read_bytes(file), str(file))
    operators = dict(collections.Counter(operator.kind for operator in model.operators).most_common())
    graph, islands = check_graph(file, operators), float_islands(model)
    if graph.partitions != 1 or graph.outside or islands:
        outside = ", ".join(graph.outside) or "none"
        raise UnsupportedModelError(
            f"{file}: one XNNPACK partition and no float island were expected; found {graph.partitions} partitions (outside: {outside}) "
            f"and {len(islands)} islands. See `redmobile npu {file} --for xnnpack`."
        )
    _, height, width, _ = model.inputs[0].shape
    return ReleasedFile(
        file=file.name,
        sha256=sha256_file(file),
        bytes=file.stat().st_size,
        frame=frame.size,
        body=frame.body,
        graph=(height, width),
        macs=total_macs(model),
        partitions=graph.partitions,
        islands=len(islands),
        operators=operators,
    )
