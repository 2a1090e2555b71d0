"""Which files become which."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from redmobile.data.frames import FORMATS
from redmobile.data.video import READABLE, WRITABLE
from redmobile.errors import InputError, UsageError

_ENDINGS = (*FORMATS, *READABLE)
_ANY_SOUND = ".mkv"


@dataclasses.dataclass(frozen=True)
class Job:
    """One file to enhance: from `source` to `final`."""

    source: Path
    final: Path

    @property
    def is_video(self) -> bool:
        """By the ending of the source."""
        return self.source.suffix.lower() in READABLE


@dataclasses.dataclass(frozen=True)
class Plan:
    """jobs: in the order they are done; missing: what was named and cannot be a job, with the reason."""

    jobs: tuple[Job, ...]
    missing: tuple[tuple[Path, InputError], ...]


def plan_jobs(inputs: Sequence[Path], out: Path) -> Plan:
    """Find the pictures and videos in `inputs` and name their results.

    One file: `out` is the result's name if it ends like a picture's or a video's, and is no folder that exists; else the folder for
    it. Several files, or a folder: `out` is a folder. Files keep their names (videos that H.264 is not stored in end with .mkv);
    what lies in a folder keeps its place below it, and several folders each get one of their name. Hidden files, and what lies
    below `out`, are left out of folders.

    Raises UsageError: a result would overwrite one of the inputs, two results have one name, `out` is a file's name for several.
    """
    several = len(inputs) > 1 or inputs[0].is_dir()
    as_file = not out.is_dir() and out.suffix.lower() in _ENDINGS
    if several and as_file:
        raise UsageError(f"{out}: for a folder or several files, give a folder to write to.")
    jobs: list[Job] = []
    missing: list[tuple[Path, InputError]] = []
    folders = sum(path.is_dir() for path in inputs)
    for path in inputs:
        try:
            jobs += (
                _of_folder(path, out / path.resolve().name if folders > 1 else out, out) if path.is_dir() else [_of_file(path, out, as_file=as_file)]
            )
        except InputError as error:
            missing.append((path, error))
    _check_clashes(jobs)
    return Plan(tuple(jobs), tuple(missing))


def _of_file(path: Path, out: Path, *, as_file: bool) -> Job:
    if not path.exists():
        raise InputError(f"{path}: no such file or folder.")
    if path.suffix.lower() not in _ENDINGS:
        raise InputError(f"{path}: is neither a picture nor a video by its ending ({', '.join(_ENDINGS)}).")
    if not as_file:
        return Job(path, out / final_name(path))
    job = Job(path, out)
    if (out.suffix.lower() in READABLE) != job.is_video:
        wanted = WRITABLE if job.is_video else tuple(FORMATS)
        raise UsageError(f"{out}: {path} is a {'video' if job.is_video else 'picture'}; the result's name must end with one of {', '.join(wanted)}.")
    return job


def _of_folder(folder: Path, target: Path, out: Path) -> list[Job]:
    own = out.resolve()
    inside = own.is_relative_to(folder.resolve()) and own != folder.resolve()
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS and path.is_file())
    jobs = []
    for path in files:
        place = path.relative_to(folder)
        if any(part.startswith(".") for part in place.parts) or (inside and path.resolve().is_relative_to(own)):
            continue
        jobs.append(Job(path, target / place.parent / final_name(path)))
    if not jobs:
        raise InputError(f"{folder}: holds no pictures or videos ({', '.join(_ENDINGS)}).")
    return jobs


def final_name(path: Path) -> str:
    """The name of a file's result: its own, but videos that H.264 is not stored in end with .mkv."""
    if path.suffix.lower() in READABLE and path.suffix.lower() not in WRITABLE:
        return path.with_suffix(_ANY_SOUND).name
    return path.name


def _check_clashes(jobs: Sequence[Job]) -> None:
    sources = {job.source.resolve() for job in jobs}
    seen: dict[Path, Path] = {}
    for job in jobs:
        final = job.final.resolve()
        if final in sources:
            raise UsageError(f"{job.final}: is one of the inputs, and inputs are never overwritten; choose another --out.")
        if final in seen:
            raise UsageError(f"{job.final}: {seen[final]} and {job.source} would both be written there; enhance them apart.")
        seen[final] = job.source
