"""Remake a model's folder from its weights: files, parity, figures, costs, sheets to look at, and the figures in its card."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from redmobile.core.results import read_json, write_json
from redmobile.data.datasets import pair_paths, split_pairs
from redmobile.enhance.control import Control
from redmobile.errors import ParityError, UsageError
from redmobile.evaluate.cases import spread
from redmobile.evaluate.evaluate import Wanted, evaluate
from redmobile.evaluate.subjects import Stage, open_subjects
from redmobile.nets.model_document import load_model_document
from redmobile.parity.check import check_parity
from redmobile.parity.result import to_builtins as parity_to_builtins
from redmobile.release.card import update_card
from redmobile.release.costs import costs
from redmobile.release.document import FORMAT, Release, load_release, write_release
from redmobile.release.files import OnProgress, make_files, released
from redmobile.shelf import find

NUMERICS = "numerics.json"

AUTO = ", left alone"
"""What is added to a folder's name for the evaluation of good pictures with automatic strength."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is to be remade, beside the files. pairs, hold_out: of `evaluate`; photos: folders, of which the held-out tenth is degraded.

    degrade: how, as `evaluate` has it. noise: how many pictures of the first of `photos` the noise sweep takes. unpaired: folders that are
    only shown. sheets: a folder for contact sheets. targets: of `bench --on`, runs: on this machine; against: the file whose costs are 1, by
    default the model's own. limit: of pictures of each folder. keep_files: judge the files that lie there.
    """

    pairs: Path | None = None
    hold_out: str | None = None
    photos: tuple[Path, ...] = ()
    degrade: tuple[str, ...] = ("all",)
    noise: int = 0
    unpaired: tuple[Path, ...] = ()
    sheets: Path | None = None
    targets: tuple[str, ...] = ()
    runs: int | None = None
    against: Path | None = None
    limit: int | None = None
    keep_files: bool = False
    threads: int | None = None


def release(model: str, asked: Asked, on_progress: OnProgress | None = None) -> Release:
    """Do all that is `asked` of `model` (on the shelf, or a folder), in its own folder; each result is written as soon as it is there.

    Results in figures.json that are of these very files stay, and are not measured again; those of others are dropped.
    Raises UsageError, what the steps raise, and ParityError for files that miss the converter's gates.
    """
    folder = find("models", model)
    if not (folder / "model.toml").is_file():
        raise UsageError(f"{model}: the folder of a model was expected, with model.toml and weights.safetensors.")
    if asked.unpaired and not asked.sheets:
        raise UsageError("--unpaired only shows pictures: add --sheets DIR.")
    if not asked.keep_files:
        make_files(folder, on_progress)
    now = _kept(folder)
    if asked.pairs:
        now = _check_parity(folder, asked, now, on_progress)
    for name, wanted, stages, control in _evaluations(asked, in_the_dark="lowlight" in load_model_document(str(folder))[1].tasks):
        if not _is_there(now, name, wanted):
            with open_subjects(str(folder), stages, (), control, asked.threads) as subjects:
                found = evaluate(subjects, wanted, _about(name, on_progress)).as_json()
            now = msgspec.structs.replace(now, evaluations={**now.evaluations, name: _without_images(found)})
            write_release(folder, now)
    if asked.targets:
        now = _count_costs(folder, asked, now, on_progress)
    update_card(folder, now)
    return now


def _kept(folder: Path) -> Release:
    """What figures.json says of the files that lie in `folder`."""
    files, before = released(folder), load_release(folder)
    same = before is not None and before.files == files
    now = before if before and same else Release(format=FORMAT, files=files)
    write_release(folder, now)
    return now


def _check_parity(folder: Path, asked: Asked, now: Release, on_progress: OnProgress | None) -> Release:
    assert asked.pairs is not None  # noqa: S101 - the caller has asked
    paths = pair_paths(asked.pairs)
    paths = spread(split_pairs(paths, asked.hold_out)[1] if asked.hold_out else paths, asked.limit)
    numerics = folder / NUMERICS
    if not _agrees(numerics, now, [low.name for low, _ in paths]):
        with _linked(paths) as (low, high):
            show = functools.partial(on_progress, "parity") if on_progress else None
            result = check_parity(str(folder), low, truth=high, threads=asked.threads, on_progress=show).result
        write_json(numerics, parity_to_builtins(result))
        if not result.passed:
            failed = "; ".join(f"{gate.title}: {gate.says}" for gate in result.gates if gate.outcome != "passed")
            raise ParityError(f"{numerics}: {'; '.join(result.findings) or failed}")
    now = msgspec.structs.replace(now, closeness=tuple(gate["says"] for gate in read_json(numerics)["gates"]))
    write_release(folder, now)
    return now


def _agrees(numerics: Path, now: Release, names: Sequence[str]) -> bool:
    """Whether numerics.json is of these files and pictures, and passed."""
    if not numerics.is_file():
        return False
    found = read_json(numerics)
    hashes = {stage["sha256"] for stage in found["stages"]}
    return bool(found["passed"] and found["images"] == list(names) and now.files[0].sha256 in hashes)


@contextlib.contextmanager
def _linked(paths: Sequence[tuple[Path, Path]]) -> Iterator[tuple[Path, Path]]:
    """Folders of exactly these pairs, as links."""
    with tempfile.TemporaryDirectory(prefix="redmobile-release-") as scratch:
        low, high = Path(scratch) / "low", Path(scratch) / "high"
        for place, folder in enumerate((low, high)):
            folder.mkdir()
            for pair in paths:
                (folder / pair[place].name).symlink_to(pair[place].resolve())
        yield low, high


def _evaluations(asked: Asked, *, in_the_dark: bool) -> Iterator[tuple[str, Wanted, tuple[Stage, ...], Control]]:
    """(name, what is wanted, of which stages, how strongly). in_the_dark: the network brightens: dark gradients and good pictures count too."""
    full, sheets = Control(), asked.sheets
    if asked.pairs:
        yield "pairs", Wanted(pairs=asked.pairs, hold_out=asked.hold_out, limit=asked.limit, sheet=_sheet(sheets, "pairs")), ("float", "int8"), full
    for place, photos in enumerate(asked.photos):
        calm = Wanted(photos=photos, held_out=True, degrade=("nothing",), limit=asked.limit)
        degraded = dataclasses.replace(calm, degrade=asked.degrade, sheet=_sheet(sheets, photos.name))
        if place == 0:
            curve = sheets / "noise.png" if sheets and asked.noise else None
            degraded = dataclasses.replace(degraded, noise=asked.noise, noise_curve=curve, banding=in_the_dark, flicker=in_the_dark)
        yield photos.name, degraded, ("int8",), full
        if in_the_dark:
            yield photos.name + AUTO, calm, ("int8",), Control(auto=True)
    for unpaired in asked.unpaired:
        yield unpaired.name + ", shown", Wanted(unpaired=unpaired, limit=asked.limit, sheet=_sheet(sheets, unpaired.name)), ("int8",), full


def _sheet(sheets: Path | None, name: str) -> Path | None:
    return sheets / f"{name}.jpg" if sheets else None


def _is_there(now: Release, name: str, wanted: Wanted) -> bool:
    """Whether the very same was measured already, and its sheet lies where it should."""
    found = now.evaluations.get(name)
    drawn = [path for path in (wanted.sheet, wanted.noise_curve) if path]
    return bool(found and found["source"] == wanted.source and len(found["noise"]) >= bool(wanted.noise) and all(path.is_file() for path in drawn))


def _without_images(found: dict[str, Any]) -> dict[str, Any]:
    """A result without the single pictures, of which there are hundreds: their number stands in their place."""
    return {**found, "figures": [{**row, "images": len(row["images"])} for row in found["figures"]]}


def _count_costs(folder: Path, asked: Asked, now: Release, on_progress: OnProgress | None) -> Release:
    files = {released.file: folder / released.file for released in now.files}
    first = now.files[0].file
    if asked.against:
        first = f"compared with: {asked.against.name}"
        files = {first: asked.against, **files}
    found = costs(files, asked.targets, asked.runs, on_progress)
    now = msgspec.structs.replace(now, costs={name: tuple(each) for name, each in found.items()}, compared_with=first)
    write_release(folder, now)
    return now


def _about(name: str, on_progress: OnProgress | None) -> OnProgress | None:
    return (lambda what, done, total: on_progress(f"{name}: {what}", done, total)) if on_progress else None
