"""Frames that calibrated a file do not judge it."""

import json
import shutil

import numpy as np
import pytest

from redmobile.core.artifact import sha256_file
from redmobile.data.calibration import CALIBRATION_ENTRY
from redmobile.data.frame_sources import hash_frames
from redmobile.errors import InputError, UsageError
from redmobile.parity.check import check_parity
from redmobile.parity.files import check_files


@pytest.fixture
def calibrated(network, photos, writers):
    """net_int8.tflite says that two of the three pictures have calibrated it."""
    lock = {name: sha256_file(photos / name) for name in ("small.png", "whole.png")}
    writers[1](network / "net_int8.tflite", metadata={CALIBRATION_ENTRY: json.dumps(lock).encode()})
    return network


def test_pictures_that_calibrated_are_refused_by_name(calibrated, photos):
    said = r"net_int8\.tflite: was calibrated with 2 of the 3 frames it should be judged by: small\.png, whole\.png\. .*--allow-calibration-frames"
    with pytest.raises(UsageError, match=said):
        check_parity(str(calibrated / "net_int8.tflite"), photos, onnx=calibrated / "net.onnx")
    with pytest.raises(UsageError, match=said):
        check_files([calibrated / "net.onnx", calibrated / "net_int8.tflite"], photos)


def test_whoever_insists_may(calibrated, photos):
    result = check_parity(str(calibrated / "net_int8.tflite"), photos, onnx=calibrated / "net.onnx", allow_calibration_frames=True).result
    assert len(result.images) == 3
    result = check_files([calibrated / "net.onnx", calibrated / "net_int8.tflite"], photos, allow_calibration_frames=True)
    assert len(result.frames) == 3


def test_a_picture_under_another_name_is_recognized(calibrated, photos):
    other = photos.parent / "other"
    other.mkdir()
    shutil.copy(photos / "large.png", other / "large.png")
    check_files([calibrated / "net.onnx", calibrated / "net_int8.tflite"], other)
    shutil.copy(photos / "small.png", other / "renamed.png")
    with pytest.raises(UsageError, match=r"with 1 of the 2 frames .*: renamed\.png\."):
        check_files([calibrated / "net.onnx", calibrated / "net_int8.tflite"], other)


def test_arrays_are_recognized_too(network, writers, tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "frames.npz", image=rng.integers(0, 256, (9, 32, 48, 3), np.uint8))
    writers[1](network / "net_int8.tflite", metadata={CALIBRATION_ENTRY: json.dumps(hash_frames(tmp_path / "frames.npz")).encode()})
    with pytest.raises(UsageError, match=r"with 9 of the 9 frames .*frames\.npz#4 and 4 more\."):
        check_files([network / "net.onnx", network / "net_int8.tflite"], tmp_path / "frames.npz")


def test_a_damaged_lock_is_said(network, writers, photos):
    writers[1](network / "net_int8.tflite", metadata={CALIBRATION_ENTRY: b"{"})
    with pytest.raises(InputError, match=r"its metadata entry 'redmobile\.calibration' cannot be read"):
        check_files([network / "net.onnx", network / "net_int8.tflite"], photos)
