"""`bench --on ethos-u…`: Vela's estimate as a result, labelled; what an estimate has no answer to is refused."""

import importlib.util

import pytest

from redmobile.bench.modelled import EstimateResult
from redmobile.bench.result import from_builtins, to_builtins
from redmobile.bench.runner import bench
from redmobile.bench.target import TARGETS, open_target
from redmobile.core.environment import version_of
from redmobile.errors import MissingExtraError, ToolError, UsageError
from redmobile.npu import vela
from redmobile.npu.vela import accelerators

needs_vela = pytest.mark.skipif(importlib.util.find_spec("ethosu") is None, reason="ethos-u-vela is not installed: pip install 'redmobile[npu]'")


def test_every_accelerator_is_a_target():
    assert set(accelerators()) <= set(TARGETS.names())
    with pytest.raises(UsageError, match=r"Unknown target 'ethos-u55-99'\. Known: .*ethos-u55-256"):
        open_target("ethos-u55-99")


@needs_vela
@pytest.mark.parametrize("accelerator", ["ethos-u55-256", "ethos-u65-512", "ethos-u85-512"])
def test_a_result_says_what_vela_estimates_and_that_it_does(int8_file, accelerator):
    result = bench("model_latency", str(int8_file), on=accelerator)
    assert isinstance(result, EstimateResult)
    estimated = result.estimated
    assert estimated.label == "estimate by Vela, not a measurement"
    assert (estimated.vela, estimated.accelerator, estimated.cpu_operators) == (version_of("ethos-u-vela"), accelerator, 0)
    assert estimated.frame_ms == pytest.approx(1000 / estimated.frames_per_second)
    assert estimated.frames_per_second == pytest.approx(estimated.clock_hz / estimated.cycles, rel=1e-3)
    assert len(estimated.operators) == estimated.npu_operators
    assert sum(operator.macs for operator in estimated.operators) == estimated.macs > 0
    assert result.verdict.outcome == "not measured"
    assert result.verdict.says.startswith(f"Vela estimates {estimated.frames_per_second:.1f} frames a second")
    assert "no operator is left to the CPU" in result.verdict.says
    assert from_builtins(to_builtins(result), "x") == result


@needs_vela
def test_what_stays_on_the_cpu_comes_with_its_reason_and_without_cycles(float_file, int8_file):
    result = bench("model_latency", str(int8_file), on="ethos-u65-512", peers=[str(float_file)])
    (peer,) = result.peers
    assert (peer.npu_operators, peer.cpu_operators, peer.frames_per_second, peer.frame_ms) == (0, 1, 0.0, None)
    (left,) = peer.operators
    assert (left.unit, left.cycles, left.utilisation) == ("CPU", 0, None)
    assert left.reason
    alone = bench("model_latency", str(float_file), on="ethos-u65-512")
    assert alone.verdict.says == "Vela puts nothing on ethos-u65-512: 1 operator left to the CPU, not in it."


@needs_vela
def test_system_and_memory_mode_can_be_chosen(int8_file, tmp_path):
    options = {"system-config": "Ethos_U65_Embedded", "memory-mode": "Shared_Sram", "keep": str(tmp_path / "kept")}
    result = bench("model_latency", str(int8_file), on="ethos-u65-256", target_options=options)
    assert (result.estimated.system_config, result.estimated.memory_mode) == ("Ethos_U65_Embedded", "Shared_Sram")
    assert (tmp_path / "kept" / "small_int8_vela.log").is_file()
    assert "--target-option system-config=Ethos_U65_Embedded" in result.command
    with pytest.raises(ToolError, match="Vela failed with exit code"):
        bench("model_latency", str(int8_file), on="ethos-u65-256", target_options={"memory-mode": "No_Such_Mode"})


DEVICE = """
says = "A board."
name = "Board 7"
[npu]
kind = "ethos-u"
accelerator = "ethos-u65-256"
system_config = "Ethos_U65_Embedded"
memory_mode = "Shared_Sram"
source = "its manual"
"""


@needs_vela
def test_a_device_file_says_what_surrounds_the_accelerator(int8_file, tmp_path):
    (tmp_path / "board.toml").write_text(DEVICE)
    result = bench("model_latency", str(int8_file), on="ethos-u65-256", device=str(tmp_path / "board.toml"))
    assert (result.device.name, result.estimated.system_config, result.estimated.memory_mode) == ("Board 7", "Ethos_U65_Embedded", "Shared_Sram")
    with pytest.raises(UsageError, match="--device Board 7: is ethos-u65-256, the target is ethos-u65-512"):
        bench("model_latency", str(int8_file), on="ethos-u65-512", device=str(tmp_path / "board.toml"))


@pytest.mark.parametrize(
    ("plan", "options", "says"),
    [
        ("video_1080p30", {}, "has no \\[open_loop\\]"),
        ("model_latency", {"threads": 2}, "--threads: means nothing to ethos-u55-256"),
        ("model_latency", {"delegates": ["cpu"]}, "--delegate: means nothing"),
        ("model_latency", {"target_options": {"timeout": "soon"}}, "--target-option timeout=soon: a number above 0"),
        ("model_latency", {"target_options": {"colour": "red"}}, "takes no option colour. It takes: .*memory-mode"),
    ],
)
def test_what_an_estimate_has_no_answer_to_is_refused(int8_file, plan, options, says):
    with pytest.raises(UsageError, match=says):
        bench(plan, str(int8_file), on="ethos-u55-256", **options)


def test_onnx_must_be_converted_first(onnx_file):
    with pytest.raises(UsageError, match=r"small.onnx: Vela compiles .tflite files; convert it first: redmobile convert … --with ethos_u55"):
        bench("model_latency", str(onnx_file), on="ethos-u55-128")


def test_without_vela_it_says_how_to_get_it(int8_file, monkeypatch):
    monkeypatch.setattr(vela, "is_installed", lambda: False)
    with pytest.raises(MissingExtraError, match="ethos-u-vela"):
        bench("model_latency", str(int8_file), on="ethos-u55-128")
