"""Vela, the real one: its estimate read, its limits held, its failures told."""

import importlib.util
import resource
from pathlib import Path

import numpy as np
import pytest
from npu_models import Chain, shuffling, with_island

from redmobile.core.environment import version_of
from redmobile.errors import MissingExtraError, OutputError, ToolError, UsageError
from redmobile.graph.macs import total_macs
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.npu import check_file as check_module
from redmobile.npu import vela
from redmobile.npu.check_file import check_file
from redmobile.npu.vela import CONFIGS, DEFAULT_CONFIGS, compile_with_vela, settings_for, supported_operators

needs_vela = pytest.mark.skipif(importlib.util.find_spec("ethosu") is None, reason="ethos-u-vela is not installed: pip install 'redmobile[npu]'")
RED_MOBILE = Path(__file__).parents[2] / "models" / "red_mobile" / "red_mobile_int8.tflite"


def data_of(chain):
    return write_tflite(chain.model())


@needs_vela
@pytest.mark.parametrize("target", CONFIGS)
def test_the_estimate_is_read(target):
    chain = Chain().conv(32, 3).conv(16, 3)
    estimate = compile_with_vela(data_of(chain), settings_for(target))
    assert (estimate.vela, estimate.config, estimate.cpu) == (version_of("ethos-u-vela"), DEFAULT_CONFIGS[target], ())
    assert estimate.macs == total_macs(chain.model())
    assert estimate.operators >= 2
    assert estimate.cycles > 0
    assert estimate.frames_per_second == pytest.approx(estimate.clock_hz / estimate.cycles, rel=1e-3)
    assert estimate.sram_bytes + estimate.dram_bytes > 16 * 24 * 32
    assert list(estimate.cycles_by_operator) == ["Conv2D"]


@needs_vela
def test_what_stays_on_the_cpu_comes_with_velas_reason():
    estimate = compile_with_vela(data_of(shuffling()), settings_for("ethos_u65"))
    (left,) = estimate.cpu
    assert (left.op, left.name, left.reason) == ("DepthToSpace", "shuffled", "Unsupported opType")


@needs_vela
def test_a_network_that_stays_on_the_cpu_altogether_is_no_success():
    chain = Chain().op("DEPTH_TO_SPACE", (1, 32, 48, 4), block_size=2)
    estimate = compile_with_vela(data_of(chain), settings_for("ethos_u55"))
    assert (estimate.operators, len(estimate.cpu), estimate.frames_per_second, estimate.cycles) == (0, 1, 0.0, 0)


@needs_vela
def test_vela_overrules_the_rules_in_the_report(tmp_path):
    path = with_island().write(tmp_path / "island.tflite")
    report = check_file(path, "ethos_u85", settings_for("ethos_u85"))
    assert {finding.op for finding in report.fallbacks} == {"ABS", "DEQUANTIZE", "QUANTIZE"}
    assert report.estimate is not None
    assert {operator.name for operator in report.estimate.cpu} == {finding.name for finding in report.fallbacks}
    assert report.remarks[0].startswith("Decided by Vela")


@needs_vela
def test_an_operator_of_several_outputs_is_found_by_any_of_them(tmp_path):
    chain = Chain((1, 16, 24, 16), dtype="float32")
    pieces = [Tensor(f"piece{number}", (1, 16, 24, 8), "float32") for number in (0, 1)]
    chain.operators.append(Operator("SPLIT", [Tensor("axis", (), "int32", np.array(3, np.int32)), chain.image], pieces, {"num_splits": 2}))
    path = tmp_path / "split.tflite"
    path.write_bytes(write_tflite(TfliteModel(chain.operators, [chain.image], pieces)))
    report = check_file(path, "ethos_u85", settings_for("ethos_u85"))
    assert [finding.op for finding in report.fallbacks] == ["SPLIT"]
    assert not report.passed


@needs_vela
def test_logs_and_files_are_kept_where_they_were_asked_for(tmp_path):
    settings = settings_for("ethos_u55", keep=tmp_path / "kept")
    compile_with_vela(data_of(shuffling()), settings, "net")
    names = {path.name for path in (tmp_path / "kept").iterdir()}
    assert {"net_vela.log", "net_vela.tflite", "net_per-layer.csv"} <= names
    assert "Unsupported opType" in (tmp_path / "kept" / "net_vela.log").read_text()


@needs_vela
def test_files_that_cannot_be_kept_are_an_output_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be kept there"):
        compile_with_vela(data_of(shuffling()), settings_for("ethos_u55", keep=tmp_path / "file"))


@needs_vela
@pytest.mark.slow
def test_the_memory_limit_holds_in_the_child_and_not_here():
    before = resource.getrlimit(resource.RLIMIT_AS)
    chain = Chain((1, 544, 960, 3)).conv(16, 4, 4, padding="VALID")  # a stride that is not native takes gigabytes
    with pytest.raises(ToolError, match=r"Vela needed more than 1 GiB of memory and was stopped") as caught:
        compile_with_vela(data_of(chain), settings_for("ethos_u65", memory_bytes=2**30), "wide")
    assert "\n" not in str(caught.value)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


@needs_vela
def test_the_time_limit_holds_and_the_log_is_kept(tmp_path):
    settings = settings_for("ethos_u65", timeout_s=0.1, keep=tmp_path)
    with pytest.raises(ToolError, match=r"did not end within 0\.1 s and was stopped"):
        compile_with_vela(data_of(shuffling()), settings, "slow")
    assert (tmp_path / "slow_vela.log").is_file()


@needs_vela
def test_a_failure_is_told_with_velas_last_line():
    with pytest.raises(ToolError, match=r"Vela failed with exit code \d+ \(.+\)"):
        compile_with_vela(data_of(shuffling()), settings_for("ethos_u65", memory_mode="No_Such_Mode"))


@needs_vela
def test_the_list_of_operators_is_written_into_the_folder(tmp_path):
    assert "Ethos-U85 TFLite Summary Table" in supported_operators(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["SUPPORTED_OPS.md"]


@needs_vela
@pytest.mark.slow
@pytest.mark.parametrize("target", CONFIGS)
def test_the_shipped_network_has_no_operator_on_the_cpu(target):
    report = check_file(RED_MOBILE, target, settings_for(target))
    assert report.passed
    assert report.estimate is not None
    assert report.estimate.cpu == ()
    # Our liveness and Vela's allocation agree within what Vela adds beside the activations.
    assert report.estimate.sram_bytes == pytest.approx(report.peak.bytes, rel=0.15)


def test_an_accelerator_of_another_kind_is_refused():
    with pytest.raises(UsageError, match=r"'ethos-u55-256' is none of ethos_u65. Known: ethos-u65-256, ethos-u65-512"):
        settings_for("ethos_u65", "ethos-u55-256")


def test_without_vela_the_rules_decide_and_the_report_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(check_module, "is_installed", lambda: False)
    monkeypatch.setattr(vela, "is_installed", lambda: False)
    report = check_file(shuffling().write(tmp_path / "a.tflite"), "ethos_u65", settings_for("ethos_u65"))
    assert report.estimate is None
    assert report.remarks == ("Vela is not installed: only the rules were checked (pip install 'redmobile[npu]').",)
    with pytest.raises(MissingExtraError, match="ethos-u-vela"):
        compile_with_vela(b"", settings_for("ethos_u65"))
