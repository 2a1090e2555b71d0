"""The whole comparison, in one call."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from redmobile.core.artifact import sha256_file
from redmobile.core.environment import describe
from redmobile.core.metrics import METRICS, Frame
from redmobile.data.frame_sources import hash_frames
from redmobile.enhance.image_model import ImageModel, channels_of
from redmobile.errors import ParityError
from redmobile.parity.chain import Chain, Stage, open_chain
from redmobile.parity.compare import Comparison, Scores, check_specs, gather, score
from redmobile.parity.feed import stated_range
from redmobile.parity.gates import check_gates, judge, judge_equality
from redmobile.parity.layerwise import compare_layerwise
from redmobile.parity.overlap import refuse_calibration_frames
from redmobile.parity.pictures import Gallery, Picture, open_gallery
from redmobile.parity.result import FORMAT, ParityResult, StageFacts, Truth, TruthRow
from redmobile.parity.sheet import SheetPictures, sheet_pictures, worst_sheet
from redmobile.parity.sources import Sources, find_sources
from redmobile.runtimes.base import Delegate, available_threads
from redmobile.shelf import find

Progress = Callable[[int, int], None]
"""(pictures done, all) → None."""

_NEAREST_TO_FLOAT = ("float", "onnx", "torch")
"""Which stage stands for the float network, the closest to the converted file first."""


@dataclasses.dataclass(frozen=True, eq=False)
class Checked:
    """result: the document; sheet: the worst picture to look at, None where no number was computed."""

    result: ParityResult
    sheet: Frame | None


def check_parity(
    target: str,
    images: Path,
    *,
    onnx: Path | None = None,
    float_file: Path | None = None,
    network: str | None = None,
    converter: str | None = None,
    truth: Path | None = None,
    samples: int | None = None,
    layers: bool = False,
    on: str | None = None,
    pictures: bool = False,
    allow_calibration_frames: bool = False,
    threads: int | None = None,
    delegate: Delegate | None = None,
    on_progress: Progress | None = None,
) -> Checked:
    """Compare `target` (a .tflite, or a model on the shelf) with what it was made from, on the pictures in `images` (or a video's frames).

    onnx, float_file: files of the stages before; network: the torch network's name; converter: whose gates are judged (by default
    the one that the file names); truth: a folder of pictures of the same names that show what the results should look like.
    samples: how many pictures are taken, evenly spread; None: all, 16 of a video. layers: look at the inner tensors too.
    delegate: what the converted file is handed to.
    on: a runtime besides, e.g. 'qemu:cortex-a76', in which the converted file must give the same bytes; the gates are judged there.
    pictures: put the worst picture into the result, for `redmobile report`.
    A failed gate or a finding raises nothing: the result says `passed`. Raises InputError, DocumentError, UsageError (also for pictures that
    the file was calibrated with, unless allow_calibration_frames), UnsupportedModelError, DeviceError, MissingExtraError.
    """
    sources = find_sources(target, onnx=onnx, float_file=float_file, network=network, converter=converter, alone=on is not None)
    gates = sources.converter.gate if sources.converter else ()
    check_gates(gates, sources.converter_name)
    gallery = open_gallery(images, truth, samples)
    hashes = hash_frames(images, samples)
    if not allow_calibration_frames:
        refuse_calibration_frames([sources.converted], hashes)
    with open_chain(sources, threads, delegate, on) as chain:
        comparing = _Comparing(chain, {gate.against for gate in gates}, truth)
        findings = comparing.check()
        if not findings:
            findings = comparing.run(gallery, len(hashes), on_progress)
        pairs = () if findings else comparing.pairs()
        result = _result(sources, chain, comparing, findings, pairs, threads or available_threads(), on)
        if layers and not findings:
            value_range = stated_range([stage.runtime for stage in chain.stages]) or (0.0, 1.0)
            found = compare_layerwise(
                chain.stages[:-1] if on else chain.stages, images, value_range, samples=samples, threads=threads, on_progress=on_progress
            )
            result = msgspec.structs.replace(result, layers=found)
        if pictures and not findings:
            result = msgspec.structs.replace(result, sheet=comparing.sheet_pictures())
        return Checked(result, None if findings else comparing.sheet())


def _result(
    sources: Sources, chain: Chain, comparing: _Comparing, findings: list[str], pairs: tuple[Comparison, ...], threads: int, on: str | None
) -> ParityResult:
    last = chain.stages[-1].name
    absent = chain.absent if not findings else {}
    against_last = {pair.expected: pair for pair in pairs if pair.found == last}
    judged = judge(sources.converter.gate if sources.converter else (), against_last, absent)
    if on and pairs:
        judged += (judge_equality(next(pair for pair in pairs if pair.found == on)),)
    kept = not judged or any(gate.outcome != "not judged" for gate in judged)
    return ParityResult(
        format=FORMAT,
        converter=sources.converter_name,
        converter_sha256=sha256_file(find("converters", sources.converter_name)) if sources.converter_name else "",
        environment=describe(),
        threads=threads,
        stages=tuple(_facts(stage) for stage in chain.stages),
        images=tuple(comparing.images),
        findings=tuple(findings),
        pairs=pairs,
        gates=judged,
        truth=None if findings else comparing.truth(),
        remarks=chain.remarks,
        passed=not findings and kept and all(gate.outcome != "failed" for gate in judged),
    )


def _facts(stage: Stage) -> StageFacts:
    runtime = stage.runtime
    return StageFacts(
        name=stage.name, file=stage.file, sha256=stage.sha256, runtime=runtime.name, input=str(runtime.inputs[0]), output=str(runtime.outputs[0])
    )


class _Comparing:
    """One chain on many pictures: scores are kept, of the frames only the worst picture's."""

    def __init__(self, chain: Chain, against: set[str], truth_folder: Path | None) -> None:
        names = [stage.name for stage in chain.stages]
        neighbours = list(itertools.pairwise(names))
        asked_for = [(name, names[-1]) for name in names[:-1] if name in against]
        self.images: list[str] = []
        self._stages = chain.stages
        self._scores: dict[tuple[str, str], list[Scores]] = {pair: [] for pair in [*neighbours, *asked_for]}
        self._reference = next((name for name in _NEAREST_TO_FLOAT if name in names[:-1]), names[-2])
        self._truth_folder = truth_folder
        self._truth: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        self._worst: tuple[float, Picture, Frame, Frame] | None = None

    def check(self) -> list[str]:
        """What is wrong with the stages' inputs and outputs, before anything runs."""
        found: list[str] = []
        size: tuple[int, int] | None = None
        for stage in self._stages:
            runtime = stage.runtime
            if len(runtime.inputs) != 1 or len(runtime.outputs) != 1:
                found.append(f"{stage.name}: has {len(runtime.inputs)} inputs and {len(runtime.outputs)} outputs, one of each was expected.")
                continue
            for spec in (runtime.inputs[0], runtime.outputs[0]):
                if size is None and spec.layout != "?":
                    size = spec.image_size[:2]
                found += check_specs(stage.name, spec, size or (0, 0), channels_of(runtime))
        return found

    def run(self, gallery: Gallery, count: int, on_progress: Progress | None) -> list[str]:
        """Compare all pictures; what was found that is no number, after which the rest is not run."""
        models = {stage.name: ImageModel(stage.runtime) for stage in self._stages}
        height, width, _ = self._stages[0].runtime.inputs[0].image_size
        for done, picture in enumerate(gallery.load(height, width), 1):
            try:
                frames = {name: model.enhance(picture.frame) for name, model in models.items()}
            except ParityError as error:
                return [f"{picture.name}: {error}"]
            self._add(picture, frames)
            if on_progress:
                on_progress(done, count)
        return []

    def pairs(self) -> tuple[Comparison, ...]:
        """Neighbours first, then what gates ask for besides."""
        return tuple(gather(expected, found, scores) for (expected, found), scores in self._scores.items())

    def truth(self) -> Truth | None:
        """All stages against the ground truth, if there is one. Means over the pictures, as papers give them."""
        if self._truth_folder is None:
            return None
        rows = tuple(TruthRow(stage=name, mean={metric: _mean(scores, metric) for metric in METRICS}) for name, scores in self._truth.items())
        psnr = {row.stage: row.mean["psnr"] for row in rows}
        last = self._stages[-1].name
        loss = 0.0 if psnr[self._reference] == psnr[last] else psnr[self._reference] - psnr[last]  # both may be infinite
        return Truth(folder=str(self._truth_folder), rows=rows, loss_from=self._reference, loss_psnr_db=loss)

    def sheet(self) -> Frame | None:
        """The picture whose converted result is furthest from the float one, by PSNR."""
        if self._worst is None:
            return None
        psnr, picture, expected, found = self._worst
        last = self._stages[-1]
        note = f"worst of {len(self.images)} by PSNR: {psnr:.2f} dB; {last.name} {last.sha256[:12]}, {last.runtime.name}"
        return worst_sheet(picture.name, picture.frame, (self._reference, expected), (last.name, found), note)

    def sheet_pictures(self) -> SheetPictures | None:
        """The same for a page."""
        if self._worst is None:
            return None
        psnr, picture, expected, found = self._worst
        return sheet_pictures(picture.name, picture.frame, (self._reference, expected), (self._stages[-1].name, found), psnr)

    def _add(self, picture: Picture, frames: dict[str, Frame]) -> None:
        self.images.append(picture.name)
        for (expected, found), scores in self._scores.items():
            scores.append(score(picture.name, frames[expected], frames[found]))
        if picture.truth is not None:
            for name, frame in frames.items():
                self._truth[name].append(score(picture.name, picture.truth, frame).values)
        expected_frame, found_frame = frames[self._reference], frames[self._stages[-1].name]
        psnr = METRICS["psnr"].compute(expected_frame, found_frame)
        if self._worst is None or psnr < self._worst[0]:
            self._worst = (psnr, picture, expected_frame, found_frame)


def _mean(scores: list[dict[str, float]], metric: str) -> float:
    return float(np.mean([values[metric] for values in scores]))
