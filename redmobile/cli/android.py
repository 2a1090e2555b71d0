"""`redmobile android …`: the demo app on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from redmobile.cli.console import OUT, json_option, print_json, progress

if TYPE_CHECKING:
    from redmobile.android.build import BuiltApk
    from redmobile.android.jvm_tests import JvmTests

_PATH = click.Path(path_type=Path)
_serial_option = click.option(
    "--serial", metavar="SERIAL", help="Which device, as `adb devices` names it.  [default: ANDROID_SERIAL, else the only one]"
)


@click.group(
    epilog="""\b
Examples:
  redmobile android build --out demo.apk
  redmobile android test
  redmobile android screens
  redmobile android install demo.apk
  redmobile android start
  redmobile android logs --follow
"""
)
def command() -> None:
    """The demo app: build its APK here, put it on an Android phone through adb.

    Exit code 7: no phone, or it is not ready, or a tool is missing, with the reason; 8: a tool, adb or Android failed.
    """


@command.command(
    epilog="""\b
Examples:
  redmobile android build
  redmobile android build --model mine_rgba_int8.tflite --out mine.apk
  REDMOBILE_KEYSTORE_PASSWORD=… redmobile android build --keystore release.p12 --out release.apk

\b
The first time it fetches about 300 MB from Maven Central into ~/.cache/redmobile (or REDMOBILE_CACHE), each file held against
android_demo/downloads.sha256; after that it needs no network. With ANDROID_HOME set, that SDK's aapt2, d8 and apksigner are used.
"""
)
@click.option("--model", type=_PATH, help="A .tflite from `redmobile convert … --io rgba:int8`.  [default: RED-mobile, converted now]")
@click.option("--out", type=_PATH, default=Path("out/android/demo.apk"), show_default=True, help="The APK to write.")
@click.option("--work", type=_PATH, default=Path("out/android/work"), show_default=True, help="Folder for what lies between, logs among it.")
@click.option("--keystore", type=_PATH, help="Your keystore, its password in REDMOBILE_KEYSTORE_PASSWORD.  [default: one for trying things]")
@click.option("--key-alias", "alias", metavar="NAME", help="Which key of the keystore.  [default: its only one]")
@json_option
def build(model: Path | None, out: Path, work: Path, keystore: Path | None, alias: str | None, as_json: bool) -> None:
    """Build the signed APK (arm64-v8a, Android 8.0 and later) with Debian's and Maven Central's packages alone.

    It is checked before it is handed over: signatures v2 and v3, 16 KB alignment, no invoke-custom, no network permission, nothing that
    Android 8.0 lacks without a version check. The same sources, model and key give the same bytes.
    """
    from redmobile.android.build import build as build_apk
    from redmobile.pipeline import bitmap_model

    with progress() as bar:
        task = bar.add_task("build", total=None, note="")

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        built = build_apk(model or bitmap_model("red_mobile", on_progress=show), out, work, keystore=keystore, alias=alias, on_progress=show)
    if as_json:
        print_json(built.as_json())
    else:
        _print_built(built)


def _print_built(built: BuiltApk) -> None:
    OUT.print(f"{built.apk}: {built.apk_bytes:,} bytes, sha256 {built.apk_sha256[:12]} (unsigned {built.unsigned_sha256[:12]})", markup=False)
    OUT.print(f"  {', '.join(f'{name} {value}' for name, value in built.facts.items())}; dex {built.dex_version}; {built.build_tools}", markup=False)
    for name, size in built.parts.items():
        OUT.print(f"  {size:>12,}  {name}", markup=False)
    OUT.print(f"  smaller pictures for the live camera: {built.smaller}", markup=False)
    OUT.print(f"Put it on a phone: redmobile android install {built.apk}", markup=False)


@command.command(
    epilog="""\b
Examples:
  redmobile android test
  redmobile android test TfLiteEngineTest
"""
)
@click.argument("tests", nargs=-1, metavar="[CLASS]...")
@click.option("--work", type=_PATH, default=Path("out/android/work"), show_default=True, help="Folder for what lies between, logs among it.")
@json_option
def test(tests: tuple[str, ...], work: Path, as_json: bool) -> None:
    """Run the app's tests on the JVM (x86-64 Linux): the real bridge and model, Android's framework by Robolectric; all, or the named ones."""
    done = _run_tests(tests, work)
    if as_json:
        print_json({"passed": done.passed, "classes": list(done.classes), "screenshots": str(done.screenshots)})
    else:
        OUT.print(f"{done.passed} tests passed, of {len(done.classes)} classes. Screenshots: {done.screenshots}", markup=False)


def _run_tests(tests: tuple[str, ...], work: Path) -> JvmTests:
    from redmobile.android.jvm_tests import run_jvm_tests
    from redmobile.pipeline import bitmap_model
    from redmobile.shelf import find

    with progress() as bar:
        task = bar.add_task("tests", total=None, note="")
        model = bitmap_model("red_mobile", on_progress=lambda stage, done, total: bar.update(task, description=stage, completed=done, total=total))
        rgb = find("models", "red_mobile") / "red_mobile_int8.tflite"
        return run_jvm_tests(model, rgb, work, tests, on_stage=lambda stage: bar.update(task, description=stage, total=None))


@command.command(
    epilog="""\b
Examples:
  redmobile android screens
  redmobile android screens --out docs/android_screens.jpg
"""
)
@click.option("--out", type=_PATH, default=Path("out/android/screens.jpg"), show_default=True, help="The picture to write (.jpg or .png).")
@click.option("--work", type=_PATH, default=Path("out/android/work"), show_default=True, help="Folder for what lies between, logs among it.")
@json_option
def screens(out: Path, work: Path, as_json: bool) -> None:
    """Draw every screen of the app light, dark, with large German words, right to left and in landscape, and put them on one sheet.

    Drawn on the JVM by the app's own code: what a phone adds (bars, notch, its maker's fonts) is not there.
    """
    from redmobile.android.screens import TEST, write_sheet

    done = _run_tests((TEST,), work)
    names = write_sheet(done.screenshots, out)
    if as_json:
        print_json({"sheet": str(out), "screens": list(names), "screenshots": str(done.screenshots)})
    else:
        OUT.print(f"{out}: {len(names)} screens. Each in full size: {done.screenshots}", markup=False)


@command.command(
    epilog="""\b
Examples:
  redmobile android fetch
  redmobile android fetch robolectric bionic
  redmobile android fetch --pin
"""
)
@click.argument("profiles", nargs=-1, metavar="[app|oldest|robolectric|bionic]...")
@click.option("--pin", is_flag=True, help="Fetch everything anew and write android_demo/downloads.sha256: after a change of pom.xml.")
@json_option
def fetch(profiles: tuple[str, ...], pin: bool, as_json: bool) -> None:
    """Fetch beforehand what building, testing and emulating the app takes from Maven Central; `build` needs no network after that."""
    from redmobile.android.apk import downloads
    from redmobile.android.apk.tools import require_maven
    from redmobile.android.source import find_source

    unknown = [name for name in profiles if name not in downloads.PROFILES]
    if unknown:
        raise click.UsageError(f"There is no profile '{unknown[0]}'; expected {', '.join(downloads.PROFILES)}.")
    source, maven = find_source(), require_maven()
    if pin:
        downloads.pin(source, maven)
    chosen = profiles or downloads.PROFILES
    found = {}
    with progress() as bar:
        task = bar.add_task("fetching", total=len(chosen), note="")
        for name in chosen:
            bar.update(task, note=name)
            found[name] = {file: str(path) for file, path in downloads.fetch(source, name, maven).items()}
            bar.advance(task)
    if as_json:
        print_json(found)
    else:
        for name, files in found.items():
            OUT.print(f"{name}: {len(files)} files in {downloads.jars_folder(name)}, each as pinned", markup=False)


@command.command(
    epilog="""\b
Examples:
  redmobile android install demo.apk
  redmobile android install demo.apk --serial R5CT30XYZ
"""
)
@click.argument("apk", type=click.Path(path_type=Path))
@_serial_option
@json_option
def install(apk: Path, serial: str | None, as_json: bool) -> None:
    """Install APK on the phone, in place of an older one."""
    from redmobile.android import demo_app
    from redmobile.android.devices import choose_device

    device = choose_device(serial)
    sha256 = demo_app.install(device, apk)
    if as_json:
        print_json({"serial": device.serial, "package": demo_app.PACKAGE, "apk": str(apk), "sha256": sha256})
    else:
        OUT.print(f"{apk.name} ({sha256[:12]}) is installed on {device.serial}. Open it: redmobile android start", markup=False)


@command.command(
    epilog="""\b
Examples:
  redmobile android start
"""
)
@_serial_option
@json_option
def start(serial: str | None, as_json: bool) -> None:
    """Open the demo app on the phone."""
    from redmobile.android import demo_app
    from redmobile.android.devices import choose_device

    device = choose_device(serial)
    activity = demo_app.start(device)
    if as_json:
        print_json({"serial": device.serial, "activity": activity})
    else:
        OUT.print(f"{activity} is open on {device.serial}.", markup=False)


@command.command(
    epilog="""\b
Examples:
  redmobile android logs
  redmobile android logs --follow
"""
)
@click.option("--follow", is_flag=True, help="Go on until Ctrl-C or the connection ends.")
@_serial_option
@json_option
def logs(follow: bool, serial: str | None, as_json: bool) -> None:
    """Print the demo app's log: its own words, TFLite's, and crashes."""
    from redmobile.android import demo_app
    from redmobile.android.devices import choose_device
    from redmobile.errors import UsageError

    if follow and as_json:
        raise UsageError("--follow has no end, so it cannot be one JSON document; leave one of the two out.")
    device = choose_device(serial)
    if follow:
        demo_app.follow_logs(device, click.echo)
    lines = demo_app.logs(device, None if as_json else click.echo)
    if as_json:
        print_json({"serial": device.serial, "lines": lines})
