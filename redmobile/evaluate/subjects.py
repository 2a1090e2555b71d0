"""What is evaluated: forms of one network, and peers beside it."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from redmobile.convert.float_file import write_float
from redmobile.core.artifact import read_bytes, sha256_file
from redmobile.core.converter import LoweringChoices
from redmobile.core.metrics import Frame
from redmobile.enhance.control import Control, enhance_frame
from redmobile.enhance.image_model import ImageModel
from redmobile.enhance.open_model import open_model
from redmobile.enhance.spread import Network
from redmobile.errors import InputError, UsageError
from redmobile.evaluate.result import Subject
from redmobile.runtimes.base import DEFAULT_RUNTIMES, open_runtime
from redmobile.shelf import find

Stage = Literal["torch", "onnx", "float", "int8"]
STAGES: tuple[Stage, ...] = ("torch", "onnx", "float", "int8")


_FULL = Control()
_Opened = tuple[Subject, ImageModel, Network | None]


@dataclasses.dataclass(frozen=True)
class Enhancer:
    """A subject, and what it makes of a frame of any size. network: what a cluster needs to do the same; None where there is no file."""

    facts: Subject
    enhance: Callable[[Frame], Frame]
    network: Network | None = None
    control: Control = _FULL


@contextlib.contextmanager
def open_subjects(
    model: str, stages: Sequence[Stage], peers: Sequence[Path], control: Control = _FULL, threads: int | None = None
) -> Iterator[list[Enhancer]]:
    """The network `model` (on the shelf: in each of `stages`; or a file), then the `peers` (.tflite or .onnx), loaded.

    float: lowered from the ONNX file. control: how strongly the network is used; peers always fully.
    Raises InputError, UsageError (stages of a file), UnsupportedModelError, DeviceError, MissingExtraError.
    """
    with tempfile.TemporaryDirectory(prefix="redmobile-evaluate-") as folder:
        if Path(model).suffix.lower() in DEFAULT_RUNTIMES:
            if stages:
                raise UsageError(f"{model}: is one file; --stage goes with a model on the shelf or a folder.")
            opened = [_file(Path(model).stem, Path(model), threads)]
        else:
            opened = [_stage(model, stage, Path(folder), threads) for stage in stages or ("int8",)]
        opened += [_file(peer.stem, peer, threads) for peer in peers]
        names = [facts.name for facts, *_ in opened]
        if len(set(names)) < len(names):
            raise UsageError(f"Two of what is evaluated have one name ({', '.join(names)}): rename a file.")
        yield [_controlled(*one, control if place < len(opened) - len(peers) else _FULL) for place, one in enumerate(opened)]


def _controlled(facts: Subject, model: ImageModel, network: Network | None, control: Control) -> Enhancer:
    return Enhancer(facts, lambda frame: enhance_frame(model, frame, control.weight(frame)), network, control)


def _file(name: str, path: Path, threads: int | None, says: str = "") -> _Opened:
    runtime = open_runtime(path, threads=threads)
    facts = Subject(name=name, file=says or path.name, sha256=sha256_file(path), runtime=runtime.name)
    return facts, ImageModel(runtime), Network(path.name, read_bytes(path), None, threads)


def _stage(model: str, stage: Stage, scratch: Path, threads: int | None) -> _Opened:
    folder = find("models", model)
    folder = folder if folder.is_dir() else folder.parent
    if stage == "torch":
        image_model, says = open_model(model, "torch", threads)
        return (
            Subject(name=stage, file="weights.safetensors", sha256=sha256_file(folder / "weights.safetensors"), runtime=says.rpartition(" in ")[2]),
            image_model,
            None,
        )
    onnx, int8 = folder / f"{folder.name}.onnx", folder / f"{folder.name}_int8.tflite"
    needed = int8 if stage == "int8" else onnx
    if not needed.is_file():
        raise InputError(f"{folder}: holds no {needed.name}, which the stage '{stage}' needs; make it: redmobile build {model} --out {folder}")
    if stage == "float":
        return _file(stage, write_float(onnx, scratch / f"{onnx.stem}_float.tflite", LoweringChoices()), threads, f"lowered from {onnx.name}")
    return _file(stage, needed, threads)
