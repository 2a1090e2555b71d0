"""How strongly a picture is enhanced, and where: a blend with the original, free at run time."""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redmobile.core.metrics import Frame
from redmobile.data.frames import Image
from redmobile.enhance.auto_strength import auto_strength
from redmobile.enhance.image_model import ImageModel
from redmobile.enhance.regions import REGIONS, region_mask
from redmobile.errors import UsageError

Weight = float | NDArray[np.float32]
"""How much of the network's change a picture gets: one number, or (H, W, 1)."""

_TWICE = 2


@dataclasses.dataclass(frozen=True)
class Control:
    """strength: 0 … 1.5, see ImageModel.enhance; auto: times what the picture's brightness calls for; enlarge: twice the size first (bicubic).

    focus: only these regions; protect: not these (names of regions.REGIONS). Raises UsageError.
    """

    strength: float = 1.0
    auto: bool = False
    enlarge: bool = False
    protect: tuple[str, ...] = ()
    focus: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse unknown regions."""
        unknown = [name for name in (*self.protect, *self.focus) if name not in REGIONS]
        if unknown:
            raise UsageError(f"Unknown region '{unknown[0]}'. Known: {', '.join(REGIONS)}.")
        both = set(self.protect) & set(self.focus)
        if both:
            raise UsageError(f"'{min(both)}' cannot be protected and be the subject at once.")

    @property
    def has_regions(self) -> bool:
        """Whether it matters where in the picture a pixel is."""
        return bool(self.protect or self.focus)

    def strength_for(self, frame: Frame) -> float:
        """How much of the change `frame` gets, wherever it is."""
        return self.strength * (auto_strength(frame) if self.auto else 1.0)

    def weight(self, frame: Frame) -> Weight:
        """How much of the change `frame` gets, and where."""
        strength = self.strength_for(frame)
        if not self.has_regions or strength == 0:
            return strength
        mask = np.ones(frame.shape[:2], np.float32)
        if self.focus:
            mask = np.maximum.reduce([region_mask(name, frame) for name in self.focus])
        for name in self.protect:
            mask *= 1 - region_mask(name, frame)
        return np.asarray(strength * mask[..., None], np.float32)


def enhance_frame(model: ImageModel, frame: Frame, weight: Weight) -> Frame:
    """`frame`, changed by the network by `weight`."""
    if isinstance(weight, float):
        return model.enhance(frame, weight)
    original = frame.astype(np.float32)
    mixed = original + weight * (model.enhance(frame).astype(np.float32) - original)
    return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)


def enhance_image(model: ImageModel, image: Image, control: Control) -> Image:
    """`image` as `control` says; 16 bits stay 16 bits."""
    if control.enlarge:
        image = _enlarged(image)
    weight = control.weight(image.frame)
    if image.deep is not None:
        return image.with_deep(model.enhance_deep(image.frame, image.deep, weight))
    return image.with_frame(enhance_frame(model, image.frame, weight))


def _enlarged(image: Image) -> Image:
    height, width = image.frame.shape[:2]
    size = (width * _TWICE, height * _TWICE)

    def twice(pixels: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC), pixels.dtype)

    deep, alpha = (None if pixels is None else twice(pixels) for pixels in (image.deep, image.alpha))
    return dataclasses.replace(image, frame=twice(image.frame), deep=deep, alpha=alpha)
