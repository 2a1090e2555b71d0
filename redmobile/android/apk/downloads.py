"""What comes from Maven Central: fetched by pom.xml, a profile at a time, and held against pinned sha256 before anything of it runs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path

from redmobile.android.apk.tools import run
from redmobile.core.artifact import read_bytes, sha256_file, write_text
from redmobile.core.cache import cache_folder
from redmobile.errors import DeviceError, DocumentError, ToolError

PROFILES = ("app", "oldest", "robolectric", "bionic")
"""Profiles of pom.xml: the APK; the oldest platform, to check against; tests on the JVM; Android's own libc on this machine."""

PINS = "downloads.sha256"
_FETCH_SECONDS = 1800


def jars_folder(profile: str) -> Path:
    """Where the files of `profile` are kept."""
    return cache_folder() / "android" / "jars" / profile


def fetch(source: Path, profile: str, maven: str | None) -> dict[str, Path]:
    """The files of `profile`, by name, each as pinned; fetched by Maven where they are not there yet. source: the folder android_demo.

    maven: the program mvn; None: nothing is fetched. Raises DeviceError (nothing may be fetched), ToolError (Maven failed, or a file is not
    what was pinned), DocumentError.
    """
    pinned = read_pins(source)[profile]
    folder = jars_folder(profile)
    if not _complete(folder, pinned):
        if maven is None:
            raise DeviceError(f"{folder}: not everything of the profile '{profile}' is there, and Maven is not: apt-get install maven.")
        _download(source, profile, maven, folder, pinned)
    wrong = [name for name, sha256 in pinned.items() if sha256_file(folder / name) != sha256]
    if wrong:
        shutil.rmtree(folder)
        raise ToolError(
            f"{', '.join(wrong)}: not the sha256 that {source / PINS} pins. The files of '{profile}' were removed; run it again. If it happens "
            "again, the registry gives other bytes: do not use them."
        )
    return {name: folder / name for name in pinned}


def pin(source: Path, maven: str, profiles: Iterable[str] = PROFILES) -> Path:
    """Fetch every profile anew and write the sha256 of all files to downloads.sha256: after a change of pom.xml. Raises ToolError."""
    lines = []
    for profile in profiles:
        folder = jars_folder(profile)
        _download(source, profile, maven, folder, ())
        lines += [f"{sha256_file(file)}  {profile}/{file.name}" for file in sorted(folder.iterdir())]
    write_text(source / PINS, "\n".join(lines) + "\n")
    return source / PINS


def read_pins(source: Path) -> dict[str, dict[str, str]]:
    """Profile → name of a file → sha256. Raises InputError, DocumentError."""
    pinned: dict[str, dict[str, str]] = {profile: {} for profile in PROFILES}
    for number, line in enumerate(read_bytes(source / PINS).decode().splitlines(), 1):
        sha256, _, place = line.partition("  ")
        profile, _, name = place.partition("/")
        if profile not in pinned or not name:
            raise DocumentError(
                f"{source / PINS}, line {number}: expected SHA256  PROFILE/FILE with a profile of {', '.join(PROFILES)}, found '{line}'."
            )
        pinned[profile][name] = sha256
    return pinned


def _complete(folder: Path, pinned: Collection[str]) -> bool:
    return bool(pinned) and all((folder / name).is_file() for name in pinned)


def _download(source: Path, profile: str, maven: str, folder: Path, needed: Collection[str]) -> None:
    """Fetch into `folder` what is not there of `needed`; nothing of needed: anew."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{profile}.partial.", dir=folder.parent) as temporary:
        command = (
            maven,
            "--quiet",
            "--batch-mode",
            "--strict-checksums",
            "--activate-profiles",
            profile,
            "--file",
            source / "pom.xml",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={temporary}/jars",
        )
        run(command, f"fetching '{profile}' from Maven Central", folder.parent / f"{profile}.log", timeout_s=_FETCH_SECONDS)
        if _complete(folder, needed):  # another process was faster; it may be using them already
            return
        shutil.rmtree(folder, ignore_errors=True)
        Path(temporary, "jars").replace(folder)
