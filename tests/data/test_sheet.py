"""Sheets: sizes, order, and a heat-map that shows where."""

import numpy as np
import pytest

from redmobile.data.sheet import contact_sheet, heat_map, side_by_side


def _plain(height, width, value):
    return np.full((height, width, 3), value, np.uint8)


def test_side_by_side_keeps_every_pixel():
    sheet = side_by_side([_plain(50, 80, 10), _plain(50, 60, 200)], ["before", "after"])
    assert np.array_equal(sheet[-50:, :80], _plain(50, 80, 10))
    assert np.array_equal(sheet[-50:, -60:], _plain(50, 60, 200))


def test_heights_must_agree():
    with pytest.raises(ValueError, match=r"one height"):
        side_by_side([_plain(50, 80, 10), _plain(40, 80, 10)], ["a", "b"])


def test_contact_sheet_takes_frames_of_any_size():
    sheet = contact_sheet([[_plain(100, 200, 1), _plain(300, 100, 2)], [_plain(64, 64, 3), _plain(64, 640, 4)]], ["a", "b"], height=60)
    assert sheet.ndim == 3
    assert sheet.shape[0] > 2 * 60


def test_heat_map_is_dark_where_equal_and_bright_where_not():
    expected = _plain(20, 20, 100)
    found = expected.copy()
    found[5, 5, 1] = 108
    heat = heat_map(expected, found).sum(axis=2)
    assert np.unravel_index(heat.argmax(), heat.shape) == (5, 5)
    assert (heat == heat[0, 0]).sum() == 399
