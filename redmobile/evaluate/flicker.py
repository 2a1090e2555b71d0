"""Flicker: a static scene under new noise in each frame, as a camera at 30 frames a second sees it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.data.degradations.low_light import LowLight
from redmobile.evaluate.result import Flicker
from redmobile.evaluate.scores import luma
from redmobile.evaluate.subjects import Enhancer

FRAMES = 12
_BLOCK = 32
_SCENE = LowLight(gamma=(1.6, 1.6), gain=(0.25, 0.25), snr_db=(15.0, 15.0), read=(0.4, 0.4), cast=0.0)
"""One darkness; the noise alone changes."""


def measure_flicker(subject: Enhancer, scene: Frame, seed: int) -> Flicker:
    """How brightness changes from frame to frame, before and after. scene: a clean picture, at least 32×32."""
    frames = [_SCENE(scene, np.random.default_rng([seed, moment])) for moment in range(FRAMES)]
    before, after = ([_blocks(frame) for frame in shown] for shown in (frames, [subject.enhance(frame) for frame in frames]))
    return Flicker(
        subject=subject.facts.name,
        frames=FRAMES,
        brightness_before_percent=_change([blocks.mean(keepdims=True) for blocks in before]),
        brightness_after_percent=_change([blocks.mean(keepdims=True) for blocks in after]),
        blocks_before_percent=_change(before),
        blocks_after_percent=_change(after),
    )


def _blocks(frame: Frame) -> NDArray[np.float64]:
    """Mean luma of each block."""
    height, width = (max(1, side // _BLOCK) for side in frame.shape[:2])
    return np.asarray(cv2.resize(luma(frame).astype(np.float64), (width, height), interpolation=cv2.INTER_AREA), np.float64)


def _change(moments: list[NDArray[np.float64]]) -> float:
    """Mean absolute change from one moment to the next, in percent of the mean."""
    stacked = np.stack(moments)
    mean = float(stacked.mean())
    return float(np.abs(np.diff(stacked, axis=0)).mean() / mean * 100) if mean else 0.0
