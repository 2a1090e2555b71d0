"""Which files are compared, and with whose gates."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from redmobile.convert.metadata import FileMetadata, read_metadata
from redmobile.core.artifact import read_bytes, sha256_file
from redmobile.core.converter import Converter, load_converter
from redmobile.errors import InputError, UsageError
from redmobile.shelf import find, names

DEFAULT_CONVERTER = "litert_int8"
"""Whose file is compared when a model on the shelf is named and nothing else is said."""


@dataclasses.dataclass(frozen=True)
class Sources:
    """What a chain is built from. converted: the .tflite in question.

    onnx, float_file: None if not given. network: name of the torch network, None if there is none to look for;
    network_asked_for: by the user, so that it must be there. converter: None if nobody knows which it was, so there are no gates.
    """

    converted: Path
    onnx: Path | None
    float_file: Path | None
    network: str | None
    network_asked_for: bool
    converter_name: str
    converter: Converter | None
    remarks: tuple[str, ...]

    @property
    def last_stage(self) -> str:
        """What the converted file's stage is called: 'float' for a plain float32 file, else after the converter."""
        if self.converter is None:
            return "converted"
        if self.converter.quantize is None and self.converter.weights == "float32":
            return "float"
        return Path(self.converter_name).stem.removeprefix("litert_")


def find_sources(
    target: str, *, onnx: Path | None, float_file: Path | None, network: str | None, converter: str | None, alone: bool = False
) -> Sources:
    """The Sources for `target`: a .tflite, or a model on the shelf (its ONNX and its converted file). alone: the .tflite will do, without others.

    Without `converter`, it is the one that the .tflite names in its metadata. Raises InputError, UsageError, DocumentError.
    """
    path = Path(target)
    if path.suffix.lower() == ".tflite":
        return _of_file(path, onnx, float_file, network, converter, alone=alone)
    folder = find("models", target)
    name = converter or DEFAULT_CONVERTER
    converted = folder / f"{folder.name}_{Path(name).stem.removeprefix('litert_')}.tflite"
    if not converted.is_file():
        raise InputError(f"{folder}: holds no {converted.name}; convert it first: redmobile convert {target} --with {name} --out {converted}")
    beside = folder / f"{folder.name}.onnx"
    sources = _of_file(converted, onnx or (beside if beside.is_file() else None), float_file, network or target, name)
    return dataclasses.replace(sources, network_asked_for=network is not None)


def _of_file(
    converted: Path, onnx: Path | None, float_file: Path | None, network: str | None, converter: str | None, *, alone: bool = False
) -> Sources:
    metadata = read_metadata(read_bytes(converted), str(converted))
    _check_there(onnx, float_file)
    if not (onnx or float_file or network or alone):
        raise UsageError(f"{converted}: there is nothing to compare it with; give --onnx, --float, --model or --on.")
    if metadata and metadata.adapted and (onnx or network):
        raise UsageError(
            f"{converted}: takes plain RGB pixels where its network takes others ({metadata.adapted}), so the two cannot be given the same picture; "
            "compare it with --float, a file converted by litert_fp32 with the same options."
        )
    remarks = _remarks(converted, metadata, onnx)
    name = converter or (metadata.converter if metadata and metadata.converter in names("converters") else None)
    if name is None:
        remarks.append(f"{converted.name} does not say which converter made it, so there are no gates; name one with --with.")
    return Sources(
        converted=converted,
        onnx=onnx,
        float_file=float_file,
        network=network,
        network_asked_for=network is not None,
        converter_name=name or "",
        converter=load_converter(name) if name else None,
        remarks=tuple(remarks),
    )


def _check_there(*files: Path | None) -> None:
    for file in files:
        if file is not None and not file.is_file():
            raise InputError(f"{file}: {'is a folder, a file was expected' if file.is_dir() else 'no such file'}.")


def _remarks(converted: Path, metadata: FileMetadata | None, onnx: Path | None) -> list[str]:
    if metadata is None or onnx is None or not metadata.onnx_sha256:
        return []
    found = sha256_file(onnx)
    if found == metadata.onnx_sha256:
        return []
    return [f"{converted.name} was converted from another ONNX file (sha256 {metadata.onnx_sha256[:12]}) than {onnx.name} ({found[:12]})."]
