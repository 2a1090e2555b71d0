"""Low light: less exposure, a darker curve, shot and read noise, 8 bits.

dark  = gain · x^gamma                                   x, dark in [0, 1]
noisy = dark + sqrt(k · (dark + read · mean(dark))) · n   n standard normal
k     so that 10·log10(mean(dark²) / mean(noise²)) = snr_db

Gamma darkening: Lore et al., Pattern Recognition 2017 (LLNet). A shot noise whose variance grows with the signal, plus a
constant read noise: Foi et al., IEEE TIP 2008. The result is rounded to 8 bits, which in the dark is a noise of its own.
"""

from __future__ import annotations

import numpy as np

from redmobile.core.documents import Document
from redmobile.core.metrics import Frame

_LEVELS = np.arange(256, dtype=np.float32) / 255


class LowLight(Document):
    """The ranges from which a degradation is drawn, uniformly (gain: log-uniformly).

    gamma: exponent, ≥ 1 darkens; gain: factor after it; snr_db: signal to noise, dB;
    read: share of read noise, in units of the mean signal's shot noise; cast: largest deviation of a colour's gain from 1.
    """

    gamma: tuple[float, float] = (1.0, 2.5)
    gain: tuple[float, float] = (0.06, 0.5)
    snr_db: tuple[float, float] = (10.0, 32.0)
    read: tuple[float, float] = (0.05, 1.0)
    cast: float = 0.12

    def __call__(self, frame: Frame, rng: np.random.Generator) -> Frame:
        """A dark, noisy version of `frame`, (H, W, 3) uint8 → the same. All randomness comes from `rng`."""
        gamma = rng.uniform(*self.gamma)
        gain = np.exp(rng.uniform(*np.log(self.gain)))
        colours = gain * (1 + rng.uniform(-self.cast, self.cast, 3))
        curve = (_LEVELS[:, None] ** gamma * colours).astype(np.float32)  # (256, 3): one table a colour
        dark = np.empty(frame.shape, np.float32)
        for colour in range(3):
            dark[..., colour] = curve[:, colour][frame[..., colour]]
        mean, power = float(dark.mean()), float(np.square(dark).mean())
        if power > 0:
            read = rng.uniform(*self.read) * mean
            k = power / 10 ** (rng.uniform(*self.snr_db) / 10) / (mean + read)
            dark += np.sqrt(k * (dark + read)) * rng.standard_normal(dark.shape, np.float32)
        return np.asarray(np.clip(dark * 255 + 0.5, 0, 255), np.uint8)
