"""The networks of a comparison, ready to be converted: as ONNX files, and as PyTorch code where there is some."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from redmobile.bench.peers.conversion import Frames, ReadyNetwork, run_job
from redmobile.bench.peers.drivers.protocol import Job, Module
from redmobile.bench.peers.limited import Limits
from redmobile.bench.peers.tables import NetworkTable
from redmobile.bench.peers.tools import Tool
from redmobile.core.artifact import sha256_bytes, sha256_file
from redmobile.data.calibration import load_calibration
from redmobile.errors import InputError, ToolError, UnsupportedModelError
from redmobile.nets.model_document import load_model_document
from redmobile.runtimes.base import open_runtime
from redmobile.shelf import find

_ONNX, _WEIGHTS = "network.onnx", "weights.safetensors"
_RGB = 3

Builder = Callable[[], Tool]
"""The tool that builds PyTorch networks and exports them; its environment is made when it is first asked for."""


def load_frames(folder: Path, count: int, size: tuple[int, int], out: Path) -> Frames:
    """`count` pictures of `folder`, cut or mirrored to `size`, as an .npy of (N, H, W, 3) float32 in [0, 1] under `out`. Raises InputError."""
    found = load_calibration(folder, *size, count)
    pixels = np.stack(found.pictures)
    sha256 = sha256_bytes(pixels.tobytes())
    file = out / "frames" / f"{size[0]}x{size[1]}_{sha256[:12]}.npy"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial.npy")
        np.save(partial, pixels.astype(np.float32) / np.float32(255))
        partial.replace(file)
    return Frames(folder, count, file, sha256)


def network_size(table: NetworkTable, plan_folder: Path) -> tuple[int, int]:
    """(height, width) of the picture that the network takes. Raises InputError, DocumentError, UsageError."""
    if table.source == "model":
        return load_model_document(_model_name(table, plan_folder))[1].checked_size(table.size)
    if table.size is None:
        raise InputError(f"The network '{table.name}' needs a size, (height, width), in the plan.")
    return table.size


def ready_network(table: NetworkTable, frames: Frames, plan_folder: Path, builder: Builder, out: Path, limits: Limits) -> ReadyNetwork:
    """The network as ONNX and as code; one without an ONNX file is built and exported first, once. Raises InputError, ToolError."""
    size = network_size(table, plan_folder)
    if table.source == "model" and not table.what.endswith(".toml"):
        folder = find("models", table.what).resolve()
        onnx = folder / f"{folder.name}.onnx"
        module = Module("model", str(folder / "model.toml"), {}, str(folder / _WEIGHTS))
        return ReadyNetwork(table.name, onnx, sha256_file(onnx), module, size)
    module = Module(table.source, _model_name(table, plan_folder), dict(table.options))
    return _built(table.name, module, size, frames, builder(), out, limits)


def onnx_network(path: Path) -> ReadyNetwork:
    """A network that exists as an ONNX file only. Raises InputError, UnsupportedModelError (it does not take one RGB picture)."""
    specs = open_runtime(path).inputs
    if len(specs) != 1 or specs[0].layout != "NCHW" or specs[0].shape[:2] != (1, _RGB):
        raise UnsupportedModelError(
            f"{path}: expected one input of 1×3×H×W (RGB) to calibrate and compare with pictures, found {', '.join(map(str, specs))}."
        )
    height, width, _ = specs[0].image_size
    return ReadyNetwork(path.stem, path, sha256_file(path), None, (height, width))


def _model_name(table: NetworkTable, plan_folder: Path) -> str:
    """What build_module is to build: for a .toml beside the plan its path."""
    if table.source == "model":
        return str((plan_folder / table.what if table.what.endswith(".toml") else find("models", table.what) / "model.toml").resolve())
    return table.what


def _built(name: str, module: Module, size: tuple[int, int], frames: Frames, builder: Tool, out: Path, limits: Limits) -> ReadyNetwork:
    parts = [builder.fingerprint, frames.sha256, repr(size), repr(module.options), module.source, module.what]
    if module.source == "model":
        parts.append(sha256_file(Path(module.what)))
    entry = out / "networks" / f"{name}_{sha256_bytes(_joined(parts))[:12]}"
    if not (entry / _ONNX).is_file():
        job = Job(str(entry), "", module, size, "fp32", str(frames.folder), frames.count, str(frames.file.resolve()))
        _build(name, job, builder, limits)
    ready = Module(module.source, module.what, module.options, str((entry / _WEIGHTS).resolve()))
    return ReadyNetwork(name, entry / _ONNX, sha256_file(entry / _ONNX), ready, size)


def _build(name: str, job: Job, builder: Tool, limits: Limits) -> None:
    """Leave network.onnx and weights.safetensors in the job's folder, or nothing."""
    entry = Path(job.folder)
    shutil.rmtree(entry, ignore_errors=True)
    entry.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="work_", dir=entry) as folder:
        ended, answer = run_job(builder, dataclasses.replace(job, folder=folder), entry / "log.txt", limits)
        if answer is None:
            raise ToolError(f"The network '{name}' could not be built: {ended.reason or 'no answer'} (see networks/{entry.name}/log.txt).")
        (Path(folder) / _WEIGHTS).replace(entry / _WEIGHTS)
        (Path(folder) / answer.file).replace(entry / _ONNX)


def _joined(parts: Sequence[str]) -> bytes:
    return "\0".join(parts).encode()
