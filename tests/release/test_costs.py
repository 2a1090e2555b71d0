"""Costs beside one another, on this machine; Vela's and the emulator's where they are installed."""

import importlib.util
from pathlib import Path

import pytest

from redmobile.errors import UsageError
from redmobile.npu.vela import is_installed
from redmobile.release.costs import costs
from redmobile.shelf import find

_spec = importlib.util.spec_from_file_location("enhance_models", Path(__file__).parents[1] / "enhance" / "enhance_models.py")
models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(models)

SHIPPED = find("models", "red_mobile") / "red_mobile_int8.tflite"


def test_files_by_turns_on_this_machine(tmp_path):
    files = {"one": models.gain_file(tmp_path / "one.onnx", 2.0), "two": models.gain_file(tmp_path / "two.onnx", 3.0)}
    found = costs(files, ["host"], runs=4)
    (one,), (two,) = found["one"], found["two"]
    assert (one.ratio, one.low) == (1.0, None)
    assert two.value > 0
    assert two.low <= two.high
    assert one.remarks, "four runs are too few to be trusted, and that is said"


@pytest.mark.skipif(not is_installed(), reason="needs the extra 'npu'")
@pytest.mark.slow
def test_vela_tells_frames_a_second_and_cycles_as_a_ratio():
    (first,), (second,) = costs({"a": SHIPPED, "b": SHIPPED}, ["ethos-u65-512"]).values()
    assert first.measures == "frames a second, estimated by Vela"
    assert first.value == second.value > 1
    assert second.ratio == 1.0


def test_a_target_without_such_figures_is_refused():
    with pytest.raises(UsageError):
        costs({"a": SHIPPED}, ["typewriter"])
