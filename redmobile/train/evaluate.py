"""PSNR and SSIM of a network on held-out pairs, as people will see them: rounded to 8 bits."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import nn

from redmobile.core.metrics import Frame, psnr, ssim
from redmobile.data.datasets import Pair
from redmobile.data.sheet import contact_sheet


@dataclasses.dataclass(frozen=True)
class Quality:
    """psnr: dB, mean over the pictures, uint8, clipped, all channels together; ssim: mean over the pictures; sheet: to look at."""

    psnr: float
    ssim: float
    sheet: Frame


def enhance_frame(network: nn.Module, frame: Frame, multiple: int) -> Frame:
    """Run one frame of any size: padded by reflection at the bottom and the right to a multiple of `multiple`, then cut."""
    height, width = frame.shape[:2]
    padded = cv2.copyMakeBorder(frame, 0, -height % multiple, 0, -width % multiple, cv2.BORDER_REFLECT_101)
    device = next(network.parameters()).device
    with torch.no_grad():
        found = network(torch.from_numpy(padded).to(device).permute(2, 0, 1)[None].float() / 255)
    rounded = (found[0].permute(1, 2, 0)[:height, :width] * 255).round().clamp(0, 255).byte()
    return np.asarray(rounded.cpu().numpy(), np.uint8)


def evaluate(network: nn.Module, pairs: Sequence[Pair], multiple: int, shown: int = 6) -> Quality:
    """Mean quality over `pairs`, and a sheet of `shown` of them: degraded, enhanced, clean."""
    network.eval()
    found = [enhance_frame(network, low, multiple) for low, _ in pairs]
    scores = [(psnr(high, enhanced), ssim(high, enhanced)) for (_, high), enhanced in zip(pairs, found, strict=True)]
    chosen = range(0, len(pairs), max(1, len(pairs) // shown))
    sheet = contact_sheet([(pairs[i][0], found[i], pairs[i][1]) for i in chosen], ("degraded", "enhanced", "clean"))
    network.train()
    return Quality(float(np.mean([score[0] for score in scores])), float(np.mean([score[1] for score in scores])), sheet)
