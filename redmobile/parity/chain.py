"""The chain: the same network as torch, ONNX, TFLite float and as converted, each loaded and ready to run."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.convert.float_file import write_float
from redmobile.core.artifact import sha256_file
from redmobile.core.converter import LoweringChoices
from redmobile.core.environment import version_of
from redmobile.core.tensor_spec import TensorSpec
from redmobile.errors import MissingExtraError, ParityError, UsageError
from redmobile.parity.sources import Sources
from redmobile.runtimes.base import Delegate, Runtime, open_runtime


class Watched:
    """A runtime whose outputs are looked at: ParityError for a value that is not finite. Implements runtimes.base.Runtime."""

    def __init__(self, stage: str, runtime: Runtime) -> None:
        self.name = runtime.name
        self.inputs: tuple[TensorSpec, ...] = runtime.inputs
        self.outputs: tuple[TensorSpec, ...] = runtime.outputs
        self.metadata: Mapping[str, str] = runtime.metadata
        self._stage = stage
        self._runtime = runtime

    def run(self, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """See runtimes.base.Runtime."""
        found = self._runtime.run(*arrays)
        for spec, array in zip(self.outputs, found, strict=True):
            bad = array.size - int(np.count_nonzero(np.isfinite(array)))
            if bad:
                raise ParityError(f"{self._stage}: {bad} of {array.size} values of its output '{spec.name}' are not finite.")
        return found


@dataclasses.dataclass(frozen=True, eq=False)
class Stage:
    """One form of the network. file: its name (the sha256 says which one), never a path of this machine; path: None for a torch network."""

    name: str
    file: str
    sha256: str
    runtime: Runtime
    path: Path | None = None

    @property
    def is_onnx(self) -> bool:
        """Whether it is an ONNX file, or a torch network: images lie there as NCHW."""
        return self.path is None or self.path.suffix.lower() == ".onnx"


@dataclasses.dataclass(frozen=True, eq=False)
class Chain:
    """stages: in the order in which the network is made, the converted file last; absent: stage → why it is not there."""

    stages: tuple[Stage, ...]
    absent: dict[str, str]
    remarks: tuple[str, ...]


@contextlib.contextmanager
def open_chain(sources: Sources, threads: int | None, delegate: Delegate | None = None, on: str | None = None) -> Iterator[Chain]:
    """Load every stage that `sources` allow; `threads` for each engine. delegate: what the last one, the converted file, is handed to.

    on: a runtime in which the converted file is one more stage, the last.

    The float stage is lowered from the ONNX file where no file is given. Raises InputError, UnsupportedModelError, DeviceError,
    MissingExtraError (a torch network was asked for), UsageError (fewer than two stages).
    """
    absent: dict[str, str] = {}
    remarks = list(sources.remarks)
    onnx = open_stage("onnx", sources.onnx, threads) if sources.onnx else None
    if onnx is None:
        absent["onnx"] = "no ONNX file was given"
    torch = _torch_stage(sources, onnx, threads, absent, remarks)
    with tempfile.TemporaryDirectory(prefix="redmobile-parity-") as folder:
        lowered = _float_stage(sources, Path(folder), threads, absent)
        last = open_stage(sources.last_stage, sources.converted, threads, delegate=delegate)
        there = open_stage(on, sources.converted, threads, runtime=on) if on else None
        stages = tuple(stage for stage in (torch, onnx, lowered, last, there) if stage is not None)
        if len(stages) == 1:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in absent.items())
            raise UsageError(f"{sources.converted}: there is nothing to compare it with ({reasons}).")
        remarks += [f"{name} is left out: {reason}." for name, reason in absent.items()]
        yield Chain(stages, absent, tuple(remarks))


def open_stage(
    name: str, file: Path, threads: int | None, says: str | None = None, *, runtime: str | None = None, delegate: Delegate | None = None
) -> Stage:
    """The network at `file`, loaded in `runtime` (None: the one for its ending). says: instead of the file's name.

    delegate: what the engine hands it to. Raises as `open_runtime`.
    """
    return Stage(name, says or file.name, sha256_file(file), Watched(name, open_runtime(file, runtime, threads, delegate=delegate)), file)


def open_lowered(name: str, onnx: Path, choices: LoweringChoices, folder: Path, threads: int | None) -> Stage:
    """The network at `onnx`, lowered to a float .tflite in `folder`. Raises InputError, UnsupportedModelError, DeviceError."""
    file = write_float(onnx, folder / f"{onnx.stem}_float.tflite", choices)
    return open_stage(name, file, threads, f"lowered from {onnx.name}")


def _float_stage(sources: Sources, folder: Path, threads: int | None, absent: dict[str, str]) -> Stage | None:
    if sources.last_stage == "float":
        absent["float"] = "the converted file is the float one"
        return None
    if sources.float_file is not None:
        return open_stage("float", sources.float_file, threads)
    if sources.onnx is None:
        absent["float"] = "neither a float .tflite nor an ONNX file to lower was given"
        return None
    choices = sources.converter.lowering if sources.converter else LoweringChoices()
    return open_lowered("float", sources.onnx, choices, folder, threads)


def _torch_stage(sources: Sources, onnx: Stage | None, threads: int | None, absent: dict[str, str], remarks: list[str]) -> Stage | None:
    if sources.network is None:
        absent["torch"] = "no torch network was named"
        return None
    if version_of("torch") is None:
        if sources.network_asked_for:
            raise MissingExtraError("torch", "torch", "Comparing with the torch network")
        absent["torch"] = "torch is not installed"
        return None
    from redmobile.nets.checkpoint import WEIGHTS, load_model, weights_sha256
    from redmobile.nets.model_document import load_model_document
    from redmobile.runtimes.torch_runtime import open_module

    folder, document = load_model_document(sources.network)
    if not (folder / WEIGHTS).is_file() and not sources.network_asked_for:
        absent["torch"] = f"{folder} holds no {WEIGHTS}"
        return None
    network = load_model(sources.network)
    sha256 = weights_sha256(network)
    said = onnx.runtime.metadata.get("redmobile.weights_sha256") if onnx else None
    if said and said != sha256:
        remarks.append(f"The ONNX file was exported from other weights (sha256 {said[:12]}) than those in {folder / WEIGHTS} ({sha256[:12]}).")
    height, width, _ = onnx.runtime.inputs[0].image_size if onnx else (document.input.height, document.input.width, 3)
    return Stage("torch", WEIGHTS, sha256, Watched("torch", open_module(network, (height, width), threads)))
