"""The bridge to TFLite, compiled without the NDK: C against stand-ins of Android's libc, and for Linux on this machine, for tests on the JVM."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

from redmobile.android.apk.tools import Tools, run
from redmobile.core.artifact import read_bytes, write_bytes
from redmobile.errors import ToolError
from redmobile.kernels.library import LIBRARY, build_library

Platform = Literal["android-arm64", "linux-x86_64"]

TFLITE = "libjnitensorflowlite.so"
BRIDGE = "libredmobile_tflite.so"
DELEGATE = LIBRARY
PAGE_BYTES = 16384
"""The page size of newer phones, at which libraries and their places in the APK are aligned."""

_TARGETS: dict[Platform, tuple[str, ...]] = {
    # Android 8.0 is API 26. Outline atomics and stack protectors would need compiler-rt and thread-local storage.
    "android-arm64": ("--target=aarch64-linux-android26", "-march=armv8-a", "-mno-outline-atomics"),
    "linux-x86_64": ("--target=x86_64-linux-gnu",),
}
_KERNELS: dict[Platform, str] = {"android-arm64": "aarch64-android", "linux-x86_64": "host"}
"""Platform → the name of the kernels' target."""

_COMPILE = ("-std=c11", "-O2", "-fPIC", "-ffreestanding", "-fvisibility=hidden", "-fno-stack-protector", "-Wall", "-Wextra", "-Werror")
_LINK = (
    "-shared",
    "-nostdlib",
    "-fuse-ld=lld",
    "-Wl,-z,relro,-z,now,-z,noexecstack",
    # The read-only part ends at a multiple of 4 KB: ending at 16 KB, it would reach beyond what a 4 KB system maps, and loading would fail.
    # No page is shared with data that is written, because the bridge has none; the checks of the APK see to that.
    f"-Wl,-z,max-page-size={PAGE_BYTES},-z,common-page-size=4096",
    "-Wl,--build-id=sha1",
    "-Wl,--hash-style=both",
)


def take_tflite(jar: Path, folder: Path) -> Path:
    """TFLite's library out of `jar`, one of org.bytedeco:tensorflow-lite's. Raises ToolError."""
    with zipfile.ZipFile(jar) as archive:
        entries = [name for name in archive.namelist() if name.endswith(f"/{TFLITE}")]
        if len(entries) != 1:
            raise ToolError(f"{jar}: expected one {TFLITE}, found {len(entries)}.")
        write_bytes(folder / TFLITE, archive.read(entries[0]))
    return folder / TFLITE


def take_delegate(platform: Platform, folder: Path) -> Path:
    """Our kernels' delegate for `platform`, built unless these sources were built before, into `folder`. Raises DeviceError (no CMake), ToolError."""
    write_bytes(folder / DELEGATE, read_bytes(build_library(_KERNELS[platform])))
    return folder / DELEGATE


def compile_bridge(cpp: Path, platform: Platform, tflite: Path, tools: Tools, work: Path) -> Path:
    """The bridge's library for `platform`, beside `tflite`, which it loads from its own folder. cpp: the C sources. Raises ToolError."""
    work.mkdir(parents=True, exist_ok=True)
    output = tflite.parent / BRIDGE
    include: tuple[str | Path, ...] = ("-isystem", cpp / "bionic", "-isystem", tools.jdk.include, "-isystem", tools.jdk.include / "linux")
    libraries: tuple[str | Path, ...] = (f"-L{tflite.parent}", "-l:" + TFLITE)
    if platform == "android-arm64":
        stand_ins = [_stand_in(cpp / "bionic", name, tools, work) for name in ("libc", "libdl")]
        libraries = (*libraries, *stand_ins, "-Wl,-z,defs")
    else:
        libraries = (*libraries, "-Wl,-rpath,$ORIGIN")
    compiling = [tools.clang, *_TARGETS[platform], *_COMPILE, *map(str, include), *map(str, sorted(cpp.glob("*.c")))]
    linking = [*_LINK, f"-Wl,-soname,{BRIDGE}", *map(str, libraries), "-o", str(output)]
    run([*compiling, *linking], f"compiling the bridge for {platform}", work / f"{platform}.log")
    return output


def compile_test_library(source: Path, folder: Path, tools: Tools, work: Path) -> Path:
    """A library of the app's tests for this machine, libredmobile_NAME.so of the file NAME.c, in `folder`. Raises ToolError."""
    output = folder / f"libredmobile_{source.stem}.so"
    # jni.h includes stdio.h and needs nothing of it: the bridge's empty one will do.
    bionic = source.parents[2] / "main" / "cpp" / "bionic"
    include: tuple[str | Path, ...] = ("-isystem", bionic, "-isystem", tools.jdk.include, "-isystem", tools.jdk.include / "linux")
    compiling = (tools.clang, *_TARGETS["linux-x86_64"], *_COMPILE, *include, source)
    run((*compiling, "-shared", "-nostdlib", "-fuse-ld=lld", "-o", output), f"compiling {source.name} for the tests", work / f"{source.stem}.log")
    return output


def _stand_in(bionic: Path, name: str, tools: Tools, work: Path) -> Path:
    """A library with the names of Android's, to link against."""
    output = work / f"{name}.so"
    command = (tools.clang, *_TARGETS["android-arm64"], "-fPIC", "-ffreestanding", "-fno-builtin", "-w", str(bionic / f"{name}.c"))
    link = ("-shared", "-nostdlib", "-fuse-ld=lld", f"-Wl,-soname,{name}.so", f"-Wl,--version-script={bionic / 'libc.map'}", "-o", str(output))
    run((*command, *link), f"a stand-in for {name}.so", work / f"{name}.log")
    return output
