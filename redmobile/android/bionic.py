"""An APK's native code and model on Android's own libc, on this machine: unidbg carries bionic and an arm64 processor, but no kernel, ART or GPU.

It says whether the libraries load there, compute what LiteRT computes here or where they part, and refuse what must be refused without a
crash. How fast a phone is it cannot tell.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.android.apk.code import compile_java
from redmobile.android.apk.downloads import fetch
from redmobile.android.apk.native import BRIDGE, DELEGATE, TFLITE
from redmobile.android.apk.tools import Tools, find_tools, run
from redmobile.android.build import ABI
from redmobile.android.model import MODEL_NAME, check_bitmap_model
from redmobile.android.source import find_source
from redmobile.core.artifact import read_bytes, sha256_bytes, write_bytes
from redmobile.core.cache import cache_folder
from redmobile.data.calibration import load_calibration
from redmobile.errors import InputError, ToolError
from redmobile.graph.tflite_read import read_tflite
from redmobile.graph.tflite_write import write_tflite
from redmobile.runtimes.base import Delegate, open_runtime

REFUSALS = {
    "delegate": "a delegate's library that is not there",
    "plugin": "a library that is no delegate",
    "truncated": "half a model",
    "zeros": "a file of zeros",
    "size": "a picture of another size",
}
"""What must be refused with an exception → in words."""

_FRAME_SECONDS = 120


ROUNDS_OTHERWISE = {"MUL": 1}
"""Operators that XNNPACK computes otherwise on ARM than on x86 → by how many codes at most: it rescales with integers there, with floats here."""


@dataclasses.dataclass(frozen=True)
class FrameOnBionic:
    """One picture. different: bytes that differ from LiteRT's here, of `bytes`; largest: by how many codes at most."""

    name: str
    sha256: str
    bytes: int
    different: int
    largest: int


@dataclasses.dataclass(frozen=True)
class Origin:
    """An operator that got the same bytes there and here and gave others. tensor: its output; the rest as of FrameOnBionic."""

    kind: str
    tensor: str
    bytes: int
    different: int
    largest: int

    def __str__(self) -> str:
        return f"{self.kind} '{self.tensor}': {self.different} of {self.bytes:,} bytes differ, by up to {self.largest}"


@dataclasses.dataclass(frozen=True)
class DelegateOnBionic:
    """A delegate there. coverage, frames: as of OnBionic."""

    name: str
    coverage: tuple[int, ...]
    frames: tuple[FrameOnBionic, ...]

    @property
    def faults(self) -> tuple[str, ...]:
        """It took nothing, or computes something else."""
        idle = () if self.coverage[3] else (f"{self.name} took none of {self.coverage[0]} nodes",)
        apart = (
            f"{self.name} differs from LiteRT here in {frame.different:,} of {frame.bytes:,} bytes of {frame.name}"
            for frame in self.frames
            if frame.different
        )
        return (*idle, *apart)


@dataclasses.dataclass(frozen=True)
class OnBionic:
    """What was seen. coverage: nodes, left to plain kernels, partitions, of which by the delegate asked for. refused: what was thrown, of REFUSALS.

    origins: where the first frame that differs begins to do so. delegate: what one did that was asked for.
    """

    apk: str
    tflite: str
    coverage: tuple[int, ...]
    frames: tuple[FrameOnBionic, ...]
    origins: tuple[Origin, ...]
    refused: dict[str, str]
    delegate: DelegateOnBionic | None = None

    @property
    def faults(self) -> tuple[str, ...]:
        """What is not as it must be, a sentence each. Differences that begin where ARM is known to round otherwise are none."""
        unknown = (str(origin) for origin in self.origins if origin.largest > ROUNDS_OTHERWISE.get(origin.kind, 0))
        accepted = (f"{words} was not refused" for name, words in REFUSALS.items() if name not in self.refused)
        left = (f"{self.coverage[1]} of {self.coverage[0]} nodes run outside XNNPACK",) if self.coverage[1] else ()
        return (*unknown, *accepted, *left, *(self.delegate.faults if self.delegate else ()))

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**dataclasses.asdict(self), "faults": list(self.faults)}


@dataclasses.dataclass(frozen=True)
class _Phone:
    """Runs models on the APK's libraries in `folder`; work: a folder for logs."""

    folder: Path
    command: tuple[str, ...]
    work: Path

    def run(
        self, model: Path, inputs: Sequence[NDArray[np.int8]], *, refuse: bool = False, delegate: Delegate | None = None
    ) -> tuple[list[NDArray[np.int8]], str]:
        """(for each input all outputs, one behind the other; what was said). delegate: name: of a library in the folder. Raises ToolError."""
        out = self.folder / "out"
        out.mkdir(exist_ok=True)
        places = [self.folder / f"frame{index}" for index in range(len(inputs))]
        for place, codes in zip(places, inputs, strict=True):
            write_bytes(place, codes.tobytes())
        arguments = map(str, (self.folder, model, out, *places))
        java, *options = self.command
        asked = [f"-Dredmobile.refuse={str(refuse).lower()}"]
        if delegate is not None:
            pairs = ",".join(f"{key}={value}" for key, value in delegate.options.items())
            asked += [f"-Dredmobile.delegate={delegate.name}", f"-Dredmobile.delegate.options={pairs}"]
        command = [java, *asked, *options, "dev.redmobile.bionic.Main", *arguments]
        said = run(command, "running on bionic", self.work / "bionic.log", timeout_s=_FRAME_SECONDS * (2 + len(inputs)))
        return [np.fromfile(out / str(index), np.int8) for index in range(len(inputs)) if (out / str(index)).is_file()], said


def run_on_bionic(apk: Path, pictures: Path, frames: int, delegate: Delegate | None = None) -> OnBionic:
    """Run the model of `apk` on `frames` of the `pictures` (a folder, cut or mirrored to size) under unidbg and in LiteRT here.

    delegate: 'redmobile', the one in the APK, or the path of another library for arm64: the frames go through it too.
    Raises InputError (no APK of ours, no such delegate), DeviceError (a tool is missing), ToolError (unidbg failed).
    """
    tools, work = find_tools(), cache_folder() / "android" / "bionic"
    work.mkdir(parents=True, exist_ok=True)
    classes, classpath = _harness(tools, work)
    command = (tools.jdk.program("java"), "-Xmx2g", "-cp", os.pathsep.join(map(str, (classes, *classpath))))
    with tempfile.TemporaryDirectory(prefix="redmobile-bionic.") as temporary:
        phone = _Phone(Path(temporary), command, work)
        model = _unpack(apk, phone.folder)
        height, width = check_bitmap_model(model)
        taken = load_calibration(pictures, height, width, frames)
        inputs = [_codes(picture) for picture in taken.pictures]
        outputs, said = phone.run(model, inputs, refuse=True)
        version, coverage, refused = _answers(apk, said)
        reference = open_runtime(model, "litert")
        expected = {name: reference.run(codes)[0] for name, codes in zip(taken.lock, inputs, strict=True)}
        seen = _compared(expected, outputs)
        first = next((index for index, frame in enumerate(seen) if frame.different), None)
        origins = () if first is None else _origins(phone, model, inputs[first])
        delegated = None if delegate is None else _delegated(phone, apk, model, inputs, expected, delegate)
    return OnBionic(str(apk), version, coverage, seen, origins, refused, delegated)


def _delegated(
    phone: _Phone, apk: Path, model: Path, inputs: Sequence[NDArray[np.int8]], expected: Mapping[str, NDArray[Any]], delegate: Delegate
) -> DelegateOnBionic:
    found = _take(apk, phone.folder, delegate)
    outputs, said = phone.run(model, inputs, delegate=found)
    return DelegateOnBionic(found.name, _answers(apk, said)[1], _compared(expected, outputs))


def _take(apk: Path, folder: Path, delegate: Delegate) -> Delegate:
    """The delegate's library into `folder`; gives the delegate by the name that it has there. Raises InputError."""
    if delegate.name != "redmobile":
        path = Path(delegate.name)
        write_bytes(folder / path.name, read_bytes(path))
        return Delegate(path.name, delegate.options)
    try:
        with zipfile.ZipFile(apk) as archive:
            write_bytes(folder / DELEGATE, archive.read(f"lib/{ABI}/{DELEGATE}"))
    except KeyError as error:
        raise InputError(f"{apk}: holds no {DELEGATE}; it was built by an older redmobile. Build it again: redmobile android build") from error
    return Delegate(DELEGATE, delegate.options)


def _origins(phone: _Phone, model: Path, codes: NDArray[np.int8]) -> tuple[Origin, ...]:
    """The operators of `model` whose inputs are the same there and here, and whose outputs are not: every tensor is made an output."""
    traced = read_tflite(read_bytes(model), str(model))
    traced.outputs = [tensor for operator in traced.operators for tensor in operator.outputs]
    traced.metadata.clear()
    path = phone.folder / "traced.tflite"
    write_bytes(path, write_tflite(traced))
    (there,), _ = phone.run(path, [codes])
    here = open_runtime(path, "litert").run(codes)
    ends = np.cumsum([array.size for array in here])
    apart = {id(t): _apart(a, b) for t, a, b in zip(traced.outputs, np.split(there, ends[:-1]), here, strict=True)}
    different = {key for key, values in apart.items() if values.any()}
    origins = []
    for operator in traced.operators:
        if not any(id(tensor) in different for tensor in operator.inputs):
            origins += [_origin(operator.kind, tensor.name, apart[id(tensor)]) for tensor in operator.outputs if id(tensor) in different]
    return tuple(origins)


def _origin(kind: str, name: str, apart: NDArray[np.int16]) -> Origin:
    return Origin(kind, name, apart.size, int(np.count_nonzero(apart)), int(apart.max(initial=0)))


def _apart(there: NDArray[np.int8], here: NDArray[Any]) -> NDArray[np.int16]:
    """By how many codes each value differs."""
    return np.abs(there.astype(np.int16) - here.reshape(-1).astype(np.int16))


def _harness(tools: Tools, work: Path) -> tuple[Path, list[Path]]:
    """(our classes that drive unidbg, compiled now; the jars they need)."""
    source = find_source()
    jars = sorted(fetch(source, "bionic", tools.maven).values())
    classes = work / "bionic_classes"
    classes.mkdir(exist_ok=True)
    compile_java(sorted((source / "bionic").rglob("*.java")), jars, tools, classes, work / "bionic_javac.log", release=17)
    return classes, jars


def _unpack(apk: Path, folder: Path) -> Path:
    """The two libraries and the model into `folder`; gives the model's path."""
    wanted = {f"lib/{ABI}/{BRIDGE}": BRIDGE, f"lib/{ABI}/{TFLITE}": TFLITE, f"assets/{MODEL_NAME}": MODEL_NAME}
    try:
        with zipfile.ZipFile(apk) as archive:
            for entry, name in wanted.items():
                write_bytes(folder / name, archive.read(entry))
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise InputError(f"{apk}: is no APK of `redmobile android build` ({error}).") from error
    return folder / MODEL_NAME


def _codes(picture: NDArray[np.uint8]) -> NDArray[np.int8]:
    """(H, W, 3) uint8 → (1, H, W, 4) int8: opaque, sign bits flipped, as the app's bitmaps are."""
    rgba = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    return np.ascontiguousarray(rgba ^ np.uint8(0x80))[None].view(np.int8)


def _answers(apk: Path, said: str) -> tuple[str, tuple[int, ...], dict[str, str]]:
    """(TFLite's version, coverage, what was refused and how). Raises ToolError (nothing could be computed)."""
    answers = [line.removeprefix("redmobile ") for line in said.splitlines() if line.startswith("redmobile ")]
    version = next((line.removeprefix("version ") for line in answers if line.startswith("version ")), "")
    coverage = next((tuple(map(int, re.findall(r"\d+", line))) for line in answers if line.startswith("coverage ")), ())
    if not coverage:
        raise ToolError(f"{apk}: the model could not be loaded on bionic: {'; '.join(answers)}.")
    thrown = dict(line.removeprefix("thrown ").split(" ", 1) for line in answers if line.startswith("thrown ") and not line.endswith(" null"))
    if failed := thrown.get("frame"):
        raise ToolError(f"{apk}: an inference failed on bionic: {failed}.")
    return version, coverage, {name: text for name, text in thrown.items() if name in REFUSALS}


def _compared(expected: Mapping[str, NDArray[Any]], outputs: Sequence[NDArray[np.int8]]) -> tuple[FrameOnBionic, ...]:
    """expected: name → what LiteRT gives here."""
    return tuple(_frame(name, output, here) for (name, here), output in zip(expected.items(), outputs, strict=True))


def _frame(name: str, output: NDArray[np.int8], here: NDArray[Any]) -> FrameOnBionic:
    apart = _apart(output, here)
    return FrameOnBionic(name, sha256_bytes(output.tobytes()), output.size, int(np.count_nonzero(apart)), int(apart.max(initial=0)))
