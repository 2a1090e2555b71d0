"""Windows: how many there are, what they read, and which padding of TFLite's they are."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from redmobile.convert.windows import NO_PADS, Window


@st.composite
def windows(draw):
    size, kernel, stride, dilation = (tuple(draw(st.integers(low, high)) for _ in range(2)) for low, high in ((7, 20), (1, 4), (1, 4), (1, 2)))
    pads = tuple(tuple(draw(st.integers(0, reach - 1)) for _ in range(2)) for reach in kernel)
    return Window(size, kernel, stride, dilation, pads, draw(st.booleans()))


def test_same_pads_are_tensorflows():
    window = Window((8, 7), (3, 5), (2, 2), (1, 1), ((0, 1), (2, 2)))
    assert window.same_pads == ((0, 1), (2, 2))
    assert window.padding == "SAME"


@given(windows())
def test_used_pads_are_just_what_the_windows_read(window):
    for axis in (0, 1):
        positions, (before, after) = window.positions(axis), window.used_pads[axis]
        assert positions.shape == (window.outputs[axis], window.kernel[axis])
        assert positions.min() == -window.pads[axis][0] == -before
        assert after == max(positions.max() - window.size[axis] + 1, 0)


@given(windows())
def test_every_window_begins_on_the_padded_image(window):
    for axis in (0, 1):
        starts = window.positions(axis)[:, 0]
        assert (np.diff(starts) == window.stride[axis]).all()
        assert starts[-1] < window.size[axis] + window.pads[axis][1]
        if window.rounds_up:
            assert starts[-1] < window.size[axis]


@given(windows())
def test_padding_says_same_and_valid_only_where_they_mean_it(window):
    same = tuple(-(-size // stride) for size, stride in zip(window.size, window.stride, strict=True))
    if window.padding == "SAME":
        assert (window.used_pads, window.outputs) == (window.same_pads, same)
    elif window.padding == "VALID":
        assert window.used_pads == NO_PADS
    else:
        assert window.used_pads not in {NO_PADS, window.same_pads} or window.outputs != same


def test_one_window_over_everything():
    assert Window((6, 7), (6, 7), (2, 3), (1, 1), NO_PADS).covers_all
    assert not Window((6, 7), (6, 7), (2, 3), (1, 1), ((1, 0), (0, 0))).covers_all
    assert not Window((6, 8), (6, 7), (1, 1), (1, 1), NO_PADS).covers_all
