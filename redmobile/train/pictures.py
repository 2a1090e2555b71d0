"""Which pictures train and which validate."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from redmobile.data.datasets import Pairs, Photos, list_pictures, load_pairs, load_photos, pair_paths, split_pairs, split_photos
from redmobile.train.loop import Pictures
from redmobile.train.plan import TrainingPlan

_VALIDATION_SIZE = 512
"""Held-out photographs are cut to this size at most: they are judged again and again."""


def load_pictures(plan: TrainingPlan, photos: Path | None, pairs: Path | None, hold_out: str | None) -> Pictures:
    """Read what the plan's phases need.

    Validation: held-out real pairs where there are any, else held-out photographs, degraded as in the last phase, each always in the same
    way. Raises InputError, UsageError.
    """
    train_photos, train_pairs, validation = None, None, []
    if photos:
        training, held = split_photos(list_pictures(photos))
        train_photos = Photos(load_photos(training))
        clean = [np.ascontiguousarray(frame[:_VALIDATION_SIZE, :_VALIDATION_SIZE]) for frame in load_photos(held)]
        degrade = plan.phase[-1].degrader()
        validation = [degrade(frame, np.random.default_rng([plan.seed, index])) for index, frame in enumerate(clean)]
    if pairs:
        kept, held_pairs = split_pairs(pair_paths(pairs), hold_out)
        train_pairs, validation = Pairs(load_pairs(kept)), load_pairs(held_pairs)
    return Pictures(train_photos, train_pairs, validation)
