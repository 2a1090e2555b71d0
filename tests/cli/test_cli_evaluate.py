"""`redmobile evaluate`, as a user calls it."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from redmobile.data.frames import Image, write_image

_spec = importlib.util.spec_from_file_location("enhance_models", Path(__file__).parents[1] / "enhance" / "enhance_models.py")
models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(models)


def _run(*arguments):
    return subprocess.run([sys.executable, "-m", "redmobile", "evaluate", *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path):
    """A network that doubles, a peer that triples, and pairs whose low is half of high."""
    models.gain_file(tmp_path / "double.onnx", 2.0)
    models.gain_file(tmp_path / "triple.onnx", 3.0)
    for index in range(3):
        half = models.photo_like(50, 70, index) // 2
        for part, frame in (("low", half), ("high", np.minimum(half * 2 + 3, 255).astype(np.uint8))):
            write_image(tmp_path / "pairs" / part / f"{index}.png", Image(frame))
    return tmp_path


def test_pairs_beside_a_peer(folder):
    files = ["--sheet", folder / "sheet.jpg", "--out", folder / "quality.json", "--noise", 1, "--noise-curve", folder / "noise.png"]
    done = _run(folder / "double.onnx", "--pairs", folder / "pairs", "--peer", folder / "triple.onnx", *files, "--banding", "--flicker", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found == json.loads((folder / "quality.json").read_text())
    double, triple = found["figures"]
    assert double["after"]["psnr"] > triple["after"]["psnr"] + 5
    assert [subject["name"] for subject in found["subjects"]] == ["double", "triple"]
    assert len(found["noise"]) == 7
    assert len(found["banding"]) == len(found["flicker"]) == 2
    assert (folder / "sheet.jpg").is_file()
    assert (folder / "noise.png").is_file()


def test_words_for_people(folder):
    done = _run(folder / "double.onnx", "--photos", folder / "pairs" / "high", "--degrade", "blur", "--degrade", "nothing", "--flicker")
    assert (done.returncode, done.stderr) == (0, "")
    assert "condition" in done.stdout
    assert "blur" in done.stdout
    assert "flicker, double: brightness" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["double.onnx"], 2, "either --pairs DIR"),
        (["double.onnx", "--pairs", "absent"], 10, "no such folder"),
        (["double.onnx", "--photos", "pairs/high", "--degrade", "rain"], 2, "Unknown degradation 'rain'"),
        (["absent.onnx", "--pairs", "pairs"], 10, "absent.onnx: no such file"),
        (["double.onnx", "--peer", "double.onnx", "--pairs", "pairs"], 2, "have one name"),
    ],
)
def test_bad_input_is_one_line(folder, arguments, code, words, monkeypatch):
    monkeypatch.chdir(folder)
    found = _run(*arguments)
    assert found.returncode == code, found.stderr
    assert words in found.stderr
    assert "Traceback" not in found.stderr
