"""An APK's native code and model on Android's own libc, on this machine: unidbg carries bionic and an arm64 processor, but no kernel, ART or GPU.

It says whether the libraries load there, compute what LiteRT computes here, and refuse what must be refused without a crash. How fast a phone
is it cannot tell.
"""

from __future__ import annotations

import dataclasses
import re
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.android.apk.code import compile_java
from redmobile.android.apk.downloads import fetch
from redmobile.android.apk.native import BRIDGE, TFLITE
from redmobile.android.apk.tools import Tools, find_tools, run
from redmobile.android.build import ABI
from redmobile.android.model import MODEL_NAME, check_bitmap_model
from redmobile.android.source import find_source
from redmobile.core.artifact import sha256_bytes, write_bytes
from redmobile.core.cache import cache_folder
from redmobile.data.calibration import load_calibration
from redmobile.errors import InputError, ToolError
from redmobile.runtimes.base import open_runtime

REFUSALS = {
    "delegate": "a delegate's library that is not there",
    "plugin": "a library that is no delegate",
    "truncated": "half a model",
    "zeros": "a file of zeros",
    "size": "a picture of another size",
}
"""What must be refused with an exception → in words."""

_FRAME_SECONDS = 120


@dataclasses.dataclass(frozen=True)
class FrameOnBionic:
    """One picture. different: bytes that differ from LiteRT's here, of `bytes`; largest: by how many codes at most."""

    name: str
    sha256: str
    bytes: int
    different: int
    largest: int


@dataclasses.dataclass(frozen=True)
class OnBionic:
    """What was seen. coverage: nodes, left to plain kernels, partitions, of which asked for. refused: of REFUSALS, what was thrown."""

    apk: str
    tflite: str
    coverage: tuple[int, ...]
    frames: tuple[FrameOnBionic, ...]
    refused: dict[str, str]

    @property
    def faults(self) -> tuple[str, ...]:
        """What is not as it must be, a sentence each."""
        differing = (
            f"{frame.name}: {frame.different} of {frame.bytes} bytes differ, by up to {frame.largest}" for frame in self.frames if frame.different
        )
        accepted = (f"{words} was not refused" for name, words in REFUSALS.items() if name not in self.refused)
        left = (f"{self.coverage[1]} of {self.coverage[0]} nodes run outside XNNPACK",) if self.coverage[1] else ()
        return (*differing, *accepted, *left)

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**dataclasses.asdict(self), "faults": list(self.faults)}


def run_on_bionic(apk: Path, pictures: Path, frames: int) -> OnBionic:
    """Run the model of `apk` on `frames` of the `pictures` (a folder, cut or mirrored to size) under unidbg and in LiteRT here.

    Raises InputError (no APK of ours), DeviceError (a tool is missing), ToolError (unidbg failed).
    """
    tools, work = find_tools(), cache_folder() / "android" / "bionic"
    work.mkdir(parents=True, exist_ok=True)
    classes, classpath = _harness(tools, work)
    with tempfile.TemporaryDirectory(prefix="redmobile-bionic.") as temporary:
        folder = Path(temporary)
        model = _unpack(apk, folder)
        height, width = check_bitmap_model(model)
        taken = load_calibration(pictures, height, width, frames)
        inputs = [_codes(picture) for picture in taken.pictures]
        for index, codes in enumerate(inputs):
            write_bytes(folder / f"frame{index}", codes.tobytes())
        (folder / "out").mkdir()
        places = [folder / f"frame{index}" for index in range(len(inputs))]
        command = (tools.jdk.program("java"), "-Xmx2g", "-cp", ":".join(map(str, (classes, *classpath))), "dev.redmobile.bionic.Main")
        arguments = (folder, model, folder / "out", *places)
        said = run((*command, *arguments), "running on bionic", work / "bionic.log", timeout_s=_FRAME_SECONDS * (2 + len(inputs)))
        outputs = [np.fromfile(folder / "out" / str(index), np.int8) for index in range(len(inputs))]
        reference = open_runtime(model, "litert")
        expected = [reference.run(codes)[0] for codes in inputs]
    return _judged(apk, said, list(taken.lock), outputs, expected)


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


def _judged(apk: Path, said: str, names: Sequence[str], outputs: Sequence[NDArray[np.int8]], expected: Sequence[NDArray[Any]]) -> OnBionic:
    answers = [line.removeprefix("redmobile ") for line in said.splitlines() if line.startswith("redmobile ")]
    version = next((line.removeprefix("version ") for line in answers if line.startswith("version ")), "")
    coverage = next((tuple(map(int, re.findall(r"\d+", line))) for line in answers if line.startswith("coverage ")), ())
    if not coverage:
        raise ToolError(f"{apk}: the model could not be loaded on bionic: {'; '.join(answers)}.")
    thrown = dict(line.removeprefix("thrown ").split(" ", 1) for line in answers if line.startswith("thrown ") and not line.endswith(" null"))
    if failed := thrown.get("frame"):
        raise ToolError(f"{apk}: an inference failed on bionic: {failed}.")
    frames = tuple(_compared(*one) for one in zip(names, outputs, expected, strict=True))
    return OnBionic(str(apk), version, coverage, frames, {name: text for name, text in thrown.items() if name in REFUSALS})


def _compared(name: str, output: NDArray[np.int8], expected: NDArray[Any]) -> FrameOnBionic:
    apart = np.abs(output.astype(np.int16) - expected.reshape(-1).astype(np.int16))
    return FrameOnBionic(name, sha256_bytes(output.tobytes()), output.size, int(np.count_nonzero(apart)), int(apart.max(initial=0)))
