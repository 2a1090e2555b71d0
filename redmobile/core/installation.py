"""What is installed, what is missing for which command, and the line that installs it.

Packages are imported in a process of their own each: that is the only way to tell one that is broken (built for another numpy, a
missing shared library, a crash) from one that is not there, and it keeps the asking process light.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from redmobile import shelf
from redmobile.core.artifact import sha256_file
from redmobile.core.environment import describe, version_of
from redmobile.core.python_tools import find_uv
from redmobile.core.results import read_json
from redmobile.errors import RedmobileError

State = Literal["ok", "missing", "too old", "broken"]

IMPORT_SECONDS = 120
"""How long one import may take before it counts as broken: TensorFlow on a cold, busy disk needs half a minute."""


@dataclasses.dataclass(frozen=True)
class Requirement:
    """A package that redmobile can use.

    package: name of the distribution; module: what is imported; needed_for: commands or parts of them; extra: '' for the base;
    runtime: the name that `--runtime` knows it by; apart: it cannot live in one environment with the base.
    """

    package: str
    module: str
    needed_for: str
    extra: str = ""
    runtime: str = ""
    apart: bool = False

    @property
    def base(self) -> bool:
        """Whether nothing works properly without it."""
        return not self.extra and not self.apart

    def install_line(self) -> str:
        """The command that installs it."""
        if self.apart:
            return f"python3 -m venv other && other/bin/pip install {self.package} 'numpy<2'"
        if self.extra:
            return f"pip install 'redmobile[{self.extra}]'"
        return f"pip install '{self.package}{_minimum_text(self.package)}'"


REQUIREMENTS = (
    Requirement("click", "click", "every command"),
    Requirement("rich", "rich", "every command"),
    Requirement("msgspec", "msgspec", "every command"),
    Requirement("numpy", "numpy", "every command"),
    Requirement("opencv-python-headless", "cv2", "every command that reads pictures"),
    Requirement("pillow", "PIL.Image", "every command that reads pictures"),
    Requirement("av", "av", "enhance on videos"),
    Requirement("onnx", "onnx", "build, convert"),
    Requirement("onnxruntime", "onnxruntime", "build, convert, parity, export", runtime="onnxruntime"),
    Requirement("ai-edge-litert", "ai_edge_litert.interpreter", "build, convert, parity, enhance, bench", runtime="litert"),
    Requirement("jinja2", "jinja2", "report"),
    Requirement("psutil", "psutil", "build, bench"),
    Requirement("protobuf", "google.protobuf", "bench --on adb with benchmark_model"),
    Requirement("safetensors", "safetensors", "train, export, describe"),
    Requirement("torch", "torch", "train, export, describe; one more stage in parity", extra="torch", runtime="torch"),
    Requirement("onnxscript", "onnxscript", "export", extra="torch"),
    Requirement("tensorboard", "tensorboard", "train --tensorboard", extra="torch"),
    Requirement("distributed", "distributed", "enhance --cluster", extra="cluster"),
    Requirement("fsspec", "fsspec", "enhance --cluster", extra="cluster"),
    Requirement("scikit-image", "skimage.feature", "enhance --protect faces", extra="faces"),
    Requirement("accelerate", "accelerate", "train", extra="torch"),
    Requirement("tensorflow", "tensorflow", "a second opinion: --runtime tensorflow", extra="tensorflow", runtime="tensorflow"),
    Requirement("tflite-runtime", "tflite_runtime.interpreter", "what older boards have: --runtime tflite", runtime="tflite", apart=True),
    Requirement("ethos-u-vela", "ethosu.vela", "npu on Ethos-U: what it takes, and estimates", extra="npu"),
    Requirement("mlcommons-loadgen", "mlperf_loadgen", "bench --scenario single-stream: figures as MLPerf Mobile's", extra="loadgen"),
)
"""Every package, the base first."""


@dataclasses.dataclass(frozen=True)
class Program:
    """A program that is no Python package. name: of its file; needed_for: commands or parts of them; install: the line that installs it.

    others: names that it has on other systems.
    """

    name: str
    needed_for: str
    install: str
    others: tuple[str, ...] = ()

    def find(self) -> str | None:
        """Where it is: on the PATH, or where redmobile finds it besides; None if it is not there."""
        if self.name == "uv":
            return find_uv()
        return next((path for name in (self.name, *self.others) if (path := shutil.which(name))), None)


_APK = "android build, test; parity --on bionic"
_EMULATOR = "emulator; bench, parity --on qemu:CPU"
_KERNELS = "kernels build; --delegate redmobile"
PROGRAMS = (
    Program("qemu-aarch64", _EMULATOR, "apt-get install qemu-user"),
    Program("gcc", f"{_EMULATOR}: counting", "apt-get install gcc libc6-dev"),
    Program("cmake", f"{_KERNELS}; {_APK}", "apt-get install cmake"),
    Program("make", f"{_KERNELS}; {_APK}", "apt-get install make"),
    Program("cc", _KERNELS, "apt-get install gcc libc6-dev"),
    Program("aarch64-linux-gnu-gcc", "kernels build --target aarch64-linux", "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"),
    Program("aarch64-linux-gnu-objdump", "kernels mca", "apt-get install binutils-aarch64-linux-gnu"),
    Program("llvm-mca-19", "kernels mca", "apt-get install llvm-19"),
    Program("uv", "bench conversion_peers, emulator install; pip does it too, slower", "pip install uv"),
    Program("chromium", "a look at reports in this repository's tests", "apt-get install chromium", ("chromium-browser", "google-chrome")),
    Program("adb", "android install, start, logs; bench --on adb", "apt-get install adb"),
    Program("javac", f"{_APK}; a JDK of version 17 to 21", "apt-get install openjdk-17-jdk-headless"),
    Program("mvn", _APK, "apt-get install maven"),
    Program("clang", f"{_APK}; kernels build --target aarch64-android", "apt-get install clang"),
    Program("ld.lld", _APK, "apt-get install lld"),
    Program("aapt2", _APK, "apt-get install aapt, or ANDROID_HOME=…/sdk"),
    Program("apksigner", _APK, "apt-get install apksigner, or ANDROID_HOME=…/sdk"),
)
"""Every program; the base needs none. The lines are Debian's and Ubuntu's."""


@dataclasses.dataclass(frozen=True)
class ProgramState:
    """What was found of a program. path: where it is, None if it is not on the PATH."""

    program: Program
    path: str | None


@dataclasses.dataclass(frozen=True)
class PackageState:
    """What was found of a requirement. problem: one line, '' if state is 'ok'."""

    requirement: Requirement
    version: str | None
    state: State
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class ShelfState:
    """A shelf: the folders that were found for it, and the names of what stands there."""

    shelf: shelf.Shelf
    folders: tuple[str, ...]
    names: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class ModelState:
    """A model on the shelf: its files that are there, those that are missing, and those whose sha256 is not that of numerics.json."""

    name: str
    present: tuple[str, ...]
    missing: tuple[str, ...]
    differing: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Installation:
    """Everything that `redmobile doctor` tells."""

    environment: dict[str, Any]
    packages: tuple[PackageState, ...]
    shelves: tuple[ShelfState, ...]
    models: tuple[ModelState, ...]
    programs: tuple[ProgramState, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """What keeps the base from working, one sentence each; empty if all is well."""
        packages = (f"{found.requirement.package}: {found.state} ({found.problem})" for found in self.packages if self._is_fault(found))
        shelves = (f"the shelf '{found.shelf}' was not found" for found in self.shelves if not found.names)
        models = (f"{model.name}: {', '.join(model.differing)} not as numerics.json says" for model in self.models if model.differing)
        return (*packages, *shelves, *models)

    @property
    def runtimes(self) -> dict[str, bool]:
        """Name of each runtime → whether its engine works here."""
        return {found.requirement.runtime: found.state == "ok" for found in self.packages if found.requirement.runtime}

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        packages = [
            {
                "package": found.requirement.package,
                "version": found.version,
                "state": found.state,
                "problem": found.problem,
                "needed_for": found.requirement.needed_for,
                "base": found.requirement.base,
                "install": "" if found.state == "ok" else found.requirement.install_line(),
            }
            for found in self.packages
        ]
        return {
            "environment": self.environment,
            "packages": packages,
            "programs": [{**dataclasses.asdict(found.program), "path": found.path} for found in self.programs],
            "runtimes": self.runtimes,
            "shelves": [dataclasses.asdict(found) for found in self.shelves],
            "models": [dataclasses.asdict(model) for model in self.models],
            "faults": list(self.faults),
        }

    @staticmethod
    def _is_fault(found: PackageState) -> bool:
        return found.requirement.base and found.state != "ok"


def inspect_installation() -> Installation:
    """Look at every package, shelf and model. Takes a few seconds: each installed package is imported once, in its own process."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        packages = tuple(pool.map(inspect_package, REQUIREMENTS))
    kinds: tuple[shelf.Shelf, ...] = ("converters", "models", "benchmarks")
    shelves = tuple(ShelfState(kind, tuple(map(str, shelf.shelf_folders(kind))), tuple(shelf.names(kind))) for kind in kinds)
    programs = tuple(ProgramState(program, program.find()) for program in PROGRAMS)
    return Installation(describe(), packages, shelves, tuple(inspect_model(name) for name in shelf.names("models")), programs)


def inspect_package(requirement: Requirement) -> PackageState:
    """Whether the package is there, new enough, and can be imported."""
    version = version_of(requirement.package)
    if version is None:
        return PackageState(requirement, None, "missing", "not installed")
    minimum = _minimums().get(_normal(requirement.package))
    if minimum and _numbers(version) < _numbers(minimum):
        return PackageState(requirement, version, "too old", f"{version} is installed, at least {minimum} is needed")
    problem = import_problem(requirement.module)
    return PackageState(requirement, version, "broken" if problem else "ok", problem)


def import_problem(module: str) -> str:
    """Why `module` cannot be imported, in one line; '' if it can."""
    try:
        ended = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, text=True, timeout=IMPORT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"import {module} did not end within {IMPORT_SECONDS} s"
    if ended.returncode < 0:
        return f"import {module} crashed ({signal.Signals(-ended.returncode).name})"
    if ended.returncode:
        lines = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
        return lines[-1] if lines else f"import {module} ended with {ended.returncode}"
    return ""


def inspect_model(name: str) -> ModelState:
    """Which files of the model `name` are there, and whether they are those that numerics.json, the result of `redmobile parity`, tells of."""
    folder = shelf.find("models", name)
    wanted = ("model.toml", f"{name}.onnx", f"{name}_int8.tflite", "weights.safetensors", "numerics.json", "card.md")
    present = tuple(file for file in wanted if (folder / file).is_file())
    missing = tuple(file for file in wanted if file not in present)
    return ModelState(name, present, missing, _differing(folder, present))


def _differing(folder: Path, present: tuple[str, ...]) -> tuple[str, ...]:
    numerics = folder / "numerics.json"
    if numerics.name not in present:
        return ()
    try:
        hashes = {Path(stage["file"]).name: stage["sha256"] for stage in read_json(numerics)["stages"]}
    except (RedmobileError, KeyError, TypeError):
        return (numerics.name,)
    return tuple(file for file in present if file in hashes and sha256_file(folder / file) != hashes[file])


def _minimums() -> dict[str, str]:
    """Package → lowest version, as the installed redmobile states it; empty where it runs uninstalled from a checkout."""
    try:
        stated = importlib.metadata.requires("redmobile") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found = (re.match(r"([\w.-]+)\s*>=\s*([\d.]+)", line) for line in stated)
    return {_normal(match[1]): match[2] for match in found if match}


def _minimum_text(package: str) -> str:
    minimum = _minimums().get(_normal(package))
    return f">={minimum}" if minimum else ""


def _normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, without trailing zeros: '2.0.0rc1' → (2,)."""
    leading = re.match(r"[\d.]+", version)
    numbers = [int(part) for part in leading[0].split(".") if part] if leading else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
