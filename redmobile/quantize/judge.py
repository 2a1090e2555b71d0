"""How far a quantized graph's outputs are from the float graph's, on a few frames, in LiteRT."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.core.quant_math import Quantization
from redmobile.data.calibration import FrameSet, Sample
from redmobile.graph.tflite_model import TfliteModel
from redmobile.quantize.calibrate import sample, to_codes
from redmobile.quantize.observers import Range
from redmobile.quantize.rerun import Rerun

_PICTURE_RANK = 3


class Judge:
    """Holds pictures and what the float graph makes of them.

    pictures: (H, W, 3) uint8 RGB; outputs: for each picture, the float graph's sampled outputs by name; spans: name of an output →
    width of its range, the peak of its PSNR.
    """

    def __init__(
        self, pictures: Sequence[Sample], outputs: Sequence[Mapping[str, NDArray[np.float32]]], input_range: Range, spans: Mapping[str, float]
    ) -> None:
        self._pictures = pictures
        self._outputs = outputs
        self._input_range = input_range
        self._spans = spans
        self._rerun: Rerun | None = None

    def error(self, model: TfliteModel) -> float:
        """Square of the mean, over pictures and outputs, of the root mean squared difference relative to the span.

        Between the mean of squares, where the one scene that a range suits least decides for all, and the mean PSNR, where losing one
        scene can be made good by polishing the others. `model`: quantized, not yet with other I/O dtypes, of the same build every time.
        """
        self._rerun = self._rerun or Rerun([self._coded(picture, model) for picture in self._pictures])
        quantizations = {tensor.name: tensor.quantization for tensor in model.outputs}
        errors: list[float] = []

        def look(place: int, found: Mapping[str, NDArray[np.integer]]) -> None:
            for name, expected in self._outputs[place].items():
                errors.append(_deviation(found[name], quantizations[name], expected) / self._spans[name])

        self._rerun.run(model, look)
        return (math.fsum(errors) / len(errors)) ** 2

    def _coded(self, picture: Sample, model: TfliteModel) -> tuple[NDArray[np.integer], ...]:
        """The input for a picture: its quantization is fixed, so it is the same for every trial."""
        tensor = model.inputs[0]
        if tensor.quantization is None:
            raise TypeError("the input is not quantized")  # write_int8 has quantized it
        codes = to_codes(picture, self._input_range, tensor.quantization, tensor.dtype)
        return codes if isinstance(codes, tuple) else (codes,)


def _deviation(codes: NDArray[np.integer], quantization: Quantization | None, expected: NDArray[np.float32]) -> float:
    """Root mean squared difference of the sampled values."""
    real = sample(codes).astype(np.float32)
    if quantization is not None:
        real -= np.float32(quantization.zero_point[0])
        real *= np.float32(quantization.scale[0])
    real -= expected
    return math.sqrt(float(np.square(real, out=real).mean()))


def decibels(error: float) -> float:
    """PSNR of a relative mean squared error; inf for none."""
    return -10 * math.log10(error) if error > 0 else math.inf


def judged(frames: Sequence[Sample], count: int) -> list[Sample]:
    """At most `count` of the frames, mirrored, evenly spread from dark to bright; ranked by what they hold, so their order does not matter.

    Whole ones: a network that looks at the whole picture behaves otherwise on a mosaic of several, and a range that suits three quarters
    of a frame may cut off what only the fourth holds. Mirrored, left for right: as likely a picture as the frame itself, but not what
    ranges were measured on. Judged by those very frames, a range that cuts off what they do not need looks better than it is: a search on
    MobileNetV3-small won 1.3 dB there and lost 2.1 on other photographs, where by mirrored ones it lost nothing.
    """
    ranked = sorted(frames, key=lambda frame: (float(frame.mean()), frame.tobytes()))
    count = min(len(ranked), count)
    return [_mirrored(ranked[(2 * place + 1) * len(ranked) // (2 * count)]) for place in range(count)]


def _mirrored(frame: Sample) -> Sample:
    if isinstance(frame, FrameSet):
        return FrameSet(tuple(_mirrored_array(array) for array in frame.frames))
    return _mirrored_array(frame)


def _mirrored_array(array: Frame) -> Frame:
    """Of (H, W, C) the columns from right to left; anything else is no picture and stays."""
    return np.ascontiguousarray(array[:, ::-1]) if array.ndim == _PICTURE_RANK else array


def spans_of(outputs: Sequence[Mapping[str, NDArray[np.float32]]], exact: Mapping[str, Range]) -> dict[str, float]:
    """Name of an output → width of its exact range, or of the values seen where it has none (1 if there is no width)."""
    spans = {}
    for name in outputs[0]:
        low, high = exact.get(name) or (min(float(each[name].min()) for each in outputs), max(float(each[name].max()) for each in outputs))
        spans[name] = high - low or 1.0
    return spans
