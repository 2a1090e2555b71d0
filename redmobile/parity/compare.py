"""Two stages side by side: first what they are, then how far their pictures are apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from redmobile.core.documents import Document
from redmobile.core.metrics import METRICS, Frame
from redmobile.core.tensor_spec import TensorSpec
from redmobile.enhance.pixel_codes import RGBA_CHANNELS

_FLOATS = frozenset({"float16", "float32"})
_MSE_OF_0_DB = 255.0**2


class Scores(Document):
    """One picture: metric → value."""

    image: str
    values: dict[str, float]


class Worst(Document):
    """The picture on which a metric is worst, and its value there."""

    image: str
    value: float


class Comparison(Document):
    """How far `found` is from `expected`. pooled: metric → value over all pictures (see `pool`); worst: metric → Worst."""

    expected: str
    found: str
    pooled: dict[str, float]
    worst: dict[str, Worst]
    images: tuple[Scores, ...]


def check_specs(name: str, spec: TensorSpec, size: tuple[int, int], expected_channels: int = 3) -> list[str]:
    """What is wrong with the input or output `spec` of the stage `name` before any number is computed; empty if nothing is.

    Expected: one picture of `size` (height, width) in RGB, or in RGBA where the file says that it takes `expected_channels` = 4, in a known
    layout, as floats or as codes that say their scale.
    """
    if spec.layout == "?":
        return [f"{name}: {spec} is not a picture in a known layout (N×H×W×3 or N×3×H×W)."]
    height, width, channels = spec.image_size
    found = []
    if spec.shape[0] != 1 or channels != expected_channels:
        found.append(f"{name}: {spec} is not one {'RGBA' if expected_channels == RGBA_CHANNELS else 'RGB'} picture.")
    if (height, width) != size:
        found.append(f"{name}: {spec} is {height}×{width}, the stage before has {size[0]}×{size[1]}.")
    if spec.dtype not in _FLOATS and spec.quantization is None:
        found.append(f"{name}: {spec} has neither floats nor a scale that says what its codes mean.")
    return found


def score(image: str, expected: Frame, found: Frame) -> Scores:
    """All METRICS on one pair of pictures of one shape, (H, W, 3) uint8."""
    return Scores(image=image, values={name: metric.compute(expected, found) for name, metric in METRICS.items()})


def gather(expected: str, found: str, scores: Sequence[Scores]) -> Comparison:
    """The Comparison of two stages from the scores of at least one picture."""
    pooled, worst = {}, {}
    for name, metric in METRICS.items():
        values = [one.values[name] for one in scores]
        pooled[name] = pool(name, values)
        at = values.index((min if metric.higher_is_better else max)(values))
        worst[name] = Worst(image=scores[at].image, value=values[at])
    return Comparison(expected=expected, found=found, pooled=pooled, worst=worst, images=tuple(scores))


def pool(metric: str, values: Sequence[float]) -> float:
    """One value for many pictures, each with the same weight whatever its size.

    psnr: in dB of the mean of the squared errors, not the mean of the decibels: one bad picture cannot hide behind many perfect
    ones. max_difference: the largest. All others: the mean.
    """
    if metric == "psnr":
        error = float(np.mean([_MSE_OF_0_DB * 10 ** (-value / 10) for value in values]))
        return math.inf if error == 0 else 10 * math.log10(_MSE_OF_0_DB / error)
    return max(values) if metric == "max_difference" else float(np.mean(values))
