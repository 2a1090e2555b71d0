"""`bench --on adb` with Debian's adb and the test device: the whole flow with a benchmark program and with the demo app, and every fault."""

import base64
import importlib
import json
import shutil

import jsonschema
import msgspec
import pytest
from adb_device import Cut
from adb_device.benchmark_program import write_program
from adb_device.demo_app import DemoApp

from redmobile.bench import assemble
from redmobile.bench import result as results
from redmobile.bench.baseline import record
from redmobile.bench.compare import compare
from redmobile.bench.conditions import Conditions
from redmobile.bench.header import DeviceFacts
from redmobile.bench.job import Delegate, Load, VideoRecord
from redmobile.bench.measured import LatencyResult
from redmobile.bench.open_loop import FrameTimes
from redmobile.bench.plan import load_plan
from redmobile.bench.plot import write_plot
from redmobile.bench.result import Bundle
from redmobile.bench.runner import bench
from redmobile.bench.target import Assignment
from redmobile.core.artifact import sha256_file
from redmobile.errors import BudgetError, DeviceError, ToolError, UsageError

STABLE = "[stability]\nmin_seconds = 1e-9\n"
CLOSED = f"says = 'x'\nthreads = 2\n[closed_loop]\nwarm_up = 3\nruns = 40\nmax_seconds = 9\n[budget]\nshare = 0.9\n{STABLE}"
OPEN = f"says = 'x'\nthreads = 2\n[open_loop]\nseconds = 2\nwarm_up = 1\nheight = 32\nwidth = 48\n[budget]\nshare = 0.9\n{STABLE}"
FOLDER = "/data/local/tmp/redmobile"
LIVELY = {"cool_down": "0", "sample": "60", "patience": "0"}


@pytest.fixture
def program(tmp_path):
    return write_program(tmp_path / "benchmark_model")


@pytest.fixture
def tell(connected):
    """Say what the benchmark program is to tell."""

    def told(**values):
        (connected.root / "state/benchmark.json").write_text(json.dumps(values))

    return told


@pytest.fixture
def measure(connected, tmp_path, int8_file):
    """Carry out a plan on the device."""

    def run(text=CLOSED, *, delegates=(), delegate_options=None, **options):
        (tmp_path / "plan.toml").write_text(text)
        return bench(
            str(tmp_path / "plan.toml"),
            str(int8_file),
            on=f"adb:{connected.serial}",
            delegates=delegates,
            delegate_options=delegate_options,
            target_options={**LIVELY, **{key: str(value) for key, value in options.items()}},
        )

    return run


@pytest.fixture
def with_tool(measure, program):
    """The same with the benchmark program."""

    def run(text=CLOSED, **options):
        return measure(text, **{"benchmark_model": program, "profile": "no", **options})

    return run


def valid(result):
    """`result` fits the published schema."""
    jsonschema.validate(json.loads(json.dumps(results.to_builtins(result))), results.schema())
    assert results.from_builtins(results.to_builtins(result), "x") == result
    return result


def test_a_benchmark_program_measures(with_tool, connected, int8_file):
    result = valid(with_tool())
    measured, time = result.measured, result.measured.latency
    assert (time.n, time.p50_ms, time.p95_ms, time.p90_ms, time.p99_ms, time.min_ms) == (40, 20.0, 21.5, 21.5, 22.0, 19.0)
    assert measured.model.sha256 == sha256_file(int8_file)
    assert measured.samples_ms == ()
    assert "no single runs" in measured.summary_only
    assert (measured.load.init_ms, measured.load.first_ms, measured.load.peak_bytes) == (92.318, 60.0, round(81.5 * 2**20))
    assert measured.load.runtime.startswith("benchmark_model ")
    assert str(measured.load.inputs[0]) == "1×32×48×3 int8"
    assert measured.load.delegate == Delegate(asked="cpu", ran="cpu")
    assert (measured.load.coverage.inside, measured.load.coverage.outside, measured.load.coverage.macs_outside) == ({"operators": 24}, {}, 0)
    assert (result.verdict.outcome, result.verdict.on_time_share, measured.over_budget) == ("met", 1.0, 0)
    assert result.target == f"adb:{connected.serial}"
    assert (result.device.name, result.device.soc, result.device.abi) == ("Redmobile Test Phone 8", "Qualcomm SM8550", "arm64-v8a")
    assert result.device.details["battery"] == "82 %, 31.0 °C, not charging"
    assert result.conditions.governor == "walt"


def test_it_is_called_as_the_plan_says_on_a_real_frame_and_all_is_removed(with_tool, connected, int8_file):
    with_tool(cores="big")
    call = connected.log_of("benchmark")[0]
    assert "--num_threads=2 --warmup_runs=3 --warmup_min_secs=0 --num_runs=40 --min_secs=0 --max_secs=9" in call
    assert "--input_layer=image --input_layer_shape=1,32,48,3 --input_layer_value_files=image:" in call
    assert connected.log_of("taskset")[0].startswith("80 ")
    assert not connected.path(FOLDER).exists()
    assert int8_file.exists()


def test_without_single_runs_there_is_nothing_to_plot_or_to_compare(with_tool, tmp_path):
    result = with_tool(tries=1)
    with pytest.raises(UsageError, match=r"p\.png: there are no single runs to plot: the tool tells no single runs"):
        write_plot(tmp_path / "p.png", result)
    with pytest.raises(UsageError, match="Results without single runs cannot be compared"):
        compare(result, result, ("old", "new"))
    with pytest.raises(BudgetError, match="cannot become a baseline: there are no single runs to compare with"):
        record(result, tmp_path)


def test_repeated_until_two_agree(with_tool, tell):
    tell(means_us=[26000, 23000, 20000, 20500])
    result = valid(with_tool())
    assert [one.p50_ms for one in result.tries] == [26.0, 23.0, 20.0, 20.5]
    assert result.measured.latency.p50_ms == 20.5
    assert result.measured.stability.trusted
    assert result.measured.drift.relative < 0


def test_five_that_do_not_agree_are_not_trusted(with_tool, tell):
    tell(means_us=[20000, 24000, 20000, 24000, 20000, 24000])
    result = valid(with_tool())
    assert len(result.tries) == 5
    assert [doubt.flag for doubt in result.measured.stability.reasons] == ["spread"]
    assert "5 repetitions took between 20.0 and 24.0 ms" in result.measured.stability.why_not
    assert result.verdict.outcome == "not to be trusted"


@pytest.mark.parametrize(
    ("told", "ran", "remark"),
    [
        ({}, "gpu", None),
        ({"falls_back": ["gpu"]}, "cpu", "asked for 'gpu', the graph ran on 'cpu'"),
        ({"partly": ["gpu"]}, "gpu+cpu", "asked for 'gpu', the graph ran on 'gpu+cpu'"),
    ],
)
def test_what_really_ran_is_said(with_tool, tell, told, ran, remark):
    tell(**told)
    result = with_tool(delegates=["gpu"])
    assert result.measured.load.delegate == Delegate(asked="gpu", ran=ran)
    assert (remark in result.measured.stability.remarks) == (remark is not None)


def test_each_delegate_that_is_asked_for(with_tool, tell):
    tell(refuses=["gpu"], falls_back=["nnapi"])
    bundle = valid(with_tool(delegates=["cpu", "gpu", "nnapi"]))
    assert [one.measured.load.delegate.ran for one in bundle.results] == ["cpu", "cpu"]
    assert "gpu, try 1: the delegate refused this network on this device" in bundle.incomplete


def test_a_device_that_is_hot_before_may_cool_down_first(with_tool, connected, monkeypatch):
    monkeypatch.setattr("redmobile.bench.phone.repetition._LOOK_S", 0.01)
    (connected.root / "state/thermal").write_text("2 44.0 80.0 40.0\n")
    looks = []

    def cools(command):
        looks.append("thermalservice" in command)
        if sum(looks) > 3:
            (connected.root / "state/thermal").write_text("0 38.0 50.0 31.0\n")

    connected.faults.on_command = cools
    (one,) = with_tool(tries=1).tries
    assert one.thermal_status == 0
    assert one.waited_s > 0
    assert sum(looks) > 3


def test_a_device_that_stays_hot_is_measured_all_the_same(with_tool, connected, monkeypatch):
    monkeypatch.setattr("redmobile.bench.phone.repetition._PATIENCE_S", 0.0)
    (connected.root / "state/thermal").write_text("2 44.0 80.0 40.0\n")
    result = with_tool(tries=1)
    assert result.tries[0].thermal_status == 2
    assert result.device.details["thermal status"] == "moderate"
    assert [doubt.flag for doubt in result.measured.stability.reasons] == ["heat"]


def test_a_battery_that_is_low_is_said(with_tool, connected):
    (connected.root / "state/battery").write_text("level 12\ntemperature 310\nstatus 3\npowered false\n")
    assert "the battery was at 12 %: Android may hold the processor back" in with_tool(tries=1).measured.stability.remarks


def test_an_external_delegate_is_copied(with_tool, connected, tmp_path):
    (tmp_path / "lib.so").write_bytes(b"\x7fELF library")
    result = with_tool(delegates=["redmobile"], delegate_options={"path": str(tmp_path / "lib.so"), "tiles": "4"})
    call = connected.log_of("benchmark")[0]
    assert "--external_delegate_path=" in call
    assert "--external_delegate_options=tiles:4" in call
    assert result.measured.load.delegate.ran == "redmobile"


def test_operators_times(with_tool, tell):
    data = importlib.import_module("ai_edge_litert.profiling_info_pb2").BenchmarkProfilingData()
    operator = data.runtime_profile.subgraph_profiles.add().per_op_profiles.add(node_type="CONV_2D", name="enhanced", run_order=1, times_called=1)
    operator.inference_microseconds.avg = 18000
    tell(profile=base64.b64encode(data.SerializeToString()).decode())
    profile = valid(with_tool(profile="yes")).measured.profile
    assert [(one.name, one.kind, one.mean_ms, one.unit) for one in profile.operators] == [("enhanced", "CONV_2D", 18.0, "CPU")]
    assert "40 runs" not in profile.says


def test_a_profile_that_cannot_be_read_takes_nothing_from_the_figures(with_tool, tell):
    tell(profile=base64.b64encode(b"\xff\xff").decode())
    result = valid(with_tool(profile="yes"))
    assert result.measured.profile.says.startswith("could not be taken: cpu, times of operators: is no BenchmarkProfilingData")
    assert result.incomplete is None
    assert result.verdict.outcome == "met"


def test_litert_with_its_result_file(with_tool, tell, tmp_path):
    from redmobile.android.benchmark_protos import _classes

    told = _classes()["BenchmarkResult"]()
    told.latency_metrics.avg_ms, told.latency_metrics.min_ms, told.latency_metrics.max_ms = 25.0, 24.0, 31.0
    told.latency_metrics.median_ms, told.latency_metrics.p95_ms, told.misc_metrics.num_runs = 25.0, 30.0, 60
    tell(result=base64.b64encode(told.SerializeToString()).decode())
    tool = write_program(tmp_path / "benchmark_litert_model", strings=b"result_file_path")
    result = valid(with_tool(benchmark_model=tool))
    assert (result.measured.latency.n, result.measured.latency.p50_ms) == (60, 25.0)
    assert result.measured.load.runtime.startswith("benchmark_litert_model ")


def test_heat_and_clocks_are_watched_while_it_runs(with_tool, tell, connected):
    tell(slow_s=0.5)
    (connected.root / "state/thermal").write_text("0 38.5 52.0 31.0\n")
    result = with_tool(tries=1, sample=0.05)
    assert len(result.conditions.samples) > 1
    assert result.conditions.samples[1].clocks_mhz
    assert result.conditions.samples[0].temperatures_c["CPU0"] == 52.0
    assert result.conditions.samples[0].battery_percent == 82.0


def test_a_hot_device_is_not_trusted(with_tool, tell, connected):
    tell(slow_s=0.6)
    connected.faults.on_command = lambda command: "num_runs" in command and (connected.root / "state/thermal").write_text("3 45.0 90.0 40.0\n")
    result = valid(with_tool(tries=1, sample=0.05))
    assert [doubt.flag for doubt in result.measured.stability.reasons] == ["heat"]
    assert result.verdict.outcome == "not to be trusted"


CABLE = [
    (Cut("push", after_bytes=1), "copying .* broke off. Check the cable"),
    (Cut("command", pattern="dumpsys thermalservice"), "reading heat, clocks and battery: the connection to .* broke off"),
    (Cut("command", pattern="num_runs"), "cpu, try 1: the connection to .* broke off"),
    (Cut("output", pattern="count=40"), "cpu, try 1: the connection to .* broke off"),
]


@pytest.mark.parametrize(("cut", "says"), CABLE, ids=["push", "before", "start", "run"])
def test_the_cable_is_pulled_before_anything_was_measured(with_tool, connected, cut, says):
    connected.faults.cut = cut
    with pytest.raises(DeviceError, match=says):
        with_tool()


def test_the_cable_is_pulled_in_a_later_try_and_what_was_measured_is_kept(with_tool, tell, connected):
    tell(means_us=[26000, 20000])
    connected.faults.on_command = lambda command: len(connected.log_of("benchmark")) == 1 and "num_runs" in command and connected.pull_the_cable()
    result = valid(with_tool())
    assert [one.p50_ms for one in result.tries] == [26.0]
    assert "cpu, try 2: the connection to" in result.incomplete
    assert [doubt.flag for doubt in result.measured.stability.reasons] == ["incomplete"]
    assert result.verdict.outcome == "not to be trusted"


def test_the_cable_is_pulled_at_the_second_delegate(with_tool, connected):
    connected.faults.cut = Cut("command", pattern="use_gpu")
    bundle = valid(with_tool(delegates=["cpu", "gpu", "nnapi"]))
    assert [one.measured.load.delegate.asked for one in bundle.results] == ["cpu"]
    assert "gpu, try 1: the connection to" in bundle.incomplete
    assert "nnapi" not in bundle.incomplete


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"exit_code": 1}, r"cpu, try 1: failed with exit code 1 \(ERROR: Node number 3"),
        ({"dies_after_warm_up": True}, "cpu, try 1: it was killed, most likely for want of memory"),
        ({"refuses": ["cpu"]}, "cpu, try 1: the delegate refused this network"),
    ],
)
def test_a_program_that_fails_on_the_device(with_tool, tell, connected, told, says):
    tell(**told)
    with pytest.raises(ToolError, match=says):
        with_tool()
    assert not connected.path(FOLDER).exists()


def test_no_space_for_the_network(with_tool, connected):
    connected.faults.space_bytes = 100
    with pytest.raises(ToolError, match="there is no space left on"):
        with_tool()


def test_a_device_with_another_processor(with_tool, connected):
    connected.set_property("ro.product.cpu.abilist", "armeabi-v7a,armeabi")
    with pytest.raises(DeviceError, match="its processor runs armeabi-v7a, armeabi; arm64-v8a is needed"):
        with_tool()


def test_a_program_for_another_processor(measure, tmp_path):
    with pytest.raises(DeviceError, match="is built for x86_64; the device runs arm64-v8a"):
        measure(benchmark_model=write_program(tmp_path / "b", machine=62))


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        (OPEN, {}, "a benchmark program measures the network alone"),
        (CLOSED.replace("warm_up", "scenario = 'single-stream'\nwarm_up"), {}, "a benchmark program runs back to back only"),
        (CLOSED, {"tries": "x"}, "tries=x: is no number of at least 1"),
        (CLOSED, {"cool_down": "-1"}, "cool_down=-1: is no number"),
        (CLOSED, {"profile": "perhaps"}, "profile=perhaps: expected yes or no"),
        (CLOSED, {"cores": "fast"}, "cores=fast: this device has no such cores"),
        (CLOSED, {"delegates": ["npu"]}, "--delegate npu: benchmark_model .* does not know it"),
        (CLOSED, {"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_done_is_refused(with_tool, text, options, says):
    with pytest.raises(UsageError, match=says):
        with_tool(text, **options)


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "plan.toml").write_text(CLOSED)
    return load_plan(str(tmp_path / "plan.toml"))


@pytest.fixture
def document(int8_file, tmp_path):
    """Extras → what the app leaves, ready for JSON: each run took as long as `times` says, one call after the other."""
    times = [20.0]

    def head(extras, **more):
        settings = load_plan(str(tmp_path / "plan.toml"))
        work = Assignment(plan=extras["plan"], plan_sha256="0", settings=settings, command="by hand", model=int8_file)
        made = assemble.header(work, "app", DeviceFacts(name="Test Phone 8"), run_id=extras["run_id"], **more)
        load = Load(runtime="TFLite 2.21", inputs=(), outputs=(), init_ms=9.0, first_ms=30.0, delegate=Delegate(asked="cpu", ran="XNNPACK"))
        return made, load, settings

    def made(extras, **more):
        top, load, settings = head(extras, **more)
        each = times.pop(0) if len(times) > 1 else times[0]
        conditions = Conditions(cores=8, seconds=3.0)
        if settings.open_loop is not None:
            frames = tuple(FrameTimes(number=number, waits_ms=(1.0, 0.0), stages_ms=(2.0, each - 3.0), latency_ms=each) for number in range(58))
            record = VideoRecord(("pre", "infer"), 60, frames, "frames of the app", conditions, ((58, "infer"), (59, "infer")), 0.5, (0.06, 0.29))
            return results.to_builtins(assemble.video_result(top, int8_file, load, record, 2))
        samples = [each + (number % 5) / 10 for number in range(40)]
        row = assemble.measured(int8_file, load, samples, conditions, 2, settings, warm_up_ms=[40.0], incomplete=top["incomplete"])
        return results.to_builtins(assemble.latency_result(top, [row], conditions, 2))

    made.times = times
    return made


@pytest.fixture
def app(connected, document, monkeypatch):
    monkeypatch.setattr("redmobile.android.app_benchmark._ALIVE_EVERY_S", 0.2)
    monkeypatch.setattr("redmobile.android.app_benchmark._LOOK_S", 0.02)
    return DemoApp(connected, document)


def test_the_app_measures(measure, app, connected, int8_file):
    result = valid(measure())
    assert isinstance(result, LatencyResult)
    assert len(result.measured.samples_ms) == 40
    assert result.measured.latency.p50_ms == pytest.approx(20.2)
    assert result.measured.load.runtime == "TFLite 2.21"
    assert (result.target, result.device.soc) == (f"adb:{connected.serial}", "Qualcomm SM8550")
    assert result.device.details["app"].startswith("dev.redmobile.demo, ")
    assert result.verdict.outcome == "met"
    assert len(result.tries) == 2
    assert "--on adb:" in result.command
    extras = app.started[0]
    name = f"{sha256_file(int8_file)[:16]}.tflite"
    assert extras["model"] == f"/sdcard/Android/data/dev.redmobile.demo/files/models/{name}"
    assert {key: extras[key] for key in ("plan", "delegates", "threads", "seconds", "runs", "warm_up")} == {
        "plan": "model_latency",
        "delegates": "cpu",
        "threads": "2",
        "seconds": "9",
        "runs": "40",
        "warm_up": "3",
    }
    assert not [path for path in connected.path("/sdcard/Android/data").rglob("*") if path.is_file()]


def test_the_app_measures_a_stream_of_frames(measure, app):
    result = valid(measure(OPEN))
    assert (result.offered, result.on_time, result.late, result.dropped) == (60, 58, 0, 2)
    assert [(stage.name, round(stage.cpu_ms, 6)) for stage in result.stages] == [("pre", 1.0), ("infer", 5.0)]
    assert result.cpu_ms == pytest.approx(500 / 58)
    assert len(result.tries) == 2
    assert (app.started[0]["plan"], app.started[0]["seconds"]) == ("video_1080p30", "2")


def test_a_soak_is_not_repeated(measure, app):
    result = valid(measure(OPEN.replace("seconds = 2", "seconds = 600")))
    assert len(result.tries) == len(app.started) == 1
    assert (app.started[0]["plan"], app.started[0]["seconds"]) == ("soak_1080p30", "600")


def test_heat_is_watched_while_the_app_runs(measure, app, connected):
    app.waits.clear()
    connected.faults.on_command = lambda command: "thermalservice" in command and len(connected.commands) > 25 and app.waits.set()
    assert measure(tries=1, sample=0.05).conditions.samples[1].temperatures_c["skin"] == 38.5


def test_the_app_is_not_installed(measure, connected):
    with pytest.raises(
        DeviceError, match=r"the demo app \(dev.redmobile.demo\) is not installed. Install the demo app first: redmobile android build"
    ):
        measure()
    assert not connected.path("/sdcard/Android/data/dev.redmobile.demo").exists()


def test_the_app_fails(measure, app):
    app.fails = "The model's input is 1×8×8×3; 1×1088×1920×4 is needed."
    with pytest.raises(ToolError, match=r"the demo app on .* failed: The model's input is"):
        measure()


def test_the_app_crashes(measure, app, monkeypatch):
    monkeypatch.setattr("redmobile.android.app_benchmark._LAST_WORDS_S", 60)  # only as long as it takes
    app.crashes = "java.lang.OutOfMemoryError: Failed to allocate a 8355856 byte allocation"
    with pytest.raises(ToolError, match=r"the demo app on .* crashed \(java.lang.OutOfMemoryError"):
        measure()


def test_the_app_is_killed(measure, app, monkeypatch):
    monkeypatch.setattr("redmobile.android.app_benchmark._LAST_WORDS_S", 0.1)
    app.is_killed = True
    with pytest.raises(ToolError, match="was ended by Android in the middle of the run"):
        measure()


def test_an_app_that_crashes_leaves_what_it_had(measure, app, document, tmp_path, monkeypatch):
    monkeypatch.setattr("redmobile.android.app_benchmark._LAST_WORDS_S", 60)
    (tmp_path / "plan.toml").write_text(CLOSED)
    app.partial = document({"plan": "plan", "run_id": "abc"}, incomplete="still running")
    app.crashes = "java.lang.IllegalStateException: the surface is gone"
    result = valid(measure())
    assert "crashed (java.lang.IllegalStateException: the surface is gone)" in result.incomplete
    assert len(result.measured.samples_ms) == 40
    assert result.verdict.outcome == "not to be trusted"


def test_an_app_that_says_nothing(measure, app, monkeypatch):
    monkeypatch.setattr("redmobile.android.app_benchmark._FIRST_WORD_S", 0.5)
    app.mute = True
    with pytest.raises(ToolError, match=r"said nothing for 0 s|said nothing for 1 s"):
        measure()


def test_an_app_that_does_not_end(measure, app, monkeypatch):
    monkeypatch.setattr("redmobile.bench.phone.with_app._GRACE_S", -8.0)
    app.waits.clear()
    with pytest.raises(ToolError, match=r"did not end within 1 s"):
        measure()
    app.waits.set()


def test_the_cable_is_pulled_while_the_app_runs(measure, app, connected):
    app.waits.clear()
    connected.faults.cut = Cut("command", pattern="pidof")
    with pytest.raises(DeviceError, match=r"looking whether the demo app runs: the connection to .* broke off"):
        measure(sample=60)
    app.waits.set()


def test_a_cable_that_is_plugged_in_again_costs_nothing(measure, app, connected):
    app.waits.clear()

    def pull(command):
        if "pidof" in command and not app.waits.is_set():
            app.waits.set()
            connected.pull_the_cable(for_s=0.3)

    connected.faults.on_command = pull
    result = valid(measure(patience=20, tries=1))
    assert result.incomplete is None
    assert len(app.started) == 1


@pytest.mark.usefixtures("app")
def test_a_slow_device_is_only_slow(measure, connected):
    connected.faults.slow_s = 0.05
    assert valid(measure(tries=1)).verdict.outcome == "met"


def test_the_cable_is_pulled_while_the_result_is_fetched(measure, app, connected):
    connected.faults.cut = Cut("pull")
    with pytest.raises(DeviceError, match=r"copying .*json from .* broke off"):
        measure()
    assert app.started


def test_the_cable_is_pulled_in_a_later_try_of_the_app(measure, app, document, connected):
    document.times[:] = [26.0, 20.0]
    connected.faults.on_command = lambda command: len(app.started) == 1 and "BenchmarkActivity" in command and connected.pull_the_cable()
    result = valid(measure())
    assert [round(one.p50_ms, 1) for one in result.tries] == [26.2]
    assert "broke off" in result.incomplete
    assert result.verdict.outcome == "not to be trusted"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda made: made.update(format="other/1"), "does not fit benchmarks/result.schema.json"),
        (lambda made: made["measured"].update(colour="red"), "does not fit benchmarks/result.schema.json"),
        (lambda made: made["measured"]["model"].update(sha256="0" * 64), "tells of another network"),
    ],
)
def test_a_result_that_is_none(measure, app, document, change, says):
    def changed(extras):
        made = document(extras)
        change(made)
        return made

    app.document = changed
    with pytest.raises(ToolError, match=says):
        measure()


def test_a_bundle_of_one_is_a_result(measure, app, document):
    app.document = lambda extras: {"format": "redmobile.bench/2", "kind": "bundle", "results": [document(extras)]}
    assert isinstance(measure(), LatencyResult)


def test_the_app_with_each_delegate(measure, app):
    bundle = valid(measure(delegates=["cpu", "gpu"]))
    assert isinstance(bundle, Bundle)
    assert [extras["delegates"] for extras in app.started] == ["cpu", "cpu", "gpu", "gpu"]
    assert "asked for 'gpu', the graph ran on 'XNNPACK'" in bundle.results[1].measured.stability.remarks


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("says = 'x'\n[memory]\n", {}, r"cannot carry out a plan with \[memory\]; --on host can"),
        (CLOSED.replace("warm_up", "scenario = 'single-stream'\nwarm_up"), {}, "the demo app runs back to back only"),
        (CLOSED, {"cores": "big"}, "Android decides where an app runs"),
        (CLOSED, {"delegate_options": {"a": "b"}}, "the demo app takes none"),
    ],
)
def test_what_the_app_cannot_do_is_refused(measure, text, options, says):
    with pytest.raises(UsageError, match=says):
        measure(text, **options)


def test_other_files_than_tflite_are_refused(connected, onnx_file, tmp_path):
    (tmp_path / "plan.toml").write_text(CLOSED)
    with pytest.raises(UsageError, match=r"a device runs .tflite files"):
        bench(str(tmp_path / "plan.toml"), str(onnx_file), on=f"adb:{connected.serial}")


def test_peers_and_frames_are_refused(connected, int8_file, tmp_path):
    (tmp_path / "plan.toml").write_text(CLOSED)
    with pytest.raises(UsageError, match="one network at a time"):
        bench(str(tmp_path / "plan.toml"), str(int8_file), on=f"adb:{connected.serial}", peers=[str(int8_file)])
    (tmp_path / "open.toml").write_text(OPEN)
    shutil.copy(int8_file, tmp_path / "clip.mp4")
    with pytest.raises(UsageError, match="the demo app brings frames of its own"):
        bench(str(tmp_path / "open.toml"), str(int8_file), on=f"adb:{connected.serial}", video=tmp_path / "clip.mp4")


def test_unchanged_documents(document, plan):
    """The test's own app writes what the schema asks for."""
    made = document({"plan": "plan", "run_id": "abc"})
    jsonschema.validate(json.loads(json.dumps(made)), results.schema())
    assert msgspec.convert(made["settings"], type(plan)) == plan
