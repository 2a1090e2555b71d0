"""Image metrics. Each has a unit and a direction; each states its convention.

All work on uint8 RGB frames, (H, W, 3), all channels together, without brightness matching.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Metric:
    """One figure about two frames (expected, found)."""

    name: str
    unit: str
    higher_is_better: bool
    compute: Callable[[Frame, Frame], float]
    says: str

    def passes(self, value: float, threshold: float) -> bool:
        """Whether `value` is on the good side of `threshold`. NaN never passes."""
        return value >= threshold if self.higher_is_better else value <= threshold


def psnr(expected: Frame, found: Frame) -> float:
    """Peak signal-to-noise ratio in dB, peak 255, over all values together; inf for equal frames."""
    error = np.mean(np.square(expected.astype(np.float32) - found.astype(np.float32)), dtype=np.float64)
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))


def ssim(expected: Frame, found: Frame) -> float:
    """Structural similarity (Wang et al., IEEE TIP 2004): Gaussian window 11×11, σ 1.5, K1 0.01, K2 0.03, peak 255.

    Population statistics; mean over all channels and over the positions where the whole window lies inside the frame.
    """
    x, y = expected.astype(np.float64), found.astype(np.float64)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_y = _window(x), _window(y)
    var_x, var_y = _window(x * x) - mean_x**2, _window(y * y) - mean_y**2
    covariance = _window(x * y) - mean_x * mean_y
    score = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return float(score[5:-5, 5:-5].mean())


def max_code_difference(expected: Frame, found: Frame) -> float:
    """Largest absolute difference of two frames, in codes of 8 bits."""
    return float(cv2.absdiff(expected, found).max())


def mean_code_difference(expected: Frame, found: Frame) -> float:
    """Mean absolute difference of two frames, in codes of 8 bits."""
    return float(cv2.absdiff(expected, found).mean())


METRICS = {
    metric.name: metric
    for metric in (
        Metric("psnr", "dB", True, psnr, "peak signal-to-noise ratio"),
        Metric("ssim", "", True, ssim, "structural similarity"),
        Metric("max_difference", "codes", False, max_code_difference, "largest difference of a value"),
        Metric("mean_difference", "codes", False, mean_code_difference, "mean difference of a value"),
    )
}


def _window(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT), np.float64)
