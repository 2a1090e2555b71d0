"""One conversion by one converter: in a process of its own, within limits, and only once for the same network, frames and versions."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Literal

import msgspec

from redmobile.bench.peers.drivers.protocol import ANSWER, Answer, Job, Module
from redmobile.bench.peers.limited import Ended, Limits, run_limited
from redmobile.bench.peers.tables import Precision
from redmobile.bench.peers.tools import DRIVE, Tool
from redmobile.core.artifact import sha256_bytes, sha256_file
from redmobile.core.documents import Document, from_dict
from redmobile.core.results import read_json, write_json
from redmobile.errors import DocumentError, InputError

Outcome = Literal["converted", "failed", "not applicable", "timed out", "out of memory"]

_RECORD = "record.json"
_LOG = "log.txt"
_LASTING: tuple[Outcome, ...] = ("converted", "failed")
"""Outcomes that another try would not change; time and memory depend on what else the machine does."""


@dataclasses.dataclass(frozen=True)
class Frames:
    """Calibration pictures. folder: they come from; count: how many are taken; file: the same, fitted to a network, as .npy; sha256: of that."""

    folder: Path
    count: int
    file: Path
    sha256: str


@dataclasses.dataclass(frozen=True)
class ReadyNetwork:
    """A network to be converted. onnx: its file; module: the same in PyTorch, None if it exists as a file only; size: (height, width)."""

    name: str
    onnx: Path
    onnx_sha256: str
    module: Module | None
    size: tuple[int, int]


class MadeFile(Document):
    """What a converter made. file: from the output folder."""

    file: str
    sha256: str
    bytes: int


class Conversion(Document):
    """What became of one conversion.

    seconds: from the start of the process, imports included, until the file was whole, or until the process ended without one;
    import_seconds: the part in which packages were loaded. peak_bytes: the most memory that its processes held at once.
    versions: package → version. log: what it said, from the output folder. load_average: of one minute, when it began; None where unknown.
    """

    converter: str
    precision: Precision
    outcome: Outcome
    reason: str
    seconds: float
    import_seconds: float
    peak_bytes: int
    file: MadeFile | None
    versions: dict[str, str]
    log: str
    onnx_sha256: str
    frames_sha256: str
    tool_sha256: str
    date: str
    load_average: float | None


def run_job(tool: Tool, job: Job, log: Path, limits: Limits) -> tuple[Ended, Answer | None]:
    """Carry out `job` in its folder, which is there already; no answer where it ended badly."""
    folder = Path(job.folder)
    file = folder / "job.json"
    file.write_text(json.dumps(dataclasses.asdict(job)), encoding="utf-8")
    command = [str(tool.python), "-P", str(DRIVE), str(tool.driver), str(file), repr(time.time())]
    ended = run_limited(command, folder, _variables(tool.python), log, limits)
    if ended.end != "done":
        return ended, None
    return ended, _answer(folder)


def convert_once(tool: Tool, network: ReadyNetwork, precision: Precision, frames: Frames, out: Path, limits: Limits) -> tuple[Conversion, bool]:
    """The conversion, and whether it had been done before, in an earlier run with the same folder `out`. Raises OutputError, ToolError."""
    key = sha256_bytes("\0".join([tool.fingerprint, network.onnx_sha256, frames.sha256, str(frames.count), precision]).encode())
    entry = out / "conversions" / network.name / f"{tool.name}_{precision}_{key[:12]}"
    known = _known(entry, out)
    if known is not None:
        return known, True
    shutil.rmtree(entry, ignore_errors=True)
    entry.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="work_", dir=entry) as folder:
        began = dt.datetime.now(dt.UTC)
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        ended, answer = run_job(tool, _job(Path(folder), network, precision, frames, tool), entry / _LOG, limits)
        made = entry / f"{network.name}_{precision}_{tool.name}.tflite"
        if answer is not None:
            Path(folder, answer.file).replace(made)
    conversion = Conversion(
        converter=tool.name,
        precision=precision,
        outcome=_outcome(ended, answer),
        reason="" if answer else ended.reason or "ended well and left no answer",
        seconds=answer.seconds if answer else ended.seconds,
        import_seconds=answer.import_seconds if answer else 0.0,
        peak_bytes=ended.peak_bytes,
        file=MadeFile(file=made.relative_to(out).as_posix(), sha256=sha256_file(made), bytes=made.stat().st_size) if made.is_file() else None,
        versions=answer.versions if answer else {},
        log=(entry / _LOG).relative_to(out).as_posix(),
        onnx_sha256=network.onnx_sha256,
        frames_sha256=frames.sha256,
        tool_sha256=tool.fingerprint,
        date=began.isoformat(timespec="seconds"),
        load_average=load,
    )
    if conversion.outcome in _LASTING:
        write_json(entry / _RECORD, msgspec.to_builtins(conversion))
    return conversion, False


def _variables(python: Path) -> dict[str, str]:
    """Our variables, with the tool's programs first on PATH (onnx2tf calls onnxsim by name) and nothing of ours on its module path."""
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    return {**own, "PATH": f"{python.parent}{os.pathsep}{own.get('PATH', '')}", "CUDA_VISIBLE_DEVICES": ""}


def _job(folder: Path, network: ReadyNetwork, precision: Precision, frames: Frames, tool: Tool) -> Job:
    return Job(
        folder=str(folder),
        onnx=str(network.onnx.resolve()),
        module=network.module,
        size=network.size,
        precision=precision,
        calibration=str(frames.folder.resolve()),
        samples=frames.count,
        frames=str(frames.file.resolve()),
        recipe=tool.recipes.get(precision, ""),
    )


def _answer(folder: Path) -> Answer | None:
    with contextlib.suppress(FileNotFoundError, TypeError, ValueError):
        return Answer(**json.loads((folder / ANSWER).read_text(encoding="utf-8")))
    return None


def _outcome(ended: Ended, answer: Answer | None) -> Outcome:
    if answer is not None:
        return "converted"
    return "failed" if ended.end == "done" else ended.end


def _known(entry: Path, out: Path) -> Conversion | None:
    """The record of an earlier run, if it is whole and its file is still what it was."""
    try:
        found = from_dict(read_json(entry / _RECORD), Conversion, str(entry / _RECORD))
        if found.file is None or sha256_file(out / found.file.file) == found.file.sha256:
            return found
    except (InputError, DocumentError):
        return None
    return None
