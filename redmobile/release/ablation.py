"""An ablation: variants of a network, each trained by the same short recipe from the same seeds, compared with the first."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from redmobile.core.artifact import write_bytes
from redmobile.core.converter import ActivationQuantization, load_converter
from redmobile.core.documents import Document, from_dict, read_toml
from redmobile.core.environment import describe
from redmobile.core.metrics import psnr, ssim
from redmobile.core.results import read_json, write_json
from redmobile.errors import DocumentError, UsageError
from redmobile.export.torch_to_onnx import export_network
from redmobile.nets.checkpoint import WEIGHTS, build_network, load_weights
from redmobile.nets.describe import describe_network
from redmobile.nets.model_document import ModelDocument, model_document, model_file
from redmobile.pipeline import ConversionOptions, convert
from redmobile.release.costs import Cost, costs
from redmobile.train.checkpoint import INDEX
from redmobile.train.loop import Pictures, Progress, Training
from redmobile.train.plan import TrainingPlan

Format = Literal["redmobile.ablation/1"]
FORMAT: Format = "redmobile.ablation/1"

RESULT = "ablation.json"

_NETWORK = "network.json"
"""In the folder of each training: what was trained there."""

OnProgress = Callable[[str, int, int, str], None]
"""(what is being done, steps done, steps in all, how it stands)."""

_CONVERTER = "litert_int8"


class Variant(Document):
    """One row of the table. model: another network than the document's; set: key in its model.toml → value; plan: key in [recipe] → value.

    A key is a path with dots, places in lists counted from 0: `layers.tail.gain`, `layers.encoder.3.squeeze_excite`, `phase.0.ssim_weight`.
    """

    name: str
    says: str = ""
    model: str | None = None
    set: dict[str, Any] = msgspec.field(default_factory=dict)
    plan: dict[str, Any] = msgspec.field(default_factory=dict)


class AblationDocument(Document):
    """What is compared. model: the network that variants start from; seeds: how often each is trained; recipe: a training plan.

    The first variant is what the others are compared with. Samples are functions of seed and step, so all variants of a seed see the same.
    """

    says: str
    model: str
    recipe: dict[str, Any]
    variant: tuple[Variant, ...]
    seeds: tuple[int, ...] = (1,)


class Run(Document):
    """One training. psnr_db, ssim: of its last validation, as `redmobile train` measures it."""

    seed: int
    psnr_db: float
    ssim: float


class Row(Document):
    """One variant. macs: of a frame of the size in its model.toml; psnr_db, ssim: means over the runs.

    difference_db: mean over the seeds of psnr_db minus that of the first variant with the same seed; spread_db: the largest of these
    differences minus the smallest, nothing where there is one seed.
    """

    name: str
    says: str
    changes: dict[str, Any]
    parameters: int
    macs: int
    runs: tuple[Run, ...]
    psnr_db: float
    ssim: float
    difference_db: float
    spread_db: float


class Ablation(Document):
    """The result. input_psnr_db, input_ssim: of the validation pictures before any network; costs: variant → what it costs, where asked for."""

    format: Format
    environment: dict[str, Any]
    says: str
    pictures: str
    recipe: dict[str, Any]
    validation: int
    input_psnr_db: float
    input_ssim: float
    rows: tuple[Row, ...]
    costs: dict[str, tuple[Cost, ...]] = msgspec.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A variant, read and checked: its network and its plan (without a seed)."""

    variant: Variant
    document: ModelDocument
    plan: TrainingPlan

    @property
    def folder(self) -> str:
        """Its name as that of a folder."""
        return re.sub(r"[^a-z0-9]+", "_", self.variant.name.lower()).strip("_")


def load_ablation(path: Path) -> tuple[AblationDocument, list[Candidate]]:
    """The document at `path`, and its variants. Raises InputError, DocumentError."""
    document = from_dict(read_toml(path), AblationDocument, str(path))
    if not document.variant or not document.seeds:
        raise DocumentError(f"{path}: at least one [[variant]] and one of `seeds` were expected.")
    found = [_candidate(document, variant, f"{path}: variant '{variant.name}'") for variant in document.variant]
    folders = [candidate.folder for candidate in found]
    for candidate in found:
        if not candidate.folder or folders.count(candidate.folder) > 1:
            raise DocumentError(f"{path}: '{candidate.variant.name}' names two variants, or has no letters; each needs a name of its own.")
    return document, found


def base_plan(document: AblationDocument) -> TrainingPlan:
    """The recipe without any variant's changes: what pictures are read for."""
    return from_dict(document.recipe, TrainingPlan, "[recipe]")


def ablate(
    document: AblationDocument,
    candidates: Sequence[Candidate],
    pictures: Pictures,
    says: str,
    out: Path,
    on_progress: OnProgress | None = None,
) -> Ablation:
    """Train every candidate with every seed, in folders below `out`, and write the result to `out`/ablation.json.

    says: where `pictures` are from.

    What is trained already is not trained again, what was begun goes on: to resume is to call again. Raises what Training raises, UsageError
    if `out` holds trainings of another recipe or of other networks.
    """
    runs: dict[str, list[Run]] = {candidate.variant.name: [] for candidate in candidates}
    total = len(candidates) * len(document.seeds)
    for seed in document.seeds:
        for candidate in candidates:
            what, done = f"{candidate.variant.name}, seed {seed}", sum(map(len, runs.values()))

            def show(now: Progress, what: str = what, done: int = done) -> None:
                if on_progress:
                    on_progress(what, done * now.steps + now.step, total * now.steps, f"training {done + 1} of {total}, validation {now.psnr:.2f} dB")

            runs[candidate.variant.name].append(_train(candidate, seed, pictures, out, show))
    before = [(psnr(high, low), ssim(high, low)) for low, high in pictures.validation]
    found = Ablation(
        format=FORMAT,
        environment=describe(),
        says=document.says,
        pictures=says,
        recipe=document.recipe,
        validation=len(before),
        input_psnr_db=float(np.mean([score for score, _ in before])),
        input_ssim=float(np.mean([score for _, score in before])),
        rows=tuple(_row(candidate, runs[candidate.variant.name], runs[candidates[0].variant.name]) for candidate in candidates),
    )
    write_json(out / RESULT, to_builtins(found))
    return found


def to_builtins(found: Ablation) -> dict[str, Any]:
    """Ready for JSON."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain


def add_costs(
    found: Ablation,
    candidates: Sequence[Candidate],
    out: Path,
    calibrate: Path,
    targets: Sequence[str],
    runs: int | None = None,
    on_progress: OnProgress | None = None,
) -> Ablation:
    """`found` with what each variant costs on each of `targets` (release/costs.py), as an INT8 file of the size in its model.toml.

    The files are calibrated with one picture of `calibrate`, because ranges change no cost, and left beside the weights.
    Raises what export, convert and bench raise.
    """
    files = {}
    for done, candidate in enumerate(candidates):
        if on_progress:
            on_progress(f"INT8 of {candidate.variant.name}", done, len(candidates), "")
        run = _folder(candidate, found.rows[0].runs[0].seed, out)
        files[candidate.variant.name] = file = run / f"{candidate.folder}_int8.tflite"
        if not file.is_file():
            write_bytes(file, _int8(candidate, run, calibrate))
    show = (lambda what, done, total: on_progress(what, done, total, "")) if on_progress else None
    counted = costs(files, targets, runs, show)
    found = msgspec.structs.replace(found, costs={name: tuple(each) for name, each in counted.items()})
    write_json(out / RESULT, to_builtins(found))
    return found


def _int8(candidate: Candidate, run: Path, calibrate: Path) -> bytes:
    network = build_network(candidate.document)
    load_weights(network, run / WEIGHTS)
    onnx = export_network(network.eval(), candidate.document, candidate.folder, run / f"{candidate.folder}.onnx")
    recipe = load_converter(_CONVERTER)
    assert recipe.quantize is not None  # noqa: S101 - it is the recipe for INT8
    glance = msgspec.structs.replace(recipe.quantize, activations=ActivationQuantization(search=0))
    return convert(onnx, msgspec.structs.replace(recipe, quantize=glance), calibrate, ConversionOptions(samples=1)).data


def _folder(candidate: Candidate, seed: int, out: Path) -> Path:
    return out / f"{candidate.folder}-{seed}"


def _candidate(document: AblationDocument, variant: Variant, name: str) -> Candidate:
    values = read_toml(model_file(variant.model or document.model))
    network = model_document(_changed(values, variant.set, name), f"{name}: set")
    plan = from_dict(_changed(document.recipe, variant.plan, name), TrainingPlan, f"{name}: plan")
    plan.check()
    if any(phase.quantize or phase.distill for phase in plan.phase):
        raise DocumentError(f"{name}: phases that quantize or distill need a float network or a teacher first; a short recipe has none.")
    return Candidate(variant, network, plan)


def _changed(values: Mapping[str, Any], changes: Mapping[str, Any], name: str) -> dict[str, Any]:
    """`values` with each of `changes` at its path. Raises DocumentError for a path that leads nowhere."""
    made = copy.deepcopy(dict(values))
    for path, value in changes.items():
        *way, last = path.split(".")
        place: Any = made
        try:
            for step in way:
                place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
            place[int(last) if isinstance(place, list) else last] = value
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            raise DocumentError(f"{name}: '{path}' leads nowhere; keys with dots between were expected, places in lists from 0.") from error
    return made


def _train(candidate: Candidate, seed: int, pictures: Pictures, out: Path, on_progress: Callable[[Progress], None]) -> Run:
    run = _folder(candidate, seed, out)
    training = Training(candidate.document, msgspec.structs.replace(candidate.plan, seed=seed), pictures, run)
    network = msgspec.json.decode(msgspec.json.encode(candidate.document))  # as it reads after a trip through JSON
    if (run / INDEX).exists():
        if _layers(read_json(run / _NETWORK), run) != _layers(network, run):
            raise UsageError(f"{run}: holds a training of another network called '{candidate.variant.name}'; give another name or folder.")
        training.resume()
    write_json(run / _NETWORK, network)
    if not (run / WEIGHTS).exists():
        training.go(on_progress)
    last = training.rows[-1]
    return Run(seed=seed, psnr_db=last["validation_psnr_db"], ssim=last["validation_ssim"])


def _layers(network: dict[str, Any], run: Path) -> Any:
    """What a network is made of; keys that its file had no need of yet have their defaults."""
    return msgspec.structs.asdict(model_document(network, str(run / _NETWORK)))["layers"]


def _row(candidate: Candidate, runs: Sequence[Run], first: Sequence[Run]) -> Row:
    size = candidate.document.checked_size(None)
    layers = describe_network(build_network(candidate.document), *size)
    differences = [run.psnr_db - other.psnr_db for run, other in zip(runs, first, strict=True)]
    variant = candidate.variant
    return Row(
        name=variant.name,
        says=variant.says,
        changes={**({"model": variant.model} if variant.model else {}), **variant.set, **variant.plan},
        parameters=sum(layer.parameters for layer in layers),
        macs=sum(layer.macs for layer in layers),
        runs=tuple(runs),
        psnr_db=float(np.mean([run.psnr_db for run in runs])),
        ssim=float(np.mean([run.ssim for run in runs])),
        difference_db=float(np.mean(differences)),
        spread_db=max(differences) - min(differences),
    )
