"""`redmobile npu`: what is printed, and with which code it ends."""

import importlib.util
import json
import shutil
import sys

import numpy as np
import pytest

from redmobile import cli
from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.npu.rules import find_rules

needs_vela = pytest.mark.skipif(importlib.util.find_spec("ethosu") is None, reason="ethos-u-vela is not installed: pip install 'redmobile[npu]'")
Q = Quantization.per_tensor(0.05, 0)


def write(path, *kinds):
    """A chain of operators that keep the shape, DEPTH_TO_SPACE apart."""
    tensors = [Tensor("image", (1, 8, 8, 4), "int8", quantization=Q)]
    operators = []
    for number, kind in enumerate(kinds):
        shape, options = ((1, 16, 16, 1), {"block_size": 2}) if kind == "DEPTH_TO_SPACE" else (tensors[-1].shape, {})
        tensors.append(Tensor(f"{kind.lower()}_{number}", shape, "int8", quantization=Q))
        extra = [Tensor.constant("one", np.ones((), np.int8), Q)] if kind == "ADD" else []
        operators.append(Operator(kind, [tensors[-2], *extra], [tensors[-1]], options))
    path.write_bytes(write_tflite(TfliteModel(operators, tensors[:1], tensors[-1:])))


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Arguments → (exit code, stdout, stderr), from a folder with good.tflite and shuffle.tflite."""
    write(tmp_path / "good.tflite", "ADD", "HARD_SWISH")
    write(tmp_path / "shuffle.tflite", "ADD", "DEPTH_TO_SPACE")
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["redmobile", "npu", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


def test_a_file_that_is_taken_ends_with_0(call):
    code, out, err = call("good.tflite", "--for", "ethos_u65", "--rules-only")
    assert (code, err) == (0, "")
    assert "2 operators: 2 delegated; 1 partition on NPU" in out
    assert "Peak of activations" in out


def test_a_fallback_ends_with_9_and_its_sentence(call):
    code, out, err = call("shuffle.tflite", "--for", "ethos_u65", "--rules-only")
    assert code == 9
    assert "Vela does not know DEPTH_TO_SPACE" in out
    assert "1 delegated, 1 fall back" in out
    assert "1 of 2 operators fall back from ethos_u65: DEPTH_TO_SPACE 'depth_to_space_1'" in err
    assert len(err.splitlines()) == 1


def test_a_fallback_can_be_allowed(call):
    code, out, err = call("shuffle.tflite", "--for", "ethos_u65", "--rules-only", "--allow-fallback")
    assert (code, err) == (0, "")
    assert "Advice: Convert with --with ethos_u65" in out


def test_json_stays_json_on_a_fallback(call):
    code, out, _ = call("shuffle.tflite", "--for", "mediatek_apu", "--json")
    assert code == 9
    assert json.loads(out)["counts"] == {"delegated": 1, "falls back": 1}


@needs_vela
def test_vela_is_asked_and_its_estimate_labelled(call, tmp_path):
    code, out, _ = call("good.tflite", "--for", "ethos_u65", "--config", "ethos-u65-256", "--keep", "kept", "--json")
    estimate = json.loads(out)["estimate"]
    assert (code, estimate["config"], estimate["cpu"]) == (0, "ethos-u65-256", [])
    assert (tmp_path / "kept" / "good_vela.log").is_file()
    assert "Vela's estimate for ethos-u55-128" in call("good.tflite", "--for", "ethos_u55", "--config", "ethos-u55-128")[1]


@needs_vela
def test_vela_stopped_at_a_limit_is_a_failed_tool(call, tmp_path):
    code, out, err = call("good.tflite", "--for", "ethos_u65", "--timeout", "0.1", "--keep", "kept")
    assert (code, out) == (8, "")
    assert "did not end within 0.1 s" in err
    assert (tmp_path / "kept" / "good_vela.log").is_file()


def test_without_a_file_the_rules_are_shown(call):
    code, out, _ = call("--for", "ethos_u55")
    assert code == 0
    assert "Strides of TRANSPOSE_CONV must be 1×1, 2×2." in out
    assert "Probed with ethos-u-vela" in out
    assert json.loads(call("--for", "edge_tpu", "--json")[1])["listing"]["unlisted"] == "falls_back"


@pytest.mark.slow
def test_a_probe_that_agrees_ends_with_0_and_one_that_does_not_with_9(call, tmp_path, monkeypatch):
    folder = tmp_path / "converters" / "npu_rules"
    folder.mkdir(parents=True)
    shutil.copy(find_rules("xnnpack"), folder)
    monkeypatch.setenv("REDMOBILE_SHELF", str(tmp_path))
    assert call("--probe", "xnnpack")[0] == 0
    table = folder / "xnnpack.toml"
    whole = table.read_text()
    table.write_text(whole.replace("taken = true", "taken = false", 1))
    code, out, err = call("--probe", "xnnpack")
    assert code == 9
    assert "left before, taken now" in out
    assert "out of date in 1 place" in err
    code, out, _ = call("--probe", "xnnpack", "--write", "--json")
    assert (code, len(json.loads(out)["changes"])) == (0, 1)
    assert call("--probe", "xnnpack")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["good.tflite"], 2, "--for TARGET"),
        (["good.tflite", "--for", "ethos_u99"], 10, "Unknown NPU target 'ethos_u99'"),
        (["good.tflite", "--for", "ethos_u65", "--config", "ethos-u55-256"], 2, "is none of ethos_u65"),
        (["good.tflite", "--for", "nnapi", "--config", "ethos-u55-256"], 2, "--config: only for"),
        (["none.tflite", "--for", "nnapi"], 10, "no such file"),
        (["--probe", "nnapi"], 2, "cannot be probed"),
    ],
)
def test_each_mistake_is_one_line_and_its_code(call, arguments, code, says):
    ended, out, err = call(*arguments)
    assert (ended, out) == (code, "")
    assert says in err
    assert "Traceback" not in err


def test_help_shows_examples(call):
    code, out, _ = call("--help")
    assert code == 0
    assert "redmobile npu red_mobile_int8.tflite --for ethos_u65" in out
