"""MLPerf's LoadGen asks for the runs, for real."""

import importlib.util

import pytest

from redmobile.bench import loadgen
from redmobile.bench.plan import ClosedLoop, Plan, adapt
from redmobile.bench.runner import bench
from redmobile.errors import DeviceError, MissingExtraError, ToolError, UsageError

NEEDED = pytest.mark.skipif(importlib.util.find_spec("mlperf_loadgen") is None, reason="mlcommons-loadgen is not installed")
PLAN = Plan(says="x", closed_loop=ClosedLoop())


@NEEDED
def test_single_stream_from_plan_to_result(tmp_path, write_int8):
    int8_file = write_int8(tmp_path / "small_int8.tflite", 540, 960)
    plan = tmp_path / "plan.toml"
    plan.write_text("says='x'\nthreads=1\n[closed_loop]\nscenario='single-stream'\nwarm_up=2\nruns=100\nmin_seconds=1\nmax_seconds=300\n")
    found = bench(str(plan), str(int8_file))
    assert found.scenario == "single-stream"
    assert found.loadgen.queries == found.measured.latency.n == len(found.measured.samples_ms) >= 100
    assert found.loadgen.valid
    assert "fewer than in a normal run of MLPerf Mobile" in found.loadgen.says
    assert found.loadgen.p90_ms >= sorted(found.measured.samples_ms)[int(0.9 * found.loadgen.queries) - 1]  # it times our answers from outside
    assert len(found.measured.warm_up_ms) == 2
    with pytest.raises(UsageError, match="takes no --peer"):
        bench(str(plan), str(int8_file), scenario="single-stream", peers=[str(int8_file)])


@NEEDED
def test_few_queries_are_not_valid_by_loadgen_s_own_rules():
    samples, found = loadgen.single_stream(lambda: None, ClosedLoop(runs=20, warm_up=1, max_seconds=1))
    assert not found.valid
    assert found.says.endswith("; Early stopping satisfied: NO")
    assert len(samples.counted_ms[0]) == found.queries >= 20


@NEEDED
def test_an_error_of_the_network_comes_out():
    calls = []

    def breaks():
        calls.append(1)
        if len(calls) == 5:
            raise DeviceError("it broke")

    with pytest.raises(DeviceError, match="it broke"):
        loadgen.single_stream(breaks, ClosedLoop(runs=20, warm_up=1, max_seconds=1))
    assert len(calls) == 5


def test_the_scenario_brings_mlperf_mobile_s_numbers_along():
    loop = adapt(PLAN, scenario="single-stream").closed_loop
    assert (loop.scenario, loop.runs, loop.min_seconds, loop.max_seconds) == ("single-stream", 1024, 60, 600)
    loop = adapt(PLAN, scenario="single-stream", runs=7, seconds=5).closed_loop
    assert (loop.runs, loop.min_seconds, loop.max_seconds) == (7, 2.5, 5)


def test_without_loadgen_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mlperf_loadgen", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'redmobile\[loadgen\]'"):
        loadgen.single_stream(lambda: None, ClosedLoop())


def test_a_summary_that_says_it_otherwise_is_named(tmp_path):
    (tmp_path / "s.txt").write_text("Result is : VALID\n")
    with pytest.raises(ToolError, match="another version than"):
        loadgen._read(tmp_path / "s.txt", 1, ClosedLoop())
