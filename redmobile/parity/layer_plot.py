"""Layers as a picture: signal-to-noise ratio along the depth, below it how much of its range each tensor uses."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from redmobile.core.metrics import Frame
from redmobile.data.chart import COLOURS, FAINT, INK, RED, Chart, nice_step, write_chart
from redmobile.parity.layer_sums import LayerFigures
from redmobile.parity.layers import LayersOfPair

_WIDTH, _HEIGHT = 1500, 560
_LEFT, _RIGHT = 78, 1480
_TOP, _BOTTOM = 96, 380
_BARS_TOP, _BARS_BOTTOM = 420, 510
_TICKS = 6
_HEADROOM = 1.1
_CEILING_DB, _QUANTIZED_CEILING_DB = 160.0, 60.0
"""What is better stands at the top: equal tensors have no noise at all."""

_LINE, _BAR, _CLIPPED = COLOURS[0], COLOURS[5], COLOURS[1]
_NAMES_EVERY_PIXELS = 60


def plot_layers(pairs: Sequence[LayersOfPair]) -> Frame:
    """One panel a pair, one below the other, (560 · pairs, 1500, 3) uint8."""
    return np.vstack([_panel(pair) for pair in pairs])


def write_layer_plot(path: Path, pairs: Sequence[LayersOfPair]) -> None:
    """Write `plot_layers(pairs)` as a PNG. Raises UsageError (another ending), OutputError."""
    write_chart(path, plot_layers(pairs), "the layers")


def _panel(pair: LayersOfPair) -> Frame:
    chart = Chart(_WIDTH, _HEIGHT)
    _heading(chart, pair)
    if pair.layers:
        ceiling = _QUANTIZED_CEILING_DB if any(layer.used is not None for layer in pair.layers) else _CEILING_DB
        _scale(chart, ceiling)
        _curve(chart, pair.layers, ceiling)
        _bars(chart, pair.layers)
    return chart.frame()


def _heading(chart: Chart, pair: LayersOfPair) -> None:
    bad = [layer for layer in pair.layers if layer.bad]
    says = f"first bad layer: {pair.first_bad} ({bad[0].operator}); {len(bad)} of {len(pair.layers)} are bad" if bad else "no layer is bad"
    chart.text((_LEFT, 14), f"{pair.expected} to {pair.found}", INK, 22)
    chart.text((_LEFT, 44), f"{len(pair.layers)} tensors on {len(pair.frames)} frames; {len(pair.unmatched)} without a partner", INK, 15)
    chart.text((_LEFT, 66), says, RED if bad else INK, 15)


def _scale(chart: Chart, ceiling: float) -> None:
    top_db = _HEADROOM * ceiling
    for tick in np.arange(0, top_db, nice_step(ceiling / _TICKS)):
        level = _y(float(tick), top_db)
        chart.line((_LEFT, level), (_RIGHT, level), FAINT)
        chart.text((_LEFT - 10, level), f"{tick:g}", INK, 14, "rm")
    chart.text((_LEFT - 10, _TOP - 14), "dB", INK, 14, "rm")
    chart.text(((_LEFT + _RIGHT) / 2, _HEIGHT - 16), "signal-to-noise ratio of each tensor, in execution order; red: bad", INK, 14, "mm")


def _curve(chart: Chart, layers: Sequence[LayerFigures], ceiling: float) -> None:
    points = [(_x(place, len(layers)), _y(min(max(layer.sqnr_db, 0.0), ceiling), _HEADROOM * ceiling)) for place, layer in enumerate(layers)]
    for start, end in itertools.pairwise(points):
        chart.line(start, end, _LINE, 1)
    for point, layer in zip(points, layers, strict=True):
        chart.dot(point, 4 if layer.bad else 2.5, RED if layer.bad else _LINE)
    named = -math.inf
    for point, layer in zip(points, layers, strict=True):
        if layer.bad and point[0] - named > _NAMES_EVERY_PIXELS:
            chart.text((point[0], point[1] - 8), layer.name, RED, 12, "mb")
            named = point[0] + chart.text_width(layer.name, 12) - _NAMES_EVERY_PIXELS


def _bars(chart: Chart, layers: Sequence[LayerFigures]) -> None:
    """Share of codes that came up, and in another colour the share of values beyond the range."""
    if all(layer.used is None for layer in layers):
        chart.text((_LEFT, _BARS_TOP + 8), "floats: no range to use", INK, 14)
        return
    chart.text((_LEFT, _BARS_TOP - 20), "share of the codes used", _BAR, 13)
    chart.text((_LEFT + 190, _BARS_TOP - 20), "share of values cut off (full bar: 10 %)", _CLIPPED, 13)
    half = max(1.0, (_RIGHT - _LEFT) / len(layers) / 2 - 1)
    height = _BARS_BOTTOM - _BARS_TOP
    chart.line((_LEFT, _BARS_BOTTOM), (_RIGHT, _BARS_BOTTOM), FAINT)
    for place, layer in enumerate(layers):
        x = _x(place, len(layers))
        if layer.used is not None:
            chart.box((x - half, _BARS_BOTTOM - height * layer.used), (x + half, _BARS_BOTTOM), _BAR)
        if layer.clipped:
            chart.box((x - half / 2, _BARS_BOTTOM - height * min(1.0, 10 * layer.clipped)), (x + half / 2, _BARS_BOTTOM), _CLIPPED)


def _x(place: int, count: int) -> float:
    return _LEFT + (place + 0.5) * (_RIGHT - _LEFT) / count


def _y(value_db: float, top_db: float) -> float:
    return _BOTTOM - value_db / top_db * (_BOTTOM - _TOP)
