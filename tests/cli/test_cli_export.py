"""`redmobile export`."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="needs the extra 'torch'")


def _export(*arguments, cwd):
    return subprocess.run([sys.executable, "-m", "redmobile", "export", *arguments], capture_output=True, text=True, check=False, cwd=cwd)


@pytest.mark.slow
def test_export_writes_the_file_and_says_so(tmp_path):
    found = _export("red_mobile", "--size", "64x64", "--out", "net.onnx", "--json", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    about = json.loads(found.stdout)
    assert about["bytes"] == (tmp_path / "net.onnx").stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["red_mobile", "--out", "net.onnx", "--size", "100x100"], 2, "multiples of 64"),
        (["red_mobile", "--out", "net.onnx", "--weights", "absent.safetensors"], 10, "absent.safetensors: no such file"),
        (["red_mobile", "--out", ".", "--size", "64x64"], 11, "is a folder"),
        (["red_mobile"], 2, "Missing option"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(arguments, code, words, tmp_path):
    found = _export(*arguments, cwd=tmp_path)
    assert found.returncode == code, found.stderr
    assert words in found.stderr
    assert "Traceback" not in found.stderr
    assert list(tmp_path.iterdir()) == []
