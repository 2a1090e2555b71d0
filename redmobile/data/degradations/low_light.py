"""Low light: less exposure, a darker curve, shot and read noise, 8 bits.

dark  = gain · x^gamma                                   x, dark in [0, 1]
noisy = dark + sqrt(k · (dark + read · mean(dark))) · n   n standard normal
k     so that 10·log10(mean(dark²) / mean(noise²)) = snr_db

Gamma darkening: Lore et al., Pattern Recognition 2017 (LLNet). A shot noise whose variance grows with the signal, plus a
constant read noise: Foi et al., IEEE TIP 2008. The result is rounded to 8 bits, which in the dark is a noise of its own.
snr_db is that of the noise as it is added. Below 10 dB a part of it falls under black and is cut off, as in a camera's picture:
at 0 dB the ratio that can be measured afterwards is about 1.5 dB higher.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.data.degradation import DEGRADATIONS, Degradation, PositiveRange, Range, Unit, as_unit

_LEVELS = np.arange(256, dtype=np.float32) / 255


@DEGRADATIONS.register("low_light")
class LowLight(Degradation):
    """The ranges from which a degradation is drawn, uniformly (gain: log-uniformly).

    gamma: exponent, ≥ 1 darkens; gain: factor after it; snr_db: signal to noise, dB;
    read: share of read noise, in units of the mean signal's shot noise; cast: largest deviation of a colour's gain from 1.
    """

    gamma: PositiveRange = (1.0, 2.5)
    gain: PositiveRange = (0.06, 0.5)
    snr_db: Range = (10.0, 32.0)
    read: PositiveRange = (0.05, 1.0)
    cast: float = 0.12

    def damage(self, picture: NDArray[Any], rng: np.random.Generator) -> Unit:
        """A dark, noisy version."""
        gamma = rng.uniform(*self.gamma)
        gain = np.exp(rng.uniform(*np.log(self.gain)))
        colours = gain * (1 + rng.uniform(-self.cast, self.cast, 3))
        dark = _darkened(picture, gamma, colours)
        mean, power = float(dark.mean()), float(np.square(dark).mean())
        if power > 0:
            read = rng.uniform(*self.read) * mean
            k = power / 10 ** (rng.uniform(*self.snr_db) / 10) / (mean + read)
            dark += np.sqrt(k * (dark + read)) * rng.standard_normal(dark.shape, np.float32)
        return dark


def _darkened(picture: NDArray[Any], gamma: float, colours: NDArray[np.float64]) -> Unit:
    if picture.dtype != np.uint8:
        return np.asarray(as_unit(picture) ** np.float32(gamma) * colours.astype(np.float32), np.float32)
    curve = (_LEVELS[:, None] ** gamma * colours).astype(np.float32)  # (256, 3): one table a colour, ten times faster than the power
    dark = np.empty(picture.shape, np.float32)
    for colour in range(3):
        dark[..., colour] = curve[:, colour][picture[..., colour]]
    return dark
