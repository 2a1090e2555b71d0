"""The rooms in order, one function a way: from an ONNX file to a finished .tflite."""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from redmobile.convert.metadata import metadata_of
from redmobile.convert.onnx_to_tflite import convert as lower_as
from redmobile.core.artifact import read_bytes, sha256_bytes
from redmobile.core.converter import Converter, Quantize, load_converter
from redmobile.core.metrics import Frame
from redmobile.data.calibration import DEFAULT_SAMPLES, CalibrationSet, load_calibration
from redmobile.errors import InputError, UnsupportedModelError, UsageError
from redmobile.graph.onnx_graph import read_onnx
from redmobile.graph.tflite_model import TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.quantize import Report, quantize
from redmobile.shelf import find

OnProgress = Callable[[str, int, int], None]
"""(stage, done, total)."""

CALIBRATION_ENTRY = "redmobile.calibration"
"""Metadata entry of a quantized file: names and sha256 of the images that it was calibrated with, as JSON."""

_RGB = 3


@dataclasses.dataclass(frozen=True)
class Source:
    """An ONNX file, and the folder of calibration images that lies beside it on the models shelf, if there is one."""

    onnx: Path
    calibration: Path | None = None


@dataclasses.dataclass(frozen=True)
class Conversion:
    """What `convert` did, ready for people and for JSON. operators: kind → how many; calibration: name of an image → sha256."""

    converter: str
    says: str
    onnx_sha256: str
    onnx_bytes: int
    tflite_sha256: str
    tflite_bytes: int
    operators: dict[str, int]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    calibration: dict[str, str]
    quantization: Report | None

    def as_json(self) -> dict[str, Any]:
        """Plain dicts and lists."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Converted:
    """data: the file's bytes; model: the same as objects; report: how it came about."""

    data: bytes
    model: TfliteModel
    report: Conversion


def find_source(name: str) -> Source:
    """The ONNX file that `name` means: a path that ends with .onnx, or a model on the shelf.

    Raises InputError (no such file or model; a model that has not been exported yet).
    """
    if name.endswith(".onnx"):
        return Source(Path(name))
    folder = find("models", name)
    onnx, calibration = folder / f"{folder.name}.onnx", folder / "calibration"
    if not onnx.is_file():
        raise InputError(f"{onnx}: no such file. Write it with `redmobile export {name} --out {onnx}`, or give an .onnx file.")
    return Source(onnx, calibration if calibration.is_dir() else None)


def convert(
    source: Path,
    converter: Converter | str,
    calibrate: Path | Sequence[Frame] | None = None,
    *,
    io: str | None = None,
    samples: int = DEFAULT_SAMPLES,
    on_progress: OnProgress | None = None,
) -> Converted:
    """ONNX → .tflite: lower, store weights as float16 or quantize as `converter` (a recipe, or its name) says, add metadata.

    calibrate: images for a quantizing recipe: a folder, of which at most `samples` are taken, or frames of the input's size,
    (H, W, 3) uint8 RGB. io: dtype of inputs and outputs instead of the recipe's. The same arguments give the same bytes.
    Raises InputError, UnsupportedModelError, UsageError (nothing to calibrate with; options that do not fit), DocumentError.
    """
    recipe, name = (load_converter(converter), Path(converter).stem) if isinstance(converter, str) else (converter, "custom")
    content = read_bytes(source)
    plan = _quantization(recipe, io, calibrate)
    model = lower_as(read_onnx(content, str(source), source.parent), name, recipe)
    images, report = CalibrationSet((), {}), None
    if plan is not None and calibrate is not None:
        images = _images(model, calibrate, samples)
        quantized = quantize(model, plan, images.frames, input_range=_input_range(model), on_progress=on_progress)
        model, report = quantized.model, quantized.report
        model.metadata[CALIBRATION_ENTRY] = json.dumps(images.lock).encode()
    data = write_tflite(model)
    return Converted(data, model, _conversion(recipe, name, content, data, model, images.lock, report))


def _quantization(recipe: Converter, io: str | None, calibrate: Path | Sequence[Frame] | None) -> Quantize | None:
    """The recipe's [quantize] with the asked-for dtype; None for a float recipe. Refuses what does not go together."""
    if recipe.quantize is None:
        if io not in (None, "float32"):
            raise UsageError(
                f"This recipe does not quantize: inputs and outputs are float32, not {io}. Choose a quantizing recipe, e.g. litert_int8."
            )
        return None
    if calibrate is None:
        raise UsageError("A quantizing recipe needs images to measure ranges with: give --calibrate DIR, a folder of typical pictures (4 to 32).")
    return recipe.quantize if io is None else msgspec.structs.replace(recipe.quantize, io=io)


def _images(model: TfliteModel, calibrate: Path | Sequence[Frame], samples: int) -> CalibrationSet:
    if not isinstance(calibrate, Path):
        return CalibrationSet(tuple(calibrate), {f"frame {index}": sha256_bytes(frame.tobytes()) for index, frame in enumerate(calibrate)})
    shape = model.inputs[0].shape
    if len(model.inputs) != 1 or len(shape) != 4 or shape[3] != _RGB:  # noqa: PLR2004
        found = ", ".join("×".join(map(str, tensor.shape)) for tensor in model.inputs)
        raise UnsupportedModelError(f"Calibration from pictures needs one input of 1×H×W×3 (RGB), the network has {found}.")
    return load_calibration(calibrate, shape[1], shape[2], samples)


def _input_range(model: TfliteModel) -> tuple[float, float]:
    metadata = metadata_of(model)
    return metadata.inputs[0].range if metadata else (0.0, 1.0)


def _conversion(
    recipe: Converter, name: str, content: bytes, data: bytes, model: TfliteModel, lock: dict[str, str], report: Report | None
) -> Conversion:
    kinds = collections.Counter(operator.kind for operator in model.operators)
    return Conversion(
        converter=name,
        says=recipe.says,
        onnx_sha256=sha256_bytes(content),
        onnx_bytes=len(content),
        tflite_sha256=sha256_bytes(data),
        tflite_bytes=len(data),
        operators=dict(kinds.most_common()),
        inputs=tuple(_port(tensor) for tensor in model.inputs),
        outputs=tuple(_port(tensor) for tensor in model.outputs),
        calibration=lock,
        quantization=report,
    )


def _port(tensor: Any) -> str:
    text = f"{tensor.name}: {'×'.join(map(str, tensor.shape))} {tensor.dtype}"
    if tensor.quantization is None:
        return text
    return f"{text}, scale {tensor.quantization.scale[0]:.9g}, zero point {tensor.quantization.zero_point[0]}"
