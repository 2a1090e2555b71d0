"""The GitHub Action: valid by GitHub's schemas, and its scripts do what they say with real files."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite

ROOT = Path(__file__).parents[2]
ACTION = (ROOT / "action.yml").read_text()
needs_vela = pytest.mark.skipif(importlib.util.find_spec("ethosu") is None, reason="ethos-u-vela is not installed: pip install 'redmobile[npu]'")
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash on this machine")


@pytest.mark.parametrize(("schema", "file"), [("vendor.github-actions", "action.yml"), ("vendor.github-workflows", ".github/workflows/model.yml")])
def test_it_is_valid_by_githubs_schema(schema, file):
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed: pip install 'redmobile[dev]'")
    ended = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, ROOT / file], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout


def test_every_input_is_used_and_no_other():
    declared = set(re.findall(r"^  ([\w-]+):\n    description", ACTION.partition("\noutputs:")[0], re.MULTILINE))
    assert set(re.findall(r"inputs\.([\w-]+)", ACTION)) == declared
    given = set(re.findall(r"^          ([\w-]+): ", (ROOT / ".github/workflows/model.yml").read_text().partition("with:")[2], re.MULTILINE))
    assert given <= declared


def test_no_text_from_outside_is_pasted_into_a_script():
    for script in re.findall(r"run: (.*(?:\n {8}.*)*)", ACTION):
        assert "${{" not in script


def write_chain(path, layers):
    """So many 1×1 convolutions, INT8."""
    codes = Quantization.per_tensor(1 / 255, -128)
    tensors = [Tensor(f"t{number}", (1, 16, 24, 3), "int8", quantization=codes) for number in range(layers + 1)]
    scale = np.full(3, 1 / 127, np.float32)
    weights = Tensor.constant("w", np.eye(3, dtype=np.int8).reshape(3, 1, 1, 3) * 127, Quantization.per_channel(scale, 0))
    bias = Tensor.constant("b", np.zeros(3, np.int32), Quantization.per_channel(scale / 255, 0))
    options = {"padding": "SAME", "stride_w": 1, "stride_h": 1}
    operators = [Operator("CONV_2D", [tensors[at], weights, bias], [tensors[at + 1]], options) for at in range(layers)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write_tflite(TfliteModel(operators, tensors[:1], tensors[-1:])))
    return path


def write_network(folder):
    """A small ONNX network that brightens, and a picture."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3, 16, 24)) for name in ("image", "enhanced")]
    weights = numpy_helper.from_array(np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1) * 2, "w")
    graph = helper.make_graph([helper.make_node("Conv", ["image", "w"], ["enhanced"])], "g", values[:1], values[1:], [weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), folder / "small.onnx")
    (folder / "photos").mkdir()
    cv2.imwrite(str(folder / "photos" / "night.png"), np.random.default_rng(0).integers(0, 100, (16, 24, 3)).astype(np.uint8))


@pytest.fixture
def run(tmp_path):
    """A script of action/ with these variables, in a folder of its own → (exit code, what it said, what it told GitHub)."""
    launcher = tmp_path / "bin" / "redmobile"
    launcher.parent.mkdir()
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m redmobile "$@"\n')
    launcher.chmod(0o755)

    def call(script, **variables):
        told = tmp_path / "told"
        told.write_text("")
        path = f"{launcher.parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "GITHUB_OUTPUT": str(told), **variables}
        ended = subprocess.run(
            ["bash", ROOT / "action" / script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        return ended.returncode, ended.stdout + ended.stderr, dict(line.split("=", 1) for line in told.read_text().splitlines())

    call.folder = tmp_path
    return call


@needs_bash
@needs_vela
@pytest.mark.slow
def test_parity_and_a_regression_are_reported_and_told(run):
    folder = run.folder
    write_network(folder)
    convert = [sys.executable, "-m", "redmobile", "convert", "small.onnx", "--with", "litert_fp32", "--out", "small.tflite"]
    subprocess.run(convert, cwd=folder, check=True, capture_output=True)
    code, said, told = run("check.sh", MODEL="small.tflite", ONNX="small.onnx", IMAGES="photos", TARGETS="", OUT="first")
    assert (code, told) == (0, {"failed": "", "report": "first/report.html"}), said
    assert "Passed" in (folder / "first" / "report.md").read_text()

    before, after = write_chain(folder / "before" / "net.tflite", 1), write_chain(folder / "after" / "net.tflite", 4)
    record = [sys.executable, "-m", "redmobile", "bench", "model_latency", "--on", "ethos-u55-128", "--model", before, "--record"]
    subprocess.run(record, cwd=folder, check=True, capture_output=True)
    code, said, told = run("check.sh", MODEL=str(after), TARGETS="ethos-u55-128", OUT="second")
    assert (code, told["failed"]) == (0, "regression"), said
    (change,) = json.loads((folder / "second" / "model_latency-ethos-u55-128-change.json").read_text())
    assert change["outcome"] == "worse"
    assert "❌ Worse" in (folder / "second" / "report.md").read_text()
    assert 'failures="1"' in (folder / "second" / "report.xml").read_text()


@needs_bash
def test_what_is_no_finding_ends_with_its_own_code(run):
    code, said, told = run("check.sh", MODEL="missing.tflite", TARGETS="ethos-u55-128")
    assert (code, told) == (10, {})
    assert "missing.tflite: no such file." in said
    code, said, _ = run("check.sh", MODEL="missing.tflite", TARGETS="")
    assert (code, "Nothing to do" in said) == (2, True)


@needs_bash
def test_emulated_targets_have_their_system_installed_first(run):
    (run.folder / "cache").write_text("no folder: nothing can be installed here")
    code, said, told = run("check.sh", MODEL="missing.tflite", TARGETS="ethos-u55-128 qemu:cortex-a53", REDMOBILE_CACHE=str(run.folder / "cache"))
    assert code in (7, 11), said
    assert "Emulating ARM needs" in said or "cache/emulator: cannot be written" in said
    assert told == {}


GH = """#!/bin/sh
echo "$@" >> calls
case "$*" in
*--paginate*) cat earlier 2>/dev/null || true ;;
*) [ ! -e refuse ] ;;
esac
"""
"""Stands in for GitHub's program, which needs GitHub: notes how it is called."""


@needs_bash
@pytest.mark.parametrize(
    ("earlier", "call"),
    [("", "api --method POST repos/me/net/issues/7/comments"), ("991\n992\n", "api --method PATCH repos/me/net/issues/comments/991")],
)
def test_the_report_is_posted_once_and_then_written_anew(run, earlier, call):
    folder = run.folder
    (folder / "bin" / "gh").write_text(GH)
    (folder / "bin" / "gh").chmod(0o755)
    (folder / "out").mkdir()
    (folder / "out" / "report.md").write_text("<!-- redmobile report -->\n\n## Met\n")
    (folder / "earlier").write_text(earlier)
    code, said, _ = run("comment.sh", OUT="out", REPOSITORY="me/net", PULL_REQUEST="7")
    assert code == 0, said
    looked, posted = (folder / "calls").read_text().splitlines()
    assert 'startswith("<!-- redmobile report -->")' in looked
    assert posted == f"{call} --field body=@out/report.md --silent"
    (folder / "refuse").touch()
    code, said, _ = run("comment.sh", OUT="out", REPOSITORY="me/net", PULL_REQUEST="7")
    assert (code, "::warning title=redmobile::The report could not be posted" in said) == (0, True)
