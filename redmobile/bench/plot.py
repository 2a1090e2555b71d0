"""Durations as a picture: each run in its order, and how often each duration came, against the line of one frame's time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from redmobile.bench.measured import LatencyResult, VideoResult
from redmobile.bench.result import Bundle, Result
from redmobile.core.metrics import Frame
from redmobile.data.chart import COLOURS, FAINT, INK, RED, Chart, nice_step, write_chart
from redmobile.errors import UsageError

_SIZE = (1500, 640)
_MARGIN = 78
_TOP = 116
_BOTTOM = 64
_SPLIT = 1010
_BINS = 60
_TICKS = 6
_HEADROOM = 1.15


@dataclasses.dataclass(frozen=True)
class _Row:
    name: str
    samples_ms: Sequence[float]
    colour: str


def plot(result: LatencyResult | VideoResult) -> Frame:
    """A picture of the result's durations, (640, 1500, 3) uint8: over time on the left, as a histogram on the right.

    Where figures cannot be trusted, the picture says so.
    """
    rows = [_Row(name, samples, COLOURS[index % len(COLOURS)]) for index, (name, samples) in enumerate(_samples(result))]
    frame_ms = result.settings.frame_ms
    top_ms = _HEADROOM * max(frame_ms, *(max(row.samples_ms) for row in rows))
    chart = Chart(*_SIZE)
    _heading(chart, result, rows)
    _scale(chart, top_ms, frame_ms)
    for row in rows:
        _series(chart, row, top_ms)
    _histogram(chart, rows, top_ms)
    return chart.frame()


def write_plot(path: Path, result: Result | Bundle) -> None:
    """Write `plot(result)` as a PNG. Raises UsageError (another ending, a result without durations), OutputError."""
    if not isinstance(result, LatencyResult | VideoResult):
        raise UsageError(f"{path}: only latencies of one configuration can be plotted here; `redmobile report` shows the others.")
    if isinstance(result, LatencyResult) and result.measured.summary_only:
        raise UsageError(f"{path}: there are no single runs to plot: {result.measured.summary_only}.")
    write_chart(path, plot(result), "the durations")


def _samples(result: LatencyResult | VideoResult) -> list[tuple[str, Sequence[float]]]:
    if isinstance(result, VideoResult):
        return [("arrival to finished", [frame.latency_ms for frame in result.frames])]
    return [(_short(row.model.file), row.samples_ms) for row in (result.measured, *result.peers)]


def _heading(chart: Chart, result: LatencyResult | VideoResult, rows: Sequence[_Row]) -> None:
    model = result.measured.model if isinstance(result, LatencyResult) else result.model
    load = result.measured.load if isinstance(result, LatencyResult) else result.load
    trusted = (result.measured.stability if isinstance(result, LatencyResult) else result.stability).trusted
    facts = f"{load.runtime}, {result.threads} threads, {result.environment.cpu}, {result.environment.date}"
    chart.text((_MARGIN, 14), f"{result.plan}: {_short(model.file)} ({model.sha256[:12]})", INK, 22)
    chart.text((_MARGIN, 44), facts, INK, 15)
    chart.text((_MARGIN, 66), result.verdict.says[:200], INK if trusted else RED, 15)
    at = float(_MARGIN)
    for row in rows:
        chart.box((at, 93), (at + 12, 105), row.colour)
        label = f"{row.name}, median {np.median(row.samples_ms):.1f} ms"
        chart.text((at + 18, 90), label, INK, 14)
        at += 48 + chart.text_width(label, 14)


def _scale(chart: Chart, top_ms: float, frame_ms: float) -> None:
    step = nice_step(top_ms / _TICKS)
    for tick in np.arange(0, top_ms, step):
        level = _y(tick, top_ms)
        chart.line((_MARGIN, level), (_SIZE[0] - 20, level), FAINT)
        chart.text((_MARGIN - 10, level), f"{tick:g}", INK, 14, "rm")
    level = _y(frame_ms, top_ms)
    chart.line((_MARGIN, level), (_SIZE[0] - 20, level), RED, 2)
    chart.text((_SIZE[0] - 22, level - 4), f"one frame: {frame_ms:.1f} ms", RED, 14, "rb")
    chart.text((_MARGIN - 10, _TOP - 14), "ms", INK, 14, "rm")
    chart.text(((_MARGIN + _SPLIT) / 2, _SIZE[1] - 22), "run after run", INK, 14, "mm")
    chart.text(((_SPLIT + _SIZE[0]) / 2, _SIZE[1] - 22), "how often", INK, 14, "mm")


def _series(chart: Chart, row: _Row, top_ms: float) -> None:
    width = _SPLIT - 30 - _MARGIN
    for index, sample in enumerate(row.samples_ms):
        x, y = _MARGIN + (index + 0.5) * width / len(row.samples_ms), _y(sample, top_ms)
        chart.dot((x, y), 2.2, row.colour)


def _histogram(chart: Chart, rows: Sequence[_Row], top_ms: float) -> None:
    edges = np.linspace(0, top_ms, _BINS + 1)
    counts = [np.histogram(row.samples_ms, edges)[0] / len(row.samples_ms) for row in rows]
    most = max(float(count.max()) for count in counts)
    for row, count in zip(rows, counts, strict=True):
        for index in np.flatnonzero(count):
            length = count[index] / most * (_SIZE[0] - 40 - _SPLIT)
            upper, lower = _y(float(edges[index + 1]), top_ms), _y(float(edges[index]), top_ms)
            chart.box((_SPLIT, upper + 1), (_SPLIT + max(length, 2.0), lower - 1), row.colour)


def _y(value_ms: float, top_ms: float) -> float:
    return _SIZE[1] - _BOTTOM - value_ms / top_ms * (_SIZE[1] - _BOTTOM - _TOP)


def _short(file: str) -> str:
    return file.replace("\\", "/").rsplit("/", 1)[-1]
