"""Each observer's range on tensors whose answer is known."""

import numpy as np
import pytest

from redmobile.quantize.observers import OBSERVERS
from redmobile.quantize.statistics import Statistics


def seen_of(values):
    seen = Statistics()
    seen.add(np.asarray(values, np.float32))
    return seen


@pytest.mark.parametrize(("name", "share"), [("percentile_99_99", 0.9999), ("percentile_99_9", 0.999), ("percentile_99", 0.99)])
def test_percentiles_leave_out_their_share_on_each_side(name, share):
    values = np.random.default_rng(0).normal(size=1_000_000).astype(np.float32)
    low, high = OBSERVERS[name](seen_of(values))
    assert high == pytest.approx(np.quantile(values, share), abs=0.02)
    assert low == pytest.approx(np.quantile(values, 1 - share), abs=0.02)
    assert (values > high).mean() <= 1 - share
    assert (values < low).mean() <= 1 - share


def test_min_max_keeps_every_value():
    assert OBSERVERS["min_max"](seen_of([0.25, -7.0, 3.0])) == (-7.0, 3.0)


def test_a_tensor_without_negative_values_has_low_zero_or_more():
    values = np.abs(np.random.default_rng(1).normal(size=10_000))
    for name, observer in OBSERVERS.items():
        assert observer(seen_of(values))[0] >= 0, name


def test_mse_clips_what_costs_more_than_it_saves():
    values = np.concatenate([np.random.default_rng(2).normal(size=1_000_000), [60.0]])
    low, high = OBSERVERS["mse"](seen_of(values))
    assert 3 < high < 30
    assert -8 < low < -3


def test_mse_keeps_a_flat_distribution_whole():
    low, high = OBSERVERS["mse"](seen_of(np.linspace(-1, 1, 100_000)))
    assert (low, high) == (pytest.approx(-1, abs=0.02), pytest.approx(1, abs=0.02))


def test_entropy_cuts_a_long_tail():
    values = np.concatenate([np.random.default_rng(3).normal(size=1_000_000), np.linspace(5, 40, 100)])
    assert OBSERVERS["entropy"](seen_of(values))[1] < 20


@pytest.mark.parametrize("values", [[0.0], [5.0, 5.0], [-3.0], [100.0, 100.5], [1e-30, 0.0], [-1e-3, 1e20]])
@pytest.mark.parametrize("name", OBSERVERS)
def test_odd_tensors_have_a_range_inside_what_was_seen(name, values):
    seen = seen_of(values)
    low, high = OBSERVERS[name](seen)
    assert seen.low <= low <= high <= seen.high
