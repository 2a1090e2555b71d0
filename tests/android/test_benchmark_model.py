"""TFLite's and LiteRT's benchmark programs: the command line, the log, the result file."""

from pathlib import Path

import pytest
from adb_device.benchmark_program import write_program
from google.protobuf import text_format

from redmobile.android import benchmark_model as tools
from redmobile.android.benchmark_model import Call, Input
from redmobile.android.benchmark_protos import _classes
from redmobile.errors import DeviceError, InputError, ToolError, UsageError

STARTED = "INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.\n"
LOG = (
    "INFO: Replacing 431 out of 461 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 58 partitions for subgraph 0.\n"
    + STARTED
    + "INFO: count=3 first=235158 curr=200386 min=199462 max=235158 avg=211669 std=16613 p5=199462 median=200386 p95=235158\n\n"
    + STARTED
    + "INFO: count=25 first=187533 curr=140990 min=140071 max=195121 avg=145528 std=13583 p5=140545 median=141253 p95=187533\n\n"
    "INFO: Inference timings in us: Init: 92318, First inference: 235158, Warmup (avg): 211669, Inference (avg): 145528\n"
    "INFO: Overall peak memory footprint (MB) via periodic monitoring: 73.5\n"
)
"""As benchmark_model 2.2x writes it on a phone."""


TWO = """Replacing 5 out of 64 node(s) with delegate (TfLiteNnapiDelegate) node, yielding 5 partitions for the whole graph.
Replacing 59 out of 62 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 5 partitions for the whole graph."""


def call(**values):
    return Call(
        **{"remote": "/d/b", "model": "/d/m", "threads": 4, "warm_up": 3, "runs": 25, "max_seconds": 90.0, "delegate": "cpu", "options": {}, **values}
    )


@pytest.fixture
def tool(tmp_path):
    return tools.open_tool(write_program(tmp_path / "benchmark_model"), ["arm64-v8a"])


@pytest.fixture
def litert(tmp_path):
    return tools.open_tool(write_program(tmp_path / "benchmark_litert_model", strings=b"result_file_path"), ["arm64-v8a"])


def test_the_counted_runs_are_read_and_not_the_warm_up():
    told = tools.parse_log(LOG, 0, "a test")
    assert (told.n, told.mean_ms, told.p50_ms, told.p95_ms, told.min_ms, told.max_ms) == (25, 145.528, 141.253, 187.533, 140.071, 195.121)
    assert (told.init_ms, told.first_ms, told.peak_bytes) == (92.318, 235.158, round(73.5 * 2**20))


def test_an_older_program_tells_no_percentiles():
    told = tools.parse_log(LOG.replace(" p5=140545 median=141253 p95=187533", ""), 0, "a test")
    assert (told.p50_ms, told.p95_ms, told.mean_ms) == (None, None, 145.528)


def test_runs_that_all_took_equally_long_are_told_in_short():
    told = tools.parse_log(STARTED + "count=4 curr=21000(all same)\n" + LOG.splitlines()[-2], 0, "a test")
    assert (told.n, told.min_ms, told.p50_ms, told.p95_ms, told.max_ms, told.std_ms) == (4, 21.0, 21.0, 21.0, 21.0, 0.0)


def test_words_without_prefix_and_numbers_with_exponents():
    told = tools.parse_log(LOG.replace("INFO: ", "").replace("Warmup (avg): 211669", "Warmup (avg): 2.11669e+05"), 0, "a test")
    assert told.n == 25


@pytest.mark.parametrize(
    ("said", "code", "expected"),
    [
        ("", 0, "told no times (it said nothing)"),
        ("hello", 0, "told no times (hello)"),
        ("ERROR: Failed to load model /d/m", 1, "failed with exit code 1 (ERROR: Failed to load model /d/m)"),
        (
            "ERROR: x\nERROR: Failed to apply GPU delegate.",
            1,
            "the delegate refused this network on this device (ERROR: x ERROR: Failed to apply GPU",
        ),
        ("Killed", 137, "it was killed, most likely for want of memory"),
        ("Segmentation fault", 139, "it crashed with signal 11"),
    ],
)
def test_a_program_that_fails(said, code, expected):
    with pytest.raises(ToolError) as error:
        tools.parse_log(said, code, "a test")
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("asked", "lines", "expected"),
    [
        ("cpu", "", "cpu"),
        ("cpu", "Replacing 24 out of 24 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 1 partitions", "cpu"),
        ("gpu", "Replacing 24 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 1 partitions.", "gpu"),
        ("gpu", "Though GPU delegate is explicitly applied, the model graph will not be executed by the delegate.", "cpu"),
        ("gpu", "Replacing 20 out of 24 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 3 partitions for subgraph 0", "gpu+cpu"),
        ("nnapi", TWO, "nnapi+cpu"),
        ("npu", "Replacing 1 out of 1 node(s) with delegate (DispatchDelegate) node, yielding 1 partitions", "npu"),
        ("redmobile", "Replacing 24 out of 24 node(s) with delegate (RedmobileDelegate) node, yielding 1 partitions", "redmobile"),
    ],
)
def test_what_really_ran(asked, lines, expected):
    assert tools.ran(asked, tools.parse_log(f"{lines}\n{LOG.partition(STARTED)[2]}", 0, "a test")) == expected


def test_the_command_line(tool):
    line = tools.arguments(tool, call(mask=0xF0, input=Input("serving:image", (1, 8, 8, 3), "/d/i")))
    assert line.startswith("taskset f0 /d/b --graph=/d/m --num_threads=4 --warmup_runs=3 ")
    assert "--num_runs=25 --min_secs=0 --max_secs=90" in line
    assert line.endswith(
        "--use_xnnpack=true --input_layer='serving:image' --input_layer_shape=1,8,8,3 --input_layer_value_files='serving::image:/d/i'"
    )


@pytest.mark.parametrize(("delegate", "flag"), [("gpu", "--use_gpu=true --gpu_backend=cl"), ("nnapi", "--use_nnapi=true --gpu_backend=cl")])
def test_a_delegate_and_its_options(tool, delegate, flag):
    assert flag in tools.arguments(tool, call(delegate=delegate, options={"gpu_backend": "cl"}))


def test_an_external_delegate(tool):
    line = tools.arguments(tool, call(delegate="redmobile", external="/d/x.so", options={"a": "1", "b": "2"}))
    assert "--external_delegate_path=/d/x.so --external_delegate_options='a:1;b:2'" in line


def test_litert_knows_npus_and_no_input_files(litert):
    line = tools.arguments(litert, call(delegate="npu", input=Input("x", (1,), "/d/i")))
    assert "--use_npu=true" in line
    assert "input_layer" not in line


def test_a_delegate_that_the_program_does_not_know(tool, litert):
    with pytest.raises(UsageError, match=r"--delegate npu: benchmark_model .*Known: cpu, gpu, nnapi, or an external one"):
        tools.arguments(tool, call(delegate="npu"))
    with pytest.raises(UsageError, match=r"--delegate nnapi: benchmark_litert_model .*Known: cpu, gpu, npu\."):
        tools.arguments(litert, call(delegate="nnapi"))


def test_a_program_is_looked_at_before_it_is_copied(tmp_path):
    with pytest.raises(DeviceError, match="is built for x86_64; the device runs arm64-v8a, armeabi-v7a"):
        tools.open_tool(write_program(tmp_path / "b", machine=62), ["arm64-v8a", "armeabi-v7a"])
    with pytest.raises(InputError, match="is no program for Android"):
        tools.open_tool(Path(__file__), ["arm64-v8a"])
    with pytest.raises(InputError, match="no such file"):
        tools.open_tool(tmp_path / "nothing", ["arm64-v8a"])


def result_file(text):
    return text_format.Parse(text, _classes()["BenchmarkResult"]()).SerializeToString()


def test_the_result_file_of_litert():
    data = result_file(
        "latency_metrics { avg_ms: 21.5 min_ms: 20 max_ms: 30 stddev_ms: 1.5 median_ms: 21 p95_ms: 25 init_ms: 90 first_inference_ms: 60 }"
        "memory_metrics { peak_mem_mb: 80 } misc_metrics { num_runs: 50 num_warmup_runs: 3 }"
    )
    told = tools.parse_result_file(data, "", "a test")
    assert (told.n, told.mean_ms, told.p50_ms, told.p95_ms, told.init_ms, told.peak_bytes) == (50, 21.5, 21.0, 25.0, 90.0, 80 * 2**20)


@pytest.mark.parametrize("data", [b"", b"\xff\xff", b"no protobuf at all"])
def test_a_result_file_that_is_none(data):
    with pytest.raises(ToolError, match="a test"):
        tools.parse_result_file(data, "", "a test")
