"""The app's tests on the JVM: its own classes, the real bridge and the real model, and Android's framework by Robolectric, which draws for real.

What Robolectric does not have: frames from a camera, a GPU (Mesa's software renderer plays one), ART, other apps.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from redmobile.android.apk import code, native
from redmobile.android.apk.downloads import fetch, jars_folder
from redmobile.android.apk.tools import find_tools, run
from redmobile.android.build import Workplace, build_bridge, compile_app, prepare
from redmobile.android.model import MODEL_NAME, SMALLER_FOLDER, check_bitmap_model, smaller_models
from redmobile.core.artifact import read_bytes, sha256_bytes, write_bytes, write_text
from redmobile.errors import ToolError, UsageError
from redmobile.runtimes.base import open_runtime
from redmobile.shelf import find

OnStage = Callable[[str], None]
"""What is being done → None."""

_SECONDS = 1500
_SEED = 7
_OPENED = tuple(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in ("java.io", "java.lang", "java.lang.reflect", "java.net", "java.util"))
"""Parts of the JDK that Robolectric reaches into."""

_CONFIG = """\
android_merged_manifest={manifest}
android_merged_assets={assets}
android_resource_apk={resources}
android_custom_package=dev.redmobile.demo
"""
_PASSED = re.compile(r"^OK \((\d+) tests?\)$", re.MULTILINE)
_FAILED = re.compile(r"^\d+\) (.+)\n(.*)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class JvmTests:
    """passed: how many; screenshots: a folder, with what the tests drew."""

    passed: int
    classes: tuple[str, ...]
    screenshots: Path


@dataclasses.dataclass(frozen=True)
class JvmApp:
    """The app and its tests, compiled. command: Java with everything that runs them, up to the names of test classes.

    tests: the folder of their class files; screenshots: a folder for what they draw; work: a folder for logs.
    """

    command: tuple[str, ...]
    tests: Path
    screenshots: Path
    work: Path

    def run(self, *classes: str, **properties: object) -> tuple[str, ...]:
        """The command for these test classes, by their full names, with more properties: name, with _ for a dot, → value."""
        java, *rest = self.command
        return (java, *(f"-D{name.replace('_', '.')}={value}" for name, value in properties.items()), *rest, *classes)


def run_jvm_tests(model: Path, rgb_model: Path, work: Path, only: Sequence[str] = (), on_stage: OnStage | None = None) -> JvmTests:
    """Compile the app and its tests for this machine and run them. model: of `--io rgba:int8`; rgb_model: one that the app must refuse.

    only: names of test classes, e.g. TfLiteEngineTest; all by default. Raises DeviceError (a tool is missing), UsageError (no such test),
    ToolError: what does not compile, or each test that failed.
    """
    app = prepare_jvm(model, rgb_model, work, on_stage)
    chosen = _chosen(app.tests, only)
    shutil.rmtree(app.screenshots, ignore_errors=True)
    app.screenshots.mkdir()
    log = app.work / "tests.log"
    try:
        said = run(app.run(*chosen), "tests on the JVM", log, timeout_s=_SECONDS)
    except ToolError as error:
        raise ToolError(_failures(log) or str(error)) from error
    passed = _PASSED.search(said)
    if passed is None:
        raise ToolError(f"tests on the JVM: no line that says how many passed; see {log}.")
    return JvmTests(int(passed[1]), tuple(chosen), app.screenshots)


def prepare_jvm(model: Path, rgb_model: Path, work: Path, on_stage: OnStage | None = None) -> JvmApp:
    """Compile the app and its tests for this machine; models as of `run_jvm_tests`. Raises DeviceError, ToolError."""
    show = on_stage or (lambda _stage: None)
    tools = find_tools()
    show("fetching")
    place = prepare(tools, work)
    jars = sorted(fetch(place.source, "robolectric", tools.maven).values())
    show("bridge")
    libraries = build_bridge(place, "linux-x86_64").parent
    native.compile_test_library(place.source / "app" / "src" / "test" / "cpp" / "mesa.c", libraries, tools, place.work / "native")
    classes, _ = compile_app(place, show)
    resources = _resources(place, model)
    show("tests")
    tests = _compile_tests(place, classes, jars)
    screenshots = place.work / "screenshots"
    screenshots.mkdir(exist_ok=True)
    properties = {
        "java.library.path": libraries,
        "robolectric.offline": "true",
        "robolectric.dependency.dir": jars_folder("robolectric"),
        "redmobile.model": model.resolve(),
        "redmobile.model.rgb": rgb_model.resolve(),
        "redmobile.screenshots": screenshots,
        "redmobile.photographs": find("models", "red_mobile") / "demo",
        **_example(model, place.work),
    }
    # Native libraries and resources come first on the path: Robolectric reads its configuration as a resource.
    classpath = (
        resources,
        place.source / "app" / "src" / "test" / "resources",
        tests,
        classes,
        place.kotlin,
        *_without_platform(jars),
        place.android,
    )
    java = (tools.jdk.program("java"), "-Xmx2g", *_OPENED, *(f"-D{name}={value}" for name, value in properties.items()))
    command = (*java, "-cp", os.pathsep.join(map(str, classpath)), "org.junit.runner.JUnitCore")
    return JvmApp(command, tests, screenshots, place.work)


def _resources(place: Workplace, model: Path) -> Path:
    """A folder for the class path with Robolectric's configuration: the manifest, the resources, and the models among the assets."""
    folder = place.work / "tests"
    assets = folder / "assets"
    shutil.rmtree(assets, ignore_errors=True)
    shutil.copytree(place.main / "assets", assets) if (place.main / "assets").is_dir() else assets.mkdir(parents=True)
    write_bytes(assets / MODEL_NAME, read_bytes(model))
    for name, data in smaller_models(model).items():
        write_bytes(assets / SMALLER_FOLDER / name, data)
    base, _ = code.link_resources(place.main, place.android, (1, "test"), place.tools, folder, assets)
    text = _CONFIG.format(manifest=place.main / "AndroidManifest.xml", assets=assets, resources=base)
    write_text(folder / "config" / "com" / "android" / "tools" / "test_config.properties", text)
    return folder / "config"


def _compile_tests(place: Workplace, classes: Path, jars: Sequence[Path]) -> Path:
    """The folder of the tests' class files."""
    source, output = place.source / "app" / "src" / "test", place.work / "test_classes"
    classpath = (classes, place.kotlin, *_without_platform(jars), place.android)
    code.compile_kotlin((source / "kotlin",), classpath, place.compiler, place.tools, output, place.work / "kotlin_tests.log", friend=classes)
    stand_ins = sorted((source / "java").rglob("*.java"))
    code.compile_java(stand_ins, (place.android,), place.tools, output, place.work / "java_tests.log")
    return output


def _without_platform(jars: Sequence[Path]) -> list[Path]:
    """Robolectric loads the platform itself, from its own folder; on the class path it would hide its own shadows."""
    return [jar for jar in jars if not jar.name.startswith("android-all-instrumented")]


def _chosen(tests: Path, only: Sequence[str]) -> list[str]:
    found = sorted(".".join(file.relative_to(tests).with_suffix("").parts) for file in tests.rglob("*Test.class"))
    chosen = [name for name in found if not only or name.rpartition(".")[2] in only]
    unknown = set(only) - {name.rpartition(".")[2] for name in chosen}
    if unknown:
        raise UsageError(f"There is no test '{min(unknown)}'; there are {', '.join(name.rpartition('.')[2] for name in found)}.")
    return chosen


def _example(model: Path, work: Path) -> dict[str, object]:
    """A frame of noise, and the sha256 of what LiteRT here makes of it."""
    height, width = check_bitmap_model(model)
    frame = np.random.default_rng(_SEED).integers(-128, 128, (1, height, width, 4), np.int8)
    write_bytes(work / "frame", frame.tobytes())
    enhanced = open_runtime(model, "litert").run(frame)[0]
    return {"redmobile.frame": work / "frame", "redmobile.frame.enhanced": sha256_bytes(enhanced.tobytes())}


def _failures(log: Path) -> str:
    """Each failed test and why, of JUnit's report; '' if it holds none."""
    failed = _FAILED.findall(log.read_text(encoding="utf-8"))
    return f"tests on the JVM: {len(failed)} failed: {'; '.join(f'{name}: {why}' for name, why in failed)}. The rest is in {log}." if failed else ""
