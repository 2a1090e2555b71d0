"""PSNR, SSIM, and PSNR after matching the mean brightness, of one picture against its reference."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from redmobile.core.metrics import Frame, psnr, ssim
from redmobile.errors import InputError
from redmobile.evaluate.result import Scores


def score(reference: Frame, found: Frame) -> Scores:
    """The scores of `found` against `reference`, both (H, W, 3) uint8 of one size. Raises InputError for pictures smaller than SSIM's window."""
    try:
        similarity = ssim(reference, found)
    except ValueError as error:
        raise InputError(f"A picture cannot be judged: {error}.") from error
    return Scores(psnr=psnr(reference, found), psnr_matched=psnr(reference, matched(reference, found)), ssim=similarity)


def matched(reference: Frame, found: Frame) -> Frame:
    """`found`, scaled so that its mean luma is that of `reference`; clipped and rounded.

    What no network can know is how bright the photographer wanted it; papers on LOL call this "GT mean" (Zhang et al., KinD, ACM MM 2019).
    """
    have = float(luma(found).mean())
    if have == 0:
        return found
    factor = float(luma(reference).mean()) / have
    return np.asarray(np.clip(np.rint(found.astype(np.float32) * np.float32(factor)), 0, 255), np.uint8)


def luma(frame: Frame) -> Frame:
    """(H, W) uint8: 0.299 R + 0.587 G + 0.114 B, rounded."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """The mean of each score."""
    return Scores(
        psnr=float(np.mean([one.psnr for one in scores])),
        psnr_matched=float(np.mean([one.psnr_matched for one in scores])),
        ssim=float(np.mean([one.ssim for one in scores])),
    )
