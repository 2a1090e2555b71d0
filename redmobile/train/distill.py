"""Distillation: a student learns from a teacher's outputs and from where the teacher looks.

loss = outputs · mean|student − teacher| + features · mean over landmarks of |q(student) − q(teacher)|² / 2
q(F)  = a / ‖a‖₂,  a = Σ over channels of F², pooled to the coarser of the two and taken as one vector a picture

Outputs: Hinton et al., 2015, in the form for regression. Features as attention maps, which need no layer that brings one width to the other:
Zagoruyko & Komodakis, ICLR 2017, "Paying more attention to attention".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from redmobile.nets.checkpoint import Network
from redmobile.train.plan import Distill


class Distillation:
    """Watches a student's landmarks while it runs, and compares. teacher: in eval mode, its weights fixed."""

    def __init__(self, student: Network, teacher: Network) -> None:
        self._teacher = teacher
        self._seen: dict[tuple[str, int], Tensor] = {}
        for side, network in (("student", student), ("teacher", teacher)):
            for place, module in enumerate(network.landmarks()):
                module.register_forward_hook(self._keeper(side, place))

    def loss(self, low: Tensor, found: Tensor, weights: Distill) -> Tensor:
        """Of a batch `low` that the student has just turned into `found` (both (N, 3, H, W)); a scalar."""
        with torch.no_grad():
            wanted = self._teacher.unclipped(low)
        loss = weights.outputs * (found - wanted).abs().mean()
        if weights.features:
            places = [place for side, place in self._seen if side == "student"]
            loss = loss + weights.features * torch.stack([self._apart(place) for place in places]).mean()
        return loss

    def _apart(self, place: int) -> Tensor:
        student, teacher = self._seen["student", place], self._seen["teacher", place]
        size = min(student.shape[-2:], teacher.shape[-2:])
        mine, its = (_attention(features, (size[0], size[1])) for features in (student, teacher))
        return (mine - its).square().sum(dim=1).mean() / 2

    def _keeper(self, side: str, place: int) -> Callable[[nn.Module, Any, Tensor], None]:
        def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            self._seen[side, place] = output

        return keep


def _attention(features: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, C, H, W) → (N, h·w) of length 1: where there is much going on, whatever the channels mean."""
    energy = features.float().square().mean(dim=1, keepdim=True)
    pooled = functional.adaptive_avg_pool2d(energy, size).flatten(1)
    return functional.normalize(pooled, dim=1)
