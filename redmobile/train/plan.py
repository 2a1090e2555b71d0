"""A training plan: phases one after another, as data."""

from __future__ import annotations

import math
from typing import Literal

from redmobile.core.documents import Document
from redmobile.data.composition import Degrader, Recipe, recipes_of, single
from redmobile.data.degradations.low_light import LowLight
from redmobile.errors import UsageError


class Distill(Document):
    """What a phase learns from a teacher, beside its pictures: weights in the loss of its outputs and of its features (train/distill.py)."""

    outputs: float = 0.5
    features: float = 0.1


class Phase(Document):
    """`steps` steps on one source.

    crop: (height, width) in pixels, pictures that are smaller are mirrored on; learning_rate: the highest, after `warmup` steps.
    source: `photos` (clean photographs, degraded on the fly: no labels) or `pairs` (real low/high pairs).
    degrade: what happens to photographs: the name of a composition or of a degradation (redmobile/data/composition.py: `all`, `blur`, …),
    the path of a TOML, or the recipes themselves. Without it: `low_light` alone, with these ranges.
    anneal: steps over which the rate falls to zero, `steps` unless the phase ends before.
    quantize: let the INT8 network agree with the float network that the phases before have made: weights and activations are rounded to the
    grids that the file will have, which are learned too (nets/blocks/rounding.py). No ground truth is asked, the loss is the PSNR between
    the two. Comes after all phases without; its weights are a file of their own beside those of the float network.
    distill: learn from a teacher (`redmobile train --teacher`) too.
    ssim_weight: w in the loss (1 − w)·L1 + w·(1 − SSIM) against the clean pictures (train/losses.py).
    photos_share: part of a batch of pairs that comes from photographs, so that fine-tuning on pictures of one kind of
    darkness does not unlearn the others.
    """

    source: Literal["photos", "pairs"]
    steps: int
    batch: int = 16
    crop: tuple[int, int] = (256, 256)
    learning_rate: float = 1e-4
    warmup: int = 100
    anneal: int | None = None
    ssim_weight: float = 0.3
    photos_share: float = 0.0
    low_light: LowLight = LowLight()
    degrade: str | tuple[Recipe, ...] | None = None
    quantize: bool = False
    distill: Distill | None = None

    def degrader(self) -> Degrader:
        """What makes training pairs of photographs. Raises UsageError, InputError, DocumentError for a name that leads nowhere."""
        if self.degrade is None:
            return Degrader((single(self.low_light),))
        return Degrader(recipes_of(self.degrade) if isinstance(self.degrade, str) else self.degrade)

    @property
    def photos_in_batch(self) -> int:
        """How many of a batch come from photographs."""
        return self.batch if self.source == "photos" else round(self.batch * self.photos_share)

    def rate(self, step: int) -> float:
        """The learning rate at `step` of the phase: linear warm-up, then cosine annealing to zero (Loshchilov & Hutter, 2017)."""
        warm = min(1.0, (step + 1) / max(self.warmup, 1))
        return self.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / (self.anneal or self.steps)))


class TrainingPlan(Document):
    """All that decides a run, besides the pictures. every: steps between validations, log lines and checkpoints.

    weight_decay, clip_norm: of AdamW and of the gradient's norm; ema: decay of the averaged weights, which are the result.
    """

    phase: tuple[Phase, ...]
    seed: int = 0
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    ema: float = 0.999
    every: int = 500

    @property
    def steps(self) -> int:
        """Steps of all phases together."""
        return sum(phase.steps for phase in self.phase)

    def check(self) -> None:
        """Raise UsageError if a quantized phase stands before one that is not."""
        order = [phase.quantize for phase in self.phase]
        if order != sorted(order):
            raise UsageError("Phases with `quantize = true` learn to agree with the float network, so they must come after all others.")

    def at(self, step: int) -> tuple[Phase, int]:
        """The phase that `step` (from 0) belongs to, and the step within it."""
        for phase in self.phase:
            if step < phase.steps:
                return phase, step
            step -= phase.steps
        raise IndexError(f"the plan ends before step {step}")
