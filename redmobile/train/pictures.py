"""Which pictures train and which validate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from redmobile.core.metrics import Frame
from redmobile.data.datasets import Pairs, Photos, list_pictures, load_pairs, load_photos, pair_paths, split_pairs, split_photos
from redmobile.data.shards import ShardFrames, index_shards, list_shards, split_members
from redmobile.errors import UsageError
from redmobile.train.loop import Pictures
from redmobile.train.plan import TrainingPlan

_VALIDATION_SIZE = 512
"""Held-out photographs are cut to this size at most: they are judged again and again."""

_VALIDATED = 64
"""Held-out pictures of shards that validate: of a large set, a tenth would be too many."""


def load_pictures(plan: TrainingPlan, photos: Path | None, pairs: Path | None, hold_out: str | None) -> Pictures:
    """Read what the plan's phases need.

    Validation: held-out real pairs where there are any, else held-out photographs, degraded as in the last phase, each always in the same
    way. Raises InputError, UsageError.
    """
    train_photos, train_pairs, validation = None, None, []
    if photos:
        training, held = _split(photos)
        if len(training) == 0:
            raise UsageError(
                f"{photos}: all its pictures, {len(held)}, are held out to validate (the first of each folder, then every tenth); give more."
            )
        train_photos = Photos(training)
        clean = [np.ascontiguousarray(frame[:_VALIDATION_SIZE, :_VALIDATION_SIZE]) for frame in held]
        degrade = plan.phase[-1].degrader()
        validation = [degrade(frame, np.random.default_rng([plan.seed, index])) for index, frame in enumerate(clean)]
    if pairs:
        kept, held_pairs = split_pairs(pair_paths(pairs), hold_out)
        train_pairs, validation = Pairs(load_pairs(kept)), load_pairs(held_pairs)
    return Pictures(train_photos, train_pairs, validation)


def _split(photos: Path) -> tuple[Sequence[Frame], Sequence[Frame]]:
    """(training, held out): pictures of a folder in memory, or of tar shards where they lie."""
    shards = list_shards(photos) if photos.exists() else []
    if shards:
        training, held = split_members(index_shards(shards))
        return ShardFrames(training), ShardFrames(held[:_VALIDATED])
    train_paths, held_paths = split_photos(list_pictures(photos))
    return load_photos(train_paths), load_photos(held_paths)
