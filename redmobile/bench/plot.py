"""Durations as a picture: each run in its order, and how often each duration came, against the line of one frame's time."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from redmobile.bench.result import LatencyResult, Result, VideoResult
from redmobile.core.artifact import output_path
from redmobile.core.metrics import Frame
from redmobile.errors import UsageError

_SIZE = (1500, 640)
_FINER = 2
_MARGIN = 78
_TOP = 116
_BOTTOM = 64
_SPLIT = 1010
_BINS = 60
_TICKS = 6
_HEADROOM = 1.15
_PAPER, _INK, _FAINT, _LINE = "#ffffff", "#202124", "#d5d8dc", "#c5221f"
_COLOURS = ("#1a73e8", "#e8710a", "#188038", "#9334e6", "#b06000", "#00838f")


@dataclasses.dataclass(frozen=True)
class _Row:
    name: str
    samples_ms: Sequence[float]
    colour: str


def plot(result: Result) -> Frame:
    """A picture of the result's durations, (640, 1500, 3) uint8: over time on the left, as a histogram on the right.

    Where figures cannot be trusted, the picture says so.
    """
    rows = [_Row(name, samples, _COLOURS[index % len(_COLOURS)]) for index, (name, samples) in enumerate(_samples(result))]
    frame_ms = result.settings.frame_ms
    top_ms = _HEADROOM * max(frame_ms, *(max(row.samples_ms) for row in rows))
    canvas = Image.new("RGB", (_SIZE[0] * _FINER, _SIZE[1] * _FINER), _PAPER)
    draw = ImageDraw.Draw(canvas)
    _heading(draw, result, rows)
    _scale(draw, top_ms, frame_ms)
    for row in rows:
        _series(draw, row, top_ms)
    _histogram(draw, rows, top_ms)
    return np.asarray(canvas.resize(_SIZE, Image.Resampling.LANCZOS), np.uint8)


def write_plot(path: Path, result: Result) -> None:
    """Write `plot(result)` as a PNG. Raises UsageError (another ending), OutputError."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path}: the picture of the durations is a .png.")
    with output_path(path) as partial:
        Image.fromarray(plot(result)).save(partial)


def _samples(result: Result) -> list[tuple[str, Sequence[float]]]:
    if isinstance(result, VideoResult):
        return [("arrival to finished", [frame.latency_ms for frame in result.frames])]
    return [(_short(row.model.file), row.samples_ms) for row in (result.measured, *result.peers)]


def _heading(draw: ImageDraw.ImageDraw, result: Result, rows: Sequence[_Row]) -> None:
    model = result.measured.model if isinstance(result, LatencyResult) else result.model
    load = result.measured.load if isinstance(result, LatencyResult) else result.load
    trusted = (result.measured.stability if isinstance(result, LatencyResult) else result.stability).trusted
    facts = f"{load.runtime}, {result.threads} threads, {result.environment['cpu']}, {result.environment['date']}"
    _text(draw, (_MARGIN, 14), f"{result.plan}: {_short(model.file)} ({model.sha256[:12]})", _INK, 22)
    _text(draw, (_MARGIN, 44), facts, _INK, 15)
    _text(draw, (_MARGIN, 66), result.verdict.says[:200], _INK if trusted else _LINE, 15)
    at = float(_MARGIN)
    for row in rows:
        draw.rectangle(_scaled((at, 93), (at + 12, 105)), fill=row.colour)
        label = f"{row.name}, median {np.median(row.samples_ms):.1f} ms"
        _text(draw, (at + 18, 90), label, _INK, 14)
        at += 48 + draw.textlength(label, _font(14)) / _FINER


def _scale(draw: ImageDraw.ImageDraw, top_ms: float, frame_ms: float) -> None:
    step = _nice(top_ms / _TICKS)
    for tick in np.arange(0, top_ms, step):
        level = _y(tick, top_ms)
        draw.line(_scaled((_MARGIN, level), (_SIZE[0] - 20, level)), _FAINT, _FINER)
        _text(draw, (_MARGIN - 10, level), f"{tick:g}", _INK, 14, "rm")
    level = _y(frame_ms, top_ms)
    draw.line(_scaled((_MARGIN, level), (_SIZE[0] - 20, level)), _LINE, 2 * _FINER)
    _text(draw, (_SIZE[0] - 22, level - 4), f"one frame: {frame_ms:.1f} ms", _LINE, 14, "rb")
    _text(draw, (_MARGIN - 10, _TOP - 14), "ms", _INK, 14, "rm")
    _text(draw, ((_MARGIN + _SPLIT) / 2, _SIZE[1] - 22), "run after run", _INK, 14, "mm")
    _text(draw, ((_SPLIT + _SIZE[0]) / 2, _SIZE[1] - 22), "how often", _INK, 14, "mm")


def _series(draw: ImageDraw.ImageDraw, row: _Row, top_ms: float) -> None:
    width = _SPLIT - 30 - _MARGIN
    for index, sample in enumerate(row.samples_ms):
        x, y = _MARGIN + (index + 0.5) * width / len(row.samples_ms), _y(sample, top_ms)
        draw.ellipse(_scaled((x - 2.2, y - 2.2), (x + 2.2, y + 2.2)), fill=row.colour)


def _histogram(draw: ImageDraw.ImageDraw, rows: Sequence[_Row], top_ms: float) -> None:
    edges = np.linspace(0, top_ms, _BINS + 1)
    counts = [np.histogram(row.samples_ms, edges)[0] / len(row.samples_ms) for row in rows]
    most = max(float(count.max()) for count in counts)
    for row, count in zip(rows, counts, strict=True):
        for index in np.flatnonzero(count):
            length = count[index] / most * (_SIZE[0] - 40 - _SPLIT)
            upper, lower = _y(float(edges[index + 1]), top_ms), _y(float(edges[index]), top_ms)
            draw.rectangle(_scaled((_SPLIT, upper + 1), (_SPLIT + max(length, 2.0), lower - 1)), fill=row.colour)


def _y(value_ms: float, top_ms: float) -> float:
    return _SIZE[1] - _BOTTOM - value_ms / top_ms * (_SIZE[1] - _BOTTOM - _TOP)


def _nice(step: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step)


def _short(file: str) -> str:
    return file.replace("\\", "/").rsplit("/", 1)[-1]


def _scaled(*points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x * _FINER, y * _FINER) for x, y in points]


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * _FINER)


def _text(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str, size: int, anchor: str = "la") -> None:
    draw.text((at[0] * _FINER, at[1] * _FINER), text, colour, _font(size), anchor)
