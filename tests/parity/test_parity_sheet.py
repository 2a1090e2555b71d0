"""The worst picture to look at."""

import numpy as np

from redmobile.parity.sheet import worst_sheet


def sheet(difference_at=None, shape=(40, 60, 3), amount=7):
    given, expected = np.full(shape, 30, np.uint8), np.full(shape, 90, np.uint8)
    found = expected.copy()
    if difference_at:
        found[difference_at] += amount
    return worst_sheet("night.jpg", given, ("float", expected), ("int8", found), "worst of 3")


def test_four_pictures_and_a_bar():
    made = sheet()
    assert made.dtype == np.uint8
    assert made.shape[1] == 60 * 2 + 8
    assert (made == 30).all(axis=2).sum() >= 40 * 60
    assert (made == 90).all(axis=2).sum() >= 2 * 40 * 60


def test_one_wrong_value_is_seen_even_where_the_picture_is_shrunk():
    plain, marked = sheet(shape=(1080, 1920, 3)), sheet((500, 1001, 1), shape=(1080, 1920, 3), amount=60)
    assert plain.shape == marked.shape
    assert plain.shape[1] <= 2 * 960 + 8
    changed = np.argwhere((plain != marked).any(axis=2))
    lower_right = changed[(changed[:, 0] > plain.shape[0] // 2) & (changed[:, 1] > plain.shape[1] // 2)]
    assert len(lower_right) > 0


def test_equal_frames_give_a_black_difference():
    assert sheet().shape == sheet((3, 3, 0)).shape
