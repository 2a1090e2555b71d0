"""Pictures without a reference: before and after on a sheet, and hints where to look closely."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from redmobile.core.metrics import Frame
from redmobile.data.datasets import list_pictures, load_photos
from redmobile.data.sheet import side_by_side
from redmobile.evaluate.cases import spread
from redmobile.evaluate.pictures import join_rows, to_height
from redmobile.evaluate.result import Look, Looks
from redmobile.evaluate.scores import luma
from redmobile.evaluate.subjects import Enhancer

_BURNT = 250
"""Code of luma from which on a pixel counts as burnt out."""

_ROW_WIDTH = 2400
"""Pixels of a sheet's row: as many pictures stand beside each other as fit."""


def look_at(folder: Path, subjects: Sequence[Enhancer], limit: int | None, on_done: Callable[[str], None]) -> tuple[list[Look], Frame]:
    """What each subject makes of the pictures in `folder`, and a sheet of all of them, before and after. Raises InputError."""
    found: list[Look] = []
    cells = []
    for path in spread(list_pictures(folder), limit):
        (frame,) = load_photos([path])
        made = [subject.enhance(frame) for subject in subjects]
        before = _looks(frame)
        found += [
            Look(image=path.name, subject=subject.facts.name, before=before, after=_looks(after))
            for subject, after in zip(subjects, made, strict=True)
        ]
        names = [subject.facts.name for subject in subjects]
        cells.append(side_by_side([to_height(shown, 300) for shown in (frame, *made)], [path.name, *names]))
        on_done(path.name)
    return found, join_rows(_rows(cells))


def _looks(frame: Frame) -> Looks:
    """Brightness, what is burnt out, and the cast: how far the mean colour is from grey in CIELAB (OpenCV's, D65), in units of a* and b*."""
    light = luma(frame)
    _, red_green, blue_yellow = cv2.split(cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))
    return Looks(
        brightness=float(light.mean()),
        burnt_percent=float((light >= _BURNT).mean() * 100),
        cast=float(np.hypot(red_green.mean(), blue_yellow.mean())),
    )


def _rows(cells: Sequence[Frame]) -> list[Frame]:
    """Cells of one height, as many a row as fit."""
    rows: list[Frame] = []
    for cell in cells:
        if rows and rows[-1].shape[1] + cell.shape[1] <= _ROW_WIDTH:
            gap = np.zeros((cell.shape[0], 16, 3), np.uint8)
            rows[-1] = np.hstack([rows[-1], gap, cell])
        else:
            rows.append(cell)
    return rows
