"""The whole way from a float graph to a quantized one: equalize, calibrate, choose ranges, correct biases, write."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from redmobile.core.converter import Quantize
from redmobile.core.quant_math import Quantization
from redmobile.data.calibration import Sample
from redmobile.errors import UsageError
from redmobile.graph.tflite_model import TfliteModel
from redmobile.quantize.bias_correction import Shifts, correct_biases, data_names
from redmobile.quantize.calibrate import Calibration, OnProgress, Wanted, calibrate, check_frames, float_outputs, measure_peaks
from redmobile.quantize.coverage import Coverage, measure_coverage
from redmobile.quantize.effort import Effort, affordable
from redmobile.quantize.equalize import equalize, measured
from redmobile.quantize.judge import Judge, decibels, judged, spans_of
from redmobile.quantize.observers import Range, error_of
from redmobile.quantize.op_rules import WIDE
from redmobile.quantize.precision import DTYPES
from redmobile.quantize.ranges import Layout, lay_out
from redmobile.quantize.rerun import work_of
from redmobile.quantize.search import Candidates, Choice, search
from redmobile.quantize.statistics import Statistics
from redmobile.quantize.write_int8 import Quantizations, Writer, check_io, with_io


@dataclasses.dataclass(frozen=True)
class TensorReport:
    """One tensor of the quantized graph. seen: exact (min, max) in calibration, None where nothing had to be measured.

    clipped: share of the width seen that lies outside the range. sqnr_db: power of what was seen over that of the error which this tensor's own
    rounding and clipping makes, in dB, None where nothing was measured. group: the first of the tensors that share its scale.
    observer: what chose the range; no choice are `fixed` (by specification or input range), `given` (by a model that brings its scales),
    `clamp` (by the clamp that ends the graph) and `summary` (of the whole picture: what was seen and half as much again).
    """

    name: str
    group: str
    observer: str
    low: float
    high: float
    seen: Range | None
    clipped: float
    sqnr_db: float | None
    scale: float
    zero_point: int


@dataclasses.dataclass(frozen=True)
class Report:
    """What was done.

    stages: name of a stage → figures; PSNR in dB against the float graph's output on the mirrored calibration frames that it is judged by.
    """

    tensors: tuple[TensorReport, ...]
    stages: dict[str, Any]

    def hardest_clipped(self, count: int) -> list[TensorReport]:
        """The groups whose ranges leave out the largest share of what was seen, one tensor each."""
        first = [tensor for tensor in self.tensors if tensor.name == tensor.group]
        return sorted(first, key=lambda tensor: -tensor.clipped)[:count]

    def as_json(self) -> dict[str, Any]:
        """Plain dicts and lists."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Quantized:
    """model: the quantized graph; report: how it came about; coverage: what the frames cover, None where there were none."""

    model: TfliteModel
    report: Report
    coverage: Coverage | None = None


def quantize(
    model: TfliteModel, recipe: Quantize, frames: Sequence[Sample], *, input_range: Range = (0.0, 1.0), on_progress: OnProgress | None = None
) -> Quantized:
    """Quantize a float32 `model`, which is left as it is.

    frames: (H, W, 3) uint8 RGB of the input's size, at least one. input_range: real values of codes 0 and 255.
    on_progress: called with (stage, done, total). The same arguments give the same model.
    Raises UnsupportedModelError (names every operator that cannot be quantized), UsageError (frames, range or recipe do not fit).
    """
    _check_recipe(recipe)
    _layout(model, recipe, input_range)  # refuse what cannot be done before anything is measured
    check_frames(model, frames)
    return _Work(recipe, frames, input_range, on_progress).go(model)


def _layout(model: TfliteModel, recipe: Quantize, input_range: Range) -> Layout:
    return lay_out(model, input_range, recipe.activations.bits, wide=recipe.wide, kept_float=recipe.keep_float)


def _check_recipe(recipe: Quantize) -> None:
    bits = recipe.activations.bits
    check_io(recipe.io, bits)
    wide = bits == WIDE
    if recipe.activations.symmetric != wide:
        raise UsageError(f"TFLite quantizes {bits}-bit activations {'symmetrically' if wide else 'asymmetrically'}; the recipe asks for the other.")


class _Work:
    """One quantization; its stages."""

    def __init__(self, recipe: Quantize, frames: Sequence[Sample], input_range: Range, on_progress: OnProgress | None) -> None:
        self._recipe = recipe
        self._frames = frames
        self._input_range = input_range
        self._on_progress = on_progress
        self._stages: dict[str, Any] = {"frames": len(frames)}

    def go(self, model: TfliteModel) -> Quantized:
        balanced = self._equalized(model)
        layout = _layout(balanced, self._recipe, self._input_range)
        means = data_names(balanced) if self._recipe.bias_correction else []
        calibration = calibrate(balanced, self._frames, self._input_range, Wanted(layout.observed(), means), self._on_progress)
        writer = Writer(layout, self._recipe.weights.granularity == "channel")
        candidates = Candidates(layout, calibration.statistics)
        effort = self._effort(candidates, writer)
        judge = self._judge(model, layout, effort.judged)
        choice = self._choice(candidates, writer, judge, calibration, effort.trials)
        quantizations = candidates.quantizations(choice)
        quantized = self._corrected(writer, quantizations, calibration, judge)
        report = Report(tuple(tensor_reports(layout, candidates, choice, calibration)), self._stages)
        coverage = measure_coverage(self._frames, calibration, self._recipe.activations.observer)
        return Quantized(with_io(quantized, self._recipe.io, layout.precision.base), report, coverage)

    def _equalized(self, model: TfliteModel) -> TfliteModel:
        if not self._recipe.equalize:
            return model
        names = measured(model)
        peaks = measure_peaks(model, self._frames, self._input_range, names, self._on_progress)
        self._stages["equalized_tensors"] = len(names)
        return equalize(model, peaks)

    def _effort(self, candidates: Candidates, writer: Writer) -> Effort:
        """What the recipe asks for, less where each trial would take long."""
        activations = self._recipe.activations
        asked = Effort(activations.judged, activations.search)
        if activations.search == 0:
            return asked
        return affordable(asked, work_of(writer.write(candidates.quantizations(candidates.uniform(activations.observer)))))

    def _judge(self, model: TfliteModel, layout: Layout, count: int) -> Judge:
        """Against the graph as it was given: equalizing may let a RELU6 cut a little elsewhere."""
        pictures = judged(self._frames, count)
        self._stages["judged_by"] = len(pictures)
        outputs = float_outputs(model, pictures, self._input_range)
        return Judge(pictures, outputs, self._input_range, spans_of(outputs, layout.exact()))

    def _choice(self, candidates: Candidates, writer: Writer, judge: Judge, calibration: Calibration, trials: int) -> Choice:
        activations = self._recipe.activations
        if trials == 0 or not candidates.free:
            return candidates.uniform(activations.observer)
        # The shifts hardly depend on the ranges of activations: those of one choice serve all trials.
        shifts = self._shifts(writer, candidates.quantizations(candidates.uniform(activations.observer)), calibration)
        found = search(candidates, lambda quantizations: judge.error(writer.write(quantizations, shifts)), trials, self._on_progress)
        self._stages["search"] = {
            "trials": found.trials,
            "psnr_db": decibels(found.error),
            "uniform_psnr_db": {observer: decibels(error) for observer, error in found.uniform.items()},
        }
        return found.choice

    def _shifts(self, writer: Writer, quantizations: Quantizations, calibration: Calibration) -> Shifts:
        if not self._recipe.bias_correction:
            return {}
        return correct_biases(writer.layout.model, writer.write(quantizations), calibration.means)

    def _corrected(self, writer: Writer, quantizations: Quantizations, calibration: Calibration, judge: Judge) -> TfliteModel:
        plain = writer.write(quantizations)
        if not self._recipe.bias_correction:
            self._stages["psnr_db"] = decibels(judge.error(plain))
            return plain
        corrected = writer.write(quantizations, self._shifts(writer, quantizations, calibration))
        errors = judge.error(plain), judge.error(corrected)
        kept = errors[1] < errors[0]
        self._stages["bias_correction"] = {"without_psnr_db": decibels(errors[0]), "with_psnr_db": decibels(errors[1]), "kept": kept}
        self._stages["psnr_db"] = decibels(min(errors))
        return corrected if kept else plain


def tensor_reports(layout: Layout, candidates: Candidates, choice: Choice, calibration: Calibration) -> list[TensorReport]:
    """What became of each tensor."""
    reports = []
    quantizations = candidates.quantizations(choice)
    for place, group in enumerate(layout.groups):
        observer = choice.get(place, group.given_by)
        quantization = quantizations[id(group.tensors[0])]
        low, high = quantization.reach(DTYPES[group.bits])
        seen = [calibration.statistics[root.name] for root in group.roots if root.name in calibration.statistics]
        span = (min(each.low for each in seen), max(each.high for each in seen)) if seen else None
        reports += [
            TensorReport(
                tensor.name,
                group.name,
                observer,
                low,
                high,
                span,
                _clipped(span, (low, high)),
                _sqnr_db(seen, quantization, DTYPES[group.bits]),
                float(quantization.scale[0]),
                int(quantization.zero_point[0]),
            )
            for tensor in group.tensors
        ]
    return reports


def _sqnr_db(seen: Sequence[Statistics], quantization: Quantization, dtype: str) -> float | None:
    noise, signal = (
        (math.fsum(each) for each in zip(*(error_of(statistics, quantization, dtype) for statistics in seen), strict=True)) if seen else (0, 0)
    )
    return 10 * math.log10(signal / noise) if signal and noise else None


def _clipped(seen: Range | None, held: Range) -> float:
    if seen is None or seen[0] >= seen[1]:
        return 0.0
    inside = min(seen[1], held[1]) - max(seen[0], held[0])
    return max(0.0, 1 - max(inside, 0.0) / (seen[1] - seen[0]))
