"""Files, folders and videos through a network, one after the other; what fails is named, the others are done."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from redmobile.core.metrics import Frame
from redmobile.data.frames import Image, read_image, write_image
from redmobile.data.sheet import side_by_side
from redmobile.data.video import DEFAULT_CRF, rewrite_video
from redmobile.enhance.image_model import ImageModel
from redmobile.enhance.jobs import Job
from redmobile.errors import InputError, RedmobileError, UsageError

Progress = Callable[[Job, int, int | None], None]
"""(job, frames done, frames in all or None) → None: after each frame of a video."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """strength: 0 … 1, see ImageModel.enhance. compare: write before and after beside each other. crf: quality of videos.

    skip_existing: leave a result alone that is there already, to go on after an interruption.
    """

    strength: float = 1.0
    compare: bool = False
    crf: int = DEFAULT_CRF
    skip_existing: bool = False


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a file. source, final: paths, or URLs on a cluster; error: why there is no result; skipped: there was one.

    seconds: reading and writing included.
    """

    source: Path | str
    final: Path | str | None
    frames: int = 0
    seconds: float = 0.0
    remarks: tuple[str, ...] = ()
    error: RedmobileError | None = None
    skipped: bool = False


def enhance_all(jobs: Sequence[Job], model: ImageModel, settings: Settings = Settings(), on_progress: Progress | None = None) -> Iterator[Outcome]:
    """Do the jobs, and tell of each as it ends. Each result is whole or absent, and an older one stays until the new one is whole.

    A source that cannot be read, or whose result its format cannot hold, gives an Outcome with an error. Raises OutputError when
    a result cannot be written (a full disk fails the next one too), UnsupportedModelError and DeviceError of the network.
    """
    for job in jobs:
        if settings.skip_existing and job.final.is_file():
            yield Outcome(job.source, job.final, skipped=True)
            continue
        started = time.monotonic()
        try:
            frames, remarks = (_video if job.is_video else _image)(job, model, settings, on_progress)
        except (InputError, UsageError) as error:
            yield Outcome(job.source, None, seconds=time.monotonic() - started, error=error)
        else:
            yield Outcome(job.source, job.final, frames, time.monotonic() - started, remarks)


def raise_failures(outcomes: Sequence[Outcome]) -> None:
    """Raise the only failure as it is, several as one InputError that counts and names them. Nothing where there is none."""
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if len(outcomes) == 1 and failed and failed[0].error is not None:
        raise failed[0].error
    if failed:
        names = ", ".join(str(outcome.source) for outcome in failed[:5])
        raise InputError(f"{len(failed)} of {len(outcomes)} files could not be enhanced: {names}{', …' if len(failed) > 5 else ''}.")  # noqa: PLR2004


def _image(job: Job, model: ImageModel, settings: Settings, on_progress: Progress | None) -> tuple[int, tuple[str, ...]]:
    image = read_image(job.source)
    made = _made(image, model, settings)
    remarks = write_image(job.final, made)
    if on_progress:
        on_progress(job, 1, 1)
    return 1, image.remarks + remarks


def _made(image: Image, model: ImageModel, settings: Settings) -> Image:
    if settings.compare:
        return image.with_frame(_beside(image.frame, model.enhance(image.frame, settings.strength)))
    if image.deep is not None:
        return image.with_deep(model.enhance_deep(image.frame, image.deep, settings.strength))
    return image.with_frame(model.enhance(image.frame, settings.strength))


def _video(job: Job, model: ImageModel, settings: Settings, on_progress: Progress | None) -> tuple[int, tuple[str, ...]]:
    count = 0

    def transform(frame: Frame) -> Frame:
        nonlocal count
        count += 1
        enhanced = model.enhance(frame, settings.strength)
        return _beside(frame, enhanced) if settings.compare else enhanced

    def report(done: int, total: int | None) -> None:
        if on_progress:
            on_progress(job, done, total)

    remarks = rewrite_video(job.source, job.final, transform, settings.crf, report)
    return count, remarks


def _beside(before: Frame, after: Frame) -> Frame:
    return side_by_side([before, after], ["before", "after"])
