"""Old photographs: faded, toned, stained, creased, scratched and dusty.

In this order, each with its probability; m are masks in [0, 1] of the picture's size:
    monochrome  x = luma(x); not damage: a black-and-white film, so it is what the target looks like, too
    fading      y = black + (white − black) · x^gamma                    dyes bleach: no deep shadow, no clear light
    sepia       y = (1 − s) · y + s · S · y                              S: the sepia matrix of W3C Filter Effects, level 1
    stains      y = y · (1 − m · (1 − colour))                           m: smooth noise above a threshold
    creases     y = y + a · m_ridge − b · m_shadow                       a line across the picture, light on its ridge, dark beside it
    scratches   y = (1 − m) · y + m · v                                  thin, bent lines, nearly along one direction, v light or dark
    dust        the same with small discs

Structured (scratches, dust, creases) and unstructured (fading, tone, noise) damage as in Wan et al., CVPR 2020 ("Bringing Old Photos
Back to Life"); the shapes are our own. Counts are those of 256×256 pixels and grow with the area.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.data.degradation import (
    DEGRADATIONS,
    Degradation,
    Picture,
    PositiveRange,
    Probability,
    Range,
    ShareRange,
    Unit,
    as_dtype_of,
    as_unit,
    grey,
    smooth_noise,
)

Mask = NDArray[np.float32]

_SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]], np.float32)
_AREA = 256 * 256
_SHIFT = 4
"""Binary digits of a pixel's fractions, in OpenCV's drawing."""

_FADED = 0.3
"""How far a dye's white lies below paper white where all fade apart: a cast."""


@DEGRADATIONS.register("old_photo")
class OldPhoto(Degradation):
    """Probabilities of each kind of damage, and ranges of how bad it is.

    black, white: what 0 and 1 fade to; gamma: of fading; tone: of sepia (s); scratches, dust: how many in 256×256 pixels;
    opacity: of scratches, dust, creases and stains.
    """

    monochrome: Probability = 0.4
    fading: Probability = 0.9
    sepia: Probability = 0.5
    stains: Probability = 0.35
    creases: Probability = 0.35
    scratched: Probability = 0.7
    dusty: Probability = 0.6
    black: ShareRange = (0.02, 0.3)
    white: ShareRange = (0.65, 0.95)
    gamma: PositiveRange = (0.75, 1.35)
    tone: ShareRange = (0.2, 0.6)
    scratches: PositiveRange = (1.0, 6.0)
    dust: PositiveRange = (3.0, 30.0)
    opacity: ShareRange = (0.35, 1.0)

    def pair(self, picture: Picture, clean: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
        """(an aged version, the clean picture: in grey where the film was black and white)."""
        if rng.random() < self.monochrome:
            picture, clean = grey(picture), grey(clean)
        return as_dtype_of(picture, self.damage(picture, rng)), clean

    def damage(self, picture: NDArray[Any], rng: np.random.Generator) -> Unit:
        """An aged version; black and white only if `picture` is."""
        y = as_unit(picture)
        steps = (
            (self.fading, self._fade),
            (self.sepia, self._tone),
            (self.stains, self._stain),
            (self.creases, self._crease),
            (self.scratched, self._scratch),
            (self.dusty, self._dust),
        )
        for probability, step in steps:
            if rng.random() < probability:
                y = step(y, rng)
        return y

    def _fade(self, x: Unit, rng: np.random.Generator) -> Unit:
        black, white = rng.uniform(*self.black), rng.uniform(*self.white)
        cast = 1 - _FADED * rng.uniform(0, 1 - white) * rng.random(3)
        faded = np.power(np.clip(x, 0, 1), np.float32(rng.uniform(*self.gamma)))
        return np.asarray(black + faded * ((white - black) * cast).astype(np.float32), np.float32)

    def _tone(self, x: Unit, rng: np.random.Generator) -> Unit:
        tone = rng.uniform(*self.tone)
        matrix = (1 - tone) * np.eye(3, dtype=np.float32) + tone * _SEPIA
        return np.asarray(cv2.transform(x, matrix.astype(np.float32)), np.float32)

    def _stain(self, x: Unit, rng: np.random.Generator) -> Unit:
        size = x.shape[:2]
        field = smooth_noise(size, rng.uniform(40, 120), rng) + 0.15 * smooth_noise(size, 9, rng)
        threshold = rng.uniform(0.6, 0.85)
        mask = np.clip((field - threshold) / rng.uniform(0.05, 0.25), 0, 1) * np.float32(rng.uniform(*self.opacity) * 0.6)
        colour = np.array([0.75, 0.6, 0.4], np.float32) * rng.uniform(0.6, 1.1)
        return np.asarray(x * (1 - mask[..., None] * (1 - colour)), np.float32)

    def _crease(self, x: Unit, rng: np.random.Generator) -> Unit:
        height, width = x.shape[:2]
        angle, width_pixels = rng.uniform(0, math.pi), rng.uniform(0.8, 2.2)
        down, right = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]
        middle = rng.uniform(0.2, 0.8, 2) * (height, width)
        wobble = 5 * (smooth_noise((height, width), 50, rng) - np.float32(0.5))
        distance = (down - middle[0]) * np.float32(math.cos(angle)) - (right - middle[1]) * np.float32(math.sin(angle)) + wobble
        worn = smooth_noise((height, width), 12, rng) * np.float32(rng.uniform(*self.opacity))
        ridge = np.exp(-np.square(distance / np.float32(width_pixels))) * worn
        shadow = np.exp(-np.square((distance - np.float32(2.5 * width_pixels)) / np.float32(2 * width_pixels))) * worn
        return np.asarray(x + (0.7 * ridge - 0.25 * shadow)[..., None], np.float32)

    def _scratch(self, x: Unit, rng: np.random.Generator) -> Unit:
        height, width = x.shape[:2]
        main = rng.uniform(0, math.pi)  # film is scratched along its way through the machine
        for _ in range(_count(self.scratches, x, rng)):
            angle, length = main + rng.normal(0, 0.15), rng.uniform(0.1, 0.8) * max(height, width)
            along = np.linspace(-0.5, 0.5, 9)
            bend = np.cumsum(rng.normal(0, 0.01, 9))
            places = rng.uniform(0, 1, 2) * (width, height) + length * np.stack(
                [along * math.cos(angle) - bend * math.sin(angle), along * math.sin(angle) + bend * math.cos(angle)], axis=1
            )
            mask = np.zeros((height, width), np.uint8)
            cv2.polylines(
                mask, [_fractions(places)], isClosed=False, color=255, thickness=int(rng.integers(1, 3)), lineType=cv2.LINE_AA, shift=_SHIFT
            )
            x = _cover(x, mask, rng, self.opacity, (places.min(axis=0), places.max(axis=0)))
        return x

    def _dust(self, x: Unit, rng: np.random.Generator) -> Unit:
        height, width = x.shape[:2]
        masks = [np.zeros((height, width), np.uint8) for _ in range(2)]  # light grains and dark ones
        for _ in range(_count(self.dust, x, rng)):
            (place,) = _fractions((rng.uniform(0, 1, 2) * (width, height))[None])
            radius = round(min(rng.exponential(0.9) + 0.4, 5.0) * (1 << _SHIFT))
            cv2.circle(masks[int(rng.integers(2))], place.tolist(), radius, int(rng.integers(120, 256)), cv2.FILLED, cv2.LINE_AA, _SHIFT)
        for mask, value in zip(masks, (rng.uniform(0.75, 1.0), rng.uniform(0.0, 0.25)), strict=True):
            share = (mask.astype(np.float32) / 255)[..., None]
            x = np.asarray(x + share * (np.float32(value) - x), np.float32)
        return x


def _count(range_: Range, x: Unit, rng: np.random.Generator) -> int:
    height, width = x.shape[:2]
    return max(1, int(rng.uniform(*range_) * height * width / _AREA + 0.5))


def _fractions(places: NDArray[np.float64]) -> NDArray[np.int32]:
    """Places (right, down) in OpenCV's fixed point."""
    return np.asarray(np.rint(places * (1 << _SHIFT)), np.int32)


def _cover(
    x: Unit, mask: NDArray[np.uint8], rng: np.random.Generator, opacity: Range, corners: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> Unit:
    """`x` with a light (or, one in four, dark) colour where the mask is; only the rectangle between `corners` (right, down) is touched."""
    value = rng.uniform(0.75, 1.0) if rng.random() < 0.75 else rng.uniform(0.0, 0.25)  # noqa: PLR2004
    strength = rng.uniform(*opacity) / 255
    (left, top), (right, bottom) = (np.asarray(corner, int) for corner in corners)
    rows, columns = slice(max(top - 3, 0), max(bottom + 4, 0)), slice(max(left - 3, 0), max(right + 4, 0))
    share = (mask[rows, columns].astype(np.float32) * np.float32(strength))[..., None]
    x[rows, columns] += share * (np.float32(value) - x[rows, columns])
    return x
