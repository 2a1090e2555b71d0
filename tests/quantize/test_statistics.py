"""Statistics do not depend on the order of frames or on how they are split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redmobile.errors import UnsupportedModelError
from redmobile.quantize.observers import OBSERVERS
from redmobile.quantize.statistics import BINS_A_SIDE, Statistics

FLOATS = st.floats(min_value=-(2.0**66), max_value=2.0**66, width=32)


def collected(pieces):
    seen = Statistics()
    for piece in pieces:
        seen.add(np.array(piece, np.float32))
    return seen


def assert_same(one, other):
    assert (one.low, one.high, one.exponent, one.total) == (other.low, other.high, other.exponent, other.total)
    np.testing.assert_array_equal(one.counts, other.counts)


@settings(max_examples=100, deadline=None)
@given(values=st.lists(FLOATS, min_size=1, max_size=60), data=st.data())
def test_any_order_and_any_split_gives_the_same_statistics_and_ranges(values, data):
    whole = collected([values])
    shuffled = data.draw(st.permutations(values))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=4)))
    pieces = [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(values)], strict=True)]
    split = collected(pieces)
    assert_same(whole, split)
    merged = Statistics()
    for piece in pieces:
        merged.merge(collected([piece]))
    assert_same(whole, merged)
    for name, observer in OBSERVERS.items():
        low, high = observer(whole)
        assert (low, high) == observer(split), name
        assert whole.low <= low <= high <= whole.high, name


@given(values=st.lists(FLOATS, min_size=1, max_size=60))
def test_every_value_lies_in_its_bin(values):
    seen = collected([values])
    edges = seen.edges()
    array = np.array(values, np.float32).astype(np.float64)
    expected, _ = np.histogram(array, edges)
    np.testing.assert_array_equal(seen.counts, expected)
    assert (seen.low, seen.high) == (array.min(), array.max())


def test_the_widest_side_fills_at_least_half_of_its_bins():
    seen = collected([[0.1, -3.7]])
    assert BINS_A_SIDE / 2 <= 3.7 / seen.width < BINS_A_SIDE


def test_more_values_than_one_chunk_are_counted_exactly():
    values = np.random.default_rng(0).normal(size=3_000_001).astype(np.float32)
    seen = collected([values])
    assert seen.total == values.size
    np.testing.assert_array_equal(seen.counts, np.histogram(values.astype(np.float64), seen.edges())[0])


def test_nothing_is_nothing():
    seen = collected([[]])
    assert seen.total == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e31])
def test_what_no_range_holds_is_refused_by_name(bad):
    with pytest.raises(UnsupportedModelError, match="'features'"):
        Statistics().add(np.array([0.0, bad], np.float32), "features")
