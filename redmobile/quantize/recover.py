"""The ladder: what costs nothing first, then what costs speed, until the quantized network is close enough to the float one.

    plain → observer search → bias correction → equalization → 16-bit activations for the worst tensors → the worst tensors kept float

A rung that does not bring the output closer on the held-out frames is not kept. The first four leave the graph as fast as it was. The last
two take 1, 2, 4, … of the tensors whose own rounding and clipping is loudest, with every operator that touches them: what was rounded to 8
bits in between would be lost all the same.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence

import msgspec

from redmobile.core.converter import Quantize
from redmobile.data.calibration import Sample
from redmobile.errors import ParityError, UsageError
from redmobile.graph.tflite_model import TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.calibrate import OnProgress, check_frames, float_outputs
from redmobile.quantize.judge import Judge, decibels, spans_of
from redmobile.quantize.observers import Range
from redmobile.quantize.op_rules import WIDE, faults, float_tensors
from redmobile.quantize.precision import DTYPES
from redmobile.quantize.quantize import Quantized, quantize
from redmobile.quantize.ranges import lay_out
from redmobile.quantize.ties import Ties
from redmobile.quantize.write_int8 import with_io

SEARCH = 48
"""Trials of the rung that searches, where the recipe has none of its own."""

Measure = Callable[[bytes], float]
"""The bytes of a .tflite → its latency in milliseconds."""


@dataclasses.dataclass(frozen=True)
class Rung:
    """One step: what it adds; psnr_db against float on the held-out frames; the file's size; latency_ms (None: not measured); kept: it helped."""

    name: str
    psnr_db: float
    size_bytes: int
    latency_ms: float | None
    kept: bool


@dataclasses.dataclass(frozen=True)
class Recovered:
    """The network, int8 in and out as the recipe says, and the rungs in the order in which they were tried; recipe: that of the last kept."""

    quantized: Quantized
    recipe: Quantize
    rungs: tuple[Rung, ...]


def recover(
    model: TfliteModel,
    recipe: Quantize,
    frames: Sequence[Sample],
    held_out: Sequence[Sample],
    target_db: float,
    *,
    input_range: Range = (0.0, 1.0),
    measure: Measure | None = None,
    on_progress: OnProgress | None = None,
) -> Recovered:
    """Quantize the float `model` with `recipe` and climb until its PSNR against float on `held_out` is at least `target_db`.

    frames calibrate, held_out judge: (H, W, 3) uint8 RGB of the input's size; they must not share a picture.
    Raises ParityError if the top does not reach `target_db`, UsageError (frames do not fit, are shared; a recipe of 16 bits), and as
    `quantize`.
    """
    if recipe.activations.bits == WIDE:
        raise UsageError("The ladder begins in 8 bits; this recipe has 16-bit activations already.")
    if {frame.tobytes() for frame in frames} & {frame.tobytes() for frame in held_out}:
        raise UsageError("Some held-out frames calibrate too; what is judged must not have set the ranges.")
    check_frames(model, held_out)
    ladder = _Ladder(model, recipe, frames, held_out, input_range, measure, on_progress)
    best = ladder.climb(target_db)
    if best.psnr_db < target_db:
        raise ParityError(
            f"The ladder ends at {best.psnr_db:.2f} dB from float on {len(held_out)} held-out frames ({best.name}); {target_db:g} dB were asked for."
        )
    model = with_io(ladder.quantized.model, recipe.io, recipe.activations.bits)
    return Recovered(dataclasses.replace(ladder.quantized, model=model), ladder.recipe, tuple(ladder.rungs))


class _Ladder:
    def __init__(
        self,
        model: TfliteModel,
        recipe: Quantize,
        frames: Sequence[Sample],
        held_out: Sequence[Sample],
        input_range: Range,
        measure: Measure | None,
        on_progress: OnProgress | None,
    ) -> None:
        self._model = model
        self._frames = frames
        self._input_range = input_range
        self._measure = measure
        self._on_progress = on_progress
        outputs = float_outputs(model, held_out, input_range)
        exact = lay_out(model, input_range, recipe.activations.bits).exact()
        self._judge = functools.partial(Judge, held_out, outputs, input_range, spans_of(outputs, exact))
        self._search = recipe.activations.search or SEARCH
        self.recipe = msgspec.structs.replace(
            recipe, activations=msgspec.structs.replace(recipe.activations, search=0), bias_correction=False, equalize=False
        )
        self.rungs: list[Rung] = []
        self.quantized: Quantized
        self._best = Rung("nothing", -math.inf, 0, None, kept=False)

    def climb(self, target_db: float) -> Rung:
        """Try rung after rung; the best that was kept."""
        searched = msgspec.structs.replace(self.recipe.activations, search=self._search)
        self._try("plain", self.recipe)
        for name, change in (
            ("observer search", {"activations": searched}),
            ("bias correction", {"bias_correction": True}),
            ("equalization", {"equalize": True}),
        ):
            if self._best.psnr_db < target_db:
                self._try(name, msgspec.structs.replace(self.recipe, **change))
        self._climb_by_layers(target_db, "wide", "in 16 bits", WIDE)
        self._climb_by_layers(target_db, "keep_float", "kept float", None)
        return self._best

    def _climb_by_layers(self, target_db: float, field: str, words: str, bits: int | None) -> None:
        loudest = self._loudest()
        count = 1
        while self._best.psnr_db < target_db and loudest:
            layers = self._layers_around(loudest[:count], bits)
            base = msgspec.structs.replace(self.recipe, wide=(), keep_float=()) if field == "keep_float" else self.recipe
            if layers:
                self._try(f"{min(count, len(loudest))} tensors {words}", msgspec.structs.replace(base, **{field: layers}))
            if count >= len(loudest):
                return
            count *= 2

    def _try(self, name: str, recipe: Quantize) -> None:
        quantized = quantize(
            self._model,
            msgspec.structs.replace(recipe, io=DTYPES[recipe.activations.bits]),
            self._frames,
            input_range=self._input_range,
            on_progress=self._on_progress,
        )
        data = write_tflite(quantized.model)
        psnr_db = decibels(self._judge().error(quantized.model))  # a judge each: it keeps the build of the first file that it sees
        kept = psnr_db > self._best.psnr_db
        rung = Rung(name, psnr_db, len(data), self._measure(data) if self._measure else None, kept)
        self.rungs.append(rung)
        if kept:
            self._best, self.recipe, self.quantized = rung, recipe, quantized

    def _loudest(self) -> list[str]:
        """Names of the quantized tensors, one a group, those whose own rounding and clipping is loudest first."""
        reports = [tensor for tensor in self.quantized.report.tensors if tensor.name == tensor.group and tensor.sqnr_db is not None]
        return [tensor.name for tensor in sorted(reports, key=lambda tensor: tensor.sqnr_db or 0.0)]

    def _layers_around(self, names: Sequence[str], bits: int | None) -> tuple[str, ...]:
        """Names of all operators that touch a tensor which shares its scale with one of `names`; of those only that have a form in `bits`."""
        ties = Ties(self._model.operators)
        keys = {ties.of(tensor) for tensor in self._model.tensors() if tensor.name in names}
        touching = [
            operator
            for operator in self._model.operators
            if any(tensor.data is None and ties.of(tensor) in keys for tensor in float_tensors([*operator.inputs, *operator.outputs]))
        ]
        return tuple(operator.outputs[0].name for operator in touching if bits is None or faults(operator, bits) is None)
