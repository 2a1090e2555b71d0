"""The programs that build the APK: where they are, and which Debian package brings each."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from redmobile.core.artifact import write_text
from redmobile.errors import DeviceError, ToolError

SDK_VARIABLES = ("ANDROID_HOME", "ANDROID_SDK_ROOT")
"""Environment variables that point to Google's SDK, whose aapt2, d8 and apksigner are used where there is one."""

OLDEST_JDK, NEWEST_JDK = 17, 21
"""android-all holds class files of Java 17; Kotlin 1.9 does not know a JDK newer than 21."""

_JDK_FOLDER = Path("/usr/lib/jvm")
_SHOWN_LINES = 3
_SHOWN = 400


@dataclasses.dataclass(frozen=True)
class Program:
    """A program that is needed. package: Debian's; does: what for."""

    name: str
    package: str
    does: str


PROGRAMS = (
    Program("mvn", "maven", "fetches what comes from Maven Central"),
    Program("clang", "clang", "compiles the bridge to TFLite"),
    Program("ld.lld", "lld", "links it for Android"),
    Program("aapt2", "aapt", "packs the resources"),
    Program("apksigner", "apksigner", "signs the APK"),
    Program("cmake", "cmake", "builds our kernels' delegate"),
    Program("make", "make", "is driven by it"),
)
HEADERS = Program("C's headers for arm64", "libc6-dev-arm64-cross", "which the kernels are compiled against")
_HEADERS_FOLDER = Path("/usr/aarch64-linux-gnu/include")
JDK = Program("JDK", "openjdk-17-jdk-headless", f"compiles the app and runs the tools; version {OLDEST_JDK} to {NEWEST_JDK}")


@dataclasses.dataclass(frozen=True)
class Jdk:
    """A Java development kit. home: its folder; version: e.g. 17."""

    home: Path
    version: int

    def program(self, name: str) -> str:
        """The path of one of its programs."""
        return str(self.home / "bin" / name)

    @property
    def include(self) -> Path:
        """The folder with jni.h."""
        return self.home / "include"


@dataclasses.dataclass(frozen=True)
class Tools:
    """Everything that builds the APK. d8: None without Google's SDK: then dx makes the dex file."""

    jdk: Jdk
    maven: str
    clang: str
    aapt2: str
    apksigner: str
    d8: str | None

    @property
    def build_tools(self) -> str:
        """Whose aapt2, dexer and apksigner these are."""
        return str(Path(self.d8).parent) if self.d8 else "Debian's aapt2 and apksigner, dx from Maven Central"


def find_tools() -> Tools:
    """Every tool, of the SDK in ANDROID_HOME where there is one, else of the PATH. Raises DeviceError with the line that installs what is missing."""
    lacking = missing()
    if lacking:
        raise DeviceError(f"Building the APK needs {', '.join(f'{program.name} ({program.does})' for program in lacking)}: {install_line(lacking)}.")
    jdk = find_jdk()
    if jdk is None:  # missing() has said so
        raise DeviceError(f"Building the APK needs a JDK: {install_line([JDK])}.")
    return Tools(jdk, _path("mvn"), _path("clang"), _path("aapt2"), _path("apksigner"), _in_sdk("d8"))


def require_maven() -> str:
    """The program mvn, with a JDK to run on. Raises DeviceError with the line that installs what is missing."""
    lacking = [program for program in missing() if program in (JDK, PROGRAMS[0])]
    if lacking:
        raise DeviceError(f"Fetching from Maven Central needs {', '.join(program.name for program in lacking)}: {install_line(lacking)}.")
    return _path("mvn")


def missing() -> list[Program]:
    """The programs that are not there."""
    lacking = [program for program in PROGRAMS if find_program(program.name) is None]
    lacking += [] if (_HEADERS_FOLDER / "stdio.h").is_file() else [HEADERS]
    return lacking if find_jdk() else [JDK, *lacking]


def install_line(programs: Sequence[Program]) -> str:
    """What installs `programs` on Debian and Ubuntu."""
    return f"apt-get install --no-install-recommends {' '.join(dict.fromkeys(program.package for program in programs))}"


def find_program(name: str) -> str | None:
    """The program in Google's SDK if there is one, else on the PATH; None: nowhere."""
    return _in_sdk(name) or shutil.which(name)


def _path(name: str) -> str:
    found = find_program(name)
    if found is None:
        raise DeviceError(f"{name} was not found.")
    return found


def _in_sdk(name: str) -> str | None:
    """The program of the newest build-tools of the SDK."""
    for variable in SDK_VARIABLES:
        sdk = os.environ.get(variable)
        folders = sorted(Path(sdk, "build-tools").glob("*"), key=lambda folder: _numbers(folder.name), reverse=True) if sdk else []
        for folder in folders:
            if found := shutil.which(name, path=str(folder)):
                return found
    return None


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


@functools.cache
def find_jdk() -> Jdk | None:
    """A JDK that fits: JAVA_HOME's, the PATH's, or one of Debian's; None if there is none."""
    javac = shutil.which("javac")
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    homes += [Path(javac).resolve().parents[1]] if javac else []
    homes += sorted(_JDK_FOLDER.glob("*")) if _JDK_FOLDER.is_dir() else []
    return next((Jdk(home, version) for home in homes if (version := _jdk_version(home)) and OLDEST_JDK <= version <= NEWEST_JDK), None)


def _jdk_version(home: Path) -> int | None:
    """Its version; None if it is none, or lacks the parts that are needed."""
    release = home / "release"
    needed = (release, home / "bin" / "javac", home / "jmods" / "java.base.jmod", home / "lib" / "ct.sym", home / "include" / "jni.h")
    if not all(file.exists() for file in needed):
        return None
    found = re.search(r'JAVA_VERSION="(\d+)', release.read_text(encoding="utf-8", errors="replace"))
    return int(found[1]) if found else None


def run(command: Sequence[str | Path], what: str, log: Path, *, timeout_s: float = 600, env: dict[str, str] | None = None) -> str:
    """Run a tool; gives what it wrote. log: a file that keeps it. Raises ToolError with its last words."""
    try:
        ended = subprocess.run(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
            env={**os.environ, **(env or {})},
        )
    except subprocess.TimeoutExpired as late:
        raise ToolError(f"{what}: {Path(str(command[0])).name} did not end within {timeout_s:g} s.") from late
    except OSError as error:
        raise ToolError(f"{what}: {command[0]} could not be started ({error.strerror}).") from error
    write_text(log, f"$ {' '.join(map(str, command))}\n{ended.stdout}")
    if ended.returncode:
        raise ToolError(f"{what}: {Path(str(command[0])).name} ended with {ended.returncode}: {last_words(ended.stdout)} The rest is in {log}.")
    return ended.stdout


def last_words(said: str) -> str:
    """The lines that look like errors, or the last ones, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\berror\b|exception", line, re.IGNORECASE)]
    return " | ".join((errors or lines)[-_SHOWN_LINES if not errors else 0 :][:_SHOWN_LINES])[:_SHOWN]
