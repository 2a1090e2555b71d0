"""Low contrast of medical pictures: grey, a narrow range of values, few photons.

y     = luma(x)                                  grey, as radiographs are
z     = low + contrast · y                       low so that the middle of the range lies at `middle` (or as near as [0, 1] allows)
noisy = Poisson(photons · z) / photons           quantum noise: its variance is z / photons

Photons arrive by Poisson's law: Bushberg et al., The Essential Physics of Medical Imaging, chapter on image quality. A perfect restorer could
only give grey back, so the target is luma(x).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.data.degradation import DEGRADATIONS, Degradation, Picture, PositiveRange, ShareRange, Unit, as_unit, grey


@DEGRADATIONS.register("medical_contrast")
class MedicalContrast(Degradation):
    """contrast: the part of the range that is left; middle: where its middle lies, 0 … 1; photons: at white (drawn log-uniformly)."""

    contrast: ShareRange = (0.15, 0.6)
    middle: ShareRange = (0.25, 0.75)
    photons: PositiveRange = (300.0, 10_000.0)

    def pair(self, picture: Picture, clean: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
        """(a flat, noisy grey version, the clean picture in grey)."""
        return super().pair(picture, clean, rng)[0], grey(clean)

    def damage(self, picture: NDArray[Any], rng: np.random.Generator) -> Unit:
        """A flat, noisy grey version."""
        luma = grey(as_unit(picture))[..., 0]
        contrast = rng.uniform(*self.contrast)
        low = np.clip(rng.uniform(*self.middle) - contrast / 2, 0, 1 - contrast)
        photons = np.exp(rng.uniform(*np.log(self.photons)))
        noisy = rng.poisson(photons * (low + contrast * luma)) / photons
        return np.repeat(noisy.astype(np.float32)[..., None], 3, axis=2)
