"""The JSON document that an evaluation leaves."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from redmobile.core.documents import Document

Format = Literal["redmobile.evaluate/1"]
FORMAT: Format = "redmobile.evaluate/1"

CONVENTIONS = {
    "psnr": "dB; uint8, clipped and rounded, peak 255, all channels together, no brightness matching; mean of the images' dB",
    "psnr_matched": "the same after the output was scaled so that its mean luma (ITU-R BT.601) is the reference's, clipped and rounded again",
    "ssim": "Wang et al. 2004: Gaussian window 11×11, σ 1.5, K1 0.01, K2 0.03, peak 255, every channel, windows inside the image; mean of the images",
}


class Scores(Document):
    """Of one picture, or means over several: CONVENTIONS says how. Equal pictures have a psnr of infinity."""

    psnr: float
    psnr_matched: float
    ssim: float


class ImageScores(Document):
    """One picture against its reference, as it was given (before) and as the subject made it (after)."""

    image: str
    before: Scores
    after: Scores


class Subject(Document):
    """What was evaluated. file: its name, sha256: of that file (of the weights, for torch); runtime: engine and version."""

    name: str
    file: str
    sha256: str
    runtime: str


class Figures(Document):
    """One subject under one condition. gain_db: mean psnr after minus before; not a number where all came as they should be.

    pooled_db: psnr of the mean squared error of all pictures; finite where some came out without any error.
    best, median, worst: names of pictures, by psnr after.
    """

    condition: str
    subject: str
    before: Scores
    after: Scores
    gain_db: float
    pooled_db: float
    best: str
    median: str
    worst: str
    images: tuple[ImageScores, ...]


class NoisePoint(Document):
    """Low light at one signal-to-noise ratio. measured_snr_db: after clipping and 8 bits; after: subject → scores. Means over the pictures."""

    snr_db: float
    measured_snr_db: float
    before: Scores
    after: dict[str, Scores]


class Banding(Document):
    """A subject on dark, smooth gradients, in codes of 8 bits, worst band.

    ripple: RMS of the profile about its own smooth course; unavoidable: that of the 8-bit input times the subject's mean gain;
    dip: how far the profile falls back anywhere though the gradient only rises.
    """

    subject: str
    ripple_codes: float
    unavoidable_codes: float
    dip_codes: float
    band: str


class Flicker(Document):
    """A static scene under new noise in each frame. Changes in percent of the mean brightness, of the input (before) and of the output (after).

    brightness: mean change of the whole frame's brightness from one frame to the next; blocks: the same for blocks of 32×32 pixels.
    """

    subject: str
    frames: int
    brightness_before_percent: float
    brightness_after_percent: float
    blocks_before_percent: float
    blocks_after_percent: float


class Looks(Document):
    """One picture. brightness: mean luma, 0 … 255; burnt_percent: pixels with a luma of 250 and more; cast: of the mean colour in CIELAB, 0: grey."""

    brightness: float
    burnt_percent: float
    cast: float


class Look(Document):
    """A picture without a reference, as it was given and as the subject made it. Hints where to look, no figures of quality."""

    image: str
    subject: str
    before: Looks
    after: Looks


class Quality(Document):
    """The whole evaluation. source: where the pictures came from; noise, banding, flicker: empty unless asked for; looks: of unpaired pictures."""

    format: Format
    environment: dict[str, Any]
    conventions: dict[str, str]
    source: str
    subjects: tuple[Subject, ...]
    figures: tuple[Figures, ...]
    noise: tuple[NoisePoint, ...] = ()
    banding: tuple[Banding, ...] = ()
    flicker: tuple[Flicker, ...] = ()
    looks: tuple[Look, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found
