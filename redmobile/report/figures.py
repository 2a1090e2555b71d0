"""A number on its way from a document to the page: never without its unit and the place where it stands."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Literal

Unit = Literal["ms", "bytes", "count", "share", "fps", "MHz", "°C", "dB", "%", "mA", "codes", "ratio", "score", "plain"]

_MEBIBYTE = 2**20
_KIBIBYTE = 2**10
_NONE = "–"
_TEN, _HUNDRED = 10, 100
_LEAST_CODES = 0.001


@dataclasses.dataclass(frozen=True)
class Figure:
    """value: as the document has it, None: it does not say. path: where it stands there, e.g. 'latency.p50_ms'; '' if computed here."""

    label: str
    value: float | None
    unit: Unit = "plain"
    path: str = ""

    @property
    def text(self) -> str:
        """The number as it is shown, unit included."""
        return show(self.value, self.unit)


def show(value: float | None, unit: Unit) -> str:
    """E.g. '12.35 ms', '21.4 MiB', '1,208,285,888', '99.8 %'; a dash for what is not known, or no number."""
    if value is None or math.isnan(value):
        return _NONE
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞"
    return _WRITTEN[unit](value)


def percent(share: float) -> str:
    """A share of one in percent: '99.8', but never '100' or '0' for what is not quite that."""
    rounded = f"{_HUNDRED * share:.1f}"
    if rounded == "100.0":
        return "100" if share == 1 else ">99.9"
    if rounded == "0.0":
        return "0" if share == 0 else "<0.1"
    return rounded


def _decimals(value: float) -> str:
    """Two decimals below a hundred, one above."""
    return f"{value:,.2f}" if abs(value) < _HUNDRED else f"{value:,.1f}"


def _bytes(value: float) -> str:
    if value == 0:
        return "0 KiB"
    if abs(value) < _MEBIBYTE:
        return f"{value / _KIBIBYTE:,.1f} KiB"
    size = value / _MEBIBYTE
    return f"{size:,.2f} MiB" if abs(size) < _TEN else f"{size:,.1f} MiB"


def _codes(value: float) -> str:
    if 0 < value < _LEAST_CODES:
        return f"<{_LEAST_CODES:g} codes"
    return f"{value:,.3g} code{'' if value == 1 else 's'}"


_WRITTEN: Mapping[Unit, Callable[[float], str]] = {
    "ms": lambda value: f"{_decimals(value)} ms",
    "°C": lambda value: f"{value:.1f} °C",
    "dB": lambda value: f"{value:.2f} dB",
    "mA": lambda value: f"{value:,.0f} mA",
    "%": lambda value: f"{value:.0f} %",
    "MHz": lambda value: f"{value:,.0f} MHz",
    "bytes": _bytes,
    "count": lambda value: f"{value:,.0f}",
    "share": lambda value: f"{percent(value)} %",
    "fps": lambda value: f"{value:,.1f} fps",
    "codes": _codes,
    "ratio": lambda value: f"{value:.2f}×",
    "score": lambda value: f"{value:.4f}",
    "plain": lambda value: f"{value:,.6g}",
}
