"""Pictures to look at: side by side, contact sheets, error heat-maps."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from redmobile.core.metrics import Frame

_GAP = 8
_STRIP = 28
_INK = (235, 235, 235)
_PAPER = 24


def side_by_side(frames: Sequence[Frame], captions: Sequence[str]) -> Frame:
    """One row of frames of one height, each under its caption. Raises ValueError if the heights differ."""
    if len({frame.shape[0] for frame in frames}) != 1:
        raise ValueError(f"frames in a row must have one height, found {sorted({frame.shape[0] for frame in frames})}")
    cells = [np.vstack([_strip(caption, frame.shape[1]), frame]) for frame, caption in zip(frames, captions, strict=True)]
    gap = np.full((cells[0].shape[0], _GAP, 3), _PAPER, np.uint8)
    row = cells[0]
    for cell in cells[1:]:
        row = np.hstack([row, gap, cell])
    return row


def contact_sheet(rows: Sequence[Sequence[Frame]], captions: Sequence[str], height: int = 240) -> Frame:
    """Rows of frames under one line of captions, every frame scaled to `height`; shorter rows are filled up with paper."""
    scaled = [[_to_height(frame, height) for frame in row] for row in rows]
    widths = [max(row[column].shape[1] for row in scaled) for column in range(len(captions))]
    lines = [_join([_strip(caption, width) for caption, width in zip(captions, widths, strict=True)])]
    lines += [_join([_to_width(frame, width) for frame, width in zip(row, widths, strict=True)]) for row in scaled]
    gap = np.full((_GAP, lines[0].shape[1], 3), _PAPER, np.uint8)
    return np.vstack([part for line in lines for part in (line, gap)][:-1])


def heat_map(expected: Frame, found: Frame, full_scale: int = 8) -> Frame:
    """Largest difference over the channels at each pixel, black (0) to bright (`full_scale` codes and more)."""
    difference = cv2.absdiff(expected, found).max(axis=2).astype(np.float32)
    level = np.clip(difference * (255.0 / full_scale), 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(cv2.applyColorMap(level, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB), np.uint8)


def _strip(caption: str, width: int) -> Frame:
    strip = np.full((_STRIP, width, 3), _PAPER, np.uint8)
    scale = 0.5
    (text_width, _), _ = cv2.getTextSize(caption, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    scale *= min(1.0, (width - 12) / max(text_width, 1))
    cv2.putText(strip, caption, (6, 19), cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, 1, cv2.LINE_AA)
    return strip


def _join(cells: Sequence[Frame]) -> Frame:
    gap = np.full((cells[0].shape[0], _GAP, 3), _PAPER, np.uint8)
    return np.hstack([part for cell in cells for part in (cell, gap)][:-1])


def _to_height(frame: Frame, height: int) -> Frame:
    width = max(1, round(frame.shape[1] * height / frame.shape[0]))
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _to_width(frame: Frame, width: int) -> Frame:
    return np.asarray(cv2.copyMakeBorder(frame, 0, 0, 0, width - frame.shape[1], cv2.BORDER_CONSTANT, value=(_PAPER,) * 3), np.uint8)
