"""A float graph whose source brings its own scales (QuantizeLinear and DequantizeLinear): nothing is chosen, next to nothing measured.

Quantization-aware training has fitted weights and biases to those very scales: they are not equalized, and biases are not corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redmobile.core.converter import Quantize
from redmobile.data.calibration import Sample
from redmobile.errors import UnsupportedModelError
from redmobile.graph.tflite_model import TfliteModel
from redmobile.quantize.calibrate import Calibration, OnProgress, Wanted, calibrate, check_frames, float_outputs
from redmobile.quantize.coverage import measure_coverage
from redmobile.quantize.judge import Judge, decibels, judged, spans_of
from redmobile.quantize.observers import Range
from redmobile.quantize.quantize import Quantized, Report, tensor_reports
from redmobile.quantize.ranges import Layout, lay_out
from redmobile.quantize.search import Candidates
from redmobile.quantize.write_int8 import Writer, with_io


def quantize_given(
    model: TfliteModel,
    recipe: Quantize,
    frames: Sequence[Sample] = (),
    *,
    input_range: Range = (0.0, 1.0),
    reference: TfliteModel | None = None,
    on_progress: OnProgress | None = None,
) -> Quantized:
    """Quantize a float32 `model` by the scales that its tensors are given; `model` is left as it is.

    frames: (H, W, 3) uint8 RGB of the input's size, only needed for ranges that no scale, tie or bound gives; if there are some, the
    report also says how far the result is from the float graph: `model`, or `reference` where the weights of the two differ.
    on_progress: called with (stage, done, total).
    Raises UnsupportedModelError (what cannot be quantized; tensors whose ranges nothing gives), UsageError (recipe or frames do not fit).
    """
    layout = lay_out(model, input_range, recipe.activations.bits, wide=recipe.wide, kept_float=recipe.keep_float)
    missing = layout.observed()
    if missing and not frames:
        names = ", ".join(f"'{name}'" for name in missing)
        raise UnsupportedModelError(
            f"The model brings scales, but not for {len(missing)} tensor{'s' if len(missing) > 1 else ''}: {names}. "
            "Give --calibrate DIR to measure those, or quantize them in the model too."
        )
    calibration = Calibration({}, {}, {})
    if frames:
        check_frames(model, frames)
    if missing:
        calibration = calibrate(model, frames, input_range, Wanted(missing), on_progress)
    candidates = Candidates(layout, calibration.statistics)
    choice = candidates.uniform(recipe.activations.observer)
    quantized = Writer(layout, recipe.weights.granularity == "channel").write(candidates.quantizations(choice))
    stages: dict[str, Any] = {"frames": len(frames), "given": sum(group.given for group in layout.groups), "measured": len(missing)}
    if frames:
        pictures = judged(frames, recipe.activations.judged)
        stages["psnr_db"] = decibels(_judge(reference or model, layout, pictures, input_range).error(quantized))
    report = Report(tuple(tensor_reports(layout, candidates, choice, calibration)), stages)
    coverage = measure_coverage(frames, calibration, recipe.activations.observer) if missing else None
    return Quantized(with_io(quantized, recipe.io, layout.precision.base), report, coverage)


def _judge(model: TfliteModel, layout: Layout, pictures: Sequence[Sample], input_range: Range) -> Judge:
    outputs = float_outputs(model, pictures, input_range)
    return Judge(pictures, outputs, input_range, spans_of(outputs, layout.exact()))
