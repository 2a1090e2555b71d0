"""`redmobile data`: a sheet of every degradation, pairs as files, and one-line refusals."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest


def _run(*arguments, command="preview"):
    return subprocess.run([sys.executable, "-m", "redmobile", "data", command, *map(str, arguments)], capture_output=True, text=True, check=False)


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


def test_pairs_are_written_under_one_name_and_are_the_same_for_the_same_seed(photos, tmp_path):
    made = _run(photos, "--degrade", "medical_contrast", "--out", tmp_path / "a", "--json", command="pairs")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["names"] == ["0", "1", "2", "3", "4"]
    low, high = (cv2.imread(str(tmp_path / "a" / part / "3.png")) for part in ("low", "high"))
    clean = cv2.imread(str(photos / "3.png"))
    assert low.shape == high.shape == clean.shape
    assert np.abs(high - clean.astype(int)).max() > 5, "of this degradation the target is grey"
    assert np.ptp(low) < np.ptp(high)
    assert _run(photos, "--degrade", "medical_contrast", "--out", tmp_path / "b", command="pairs").returncode == 0
    assert (tmp_path / "a" / "low" / "3.png").read_bytes() == (tmp_path / "b" / "low" / "3.png").read_bytes()


def test_pairs_of_what_trains_or_is_held_out(photos, tmp_path):
    (photos / "deep").mkdir()
    cv2.imwrite(str(photos / "deep" / "0.png"), np.zeros((60, 80, 3), np.uint8))
    held = _run(photos, "--degrade", "blur", "--held-out", "--out", tmp_path / "held", "--json", command="pairs")
    assert json.loads(held.stdout)["names"] == ["0", "deep_0"]
    training = _run(photos, "--degrade", "blur", "--training", "--count", 2, "--out", tmp_path / "training", "--json", command="pairs")
    assert json.loads(training.stdout)["names"] == ["1", "3"]


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [(["--degrade", "nonsense"], 2, "nonsense"), (["--degrade", "blur"], 2, "deep_0")],
)
def test_pairs_that_cannot_be_made_are_refused(photos, tmp_path, more, code, words):
    (photos / "deep").mkdir()
    for name in ("deep/0.png", "deep_0.png"):
        cv2.imwrite(str(photos / name), np.zeros((60, 80, 3), np.uint8))
    refused = _run(photos, *more, "--out", tmp_path / "out", command="pairs")
    assert refused.returncode == code
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "out").exists()
