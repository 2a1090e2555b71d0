"""The whole evaluation: figures, and on request the noise sweep, banding, flicker and a contact sheet."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from redmobile.core.environment import describe
from redmobile.core.metrics import Frame
from redmobile.data.datasets import list_pictures, load_photos
from redmobile.data.frames import Image, write_image
from redmobile.enhance.spread import open_client
from redmobile.errors import UsageError
from redmobile.evaluate.banding import measure_banding
from redmobile.evaluate.cases import Cases, pair_cases, photo_cases, photo_paths, spread
from redmobile.evaluate.conditions import conditions_of
from redmobile.evaluate.figures import OnDone, measure
from redmobile.evaluate.flicker import measure_flicker
from redmobile.evaluate.looks import look_at
from redmobile.evaluate.noise import SWEEP_DB, sweep
from redmobile.evaluate.pictures import join_rows, sheet_rows, write_noise_curve
from redmobile.evaluate.result import CONVENTIONS, FORMAT, Figures, NoisePoint, Quality
from redmobile.evaluate.spread import Sent, measure_spread
from redmobile.evaluate.subjects import Enhancer

Progress = Callable[[str, int, int], None]
"""(what is being done, pictures done, pictures in all) → None."""

_PAIRS = "pairs"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """pairs, photos or unpaired: where the pictures are, exactly one of them; unpaired have no reference and are only shown.

    hold_out: of pairs, FIRST-LAST; held_out: of photos, only the held-out tenth.

    degrade: conditions for photos. limit: of pictures. noise: how many pictures the sweep takes, 0: none; noise_curve, sheet: files to write.
    cluster: local:N or the address of a Dask scheduler that takes the pictures of the conditions; the rest is done here.
    """

    pairs: Path | None = None
    photos: Path | None = None
    unpaired: Path | None = None
    hold_out: str | None = None
    held_out: bool = False
    degrade: tuple[str, ...] = ()
    limit: int | None = None
    seed: int = 0
    noise: int = 0
    noise_curve: Path | None = None
    banding: bool = False
    flicker: bool = False
    sheet: Path | None = None
    cluster: str | None = None

    @property
    def source(self) -> str:
        """Where the pictures are from, in words; needs one of pairs, photos, unpaired."""
        kind, folder = next((kind, folder) for kind in ("pairs", "photos", "unpaired") if (folder := getattr(self, kind)))
        which = self.hold_out or ("every tenth" if self.held_out else "all")
        return f"{kind} {folder.name} ({which}{f', at most {self.limit}' if self.limit else ''}), seed {self.seed}"


def check_wanted(wanted: Wanted) -> None:
    """Raise UsageError for options that do not go together."""
    if [wanted.pairs, wanted.photos, wanted.unpaired].count(None) != 2:  # noqa: PLR2004 - one of three
        raise UsageError(
            "Give either --pairs DIR (low/ and high/), --photos DIR (clean photographs, degraded on the fly) or --unpaired DIR (pictures to look at)."
        )
    if wanted.unpaired:
        _check_unpaired(wanted)
    if wanted.degrade and not wanted.photos:
        raise UsageError("--degrade goes with --photos: the others are degraded already.")
    if wanted.photos and not wanted.degrade:
        raise UsageError("Say what is done to the photographs: --degrade all, or a name (`redmobile evaluate --help`).")
    if wanted.hold_out and not wanted.pairs:
        raise UsageError("--hold-out goes with --pairs; of photographs, --held-out takes every tenth.")
    if wanted.held_out and not wanted.photos:
        raise UsageError("--held-out goes with --photos; of pairs, --hold-out FIRST-LAST takes a block.")
    if wanted.noise_curve and not wanted.noise:
        raise UsageError("--noise-curve draws the noise sweep: add --noise.")


def _check_unpaired(wanted: Wanted) -> None:
    if not wanted.sheet:
        raise UsageError("--unpaired shows before and after, there is no reference to measure against: add --sheet FILE.")
    if wanted.noise or wanted.banding or wanted.flicker or wanted.cluster:
        raise UsageError("--unpaired only shows pictures: --noise, --banding, --flicker and --cluster go with --pairs or --photos.")


def evaluate(subjects: Sequence[Enhancer], wanted: Wanted, on_progress: Progress | None = None) -> Quality:
    """Everything that is `wanted` of every subject. Raises UsageError, InputError, DocumentError, OutputError and what subjects raise."""
    check_wanted(wanted)
    if wanted.unpaired:
        return _show(subjects, wanted, wanted.unpaired, on_progress)
    conditions = _conditions(wanted)
    figures: list[Figures] = []
    rows: list[Frame] = []
    with _measurer(subjects, wanted) as measure_all:
        for condition, cases in conditions.items():
            found = measure_all(condition, cases, _counter(on_progress, condition, len(cases)))
            figures += found
            if wanted.sheet:
                rows += sheet_rows(cases, found, subjects)
    if wanted.sheet:
        write_image(wanted.sheet, Image(join_rows(rows)))
    references = _references(wanted, next(iter(conditions.values())))
    return Quality(
        format=FORMAT,
        environment=describe(),
        conventions=CONVENTIONS,
        source=wanted.source,
        subjects=tuple(subject.facts for subject in subjects),
        figures=tuple(figures),
        noise=tuple(_noise(subjects, wanted, references, on_progress)),
        banding=tuple(measure_banding(subject) for subject in subjects) if wanted.banding else (),
        flicker=tuple(measure_flicker(subject, references[0](), wanted.seed) for subject in subjects) if wanted.flicker else (),
    )


def _show(subjects: Sequence[Enhancer], wanted: Wanted, folder: Path, on_progress: Progress | None) -> Quality:
    count = len(spread(list_pictures(folder), wanted.limit))
    looks, sheet = look_at(folder, subjects, wanted.limit, _counter(on_progress, folder.name, count))
    assert wanted.sheet is not None  # noqa: S101 - check_wanted has refused it
    write_image(wanted.sheet, Image(sheet))
    facts = tuple(subject.facts for subject in subjects)
    return Quality(
        format=FORMAT, environment=describe(), conventions=CONVENTIONS, source=wanted.source, subjects=facts, figures=(), looks=tuple(looks)
    )


@contextlib.contextmanager
def _measurer(subjects: Sequence[Enhancer], wanted: Wanted) -> Iterator[Callable[[str, Cases, OnDone], list[Figures]]]:
    """figures.measure of `subjects`, here or on the cluster."""
    if wanted.cluster is None:
        yield lambda condition, cases, on_done: measure(condition, cases, subjects, on_done)
        return
    networks = {subject.facts.name: (subject.network, subject.control) for subject in subjects if subject.network is not None}
    if len(networks) < len(subjects):
        raise UsageError("A cluster runs files: the stage torch does not go with --cluster.")
    with open_client(wanted.cluster) as client:
        yield lambda condition, cases, on_done: measure_spread(client, condition, cases, Sent(networks), on_done)


def _conditions(wanted: Wanted) -> dict[str, Cases]:
    if wanted.pairs:
        return {_PAIRS: pair_cases(wanted.pairs, wanted.hold_out, wanted.limit)}
    assert wanted.photos is not None  # noqa: S101 - check_wanted has refused it
    paths = photo_paths(wanted.photos, held_out=wanted.held_out, limit=wanted.limit)
    return {name: photo_cases(paths, degrade, wanted.seed) for name, degrade in conditions_of(wanted.degrade).items()}


def _references(wanted: Wanted, cases: Cases) -> list[Callable[[], Frame]]:
    """Clean pictures for the noise sweep and the flicker, evenly spread, each read when it is called."""
    if wanted.photos:
        paths = photo_paths(wanted.photos, held_out=wanted.held_out, limit=wanted.limit)
        readers: list[Callable[[], Frame]] = [lambda path=path: load_photos([path])[0] for path in paths]  # type: ignore[misc]  # a default as a closure
    else:
        readers = [lambda place=place: cases[place].reference for place in range(len(cases))]  # type: ignore[misc]  # the same
    count = min(wanted.noise or 1, len(readers))
    return [readers[place] for place in np.linspace(0, len(readers) - 1, count).round().astype(int)]


def _noise(subjects: Sequence[Enhancer], wanted: Wanted, references: Sequence[Callable[[], Frame]], on_progress: Progress | None) -> list[NoisePoint]:
    if not wanted.noise:
        return []
    points = sweep(references, subjects, wanted.seed, _counter(on_progress, "noise", len(references) * len(SWEEP_DB)))
    if wanted.noise_curve:
        write_noise_curve(wanted.noise_curve, points)
    return points


def _counter(on_progress: Progress | None, what: str, total: int) -> Callable[[str], None]:
    done = 0

    def count(_name: str) -> None:
        nonlocal done
        done += 1
        if on_progress:
            on_progress(what, done, total)

    return count
