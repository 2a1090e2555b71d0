"""Low light with more and more noise, down to as much noise as signal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from redmobile.core.metrics import Frame
from redmobile.data.degradations.low_light import LowLight
from redmobile.evaluate.result import NoisePoint, Scores
from redmobile.evaluate.scores import mean_scores, score
from redmobile.evaluate.subjects import Enhancer

SWEEP_DB = (0.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0)

_QUIET_DB = 200.0


def sweep(references: Sequence[Callable[[], Frame]], subjects: Sequence[Enhancer], seed: int, on_done: Callable[[str], None]) -> list[NoisePoint]:
    """One point for each of SWEEP_DB, loudest first. references: clean pictures, each read when it is called.

    A picture is darkened in the same way at every point (LowLight's default ranges); only the noise grows.
    """
    ratios: list[list[float]] = [[] for _ in SWEEP_DB]
    before: list[list[Scores]] = [[] for _ in SWEEP_DB]
    after: list[dict[str, list[Scores]]] = [{subject.facts.name: [] for subject in subjects} for _ in SWEEP_DB]
    for place, read in enumerate(references):
        reference = read()
        quiet = _dark(reference, _QUIET_DB, seed, place)
        for point, snr_db in enumerate(SWEEP_DB):
            noisy = _dark(reference, snr_db, seed, place)
            ratios[point].append(measured_snr_db(quiet, noisy))
            before[point].append(score(reference, noisy))
            for subject in subjects:
                after[point][subject.facts.name].append(score(reference, subject.enhance(noisy)))
            on_done(f"{snr_db:g} dB")
    return [
        NoisePoint(
            snr_db=snr_db,
            measured_snr_db=float(np.mean(ratios[point])),
            before=mean_scores(before[point]),
            after={name: mean_scores(found) for name, found in after[point].items()},
        )
        for point, snr_db in enumerate(SWEEP_DB)
    ]


def measured_snr_db(quiet: Frame, noisy: Frame) -> float:
    """10·log10(mean(quiet²) / mean((noisy − quiet)²)); infinity without noise."""
    signal, noise = quiet.astype(np.float64), noisy.astype(np.float64) - quiet
    power = float(np.square(noise).mean())
    return float(10 * np.log10(np.square(signal).mean() / power)) if power else float("inf")


def _dark(reference: Frame, snr_db: float, seed: int, place: int) -> Frame:
    degrade = msgspec.structs.replace(LowLight(), snr_db=(snr_db, snr_db))
    return degrade(reference, np.random.default_rng([seed, place]))
