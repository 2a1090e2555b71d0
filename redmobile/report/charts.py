"""Charts as inline SVG that fits every width: positions across are percentages, so words and strokes keep their size on a phone.

Lines and dots live in an inner <svg> that is stretched (preserveAspectRatio="none") under strokes that are not. Colours are CSS
classes, so that one chart serves the light and the dark page and paper. A chart has a sentence that says what it shows, for those who
do not see it. Written here, because no library for Python gives fluid SVG without a script or a megabyte of one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TypeGuard

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

Values = NDArray[np.float64]

_WIDE, _HIGH = 1000.0, 200.0
"""The inner drawing, stretched to whatever is there."""

_HEIGHT_PX = 220
_ROW_PX = 15
"""Height of a row of words; page.css knows it too."""

_TICKS_X, _TICKS_Y = 6, 4
_BINS = 48
_MOST_DOTS = 4000
"""More samples than this are drawn as a band from the least to the most of each group, with the median in it."""

_GROUPS = 500
_TAIL = 3.0
"""A histogram ends so many times the width of its middle 98 % beyond them; what is slower is in its last bar."""

_ALIKE = 1e-6
"""Durations that differ by less of themselves are one for a histogram."""

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclasses.dataclass(frozen=True)
class Axis:
    """From low to high, in `unit`."""

    low: float
    high: float
    unit: str

    def share(self, value: float) -> float:
        """Where `value` lies, 0 … 1 from low to high."""
        return (value - self.low) / (self.high - self.low)

    def ticks(self, count: int) -> list[float]:
        """Round numbers from low to high, about `count`."""
        step = nice_step((self.high - self.low) / count)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclasses.dataclass(frozen=True)
class Mark:
    """A line across a chart with a word on it. kind: a CSS class, 'budget' or 'percentile'."""

    value: float
    label: str
    kind: str


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a chart: points (seconds, or what else is along the axis, and value)."""

    name: str
    points: Sequence[tuple[float, float]]


def nice_step(rough: float) -> float:
    """1, 2, 2.5 or 5 times a power of ten, not below `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _STEPS if step * power >= rough * (1 - 1e-9))


def histogram(samples_ms: Sequence[float], marks: Sequence[Mark]) -> Markup:
    """How often each duration came. Marks outside of the durations stand at the edge, with an arrow."""
    values = np.asarray(samples_ms, np.float64)
    low, high = _histogram_range(values)
    counts, edges = np.histogram(np.clip(values, low, high), bins=min(_BINS, max(8, round(math.sqrt(len(values)) * 2))), range=(low, high))
    across, up = Axis(low, high, "ms"), Axis(0, float(counts.max()) * 1.05, "")
    bars = Markup("").join(_bar(across, up, edges[index], edges[index + 1], int(counts[index])) for index in np.flatnonzero(counts))
    beyond = int((values > high).sum())
    tail = f" The last bar holds {beyond} that took longer, up to {values.max():.2f} ms." if beyond else ""
    says = f"Histogram of {len(values)} durations from {values.min():.2f} to {values.max():.2f} ms; {_spoken(marks)}.{tail}"
    body = _grid_y(up, whole=True) + bars + _upright_marks(across, marks)
    return _figure(says, body, _labels_x(across), note=tail.strip(), rows=len(marks))


def timeline(samples_ms: Sequence[float], budget_ms: float | None, seconds: Sequence[float] | None = None, gaps: Sequence[float] = ()) -> Markup:
    """Durations in their order, over `seconds` (of arrival; None: run by run), under the line of the budget.

    gaps: when frames were dropped. Durations over the budget are drawn in its colour.
    """
    values = np.asarray(samples_ms, np.float64)
    at = np.arange(1, len(values) + 1, dtype=np.float64) if seconds is None else np.asarray(seconds, np.float64)
    top = max(float(values.max()), budget_ms or 0.0) * 1.12
    first, last = float(at.min()), float(max(at.max(), *gaps) if gaps else at.max())
    across, up = Axis(first, last if last > first else first + 1, "s" if seconds is not None else "run"), Axis(0.0, top, "ms")
    over = values > budget_ms if budget_ms is not None else np.zeros(len(values), bool)
    marks = [] if budget_ms is None else [Mark(budget_ms, f"budget {budget_ms:.1f} ms", "budget")]
    banded = len(values) > _MOST_DOTS
    drawn = _band(across, up, at, values) if banded else _dots(across, up, at[~over], values[~over], "dot")
    drawn += _dots(across, up, at[over], values[over], "dot over")
    dropped = _dots(across, up, np.asarray(gaps, np.float64), np.full(len(gaps), top * 0.99), "dropped")
    late = f" {int(over.sum())} took longer than {budget_ms:.1f} ms." if budget_ms is not None else ""
    lost = f" {len(gaps)} frames were dropped." if gaps else ""
    says = f"{len(values)} durations in their order, {values.min():.2f} to {values.max():.2f} ms.{late}{lost}"
    note = "Line: medians; band: from the least to the most. " * banded + "Dots in the budget's colour are over it. " * bool(over.any())
    note += "Ticks at the top: dropped frames." * bool(gaps)
    body = _grid_y(up) + _inner(drawn + dropped) + _level_marks(up, marks)
    probe = None if banded else {"x": at, "y": values}
    return _figure(says, body, _labels_x(across), note=note.strip(), probe=probe, axes=(across, up))


def finite(value: float | None) -> TypeGuard[float]:
    """Whether it can be drawn."""
    return value is not None and math.isfinite(value)


def lines(series: Sequence[Line], unit: str, *, from_zero: bool = False, along: str = "s") -> Markup:
    """Some values over time, or over another value in the unit `along`, each a line with its name; at least one with a point."""
    points = [point for line in series for point in line.points]
    low, high = min(value for _, value in points), max(value for _, value in points)
    room = (high - low) * 0.1 or max(abs(high) * 0.05, 0.5)
    up = Axis(0.0 if from_zero else low - room, high + room, unit)
    end = max(second for second, _ in points)
    across = Axis(0.0, end or 1.0, along)
    drawn = Markup("").join(_polyline(across, up, line.points, f"line s{index % 6 + 1}") for index, line in enumerate(series))
    says = "; ".join(f"{line.name}: {line.points[0][1]:.4g} to {line.points[-1][1]:.4g} {unit}" for line in series if line.points)
    return _figure(
        f"{says}, over {end:.0f} {along}.",
        _grid_y(up) + _inner(drawn),
        _labels_x(across),
        legend=[line.name for line in series] if len(series) > 1 else (),
    )


def _histogram_range(values: Values) -> tuple[float, float]:
    low, quick, slow, high = (float(value) for value in (values.min(), *np.percentile(values, (1, 99)), values.max()))
    high = min(high, slow + _TAIL * (slow - quick)) if slow > quick else high
    return (low, high) if high - low > _ALIKE * high else (low * 0.95, low * 1.05 or 1.0)


def _bar(across: Axis, up: Axis, left: float, right: float, count: int) -> Markup:
    x, width = 100 * across.share(left), 100 * (across.share(right) - across.share(left))
    height = _HEIGHT_PX * up.share(count)
    return Markup('<rect class="column" x="{:.3f}%" y="{:.1f}" width="{:.3f}%" height="{:.1f}"><title>{}</title></rect>').format(
        x, _HEIGHT_PX - height, width * 0.94, height, f"{left:.2f} to {right:.2f} ms: {count}"
    )


def _dots(across: Axis, up: Axis, at: Values, values: Values, kind: str) -> Markup:
    """Dots: lines of no length with round ends, which stay round however the drawing is stretched."""
    points = (f"M{_WIDE * across.share(x):.1f} {_HIGH * (1 - up.share(y)):.1f}h0" for x, y in zip(at, values, strict=True))
    path = "".join(points)
    return Markup('<path class="{}" d="{}"/>').format(kind, path) if path else Markup("")


def _band(across: Axis, up: Axis, at: Values, values: Values) -> Markup:
    """Least to most of each group of samples, and their median."""
    groups = [group for group in np.array_split(np.arange(len(values)), _GROUPS) if len(group)]
    middle = [float(at[group].mean()) for group in groups]
    least, most, median = ([float(reduce(values[group])) for group in groups] for reduce in (np.min, np.max, np.median))
    outline = [*zip(middle, most, strict=True), *zip(reversed(middle), reversed(least), strict=True)]
    return _polyline(across, up, outline, "band") + _polyline(across, up, list(zip(middle, median, strict=True)), "line s1")


def _polyline(across: Axis, up: Axis, points: Sequence[tuple[float, float]], kind: str) -> Markup:
    text = " ".join(f"{_WIDE * across.share(x):.1f},{_HIGH * (1 - up.share(y)):.1f}" for x, y in points)
    return Markup('<polyline class="{}" points="{}"/>').format(kind, text) if points else Markup("")


def _inner(drawn: Markup) -> Markup:
    return Markup('<svg width="100%" height="100%" viewBox="0 0 {:g} {:g}" preserveAspectRatio="none">{}</svg>').format(_WIDE, _HIGH, drawn)


def _grid_y(axis: Axis, *, whole: bool = False) -> Markup:
    """Level lines with their numbers, which stand left of the drawing. whole: whole numbers only."""
    made = Markup("")
    for tick in axis.ticks(_TICKS_Y):
        if whole and tick != int(tick):
            continue
        y = _HEIGHT_PX * (1 - axis.share(tick))
        made += Markup(
            '<line class="grid" x1="0" x2="100%" y1="{0:.1f}" y2="{0:.1f}"/><text class="tick" x="-8" y="{1:.1f}" text-anchor="end">{2}</text>'
        ).format(y, y + 4, f"{tick:,g}")
    unit = axis.unit
    return made + (Markup('<text class="tick" x="-8" y="-8" text-anchor="end">{}</text>').format(unit) if unit else Markup(""))


def _labels_x(axis: Axis) -> Markup:
    """Numbers under the drawing; every other one gives way on a narrow screen. The unit stands with the last."""
    made, ticks = Markup(""), axis.ticks(_TICKS_X)
    for index, tick in enumerate(ticks):
        x = 100 * axis.share(tick)
        kind = "tick minor" if index % 2 and index < len(ticks) - 1 else "tick"
        label = f"{tick:,g}{' ' + axis.unit if index == len(ticks) - 1 else ''}"
        made += Markup('<line class="grid" x1="{0:.2f}%" x2="{0:.2f}%" y1="{1}" y2="{2}"/>').format(x, _HEIGHT_PX, _HEIGHT_PX + 5)
        made += Markup('<text class="{}" x="{:.2f}%" y="{}" text-anchor="middle">{}</text>').format(kind, x, _HEIGHT_PX + 20, label)
    return made


def _level_marks(axis: Axis, marks: Sequence[Mark]) -> Markup:
    made = Markup("")
    for mark in marks:
        y = _HEIGHT_PX * (1 - axis.share(mark.value))
        made += Markup('<line class="mark {0}" x1="0" x2="100%" y1="{1:.1f}" y2="{1:.1f}"/>').format(mark.kind, y)
        made += Markup('<text class="mark-label {}" x="100%" y="{:.1f}" text-anchor="end">{}</text>').format(mark.kind, y - 6, mark.label)
    return made


def _upright_marks(axis: Axis, marks: Sequence[Mark]) -> Markup:
    """Marks as upright lines, their words above the drawing, a row each, on the side where there is room."""
    made = Markup("")
    for row, mark in enumerate(marks):
        share, y = axis.share(mark.value), -_ROW_PX * (len(marks) - 1 - row) - 5
        if not 0 <= share <= 1:
            label, x, anchor = (f"{mark.label} →", 100.0, "end") if share > 1 else (f"← {mark.label}", 0.0, "start")
            made += Markup('<text class="mark-label {}" x="{:g}%" y="{}" text-anchor="{}">{}</text>').format(mark.kind, x, y, anchor, label)
            continue
        left = share > 0.6  # noqa: PLR2004 - a word needs about a third of a phone's width
        made += Markup('<line class="mark {0}" x1="{1:.3f}%" x2="{1:.3f}%" y1="{2}" y2="{3}"/>').format(mark.kind, 100 * share, y - 9, _HEIGHT_PX)
        made += Markup('<text class="mark-label {}" x="{:.3f}%" dx="{}" y="{}" text-anchor="{}">{}</text>').format(
            mark.kind, 100 * share, -5 if left else 5, y, "end" if left else "start", mark.label
        )
    return made


def _spoken(marks: Sequence[Mark]) -> str:
    return ", ".join(mark.label for mark in marks) or "no marks"


def _figure(
    says: str,
    body: Markup,
    labels: Markup,
    *,
    note: str = "",
    legend: Sequence[str] = (),
    probe: dict[str, Values] | None = None,
    axes: tuple[Axis, Axis] | None = None,
    rows: int = 0,
) -> Markup:
    """The chart with its sentence. probe: values that the pointer reads off, on `axes`; rows: of words above the drawing."""
    attributes = Markup("")
    if probe is not None and axes is not None:
        values = " ".join(f"{x:.6g},{y:.6g}" for x, y in zip(probe["x"], probe["y"], strict=True))
        bounds = " ".join(f"{value:.8g}" for axis in axes for value in (axis.low, axis.high))
        attributes = Markup(' data-probe="{}" data-bounds="{}" data-unit="{}"').format(values, bounds, axes[0].unit)
    keys = Markup("").join(Markup('<span class="key s{}">{}</span>').format(index % 6 + 1, name) for index, name in enumerate(legend))
    words = Markup('<p class="note">{}</p>').format(escape(note)) if note else Markup("")
    keys = Markup('<p class="legend">{}</p>').format(keys) if legend else Markup("")
    return Markup('{}<div class="plot{}"{}><svg class="chart" role="img" aria-label="{}" height="{}">{}{}</svg></div>{}').format(
        keys, Markup(' labelled" style="--rows: {}').format(rows) if rows else "", attributes, says, _HEIGHT_PX, body, labels, words
    )
