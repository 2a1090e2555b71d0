"""Lines, dots and words for charts: drawn twice as fine as wanted, then made small, so that edges are smooth."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from redmobile.core.artifact import output_path
from redmobile.core.metrics import Frame
from redmobile.errors import UsageError

PAPER, INK, FAINT, RED = "#ffffff", "#202124", "#d5d8dc", "#c5221f"
COLOURS = ("#1a73e8", "#e8710a", "#188038", "#9334e6", "#b06000", "#00838f")

_FINER = 2

Point = tuple[float, float]


class Chart:
    """A white sheet of (width, height) pixels. Places are in these pixels, from the upper left corner."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self._canvas = Image.new("RGB", (width * _FINER, height * _FINER), PAPER)
        self._draw = ImageDraw.Draw(self._canvas)

    def line(self, start: Point, end: Point, colour: str, width: int = 1) -> None:
        """A straight line."""
        self._draw.line([*_scaled(start, end)], colour, width * _FINER)

    def box(self, upper_left: Point, lower_right: Point, colour: str) -> None:
        """A filled rectangle."""
        self._draw.rectangle(_scaled(upper_left, lower_right), fill=colour)

    def dot(self, at: Point, radius: float, colour: str) -> None:
        """A filled circle."""
        self._draw.ellipse(_scaled((at[0] - radius, at[1] - radius), (at[0] + radius, at[1] + radius)), fill=colour)

    def text(self, at: Point, words: str, colour: str, size: int, anchor: str = "la") -> None:
        """Words, `size` pixels high; anchor: Pillow's, 'la' is left and top."""
        self._draw.text((at[0] * _FINER, at[1] * _FINER), words, colour, _font(size), anchor)

    def text_width(self, words: str, size: int) -> float:
        """How wide `text` would be."""
        return self._draw.textlength(words, _font(size)) / _FINER

    def frame(self) -> Frame:
        """The chart, (height, width, 3) uint8."""
        return np.asarray(self._canvas.resize(self.size, Image.Resampling.LANCZOS), np.uint8)


def write_chart(path: Path, frame: Frame, what: str) -> None:
    """Write a chart as a PNG. what: it shows, for the UsageError for another ending. Raises OutputError."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path}: the picture of {what} is a .png.")
    with output_path(path) as partial:
        Image.fromarray(frame).save(partial)


def nice_step(step: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step)


def _scaled(*points: Point) -> list[Point]:
    return [(x * _FINER, y * _FINER) for x, y in points]


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * _FINER)
