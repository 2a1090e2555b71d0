"""Charts: what is drawn stands where it should, in its colour."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redmobile.data.chart import INK, RED, Chart, nice_step, write_chart
from redmobile.errors import UsageError


def test_shapes_stand_where_they_were_put():
    chart = Chart(100, 60)
    chart.box((10, 20), (30, 40), RED)
    chart.dot((70, 30), 5, RED)
    chart.line((0, 50), (99, 50), INK, 2)
    frame = chart.frame()
    assert frame.shape == (60, 100, 3)
    red = [int(RED[place : place + 2], 16) for place in (1, 3, 5)]
    for row, column in ((30, 20), (30, 70)):
        assert np.abs(frame[row, column].astype(int) - red).max() <= 2
    assert frame[5, 5].tolist() == [255, 255, 255]
    assert frame[50, 50].max() < 100


def test_words_leave_ink_and_know_their_width():
    chart = Chart(200, 40)
    chart.text((10, 10), "dB", INK, 14)
    frame = chart.frame()
    assert frame[:, :80].min() < 100
    assert frame[:, 80:].min() == 255
    assert 0 < chart.text_width("dB", 14) < chart.text_width("dB dB", 14)


@given(st.floats(1e-6, 1e6))
def test_steps_are_nice_and_large_enough(step):
    found = nice_step(step)
    assert step <= found <= 5.0001 * step
    assert round(found / 10 ** np.floor(np.log10(found) + 1e-9)) in (1, 2, 5)


def test_only_png(tmp_path):
    frame = Chart(20, 10).frame()
    write_chart(tmp_path / "c.png", frame, "nothing")
    assert cv2.imread(str(tmp_path / "c.png")).shape == (10, 20, 3)
    with pytest.raises(UsageError, match=r"c\.jpg: the picture of nothing is a \.png"):
        write_chart(tmp_path / "c.jpg", frame, "nothing")
