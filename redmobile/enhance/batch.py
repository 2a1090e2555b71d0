"""Files, folders and videos through a network, one after the other; what fails is named, the others are done."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from redmobile.core.metrics import Frame
from redmobile.data.frames import Image, read_image, write_image
from redmobile.data.sheet import side_by_side
from redmobile.data.video import DEFAULT_CRF, rewrite_video
from redmobile.enhance.control import Control, enhance_image
from redmobile.enhance.image_model import ImageModel
from redmobile.enhance.jobs import Job
from redmobile.errors import InputError, RedmobileError, UsageError

_FOLLOWS = 0.1
"""How much of the way to the strength that a frame of a video calls for is gone in that frame."""

Progress = Callable[[Job, int, int | None], None]
"""(job, frames done, frames in all or None) → None: after each frame of a video."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """control: how strongly, and where. compare: write before and after beside each other. crf: quality of videos.

    skip_existing: leave a result alone that is there already, to go on after an interruption.
    """

    control: Control = dataclasses.field(default_factory=Control)
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
    made = enhance_image(model, image, settings.control)
    if not settings.compare:
        return made
    height, width = made.frame.shape[:2]
    before = image.frame if image.frame.shape == made.frame.shape else np.asarray(cv2.resize(image.frame, (width, height)), np.uint8)
    return image.with_frame(_beside(before, made.frame))


def _video(job: Job, model: ImageModel, settings: Settings, on_progress: Progress | None) -> tuple[int, tuple[str, ...]]:
    if settings.control.has_regions or settings.control.enlarge:
        raise UsageError(f"{job.source}: regions and enlarging are for pictures, not for videos.")
    count, strength = 0, math.nan

    def transform(frame: Frame) -> Frame:
        nonlocal count, strength
        count += 1
        wanted = settings.control.strength_for(frame)
        strength = wanted if math.isnan(strength) else strength + _FOLLOWS * (wanted - strength)  # a new one for each frame would flicker
        enhanced = model.enhance(frame, strength)
        return _beside(frame, enhanced) if settings.compare else enhanced

    def report(done: int, total: int | None) -> None:
        if on_progress:
            on_progress(job, done, total)

    remarks = rewrite_video(job.source, job.final, transform, settings.crf, report)
    return count, remarks


def _beside(before: Frame, after: Frame) -> Frame:
    return side_by_side([before, after], ["before", "after"])
