"""Parts of a picture that can be protected from enhancement or be its only subject. A host's work: nothing of it runs in the phone's frame.

shadows, highlights: by the brightness around each pixel; exact in their way.
sky: what hangs together from the upper edge down, is smooth and not darker than the picture on the whole. A guess: it takes a white wall at the top
     for sky, and misses sky behind branches, sky below the upper edge, and a sky that is darker than the ground.
faces: frontal faces, by the cascade of local binary patterns that scikit-image ships (Liao et al., ICB 2007; OpenCV 5 ships none any more).
     Misses profiles, tilted, covered and small faces (under a twelfth of the shorter side), and may see a face where none is; in very dark
     pictures it looks at a brightened copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.errors import MissingExtraError

Mask = NDArray[np.float32]
"""(H, W) float32 in [0, 1]: how much a pixel belongs to a region."""

_LONGEST = 320
"""Regions are looked for in a copy with so many pixels on the long side, and their edges are as soft as that."""


def region_mask(name: str, frame: Frame) -> Mask:
    """Where in `frame`, (H, W, 3) uint8, the region called `name` (one of REGIONS) is. Raises MissingExtraError (faces)."""
    height, width = frame.shape[:2]
    scale = min(1.0, _LONGEST / max(height, width))
    small = cv2.resize(frame, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(REGIONS[name](np.asarray(small, np.uint8)), (0, 0), 3.0)
    return np.asarray(np.clip(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1), np.float32)


def _luma(frame: Frame) -> Mask:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)


def _around(frame: Frame) -> Mask:
    return np.asarray(cv2.GaussianBlur(_luma(frame), (0, 0), 4.0), np.float32)


def _rise(values: Mask, none: float, full: float) -> Mask:
    place = np.clip((values - none) / (full - none), 0, 1)
    return np.asarray(place * place * (3 - 2 * place), np.float32)


def _shadows(frame: Frame) -> Mask:
    return np.asarray(1 - _rise(_around(frame), 0.12, 0.45), np.float32)


def _highlights(frame: Frame) -> Mask:
    return _rise(_around(frame), 0.45, 0.8)


def _sky(frame: Frame) -> Mask:
    luma = cv2.GaussianBlur(_luma(frame), (0, 0), 1.5)
    steep = np.abs(cv2.Sobel(luma, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    level = max(float(luma.mean()), 1 / 255)
    candidate = (cv2.blur(steep, (5, 5)) < 0.25 * level + 0.02) & (luma > level)
    count, labels = cv2.connectedComponents(candidate.astype(np.uint8))
    at_the_top = [label for label in np.unique(labels[0]) if label] if count > 1 else []
    return np.isin(labels, at_the_top).astype(np.float32)


def _faces(frame: Frame) -> Mask:
    shown = frame.astype(np.float32)
    bright = np.clip(shown * min(8.0, 110 / max(float(shown.mean()), 1.0)), 0, 255).astype(np.uint8) if shown.mean() < 110 else frame  # noqa: PLR2004 - mid grey
    shorter = min(frame.shape[:2])
    mask = np.zeros(frame.shape[:2], np.float32)
    for box in _cascade().detect_multi_scale(
        bright, scale_factor=1.1, step_ratio=1, min_size=(max(24, shorter // 12),) * 2, max_size=(max(24, shorter),) * 2
    ):
        middle = (int(box["c"] + box["width"] / 2), int(box["r"] + box["height"] / 2))
        cv2.ellipse(mask, middle, (int(box["width"] * 0.55), int(box["height"] * 0.7)), 0, 0, 360, 1.0, cv2.FILLED)
    return mask


def _cascade() -> Any:
    try:
        import skimage.data
        import skimage.feature
    except ModuleNotFoundError as error:
        raise MissingExtraError("scikit-image", "faces", "Looking for faces") from error
    file: str = skimage.data.lbp_frontal_face_cascade_filename()
    return skimage.feature.Cascade(file)


REGIONS: dict[str, Callable[[Frame], Mask]] = {"faces": _faces, "highlights": _highlights, "shadows": _shadows, "sky": _sky}
"""Name → mask of a small copy of the picture."""
