"""Bands on smooth, dark gradients: what 8 bits and a network's own rounding make of a clear sky at night."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.evaluate.result import Banding
from redmobile.evaluate.subjects import Enhancer

_WIDTH, _BAND_HEIGHT = 1280, 88
_SMOOTH_PIXELS = 48.0
_EDGE_PIXELS = 96
"""Left and right ends that are not judged: the smooth course is not known there."""

BANDS: dict[str, tuple[tuple[float, float, float], float, float]] = {
    "grey 0-16": ((1, 1, 1), 0, 16),
    "grey 0-48": ((1, 1, 1), 0, 48),
    "grey 16-80": ((1, 1, 1), 16, 80),
    "grey 64-200": ((1, 1, 1), 64, 200),
    "blue 0-40": ((0.25, 0.4, 1), 0, 40),
    "red 0-40": ((1, 0.4, 0.3), 0, 40),
    "green 0-40": ((0.4, 1, 0.4), 0, 40),
    "skin 8-64": ((1, 0.75, 0.6), 8, 64),
}
"""Name → (colour, first code, last code)."""


def gradient_chart() -> Frame:
    """Eight gradients from left to right, one below the other: (704, 1280, 3) uint8, rounded, without dither."""
    ramp = np.linspace(0, 1, _WIDTH)[None, :, None]
    rows = [np.repeat((low + ramp * (high - low)) * np.asarray(colour), _BAND_HEIGHT, axis=0) for colour, low, high in BANDS.values()]
    return np.asarray(np.rint(np.vstack(rows)), np.uint8)


def measure_banding(subject: Enhancer) -> Banding:
    """The band on which `subject` ripples most beyond what the 8-bit input makes unavoidable."""
    chart = gradient_chart()
    found = subject.enhance(chart)
    bands = [_band(subject.facts.name, name, _profile(chart, place), _profile(found, place)) for place, name in enumerate(BANDS)]
    return max(bands, key=lambda band: band.ripple_codes - band.unavoidable_codes)


def _band(subject: str, name: str, given: NDArray[np.float64], made: NDArray[np.float64]) -> Banding:
    span = float(given[-1] - given[0])
    gain = abs(float(made[-1] - made[0])) / span if span else 0.0
    fallen = np.maximum.accumulate(made) - made
    return Banding(subject=subject, ripple_codes=_ripple(made), unavoidable_codes=gain * _ripple(given), dip_codes=float(fallen.max()), band=name)


def _profile(frame: Frame, place: int) -> NDArray[np.float64]:
    """Mean of the middle rows and of the channels of one band, without its ends."""
    middle = place * _BAND_HEIGHT + _BAND_HEIGHT // 2
    rows = frame[middle - 8 : middle + 8, _EDGE_PIXELS:-_EDGE_PIXELS].astype(np.float64)
    return np.asarray(rows.mean(axis=(0, 2)), np.float64)


def _ripple(profile: NDArray[np.float64]) -> float:
    smooth = cv2.GaussianBlur(profile[None], (0, 0), _SMOOTH_PIXELS, borderType=cv2.BORDER_REFLECT_101)[0]
    inner = slice(_EDGE_PIXELS, -_EDGE_PIXELS)
    return float(np.sqrt(np.square(profile[inner] - smooth[inner]).mean()))
