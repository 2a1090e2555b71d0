"""A verdict from what a tool told of its runs: bounds, nothing made up."""

import pytest

from redmobile.android.benchmark_model import Statistics
from redmobile.bench.phone import summary
from redmobile.bench.plan import Budget, ClosedLoop, Plan
from redmobile.bench.stability import Doubt, Stability

TRUSTED = Stability(trusted=True, reasons=())
DOUBTED = Stability(trusted=False, reasons=(Doubt(flag="heat", says="it was hot"),))


def told(**values):
    times = {"n": 40, "mean_ms": 20.1, "std_ms": 0.3, "min_ms": 19.0, "p50_ms": 20.0, "p95_ms": 21.5, "max_ms": 22.0}
    return Statistics(**{**times, "init_ms": 9.0, "first_ms": 60.0, "peak_bytes": None, "taken": (), **values})


def verdict(one, stability=TRUSTED, share=0.9):
    return summary.verdict(one, Plan(says="x", closed_loop=ClosedLoop(), budget=None if share is None else Budget(share=share)), stability)


@pytest.mark.parametrize(
    ("values", "least", "most"),
    [
        ({}, 1.0, 1.0),
        ({"max_ms": 50.0}, 0.95, 0.975),
        ({"p95_ms": 40.0, "max_ms": 50.0}, 0.5, 0.95),
        ({"p50_ms": 34.0, "p95_ms": 40.0, "max_ms": 50.0}, 0.0, 0.5),
        ({"min_ms": 34.0, "p50_ms": 35.0, "p95_ms": 40.0, "max_ms": 50.0}, 0.0, 0.0),
        ({"p50_ms": None, "p95_ms": None, "max_ms": 50.0}, 0.0, 0.975),
    ],
)
def test_the_part_in_time_as_far_as_it_is_known(values, least, most):
    assert summary.on_time(told(**values), 100 / 3) == (least, most)


@pytest.mark.parametrize(
    ("values", "outcome", "says"),
    [
        ({}, "met", "100% of 40 runs within 33.3 ms (median 20.0 ms, p95 21.5 ms, longest 22.0 ms), the budget asks for 90.0%."),
        ({"max_ms": 50.0}, "met", "between 95% and 98% of 40 runs"),
        ({"p95_ms": 40.0, "max_ms": 50.0}, "not to be trusted", "whether that is reached, the tool does not tell: measure with the demo app"),
        ({"p50_ms": 34.0, "p95_ms": 40.0, "max_ms": 50.0}, "missed", "between 0% and 50% of 40 runs"),
        ({"p50_ms": None, "p95_ms": None, "max_ms": 50.0}, "not to be trusted", "median not told"),
    ],
)
def test_a_verdict_is_given_only_where_what_is_told_suffices(values, outcome, says):
    found = verdict(told(**values))
    assert found.outcome == outcome
    assert says in found.says


def test_figures_that_are_doubted_are_never_met_or_missed():
    for values in ({}, {"p50_ms": 34.0, "p95_ms": 40.0, "max_ms": 50.0}):
        found = verdict(told(**values), DOUBTED)
        assert found.outcome == "not to be trusted"
        assert "it was hot" in found.says


def test_without_a_budget():
    assert verdict(told(), share=None).outcome == "no budget"


def test_percentiles_that_are_not_told_are_bounds_from_above():
    found = summary.summary(told())
    assert (found.p90_ms, found.p95_ms, found.p99_ms) == (21.5, 21.5, 22.0)
    old = summary.summary(told(p50_ms=None, p95_ms=None))
    assert (old.p50_ms, old.p90_ms, old.p95_ms, old.p99_ms) == (20.1, 22.0, 22.0, 22.0)


def test_runs_over_budget_at_most():
    assert summary.over(told(max_ms=50.0), 100 / 3) == 2
    assert summary.over(told(), 100 / 3) == 0
