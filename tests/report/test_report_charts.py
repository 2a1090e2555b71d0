"""Charts: the right things at the right places."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redmobile.report.charts import Axis, Line, Mark, histogram, lines, nice_step, timeline


def tree(markup):
    return ET.fromstring(f"<div>{markup}</div>")  # noqa: S314 - our own


def of_class(markup, name):
    return [element for element in tree(markup).iter() if element.get("class") == name]


def counted(bar):
    return int(bar.find("title").text.rsplit(" ", 1)[1])


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 5000), min_size=2, max_size=300))
def test_every_duration_is_in_one_column_of_the_histogram(samples):
    bars = of_class(histogram(samples, [Mark(33.3, "budget", "budget")]), "column")
    assert sum(counted(bar) for bar in bars) == len(samples)
    for bar in bars:
        assert -0.01 <= float(bar.get("x")[:-1]) <= 100.01
        assert 0 <= float(bar.get("height")) <= 220


def test_a_far_tail_is_in_the_last_column_and_the_chart_says_so():
    samples = [*np.linspace(10, 11, 500), 900.0]
    made = histogram(samples, [])
    assert "The last bar holds 1 that took longer, up to 900.00 ms." in made
    assert counted(of_class(made, "column")[-1]) == 1


def test_a_budget_beyond_the_durations_stands_at_the_edge_with_an_arrow():
    assert "budget 33.3 ms →" in histogram([10.0, 11.0, 12.0], [Mark(33.3, "budget 33.3 ms", "budget")])
    assert "← budget 3.3 ms" in histogram([10.0, 11.0, 12.0], [Mark(3.3, "budget 3.3 ms", "budget")])


def test_dots_over_the_budget_are_told_apart_and_counted():
    made = timeline([10.0, 40.0, 20.0, 50.0], 33.3, seconds=[0, 1, 2, 4], gaps=[3.0])
    (under,), (over,), (dropped,) = (of_class(made, name) for name in ("dot", "dot over", "dropped"))
    assert [len(re.findall("M", path.get("d"))) for path in (under, over, dropped)] == [2, 2, 1]
    assert "2 took longer than 33.3 ms. 1 frames were dropped." in tree(made).find(".//svg").get("aria-label")


def test_a_dot_lies_where_its_value_is_on_the_axis():
    made = timeline([25.0, 50.0], 100.0)
    points = re.findall(r"M([\d.]+) ([\d.]+)h0", of_class(made, "dot")[0].get("d"))
    assert [(float(x), float(y)) for x, y in points] == [
        (0.0, pytest.approx(200 * (1 - 25 / 112), abs=0.1)),
        (1000.0, pytest.approx(200 * (1 - 50 / 112), abs=0.1)),
    ]


def test_very_many_samples_become_a_band_but_those_over_the_budget_stay_dots():
    samples = np.full(20_000, 10.0)
    samples[777] = 40.0
    made = timeline(samples, 33.3)
    assert "band: from the least to the most" in made
    assert len(made) < 60_000
    assert of_class(made, "band")
    assert of_class(made, "dot over")[0].get("d").count("M") == 1


def test_lines_have_names_in_the_legend_and_a_sentence():
    made = lines([Line("cpu", [(0, 40.0), (10, 50.0)]), Line("skin", [(0, 30.0), (10, 31.0)])], "°C")
    assert [element.text for element in tree(made).findall(".//span")] == ["cpu", "skin"]
    assert "cpu: 40 to 50 °C" in made


def test_what_never_changes_still_makes_a_chart():
    assert "<polyline" in lines([Line("clock", [(0, 2600.0), (5, 2600.0)])], "MHz")
    assert of_class(histogram([5.0, 5.0, 5.0], []), "column")
    assert of_class(timeline([5.0], 33.3), "dot")


def test_words_from_outside_are_no_markup():
    assert "<b>" not in lines([Line("<b>", [(0, 1.0), (1, 2.0)])], "<b>")


@settings(deadline=None)
@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e3))
def test_ticks_are_round_and_within(low, widths):
    width = low * widths
    axis = Axis(low, low + width, "ms")
    ticks = axis.ticks(6)
    assert 2 <= len(ticks) <= 8
    assert all(low - 1e-6 * width <= tick <= axis.high + 1e-6 * width for tick in ticks)


@settings(deadline=None)
@given(st.floats(1e-9, 1e9))
def test_a_nice_step_is_no_smaller_and_at_most_two_and_a_half_times_as_large(rough):
    assert rough * (1 - 1e-8) <= nice_step(rough) <= 2.5 * rough
