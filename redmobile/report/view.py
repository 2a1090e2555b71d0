"""What a page shows, whatever document it came from: runs with a verdict, figures, and blocks in the order of reading."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

from markupsafe import Markup

from redmobile.report.figures import Figure

Sign = Literal["good", "bad", "doubtful", "none"]
"""What decides a verdict's mark and colour; never the colour alone."""

Nature = Literal["measured", "estimate", "counted", "judged"]
"""Where figures are from: a clock, a model of a machine, counting what an emulator executes (which has no clock), or rules about a graph."""

_LABELS: dict[Nature, str] = {
    "measured": "",
    "estimate": "Estimate, nothing was measured",
    "counted": "Emulated: counts, no times",
    "judged": "Judged by rules, nothing ran",
}

Cell = str | Figure


@dataclasses.dataclass(frozen=True)
class Verdict:
    """word is what people read first; says: one sentence or two."""

    sign: Sign
    word: str
    says: str


@dataclasses.dataclass(frozen=True)
class Part:
    """A bar, or a piece of one. share: its length, 0 … 1 of the longest; whole: its share of all together, None where that means nothing.

    inner: a shorter bar within it, with its figure. line: where a line crosses it, as a share too. estimate: nobody measured it, and it looks
    like that.
    """

    label: str
    figure: Figure
    share: float
    whole: float | None = None
    inner: tuple[float, Figure] | None = None
    line: float | None = None
    estimate: bool = False


@dataclasses.dataclass(frozen=True)
class Block:
    """Something under a heading. says: a sentence below it, '' for none."""

    title: str
    says: str = dataclasses.field(default="", kw_only=True)


@dataclasses.dataclass(frozen=True)
class ChartBlock(Block):
    """A drawing from report.charts."""

    kind = "chart"
    chart: Markup


@dataclasses.dataclass(frozen=True)
class TableBlock(Block):
    """Rows of cells under columns; the first cell heads its row. folded: shown when it is asked for."""

    kind = "table"
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    folded: bool = False


@dataclasses.dataclass(frozen=True)
class BarsBlock(Block):
    """A bar a row, as long as its share of the longest. line: what the lines across the bars mean, '' where there are none."""

    kind = "bars"
    column: str
    parts: Sequence[Part]
    line: str = ""


@dataclasses.dataclass(frozen=True)
class SplitBlock(Block):
    """One bar of parts side by side, the parts below it. unit_column: heading of the figures; more: further figures of each part."""

    kind = "split"
    column: str
    parts: Sequence[Part]
    more_columns: Sequence[str] = ()
    more: Sequence[Sequence[Cell]] = ()


@dataclasses.dataclass(frozen=True)
class ListBlock(Block):
    """Sentences."""

    kind = "list"
    items: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Picture:
    """data: a data URI; says: what it shows."""

    name: str
    data: str
    says: str


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two pictures to slide between, by their names."""

    name: str
    left: str
    right: str


@dataclasses.dataclass(frozen=True)
class SliderBlock(Block):
    """Pictures of one size, two of them shown at a time."""

    kind = "slider"
    pictures: Sequence[Picture]
    pairs: Sequence[Pair]
    width: int
    height: int


@dataclasses.dataclass(frozen=True)
class Check:
    """A thing that CI counts. outcome: 'passed', 'failed', or 'skipped' where it could not be judged."""

    name: str
    outcome: Literal["passed", "failed", "skipped"]
    says: str


@dataclasses.dataclass(frozen=True)
class Run:
    """One result of a document. name: the device, or what was compared; compared: label → figure, for the table over all runs.

    budget_ms: what a frame may take. date: ISO 8601, '' if the document does not say. facts: label → text; command: makes it again.
    file, sha256: of the document; path: where it stands in it, '' for all of it.
    """

    name: str
    target: str
    model: str
    plan: str
    nature: Nature
    verdict: Verdict
    tiles: Sequence[Figure]
    compared: Mapping[str, Figure]
    blocks: Sequence[Block]
    facts: Mapping[str, str]
    date: str
    checks: Sequence[Check]
    command: str = ""
    budget_ms: float | None = None
    file: str = ""
    sha256: str = ""
    path: str = ""

    @property
    def labelled(self) -> str:
        """What must be said of all its figures, '' if they were measured."""
        return _LABELS[self.nature]


@dataclasses.dataclass(frozen=True)
class Report:
    """All runs, in the order in which they were given."""

    title: str
    runs: Sequence[Run]

    @property
    def verdict(self) -> Verdict:
        """That of the only run; of several the worst, and how many there are of each."""
        if len(self.runs) == 1:
            return self.runs[0].verdict
        order: tuple[Sign, ...] = ("bad", "doubtful", "good", "none")
        worst = min((run.verdict for run in self.runs), key=lambda verdict: order.index(verdict.sign))
        words = [run.verdict.word for run in self.runs]
        counts = ", ".join(f"{words.count(word)} {word.lower()}" for word in dict.fromkeys(sorted(words, key=lambda word: word != worst.word)))
        return Verdict(worst.sign, worst.word, f"{len(self.runs)} results: {counts}.")
