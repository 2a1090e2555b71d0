"""Durations come down to the right figures."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redmobile.bench import stats

DURATIONS = st.lists(st.floats(0.001, 10_000), min_size=1, max_size=200)


def test_known_durations():
    found = stats.summarize([float(value) for value in range(1, 102)])
    assert (found.n, found.p50_ms, found.p90_ms, found.p99_ms) == (101, 51, 91, 100)
    assert (found.mean_ms, found.min_ms, found.max_ms) == (51, 1, 101)
    assert found.std_ms == pytest.approx(np.std(np.arange(1, 102), ddof=1))


def test_one_duration_has_no_spread():
    found = stats.summarize([3.5])
    assert (found.n, found.p50_ms, found.p99_ms, found.std_ms) == (1, 3.5, 3.5, 0.0)


def test_no_durations_are_refused():
    with pytest.raises(ValueError, match="no durations"):
        stats.summarize([])


@settings(deadline=None)  # the machine may be busy
@given(DURATIONS)
def test_figures_are_in_order(samples):
    found = stats.summarize(samples)
    order = [found.min_ms, found.p50_ms, found.p90_ms, found.p95_ms, found.p99_ms, found.max_ms]
    assert all(low <= high * (1 + 1e-12) for low, high in itertools.pairwise(order))
    np.testing.assert_allclose([found.p50_ms, found.p90_ms, found.p99_ms], np.percentile(samples, [50, 90, 99]))


def test_spread_is_deaf_to_single_outliers():
    steady = [10.0] * 50
    assert stats.relative_iqr(steady) == stats.relative_iqr([*steady, 500.0]) == 0
    assert stats.relative_iqr([8.0, 9.0, 10.0, 11.0, 12.0]) == pytest.approx(0.2)


def test_drift_has_a_sign():
    assert stats.drift([10.0] * 9) == stats.Drift(first_ms=10, last_ms=10, relative=0)
    assert stats.drift([10.0, 10.0, 10.0, 12.0, 12.0, 12.0, 15.0, 15.0, 15.0]).relative == pytest.approx(5 / 12)
    assert stats.drift([15.0, 15.0, 12.0, 12.0, 10.0, 10.0]).relative < 0
    assert stats.drift([1.0, 2.0]).relative == 0


def test_over_counts_what_is_longer_than_the_limit():
    assert stats.over([33.0, 33.3, 33.4, 50.0], 33.3) == 2


def test_ratio_of_rows_that_slow_down_together_is_trusted():
    slow_down = np.repeat([1.0, 1.5, 2.0, 3.0, 1.0], 4)
    found = stats.compare("other", list(10 * slow_down), list(40 * slow_down), block=4, max_spread=0.1)
    assert (found.of_medians, found.low, found.high, found.reasons) == (4, 4, 4, ())


def test_ratio_that_depends_on_the_moment_is_not_trusted():
    found = stats.compare("other", [10.0] * 16, [10.0] * 4 + [20.0] * 4 + [30.0] * 4 + [40.0] * 4, block=4, max_spread=0.1)
    assert found.reasons == ("the middle half of the rounds spreads over 60%, at most 10% is expected",)
    assert found.low < found.of_medians < found.high


def test_ratio_of_few_rounds_is_not_trusted():
    found = stats.compare("other", [10.0] * 12, [20.0] * 12, block=4, max_spread=0.1)
    assert found.reasons == ("only 3 rounds, at least 4 are needed",)
