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
    error = cv2.norm(expected, found, cv2.NORM_L2SQR) / expected.size
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))


def ssim(expected: Frame, found: Frame) -> float:
    """Structural similarity (Wang et al., IEEE TIP 2004): Gaussian window 11×11, σ 1.5, K1 0.01, K2 0.03, peak 255.

    Population statistics; mean over all channels and over the positions where the whole window lies inside the frame. Computed in
    bands of rows that fit into the processor's caches, in float32 (within 2e-6 of float64). Raises ValueError for a frame
    smaller than the window.
    """
    height, width = expected.shape[:2]
    if min(height, width) <= 2 * _REACH:
        raise ValueError(f"SSIM needs frames of at least {2 * _REACH + 1}×{2 * _REACH + 1}, found {height}×{width}")
    total = 0.0
    for top in range(_REACH, height - _REACH, _BAND):
        bottom = min(top + _BAND, height - _REACH)
        rows = slice(top - _REACH, bottom + _REACH)
        total += (bottom - top) * _ssim_of_band(expected[rows], found[rows])
    return float(total / (height - 2 * _REACH))


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


_REACH = 5
"""Rows and columns that the window reaches beyond its middle."""

_BAND = 64


def _ssim_of_band(expected: Frame, found: Frame) -> float:
    """Mean SSIM where the whole window lies inside. Variances are taken about a value near the mean, so that float32 is enough."""
    middle = np.float32(expected.mean())
    x, y = expected.astype(np.float32) - middle, found.astype(np.float32) - middle
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_y = _window(x), _window(y)
    variances = _window(x * x + y * y) - mean_x * mean_x - mean_y * mean_y
    covariance = _window(x * y) - mean_x * mean_y
    mean_x += middle
    mean_y += middle
    score = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / ((mean_x * mean_x + mean_y * mean_y + c1) * (variances + c2))
    return float(score[_REACH:-_REACH, _REACH:-_REACH].mean(dtype=np.float64))


def _window(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT), np.float32)
