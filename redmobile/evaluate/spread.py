"""An evaluation over the workers of a Dask cluster: pictures go out, scores come back; what a dead worker had is given to another."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from redmobile.core.metrics import Frame
from redmobile.enhance.control import Control, enhance_frame
from redmobile.enhance.spread import Network, gather, loaded
from redmobile.errors import RedmobileError
from redmobile.evaluate.cases import Cases
from redmobile.evaluate.figures import OnDone, figures_of
from redmobile.evaluate.result import Figures, ImageScores, Scores
from redmobile.evaluate.scores import score


@dataclasses.dataclass(frozen=True)
class Sent:
    """What each worker needs: subject's name → its network, and how strongly it is used."""

    networks: dict[str, tuple[Network, Control]]


@dataclasses.dataclass(frozen=True)
class Scored:
    """What a worker tells of a picture. error: why there are no scores."""

    before: Scores | None = None
    after: dict[str, Scores] = dataclasses.field(default_factory=dict)
    error: RedmobileError | None = None


def measure_spread(client: Any, condition: str, cases: Cases, sent: Sent, on_done: OnDone) -> list[Figures]:
    """As figures.measure, on the cluster of `client`; the pictures are read here, so that workers need not see the files.

    Raises what a worker met.
    """
    rows: dict[int, Scored] = {}
    for place, scored in gather(client, _score_one, range(len(cases)), lambda place: (cases[place].given, cases[place].reference), sent, Scored):
        if scored.error is not None:
            raise scored.error
        rows[place] = scored
        on_done(cases.name(place))
    return [figures_of(condition, name, _rows(name, cases, rows)) for name in sent.networks]


def _rows(name: str, cases: Cases, rows: dict[int, Scored]) -> Sequence[ImageScores]:
    ordered = [(place, rows[place]) for place in sorted(rows)]
    return [ImageScores(image=cases.name(place), before=row.before, after=row.after[name]) for place, row in ordered if row.before is not None]


def _score_one(given: Frame, reference: Frame, sent: Sent) -> Scored:
    try:
        after = {}
        for name, (network, control) in sent.networks.items():
            after[name] = score(reference, enhance_frame(loaded(network), given, control.weight(given)))
        return Scored(score(reference, given), after)
    except RedmobileError as error:
        return Scored(error=error)
