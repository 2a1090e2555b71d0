"""The demo app's APK in one call: native code, resources, Kotlin, dex, packing, signing, and the checks that it must pass."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from redmobile.android.apk import code, native, references
from redmobile.android.apk.checks import check_apk, dex_version
from redmobile.android.apk.downloads import fetch
from redmobile.android.apk.pack import Entry, entries_of, pack
from redmobile.android.apk.sign import open_keystore, sign
from redmobile.android.apk.tools import Tools, find_tools
from redmobile.android.model import MODEL_NAME, SMALLER_FOLDER, check_bitmap_model, smaller_models
from redmobile.android.source import find_source
from redmobile.core.artifact import read_bytes, sha256_file
from redmobile.errors import ToolError, UnsupportedModelError

OnProgress = Callable[[str, int, int], None]
"""(stage, done, total)."""

ABI = "arm64-v8a"
STAGES = ("fetching", "bridge", "resources", "Kotlin", "shrinking", "references", "dex", "packing", "signing", "checks")


@dataclasses.dataclass(frozen=True)
class BuiltApk:
    """What was built. unsigned_sha256: the same on every machine; apk_sha256: also depends on the key. parts: entry → bytes in the APK.

    smaller: sizes of pictures that the live camera can go down to, or why there are none.
    """

    apk: Path
    apk_sha256: str
    apk_bytes: int
    unsigned_sha256: str
    model_sha256: str
    dex_version: str
    build_tools: str
    facts: dict[str, str]
    parts: dict[str, int]
    smaller: str

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**dataclasses.asdict(self), "apk": str(self.apk)}


@dataclasses.dataclass(frozen=True)
class Workplace:
    """Where things are while the app is built. main: app/src/main; jars: the profile 'app'."""

    source: Path
    work: Path
    tools: Tools
    jars: dict[str, Path]

    @property
    def main(self) -> Path:
        """The app's own sources."""
        return self.source / "app" / "src" / "main"

    def jar(self, beginning: str) -> Path:
        """The one jar whose name begins so. Raises ToolError."""
        found = [path for name, path in self.jars.items() if name.startswith(beginning)]
        if len(found) != 1:
            raise ToolError(f"downloads.sha256: expected one file of the profile 'app' that begins with '{beginning}', found {len(found)}.")
        return found[0]

    @property
    def android(self) -> Path:
        """The platform that the app is compiled against."""
        return self.jar("android-all-")

    @property
    def compiler(self) -> list[Path]:
        """Kotlin's compiler and what it needs."""
        return [path for name, path in self.jars.items() if name.startswith(("kotlin", "trove4j", "annotations"))]

    @property
    def kotlin(self) -> Path:
        """Kotlin's library."""
        return self.jar("kotlin-stdlib-1")


def prepare(tools: Tools, work: Path) -> Workplace:
    """A workplace in the folder `work`, with everything that the app is built of. Raises ToolError, DocumentError, InputError."""
    source = find_source()
    work.mkdir(parents=True, exist_ok=True)
    return Workplace(source, work.resolve(), tools, fetch(source, "app", tools.maven))  # ProGuard takes paths as relative to its rules


def build(
    model: Path,
    out: Path,
    work: Path,
    *,
    keystore: Path | None = None,
    alias: str | None = None,
    on_progress: OnProgress | None = None,
) -> BuiltApk:
    """Build, sign and check the APK with `model`, a .tflite from `redmobile convert … --io rgba:int8`.

    work: a folder for what lies between; used again. keystore, alias: the key; None: one for trying things. The same sources, model and key
    give the same bytes. Raises DeviceError (a tool is missing), ToolError, InputError, UnsupportedModelError, UsageError, OutputError.
    """
    show = on_progress or (lambda _stage, _done, _total: None)

    def stage(name: str) -> None:
        show(name, STAGES.index(name), len(STAGES))

    check_bitmap_model(model)
    tools = find_tools()
    stage("fetching")
    with ThreadPoolExecutor(1) as pool:  # beside the others: the first time, all is waiting
        oldest_jars = pool.submit(fetch, find_source(), "oldest", tools.maven)
        place = prepare(tools, work)
        (oldest,) = oldest_jars.result().values()
    work = place.work
    stage("bridge")
    tflite = build_bridge(place, "android-arm64")
    classes, base = compile_app(place, stage)
    stage("shrinking")
    jar = work / "app.jar"
    shrinker = [path for name, path in place.jars.items() if name.startswith(("proguard", "kotlin", "log4j", "gson", "json", "annotations"))]
    code.shrink(classes, place.kotlin, place.android, shrinker, tools, jar)
    stage("references")
    faults = references.find_faults(jar, oldest, place.android, code.MIN_API)
    if faults:
        raise ToolError(f"The app does not fit Android API {code.MIN_API}: {' '.join(faults)}")
    stage("dex")
    dex = code.dex(jar, place.android, place.jar("dalvik-dx"), tools, work / "dex")
    stage("packing")
    unsigned = work / "unsigned.apk"
    smaller, says = _smaller(model)
    pack(_entries(base, dex, model, smaller, tflite.parent, place.main / "assets"), unsigned)
    stage("signing")
    sign(unsigned, open_keystore(keystore, alias, tools, work / "keytool.log"), tools, out, work / "sign.log")
    stage("checks")
    facts = check_apk(out, tools, work)
    return _built(out, unsigned, model, dex, tools, facts, says)


def _smaller(model: Path) -> tuple[dict[str, bytes], str]:
    """(assets, what to say of them)."""
    try:
        found = smaller_models(model)
    except UnsupportedModelError as error:
        return {}, f"none: {error}"
    sizes = ", ".join(name.removesuffix(".tflite") for name in found) or "none: its pictures are small already"
    return {f"{SMALLER_FOLDER}/{name}": data for name, data in found.items()}, sizes


def build_bridge(place: Workplace, platform: native.Platform) -> Path:
    """TFLite's library for `platform`, with the bridge and our kernels' delegate beside it. Raises DeviceError (no CMake), ToolError."""
    (jar,) = (path for name, path in place.jars.items() if name.endswith(f"-{platform}.jar"))
    tflite = native.take_tflite(jar, place.work / platform)
    native.compile_bridge(place.main / "cpp", platform, tflite, place.tools, place.work / "native")
    native.take_delegate(platform, tflite.parent)
    return tflite


def compile_app(place: Workplace, stage: Callable[[str], None]) -> tuple[Path, Path]:
    """(the folder of the app's class files, the APK of its resources). Raises ToolError."""
    stage("resources")
    base, generated = code.link_resources(place.main, place.android, version(), place.tools, place.work)
    stage("Kotlin")
    classes, classpath = place.work / "classes", (place.android, place.kotlin)
    code.compile_kotlin((place.main / "kotlin", generated), classpath, place.compiler, place.tools, classes, place.work / "kotlin.log")
    code.compile_java(sorted(generated.rglob("*.java")), (), place.tools, classes, place.work / "java.log")
    return classes, base


def version() -> tuple[int, str]:
    """(code, name) of redmobile's version: '0.2.1' → (201, '0.2.1')."""
    name = importlib.metadata.version("redmobile")
    major, minor, patch = (*map(int, re.findall(r"\d+", name)), 0, 0, 0)[:3]
    return max(1, major * 10000 + minor * 100 + patch), name


def _entries(base: Path, dex: Path, model: Path, smaller: dict[str, bytes], libraries: Path, assets: Path) -> list[Entry]:
    """Manifest and resources first, as Android's own build has it."""
    files = sorted(file for file in assets.rglob("*") if file.is_file())
    names = (native.BRIDGE, native.DELEGATE, native.TFLITE)
    return [
        *entries_of(base),
        Entry("classes.dex", read_bytes(dex), stored=False),
        Entry(f"assets/{MODEL_NAME}", read_bytes(model), stored=True),
        *(Entry(f"assets/{name}", data, stored=True) for name, data in smaller.items()),
        *(Entry(f"assets/{file.relative_to(assets).as_posix()}", read_bytes(file), stored=False) for file in files),
        *(Entry(f"lib/{ABI}/{name}", read_bytes(libraries / name), stored=True) for name in names),
    ]


def _built(out: Path, unsigned: Path, model: Path, dex: Path, tools: Tools, facts: dict[str, str], smaller: str) -> BuiltApk:
    parts = {entry.name: len(entry.data) for entry in entries_of(out) if entry.stored or entry.name.endswith(".dex")}
    found = (sha256_file(out), out.stat().st_size, sha256_file(unsigned), sha256_file(model))
    return BuiltApk(out, *found, dex_version(read_bytes(dex)), tools.build_tools, facts, parts, smaller)
