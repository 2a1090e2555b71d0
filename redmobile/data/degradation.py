"""What a degradation is, and the registry of them: every file in `degradations/` registers its own."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from redmobile.core.documents import Document
from redmobile.core.registry import Registry

Picture = TypeVar("Picture", bound=NDArray[Any])
"""(H, W, 3) RGB: uint8, or floats in [0, 1]."""

Unit = NDArray[np.float32]
"""(H, W, 3) float32 RGB in [0, 1]."""

Range = tuple[float, float]
"""(lowest, highest): a value is drawn from it uniformly."""

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Positive = Annotated[float, msgspec.Meta(gt=0)]
PositiveRange = tuple[_Positive, _Positive]
ShareRange = tuple[_Share, _Share]
Probability = _Share


class Degradation(Document):
    """A way in which pictures go bad; its fields are the ranges from which each picture's damage is drawn.

    A subclass defines `damage`, and `target` where not even a perfect restorer could give the clean picture back.
    """

    def __post_init__(self) -> None:
        """Refuse ranges that run backwards. Raises ValueError."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) == 2 and not isinstance(value[0], str) and value[0] > value[1]:  # noqa: PLR2004 - a range
                raise ValueError(f"{name} must be [lowest, highest], found {list(value)}")

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """The degraded picture: uint8 in, uint8 out (rounded, clipped); floats in, the same floats out. All randomness comes from `rng`."""
        return self.pair(picture, picture, rng)[0]

    def pair(self, picture: Picture, clean: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
        """(`picture` degraded, what it should be restored to); `clean` is what `picture` was before all degradations."""
        return as_dtype_of(picture, self.damage(picture, rng)), clean

    def damage(self, picture: NDArray[Any], rng: np.random.Generator) -> Unit:  # noqa: ARG002 - for subclasses
        """`picture` degraded, not yet rounded or clipped."""
        raise TypeError(f"{type(self).__name__} defines neither damage nor pair")


DEGRADATIONS: Registry[type[Degradation]] = Registry("degradation", "redmobile.data.degradations")
"""Name → class."""


def as_unit(picture: NDArray[Any]) -> Unit:
    """(H, W, 3) uint8 or floats → float32 in [0, 1]; a new array."""
    return picture.astype(np.float32) / np.float32(255) if picture.dtype == np.uint8 else picture.astype(np.float32)


def as_dtype_of(picture: Picture, found: Unit) -> Picture:
    """`found`, clipped to [0, 1], in the dtype of `picture`: rounded to 8 bits, or floats."""
    if picture.dtype == np.uint8:
        return np.asarray(np.clip(found * 255 + np.float32(0.5), 0, 255), np.uint8)  # type: ignore[return-value]  # the dtype is that of `picture`
    return np.asarray(np.clip(found, 0, 1), picture.dtype)  # type: ignore[return-value]  # the same


def grey(picture: Picture) -> Picture:
    """The luma of `picture` (ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B) in three equal channels, in its dtype."""
    luma = cv2.transform(as_unit(picture), np.array([[0.299, 0.587, 0.114]] * 3, np.float32))
    return as_dtype_of(picture, np.asarray(luma, np.float32))


def smooth_noise(size: tuple[int, int], cell: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """(height, width) float32 in [0, 1]: random values `cell` pixels apart, cubic between them."""
    coarse = rng.random([max(2, round(side / cell) + 1) for side in size], np.float32)
    return np.asarray(np.clip(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC), 0, 1), np.float32)
