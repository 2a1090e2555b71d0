"""Which images calibrate, and how they are fitted."""

import cv2
import numpy as np
import pytest

from redmobile.core.artifact import sha256_file
from redmobile.data.calibration import fit, load_calibration
from redmobile.errors import InputError, UsageError


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Nine pictures in a folder and one below it."""
    (tmp_path / "more").mkdir()
    for index in range(9):
        cv2.imwrite(str(tmp_path / f"{index}.png"), noise(20, 30, index))
    cv2.imwrite(str(tmp_path / "more" / "z.png"), noise(20, 30, 99))
    return tmp_path


@pytest.mark.parametrize("size", [(7, 9), (20, 30), (33, 17), (100, 200)])
def test_fitting_takes_pixels_as_they_are(size):
    frame = noise(20, 30)
    fitted = fit(frame, *size)
    assert fitted.shape == (*size, 3)
    assert {tuple(pixel) for pixel in fitted.reshape(-1, 3)} <= {tuple(pixel) for pixel in frame.reshape(-1, 3)}


def test_smaller_pictures_are_mirrored_with_their_statistics():
    frame = noise(20, 30)
    fitted = fit(frame, 40, 60)
    np.testing.assert_array_equal(fitted[:20, :30], frame)
    np.testing.assert_array_equal(fitted[20:, :30], frame[::-1])
    np.testing.assert_array_equal(fitted[:20, 30:], frame[:, ::-1])
    np.testing.assert_array_equal(np.bincount(fitted.ravel(), minlength=256), 4 * np.bincount(frame.ravel(), minlength=256))


def test_larger_pictures_are_cut_out_of_the_middle():
    frame = noise(20, 30)
    np.testing.assert_array_equal(fit(frame, 10, 10), frame[5:15, 10:20])


def test_pictures_are_spread_over_the_sorted_names_and_locked(folder):
    chosen = load_calibration(folder, 20, 30, samples=4)
    assert list(chosen.lock) == ["0.png", "3.png", "6.png", "more/z.png"]
    assert chosen.lock["3.png"] == sha256_file(folder / "3.png")
    np.testing.assert_array_equal(chosen.frames[1][..., ::-1], noise(20, 30, 3))
    assert chosen.as_json() == {"images": chosen.lock, "count": 4}


def test_all_are_taken_if_there_are_fewer(folder):
    assert len(load_calibration(folder, 8, 8, samples=32).frames) == 10


def test_one_file_will_do(folder):
    chosen = load_calibration(folder / "5.png", 20, 30)
    assert list(chosen.lock) == ["5.png"]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no pictures"):
        load_calibration(tmp_path, 8, 8)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        load_calibration(tmp_path / "none", 8, 8)


def test_a_broken_picture_is_named(folder):
    (folder / "0.png").write_bytes((folder / "0.png").read_bytes()[:100])
    with pytest.raises(InputError, match=r"0\.png"):
        load_calibration(folder, 8, 8, samples=2)


def test_no_samples_are_refused(folder):
    with pytest.raises(UsageError, match="at least 1"):
        load_calibration(folder, 8, 8, samples=0)
