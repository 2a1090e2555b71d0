"""16-bit pictures through an 8-bit network."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame

DeepFrame = NDArray[np.uint16]
"""(H, W, 3) uint16, full-range RGB."""

_STEP = 257
"""16-bit codes between two 8-bit ones: 65535 / 255."""

_SIGMA_PIXELS = 6.0
_ROWS_AT_ONCE = 512
_MARGIN = 24
"""Four sigmas: beyond, the blur sees nothing."""


def add_fine_levels(frame: Frame, deep: DeepFrame, enhanced: Frame, strength: float | NDArray[np.float32]) -> DeepFrame:
    """`enhanced` with 16 bits: 257 · enhanced + gain · (deep - 257 · frame), mixed with `deep` by `strength`, clipped.

    strength: a number, or (H, W, 1).
    frame: the 8-bit rounding of `deep`, which the network saw; enhanced: what it made of it. The difference in brackets is what
    rounding took away, at most half an 8-bit step; gain = (blur(enhanced) + 1) / (blur(frame) + 1), per channel, Gaussian, σ 6 pixels.
    A dark slope that has few 8-bit levels so keeps all between them instead of breaking into bands.
    """
    result = np.empty_like(deep)
    height = frame.shape[0]
    for top in range(0, height, _ROWS_AT_ONCE):  # in strips: a large picture needs no second one in floats
        bottom = min(top + _ROWS_AT_ONCE, height)
        first, last = max(top - _MARGIN, 0), min(bottom + _MARGIN, height)
        gain = ((_blur(enhanced[first:last]) + 1) / (_blur(frame[first:last]) + 1))[top - first : bottom - first]
        rows = slice(top, bottom)
        original = deep[rows].astype(np.float32)
        fine = original - frame[rows].astype(np.float32) * _STEP
        full = enhanced[rows].astype(np.float32) * _STEP + gain * fine
        here = strength if isinstance(strength, float | int) else strength[rows]
        result[rows] = np.rint(np.clip(original + here * (full - original), 0, 65535))
    return result


def _blur(frame: Frame) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(frame.astype(np.float32), (0, 0), _SIGMA_PIXELS, borderType=cv2.BORDER_REFLECT), np.float32)
