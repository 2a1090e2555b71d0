"""`redmobile data preview`: a sheet of every degradation, and one-line refusals."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest


def _run(*arguments):
    return subprocess.run([sys.executable, "-m", "redmobile", "data", "preview", *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(5):
        cv2.imwrite(str(folder / f"{index}.png"), np.random.default_rng(index).integers(0, 256, (60, 80, 3), np.uint8))
    return folder


def test_the_sheet_shows_every_degradation_and_is_the_same_for_the_same_seed(photos, tmp_path):
    first = _run(photos, "--out", tmp_path / "a.png", "--height", 48, "--rows", 2, "--json")
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert len(told["photos"]) == 2
    assert {"clean", "gaussian blur", "motion blur", "low light", "old photo", "medical contrast", "jpeg", "low resolution"} <= set(told["columns"])
    sheet = cv2.imread(str(tmp_path / "a.png"))
    assert sheet.shape[0] > 2 * 48
    assert sheet.shape[1] > len(told["columns"]) * 64
    assert _run(photos, "--out", tmp_path / "b.png", "--height", 48, "--rows", 2).returncode == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--degrade", "rain"], 2, "Unknown degradation 'rain'"),
        (["--out", "sheet.txt"], 2, "must end with"),
    ],
)
def test_bad_input_is_one_line(photos, tmp_path, more, code, words):
    found = _run(photos, "--out", tmp_path / "sheet.png", *more)
    assert found.returncode == code, found.stderr
    assert words in found.stderr
    assert "Traceback" not in found.stderr


def test_a_folder_without_pictures_is_told(tmp_path):
    found = _run(tmp_path, "--out", tmp_path / "sheet.png")
    assert found.returncode == 10
    assert "holds no pictures" in found.stderr
