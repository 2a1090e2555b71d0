"""How far a quantized graph's outputs are from the float graph's, on a few frames, in LiteRT."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.graph.tflite_model import TfliteModel
from redmobile.quantize.calibrate import sample, to_codes
from redmobile.quantize.observers import Range
from redmobile.quantize.template import Template
from redmobile.runtimes.litert_tensors import LitertTensors


class Judge:
    """Holds frames and what the float graph makes of them. spans: name of an output → width of its range, the peak of its PSNR."""

    def __init__(
        self, frames: Mapping[int, Frame], outputs: dict[int, dict[str, NDArray[np.float32]]], input_range: Range, spans: dict[str, float]
    ) -> None:
        self._frames = frames
        self._outputs = outputs
        self._input_range = input_range
        self._spans = spans
        self._codes: dict[int, NDArray[np.integer]] = {}
        self._template: Template | None = None
        self.trials = 0

    def error(self, model: TfliteModel) -> float:
        """Mean squared difference of the outputs, each relative to its span squared. `model`: quantized, not yet with other I/O dtypes."""
        self.trials += 1
        self._template = self._template or Template(model)
        engine = LitertTensors(self._template.fill(model))
        return math.fsum(self._frame_error(engine, model, index) for index in self._outputs) / len(self._outputs)

    def codes(self, model: TfliteModel, index: int) -> NDArray[np.integer]:
        """The input of frame `index`: its quantization is fixed, so it is the same for every trial."""
        if index not in self._codes:
            tensor = model.inputs[0]
            if tensor.quantization is None:
                raise TypeError("the input is not quantized")  # write_int8 has quantized it
            self._codes[index] = to_codes(self._frames[index], self._input_range, tensor.quantization, tensor.dtype)
        return self._codes[index]

    def _frame_error(self, engine: LitertTensors, model: TfliteModel, index: int) -> float:
        found = engine.run(self.codes(model, index))
        expected = self._outputs[index]
        return math.fsum(self._output_error(found[name], model, name, expected[name]) for name in expected) / len(expected)

    def _output_error(self, codes: NDArray[np.integer], model: TfliteModel, name: str, expected: NDArray[np.float32]) -> float:
        quantization = next(tensor.quantization for tensor in model.outputs if tensor.name == name)
        real = sample(codes).astype(np.float32)
        if quantization is not None:
            real = (real - np.float32(quantization.zero_point[0])) * np.float32(quantization.scale[0])
        difference = (real - expected).ravel()
        return float(np.dot(difference, difference)) / difference.size / self._spans[name] ** 2


def decibels(error: float) -> float:
    """PSNR of a relative mean squared error; inf for none."""
    return -10 * math.log10(error) if error > 0 else math.inf


def judged(frames: Sequence[Frame], wanted: int) -> list[int]:
    """Indices of at most `wanted` frames, from dark to bright: by what they hold, so their order does not matter."""
    ranked = sorted(range(len(frames)), key=lambda index: (float(frames[index].mean()), frames[index].tobytes()))
    count = min(len(frames), wanted)
    return [ranked[(2 * place + 1) * len(frames) // (2 * count)] for place in range(count)]


def spans_of(outputs: dict[int, dict[str, NDArray[np.float32]]], exact: dict[str, Range]) -> dict[str, float]:
    """Name of an output → width of its exact range, or of the values seen where it has none (1 if there is no width)."""
    spans = {}
    for name in next(iter(outputs.values()), {}):
        low, high = exact.get(name) or (
            min(float(kept[name].min()) for kept in outputs.values()),
            max(float(kept[name].max()) for kept in outputs.values()),
        )
        spans[name] = high - low or 1.0
    return spans


def frames_at(frames: Sequence[Frame], indices: Sequence[int]) -> dict[int, Frame]:
    """Index → frame."""
    return {index: frames[index] for index in indices}
