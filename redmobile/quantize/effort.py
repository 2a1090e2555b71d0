"""How much a search may run: the frames that judge a trial, and the trials; fewer of both for a network that takes long."""

from __future__ import annotations

import dataclasses

from redmobile.quantize.observers import OBSERVERS

FRAME_WORK = 4e8
"""What one run may cost (rerun.work_of) before less of the search is affordable. RED-mobile takes 3.6e8 at 1088×1920."""

_LEAST_TRIALS = 2 * len(OBSERVERS)
"""Each observer everywhere, and as many for single tensors."""


@dataclasses.dataclass(frozen=True)
class Effort:
    """judged: how many frames judge a trial; trials: at most so many."""

    judged: int
    trials: int


def affordable(asked: Effort, work: float) -> Effort:
    """What is left of `asked` where one run costs `work`, which is estimated and not timed: the same network gets the same everywhere.

    Trials go with the frames, for many that few judge choose by those frames' accidents. TBEFN at 360×640, four times RED-mobile's work, on
    other photographs and in seconds of processor time: four frames and 48 trials 38.1 dB in 34, one and 48 37.1 in 20, one and 12 37.5 in 12.
    """
    judged = max(1, round(asked.judged * min(1.0, FRAME_WORK / work)))
    trials = max(round(asked.trials * judged / asked.judged), min(asked.trials, _LEAST_TRIALS))
    return Effort(judged, trials)
