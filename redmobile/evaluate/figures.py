"""Every subject on every picture of a condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from redmobile.evaluate.cases import Cases
from redmobile.evaluate.result import Figures, ImageScores
from redmobile.evaluate.scores import mean_scores, score
from redmobile.evaluate.subjects import Enhancer

OnDone = Callable[[str], None]
"""Told the name of each picture when it is done."""


def measure(condition: str, cases: Cases, subjects: Sequence[Enhancer], on_done: OnDone) -> list[Figures]:
    """The figures of each subject. Raises InputError for pictures that cannot be read or judged."""
    scores: dict[str, list[ImageScores]] = {subject.facts.name: [] for subject in subjects}
    for case in cases:
        before = score(case.reference, case.given)
        for subject in subjects:
            after = score(case.reference, subject.enhance(case.given))
            scores[subject.facts.name].append(ImageScores(image=case.name, before=before, after=after))
        on_done(case.name)
    return [figures_of(condition, name, found) for name, found in scores.items()]


def figures_of(condition: str, subject: str, images: Sequence[ImageScores]) -> Figures:
    """The figures of one subject from its scores."""
    ordered = sorted(images, key=lambda row: row.after.psnr)
    before, after = mean_scores([row.before for row in images]), mean_scores([row.after for row in images])
    return Figures(
        condition=condition,
        subject=subject,
        before=before,
        after=after,
        gain_db=after.psnr - before.psnr,
        pooled_db=_pooled([row.after.psnr for row in images]),
        best=ordered[-1].image,
        median=ordered[len(ordered) // 2].image,
        worst=ordered[0].image,
        images=tuple(images),
    )


def _pooled(psnr_db: Sequence[float]) -> float:
    """The PSNR of the mean squared error."""
    error = float(np.mean([10 ** (-value / 10) for value in psnr_db]))
    return float(-10 * np.log10(error)) if error else float("inf")
