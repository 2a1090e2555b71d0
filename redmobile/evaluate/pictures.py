"""What people look at: best, median and worst pictures on a sheet; the noise sweep as a curve."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from redmobile.core.metrics import Frame
from redmobile.data.chart import COLOURS, FAINT, INK, Chart, nice_step, write_chart
from redmobile.data.sheet import side_by_side
from redmobile.evaluate.cases import Cases
from redmobile.evaluate.result import Figures, NoisePoint
from redmobile.evaluate.subjects import Enhancer

_GAP = 8
_PAPER = 24


def sheet_rows(cases: Cases, figures: Sequence[Figures], subjects: Sequence[Enhancer], height: int = 240) -> list[Frame]:
    """Best, median and worst picture of the first subject: as given, as each subject makes it, reference; one row each, with captions."""
    judged, places = figures[0], {row.image: place for place, row in enumerate(figures[0].images)}
    rows = []
    for rank in ("best", "median", "worst"):
        case = cases[places[getattr(judged, rank)]]
        captions = [f"{judged.condition}, {rank}: {case.name}"]
        captions += [f"{found.subject} {found.images[places[case.name]].after.psnr:.2f} dB" for found in figures]
        frames = [case.given, *(subject.enhance(case.given) for subject in subjects), case.reference]
        rows.append(side_by_side([to_height(frame, height) for frame in frames], [*captions, "reference"]))
    return rows


def join_rows(rows: Sequence[Frame]) -> Frame:
    """Rows of any width, one below the other."""
    width = max(row.shape[1] for row in rows)
    wide = [cv2.copyMakeBorder(row, 0, _GAP, 0, width - row.shape[1], cv2.BORDER_CONSTANT, value=(_PAPER,) * 3) for row in rows]
    return np.asarray(np.vstack(wide), np.uint8)


def write_noise_curve(path: Path, points: Sequence[NoisePoint]) -> None:
    """PSNR against the signal-to-noise ratio of the input, a line for the input and one a subject, as a PNG. Raises UsageError, OutputError."""
    write_chart(path, noise_curve(points), "the noise sweep")


def noise_curve(points: Sequence[NoisePoint]) -> Frame:
    """(520, 900, 3) uint8: solid: after mean brightness matching; dots alone: without it."""
    chart = Chart(900, 520)
    lines = {"input": [point.before for point in points]}
    lines |= {name: [point.after[name] for point in points] for name in points[0].after}
    levels = [value for scores in lines.values() for one in scores for value in (one.psnr, one.psnr_matched) if np.isfinite(value)]
    across = _axis(min(point.snr_db for point in points), max(point.snr_db for point in points), 80, 870)
    step = nice_step((max(levels) - min(levels)) / 8)
    low, high = step * np.floor(min(levels) / step), step * np.ceil(max(levels) / step)
    up = _axis(float(low), float(high), 450, 70)
    for tick in np.arange(low, high + step / 2, step):
        chart.line((80, up(tick)), (870, up(tick)), FAINT)
        chart.text((70, up(tick)), f"{tick:g}", INK, 14, "rm")
    for point in points:
        chart.text((across(point.snr_db), 470), f"{point.snr_db:g}", INK, 14, "mm")
    chart.text((80, 20), "PSNR, dB (line: after matching mean brightness; dots: as it is)", INK, 16)
    chart.text((475, 500), "signal-to-noise ratio of the dark input, dB", INK, 15, "mm")
    for place, (name, scores) in enumerate(lines.items()):
        colour = COLOURS[place % len(COLOURS)]
        line = [(across(point.snr_db), up(one.psnr_matched)) for point, one in zip(points, scores, strict=True)]
        for start, end in itertools.pairwise(line):
            chart.line(start, end, colour, 2)
        for point, one in zip(points, scores, strict=True):
            chart.dot((across(point.snr_db), up(one.psnr)), 4, colour)
        chart.text((90 + 200 * place, 46), name, colour, 15)
    return chart.frame()


def _axis(first: float, last: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: float(start + (value - first) / max(last - first, 1e-9) * (end - start))


def to_height(frame: Frame, height: int) -> Frame:
    """`frame` at `height` pixels, its proportions kept."""
    width = max(1, round(frame.shape[1] * height / frame.shape[0]))
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
