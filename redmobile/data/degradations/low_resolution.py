"""Low resolution: made small, then enlarged to the old size again.

y = up_s(down_s(x)), s the factor; each of the two by one of several kernels, as nobody knows which one a picture met:
    area       the mean of the pixels that a new one covers
    bilinear, bicubic (a = −0.75), lanczos (4 lobes): OpenCV's, which interpolate and do not smooth before they shrink
    nearest    no kernel at all
    smooth     a Gaussian of σ = 0.4·s, then bicubic: what a lens and a scaler together do

Several kernels on either way: Wang et al., ICCVW 2021 (Real-ESRGAN); "bicubic at 2×" of the literature is up = bicubic.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from redmobile.data.degradation import DEGRADATIONS, Degradation, Unit, as_unit

Shrink = Literal["area", "bilinear", "bicubic", "lanczos", "smooth"]
Enlarge = Literal["bilinear", "bicubic", "lanczos", "nearest"]

_AtLeastOne = Annotated[float, msgspec.Meta(ge=1)]

_KERNELS = {
    "area": cv2.INTER_AREA,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
    "nearest": cv2.INTER_NEAREST,
    "smooth": cv2.INTER_CUBIC,
}

_SMOOTHING = 0.4


@DEGRADATIONS.register("low_resolution")
class LowResolution(Degradation):
    """factor: how many times smaller each side gets; down, up: one kernel of each is drawn."""

    factor: tuple[_AtLeastOne, _AtLeastOne] = (1.5, 4.0)
    down: tuple[Shrink, ...] = ("area", "bilinear", "bicubic", "lanczos", "smooth")
    up: tuple[Enlarge, ...] = ("bilinear", "bicubic", "lanczos")

    def damage(self, picture: NDArray[Any], rng: np.random.Generator) -> Unit:
        """A version with less detail, of the same size."""
        x = as_unit(picture)
        height, width = x.shape[:2]
        factor = rng.uniform(*self.factor)
        down, up = self.down[int(rng.integers(len(self.down)))], self.up[int(rng.integers(len(self.up)))]
        if down == "smooth":
            x = np.asarray(cv2.GaussianBlur(x, (0, 0), _SMOOTHING * factor, borderType=cv2.BORDER_REFLECT_101), np.float32)
        small = cv2.resize(x, (max(1, round(width / factor)), max(1, round(height / factor))), interpolation=_KERNELS[down])
        return np.asarray(cv2.resize(small, (width, height), interpolation=_KERNELS[up]), np.float32)
