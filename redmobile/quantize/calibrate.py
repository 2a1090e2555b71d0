"""Frames through the float graph: what its tensors hold, and what it puts out."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.core.quant_math import Quantization
from redmobile.data.calibration import FrameSet, Sample
from redmobile.errors import UnsupportedModelError, UsageError
from redmobile.graph.tflite_model import TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.observers import Range
from redmobile.quantize.statistics import Statistics, check_holdable, merged
from redmobile.runtimes.base import available_threads
from redmobile.runtimes.litert_tensors import LitertTensors

OnProgress = Callable[[str, int, int], None]
"""(stage, done, total)."""

IMAGE_RANK = 4
_STEP, _LARGE_STEP = 3, 9
_LARGE = 1 << 20  # values: a ninth of them still tells a mean to a thousandth

FloatArray = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What was seen, by name of a tensor.

    statistics: histogram; means: (C,) mean of each channel; neither depends on the order of the frames. halves: the histograms of the even
    frames and of the odd ones.
    """

    statistics: dict[str, Statistics]
    means: dict[str, FloatArray]
    halves: dict[str, tuple[Statistics, Statistics]]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Names of tensors to take statistics and channel means of."""

    statistics: Sequence[str]
    means: Sequence[str] = ()


def calibrate(model: TfliteModel, frames: Sequence[Sample], input_range: Range, wanted: Wanted, on_progress: OnProgress | None = None) -> Calibration:
    """Run `frames` through the float `model` in LiteRT.

    frames: (H, W, C) uint8 of the input's size, a FrameSet for several inputs. Raises UsageError (no frames; a frame of another size),
    UnsupportedModelError (a tensor that overflows).
    """
    halves = {name: (Statistics(), Statistics()) for name in wanted.statistics}
    means: dict[str, list[FloatArray]] = {name: [] for name in wanted.means}

    def look(index: int, name: str, values: NDArray[np.float32]) -> None:
        if name in halves:
            halves[name][index % 2].add(values, name)
        if name in means:
            means[name].append(values.reshape(-1, values.shape[-1]).mean(axis=0, dtype=np.float64))

    visit(model, frames, input_range, [*halves, *means], look, "calibrating", on_progress)
    return Calibration({name: merged(*each) for name, each in halves.items()}, {name: _mean(each) for name, each in means.items()}, halves)


def float_outputs(model: TfliteModel, frames: Sequence[Sample], input_range: Range) -> list[dict[str, NDArray[np.float32]]]:
    """What the float `model` makes of each frame: its sampled outputs by name. Raises as `calibrate`."""
    outputs: list[dict[str, NDArray[np.float32]]] = [{} for _ in frames]
    names = [tensor.name for tensor in model.outputs]

    def look(index: int, name: str, values: NDArray[np.float32]) -> None:
        outputs[index][name] = sample(values).copy()

    visit(model, frames, input_range, names, look, "", None)
    return [{name: found[name] for name in names} for found in outputs]


def measure_peaks(
    model: TfliteModel, frames: Sequence[Sample], input_range: Range, names: Sequence[str], on_progress: OnProgress | None = None
) -> dict[str, FloatArray]:
    """Name of a tensor of the float `model` → (C,) largest magnitude of each channel over `frames`. Raises as `calibrate`."""
    peaks: dict[str, FloatArray] = {}

    def look(_: int, name: str, values: NDArray[np.float32]) -> None:
        flat = values.reshape(-1, values.shape[-1])
        check_holdable(float(flat.min()), float(flat.max()), name)
        found = np.maximum(flat.max(axis=0), -flat.min(axis=0)).astype(np.float64)
        peaks[name] = np.maximum(peaks[name], found) if name in peaks else found

    visit(model, frames, input_range, names, look, "measuring channels", on_progress)
    return peaks


Look = Callable[[int, str, NDArray[np.float32]], None]
"""(index of the frame, name of the tensor, its values)."""


def visit(
    model: TfliteModel, frames: Sequence[Sample], input_range: Range, names: Sequence[str], look: Look, stage: str, on_progress: OnProgress | None
) -> None:
    """Let `look` see the tensors called `names` and the outputs for every frame; several tensors at a time, each by one thread."""
    check_frames(model, frames)
    tensors = {tensor.name: tensor for tensor in model.tensors() if tensor.data is None and tensor.name in set(names)}
    tensors |= {tensor.name: tensor for tensor in model.outputs}
    engine = LitertTensors(write_tflite(dataclasses.replace(model, outputs=list(tensors.values()))))
    with concurrent.futures.ThreadPoolExecutor(available_threads()) as pool:
        for index, frame in enumerate(frames):
            values = engine.run(to_real(frame, input_range))
            for seen in [pool.submit(look, index, name, values[name]) for name in tensors]:
                seen.result()
            del values, seen  # the engine must own its memory again before the next run
            if on_progress:
                on_progress(stage, index + 1, len(frames))


def _mean(values: Sequence[FloatArray]) -> FloatArray:
    """Mean over frames, exactly rounded: the same in any order."""
    return np.array([math.fsum(channel) / len(values) for channel in np.stack(values, axis=1)])


def check_frames(model: TfliteModel, frames: Sequence[Sample]) -> None:
    """Raise UsageError unless there are frames, all uint8 of the input's size; UnsupportedModelError unless there is an array for each input."""
    if not frames:
        raise UsageError("No frames to calibrate with: give at least one.")
    for index, frame in enumerate(frames):
        arrays = frame.frames if isinstance(frame, FrameSet) else (frame,)
        if len(arrays) != len(model.inputs):
            raise UnsupportedModelError(
                f"The model has {len(model.inputs)} inputs, calibration frame {index} holds {len(arrays)}: give an array for each (.npz, FrameSet)."
            )
        for tensor, array in zip(model.inputs, arrays, strict=True):
            if array.shape != tensor.shape[1:] or array.dtype != np.uint8:
                sizes = "×".join(map(str, tensor.shape[1:])), "×".join(map(str, array.shape))
                raise UsageError(f"Calibration frame {index} is {sizes[1]} {array.dtype}, the network's input is {sizes[0]} uint8.")


@overload
def to_real(frame: Frame, input_range: Range) -> NDArray[np.float32]: ...
@overload
def to_real(frame: Sample, input_range: Range) -> NDArray[np.float32] | tuple[NDArray[np.float32], ...]: ...
def to_real(frame: Sample, input_range: Range) -> NDArray[np.float32] | tuple[NDArray[np.float32], ...]:
    """(H, W, C) uint8 → (1, H, W, C) float32 in the input's range; of a FrameSet each array."""
    if isinstance(frame, FrameSet):
        return tuple(to_real(array, input_range) for array in frame.frames)
    low, high = input_range
    levels = np.linspace(low, high, 256, dtype=np.float64).astype(np.float32)
    return levels[frame][None]


@overload
def to_codes(frame: Frame, input_range: Range, quantization: Quantization, dtype: str) -> NDArray[np.integer]: ...
@overload
def to_codes(frame: Sample, input_range: Range, quantization: Quantization, dtype: str) -> NDArray[np.integer] | tuple[NDArray[np.integer], ...]: ...
def to_codes(frame: Sample, input_range: Range, quantization: Quantization, dtype: str) -> NDArray[np.integer] | tuple[NDArray[np.integer], ...]:
    """(H, W, C) uint8 → (1, H, W, C) codes of `dtype` in the input's quantization; of a FrameSet each array: all inputs have the one range."""
    if isinstance(frame, FrameSet):
        return tuple(to_codes(array, input_range, quantization, dtype) for array in frame.frames)
    levels = np.linspace(*input_range, 256, dtype=np.float64)
    return quantization.quantize(levels, dtype)[frame][None]


def sample(output: NDArray[Any]) -> NDArray[Any]:
    """Every third row of a (1, H, W, C) image, of a large one every ninth; other outputs whole.

    Enough to judge by, and both meet all phases of a pixel shuffle.
    """
    if output.ndim != IMAGE_RANK:
        return output
    return output[:, :: _LARGE_STEP if output.size > _LARGE else _STEP]
