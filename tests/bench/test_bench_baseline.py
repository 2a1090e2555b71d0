"""What may become a baseline, what compares with what, and how sure a change is."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from redmobile.bench import assemble, baseline, bootstrap
from redmobile.bench.compare import compare, compare_files
from redmobile.bench.conditions import Conditions, DeviceSample
from redmobile.bench.header import DeviceFacts
from redmobile.bench.job import Delegate, Load, PictureAccuracy
from redmobile.bench.modelled import Counts, EmulatedNetwork, EmulationResult
from redmobile.bench.plan import Accuracy, Budget, ClosedLoop, Memory, Plan, StabilityRules
from redmobile.bench.result import Bundle, read_results, to_builtins
from redmobile.bench.runner import bench
from redmobile.bench.target import Assignment
from redmobile.core.results import write_json
from redmobile.errors import BudgetError, InputError, UsageError

QUIET = Conditions(cores=4, seconds=5, other_share=0.01, steal_share=0, clock_first_mhz=2400, clock_last_mhz=2400)
STEADY = [10 + 0.05 * (number % 7) for number in range(60)]


@pytest.fixture
def latency(tmp_path):
    """(samples, conditions, …) → a LatencyResult with a budget of 33.3 ms that they all keep."""

    def make(samples=STEADY, conditions=QUIET, device="Phone X", incomplete=None):
        model = tmp_path / "m.tflite"
        model.write_bytes(b"m")
        plan = Plan(says="x", closed_loop=ClosedLoop(), budget=Budget(share=0.9))
        work = Assignment(plan="model_latency", plan_sha256="0", settings=plan, command="redmobile bench model_latency", model=model)
        head = assemble.header(work, "host", DeviceFacts(name="n", soc=device, cores=8), incomplete=incomplete)
        load = Load(runtime="r 1", inputs=(), outputs=(), init_ms=1, first_ms=1)
        row = assemble.measured(model, load, samples, conditions, 2, plan, incomplete=incomplete)
        return assemble.latency_result(head, [row], conditions, 2)

    return make


UNTRUSTED = {
    "too_few_samples": {"samples": STEADY[:29]},
    "noisy_machine": {"conditions": msgspec.structs.replace(QUIET, other_share=0.3)},
    "clock": {"conditions": msgspec.structs.replace(QUIET, samples=(DeviceSample(seconds=2, clocks_mhz={"cpu0": 1500.0}),))},
    "heat": {"conditions": msgspec.structs.replace(QUIET, throttle_events=4)},
    "incomplete": {"incomplete": "the cable was pulled"},
}


@pytest.mark.parametrize("flag", UNTRUSTED)
def test_what_cannot_be_trusted_passes_no_budget_and_becomes_no_baseline(flag, latency, tmp_path):
    found = latency(**UNTRUSTED[flag])
    assert max(found.measured.samples_ms) < 33
    assert [doubt.flag for doubt in found.measured.stability.reasons] == [flag]
    assert found.verdict.outcome == "not to be trusted"
    with pytest.raises(BudgetError, match=r"cannot become a baseline: it is (not to be trusted|incomplete)"):
        baseline.record(found, tmp_path / "baselines")
    assert not (tmp_path / "baselines").exists()
    trusted = latency()
    assert trusted.verdict.outcome == "met"
    for pair in ((trusted, found), (found, trusted)):
        assert compare(*pair, ("a", "b")).outcome == "not to be trusted"


def test_a_machine_that_is_really_busy_with_something_else_is_noticed(tmp_path, write_int8):
    plan = tmp_path / "plan.toml"
    plan.write_text("says = 'x'\nthreads = 1\n[closed_loop]\nruns = 4000\nmax_seconds = 1\nwarm_up = 1\n[budget]\n")
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        found = bench(str(plan), str(write_int8(tmp_path / "large_int8.tflite", 1080, 1920)))
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert "noisy_machine" in {doubt.flag for doubt in found.measured.stability.reasons}
    assert found.verdict.outcome == "not to be trusted"
    assert baseline.why_not(found)


def test_a_baseline_is_found_again_by_device_plan_and_model(latency, tmp_path):
    first = latency()
    path = baseline.record(first, tmp_path)
    assert path == tmp_path / "phone-x-8" / "model_latency-m-2t.json"
    assert read_results(path) == (first,)
    assert baseline.find(latency(STEADY[::-1]), tmp_path) == path
    with pytest.raises(InputError, match="no baseline for this device, plan and model yet; record one: redmobile bench model_latency --record"):
        baseline.find(latency(device="Phone Y"), tmp_path)


def test_delegates_have_baselines_of_their_own(latency):
    def path_with(found, load):
        load = msgspec.structs.replace(load, delegate=Delegate(ran="x", asked="lib/libredmobile.so"))
        changed = {"measured": msgspec.structs.replace(found.measured, load=load)} if hasattr(found, "measured") else {"load": load}
        return baseline.path_of(msgspec.structs.replace(found, **changed)).name

    found = latency()
    assert path_with(found, found.measured.load) == "model_latency-m-libredmobile.so-2t.json"
    head, file = header_of(latency, accuracy=Accuracy())
    picture = PictureAccuracy(picture="a", psnr_db=40, ssim=0.9, largest_codes=3)
    accuracy = assemble.accuracy_result(head, Path(file), Path(file), found.measured.load, [picture], 1)
    assert baseline.path_of(accuracy).name == "model_latency-m-1t.json"
    assert path_with(accuracy, accuracy.load) == "model_latency-m-libredmobile.so-1t.json"


@pytest.mark.parametrize(("factor", "outcome"), [(1.0, "same"), (1.02, "same"), (1.2, "worse"), (0.8, "better")])
def test_a_change_is_told_with_its_interval(factor, outcome, latency):
    old, new = latency(), latency([factor * value for value in STEADY])
    found = compare(old, new, ("old.json", "new.json"))
    (row,) = found.rows
    assert found.outcome == outcome
    assert row.change.low <= row.change.value == pytest.approx(factor, rel=1e-6)
    assert row.change.value <= row.change.high
    assert found.says.startswith(f"{outcome}: latency, median 10.15 → ")


def test_a_change_near_the_tolerance_of_scattered_samples_cannot_be_told(latency):
    rng = np.random.default_rng(1)
    old, new = (latency(list(level + rng.normal(0, 0.5, 60))) for level in (10, 10.5))
    found = compare(old, new, ("a", "b"))
    assert found.outcome == "cannot tell"
    assert found.rows[0].change.low < 1.05 < found.rows[0].change.high


def test_what_is_not_alike_is_not_compared(latency):
    with pytest.raises(UsageError, match="their devices differ, phone-x-8 and phone-y-8; measure both alike"):
        compare(latency(), latency(device="Phone Y"), ("a", "b"))


def test_files_bundles_and_folders(latency, tmp_path):
    write_json(tmp_path / "new.json", to_builtins(latency()))
    write_json(tmp_path / "many.json", to_builtins(Bundle(format="redmobile.bench/2", results=(latency(), latency(device="Phone Y")))))
    baseline.record(latency(), tmp_path / "kept")
    for old in ("new.json", "many.json", "kept"):
        (found,) = compare_files(tmp_path / old, tmp_path / "new.json")
        assert found.outcome == "same"
    assert len(compare_files(tmp_path / "many.json", tmp_path / "many.json")) == 2
    with pytest.raises(InputError, match=r"new\.json: holds nothing to compare phone-y-8|new\.json: holds nothing to compare .*phone-y-8"):
        compare_files(tmp_path / "new.json", tmp_path / "many.json")


def emulated(latency, instructions):
    counts = Counts(
        instructions=instructions, simd_dot=0, simd_other=0, loads=0, stores=0, branches=0, other=instructions, loaded_bytes=0, stored_bytes=0
    )
    model = latency().measured.model
    network = EmulatedNetwork(model=model, runtime="r", threads=1, counts=counts, repeats=(instructions,), spread=0)
    head = {field: getattr(latency(), field) for field in ("format", "run_id", "plan", "settings", "device", "environment", "command")}
    verdict = {"outcome": "not measured", "says": "x"}
    return msgspec.convert(
        {
            **msgspec.to_builtins(head),
            "target": "qemu:cortex-a76",
            "kind": "emulation",
            "verdict": verdict,
            "cpu": "cortex-a76",
            "emulator": "qemu",
            "measured": msgspec.to_builtins(network),
        },
        EmulationResult,
    )


def test_counts_are_compared_exactly_and_may_become_baselines_anywhere(latency, tmp_path):
    first = emulated(latency, 100_000)
    assert baseline.record(first, tmp_path).parent.name == "qemu-cortex-a76"
    for count, outcome in ((100_900, "same"), (101_100, "worse"), (90_000, "better")):
        assert compare(first, emulated(latency, count), ("a", "b")).outcome == outcome
    with pytest.raises(UsageError, match="their kind differ, EmulationResult and LatencyResult"):
        compare(first, latency(), ("a", "b"))


def header_of(latency, **settings):
    found = latency()
    fields = ("format", "run_id", "plan", "target", "device", "environment", "command", "incomplete")
    return {**{field: getattr(found, field) for field in fields}, "settings": Plan(says="x", **settings)}, found.measured.model.file


def test_memory_and_accuracy_are_compared_too(latency):
    def memory(peak):
        head, file = header_of(latency, memory=Memory(), stability=StabilityRules(min_samples=3))
        loads = [Load(runtime="r 1", inputs=(), outputs=(), init_ms=1, first_ms=1, before_bytes=2**20, peak_bytes=peak + one) for one in range(3)]
        return assemble.memory_result(head, Path(file).rename(Path(file).with_suffix(".bin")), loads, 1)

    first = memory(100 * 2**20)
    for peak, outcome in ((102, "same"), (120, "worse"), (80, "better")):
        assert compare(first, memory(peak * 2**20), ("a", "b")).outcome == outcome

    def accuracy(*decibels):
        head, file = header_of(latency, accuracy=Accuracy())
        pictures = [PictureAccuracy(picture=str(place), psnr_db=one, ssim=0.9, largest_codes=3) for place, one in enumerate(decibels)]
        return assemble.accuracy_result(head, Path(file), Path(file), first.loads[0], pictures, 1)

    for others, outcome in (((40, 42, None), "same"), ((39, 41, 60), "worse"), ((41, 43, None), "cannot tell"), ((38, 44, None), "cannot tell")):
        assert compare(accuracy(40, 42, None), accuracy(*others), ("a", "b")).outcome == outcome
    with pytest.raises(UsageError, match="on other pictures"):
        compare(accuracy(40), accuracy(40, 41), ("a", "b"))


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    """Two rows of one distribution: the ratio of their medians is 1, and 95 % of the intervals should hold it."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(100):
        found = bootstrap.ratio(rng.normal(10, 1, 60), rng.normal(10, 1, 60))
        held += found.low <= 1 <= found.high
    assert 88 <= held <= 100


def test_equal_samples_have_no_doubt():
    assert bootstrap.ratio([5.0] * 30, [5.0] * 30) == bootstrap.Interval(value=1, low=1, high=1)
    with pytest.raises(ValueError, match="no samples"):
        bootstrap.ratio([], [1.0])
