"""Figures of arrays, and how axes are brought together."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from redmobile.core.tensor_spec import TensorSpec, guess_layout
from redmobile.parity.arrangement import arranged, match_specs, orders_between
from redmobile.parity.figures import FIGURES, Sums, ratio_db

VALUES = arrays.arrays(np.float32, (2, 6, 5), elements=st.floats(-100, 100, width=16))


@given(expected=VALUES, found=VALUES)
def test_sums_of_parts_are_those_of_the_whole(expected, found):
    parts, whole = Sums(1.0, logits=True), Sums(1.0, logits=True)
    for x, y in zip(expected, found, strict=True):
        parts.add(x, y)
    whole.add(expected.reshape(12, 5), found.reshape(12, 5))
    for name, value in whole.figures().items():
        assert parts.figures()[name] == pytest.approx(value, abs=1e-9)
    assert set(whole.figures()) == set(FIGURES) - {"equal"}


@given(expected=VALUES)
def test_equal_arrays_are_perfect(expected):
    sums = Sums(2.0, logits=False, whole=True)
    sums.add(expected, expected)
    found = sums.figures()
    assert (found["sqnr"], found["psnr"], found["max_difference"], found["equal"]) == (math.inf, math.inf, 0, 1)
    assert found["cosine"] == 1


def test_a_tenth_of_the_power_is_ten_decibels():
    sums = Sums()
    sums.add(np.full(10, math.sqrt(10)), np.full(10, math.sqrt(10) + 1))
    assert sums.figures()["sqnr"] == pytest.approx(10)
    assert ratio_db(0, 1) == -math.inf


@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_every_order_gives_the_wanted_shape(shape):
    values = np.zeros(shape)
    for wanted in {(*shape[:1], *shape[2:], *shape[1:2]), tuple(shape)}:
        orders = orders_between(shape, wanted, moved=True)
        assert orders
        assert all(values.transpose(order).shape == tuple(wanted) for order in orders)


def test_where_several_orders_fit_the_likely_one_comes_first():
    assert orders_between((1, 4, 4, 4), (1, 4, 4, 4), moved=True)[0] == (0, 2, 3, 1)
    assert orders_between((1, 4, 4, 4), (1, 4, 4, 4), moved=False)[0] == (0, 1, 2, 3)
    assert orders_between((1, 2, 3), (1, 4, 3), moved=True) == ()
    assert orders_between((1, 7, 9), (1, 9, 7), moved=True)[0] == (0, 2, 1)


def test_the_closest_order_is_taken():
    values = np.random.default_rng(0).normal(size=(1, 4, 4, 4))
    turned = values.transpose(0, 3, 1, 2)
    found, order = arranged(values, orders_between(values.shape, turned.shape, moved=True), turned)
    np.testing.assert_array_equal(found, turned)
    assert order == (0, 3, 1, 2)


def spec(name, *shape):
    return TensorSpec(name, shape, "float32", guess_layout(shape))


def test_names_come_before_places():
    expected, found = [spec("a", 1, 3), spec("b", 1, 3)], [spec("b", 1, 3), spec("a", 1, 3)]
    matches, faults = match_specs(expected, found, moved=False)
    assert [(match.expected.name, match.found.name) for match in matches] == [("a", "a"), ("b", "b")]
    assert faults == []


def test_a_known_layout_leaves_no_choice():
    (match,), _ = match_specs([spec("x", 1, 3, 3, 7)], [spec("x", 1, 3, 7, 3)], moved=True)
    assert match.orders == ((0, 2, 3, 1),)


def test_what_does_not_fit_is_said():
    matches, faults = match_specs([spec("a", 1, 3), spec("b", 1, 4)], [spec("a", 1, 3), spec("b", 1, 5)], moved=False)
    assert len(matches) == 1
    assert faults == ["b: 1×5 float32 does not fit b: 1×4 float32 of the file before, in whichever order its axes are taken"]
