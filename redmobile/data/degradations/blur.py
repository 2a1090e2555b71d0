"""Blur: what a lens out of focus, a moving camera, or a soft scan do.

y = x * h, h a kernel of sum 1 (* is convolution; edges mirrored):
    gaussian   h(d) ∝ exp(−|d|² / 2σ²)
    defocus    h(d) ∝ 1 where |d| ≤ radius: the disc of confusion, its rim shared by area
    motion     h(d) ∝ 1 along a straight line of `length` pixels at a random angle

Kernels: Gonzalez & Woods, Digital Image Processing, chapter 5 (models of degradation); the same three are those of Zhang et al.,
CVPR 2018 (SRMD), and Nah et al., CVPR 2017, for the motion of hand-held cameras.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.data.degradation import DEGRADATIONS, Degradation, PositiveRange, Unit, as_unit

Kernel = NDArray[np.float32]
Kind = Literal["gaussian", "defocus", "motion"]

_FINER = 8
"""Kernels are drawn this many times finer than pixels, then averaged."""


@DEGRADATIONS.register("blur")
class Blur(Degradation):
    """kinds: one of them is drawn. sigma: of the Gaussian; radius: of the disc; length: of the motion; all in pixels."""

    kinds: tuple[Kind, ...] = ("gaussian", "defocus", "motion")
    sigma: PositiveRange = (0.6, 2.5)
    radius: PositiveRange = (1.0, 4.0)
    length: PositiveRange = (3.0, 13.0)

    def damage(self, picture: NDArray[Any], rng: np.random.Generator) -> Unit:
        """A blurred version."""
        x = as_unit(picture)
        kind = self.kinds[int(rng.integers(len(self.kinds)))]
        if kind == "gaussian":
            return np.asarray(cv2.GaussianBlur(x, (0, 0), rng.uniform(*self.sigma), borderType=cv2.BORDER_REFLECT_101), np.float32)
        kernel = disc(rng.uniform(*self.radius)) if kind == "defocus" else streak(rng.uniform(*self.length), rng.uniform(0, math.pi))
        return np.asarray(cv2.filter2D(x, -1, kernel, borderType=cv2.BORDER_REFLECT_101), np.float32)


def disc(radius: float) -> Kernel:
    """The kernel of a lens out of focus; odd side, sum 1."""
    return _kernel(radius, lambda right, down: right * right + down * down <= radius * radius)


def streak(length: float, angle: float) -> Kernel:
    """The kernel of a straight motion, one pixel wide; odd side, sum 1. angle: in radians, 0 is along a row."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return _kernel(
        length / 2 + 0.5,
        lambda right, down: (np.abs(right * cosine + down * sine) <= length / 2) & (np.abs(down * cosine - right * sine) <= 0.5),  # noqa: PLR2004 - half a pixel
    )


def _kernel(reach: float, inside: Callable[[Kernel, Kernel], NDArray[np.bool_]]) -> Kernel:
    """The share of each pixel that is `inside`, a function of places (right, down) in pixels from the middle."""
    side = 2 * math.ceil(reach) + 1
    places = ((np.arange(side * _FINER, dtype=np.float32) + 0.5) / _FINER - side / 2).astype(np.float32)
    fine = inside(*np.meshgrid(places, places)).astype(np.float32)
    shares = fine.reshape(side, _FINER, side, _FINER).mean(axis=(1, 3))
    return np.asarray(shares / shares.sum(), np.float32)
