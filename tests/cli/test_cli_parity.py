"""`redmobile parity`: what is printed and written, and with which code it ends."""

import json
import sys
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import pytest

from redmobile import cli
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite


def write_network(path, kind, width=48):
    x, y = (Tensor(name, (1, 32, width, 3), "float32") for name in ("image", "enhanced"))
    path.write_bytes(write_tflite(TfliteModel([Operator(kind, [x], [y])], [x], [y])))
    return path


@pytest.fixture
def files(tmp_path):
    """Folder of a.tflite, b.tflite (another function), photos/dark.png and one converter a gate."""
    write_network(tmp_path / "a.tflite", "RELU")
    write_network(tmp_path / "b.tflite", "LOGISTIC")
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "dark.png"), np.arange(40 * 50 * 3, dtype=np.uint32).reshape(40, 50, 3).astype(np.uint8) // 3)
    (tmp_path / "litert_int8.toml").write_text('says = "x"\n[quantize]\n[[gate]]\nmetric = "psnr"\nagainst = "float"\nthreshold = 40\n')
    return tmp_path


@pytest.fixture
def call(files, monkeypatch, capsys):
    """Arguments → (exit code, stdout, stderr), from within the folder."""
    monkeypatch.chdir(files)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["redmobile", "parity", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


def junit(folder):
    return ET.parse(folder / "p.xml").getroot()  # noqa: S314  we have just written it


COMMON = ("--images", "photos", "--with", "./litert_int8.toml", "--threads", "1")


def test_passed(call, files):
    code, out, err = call("a.tflite", "--float", "a.tflite", *COMMON, "--sheet", "worst.png", "--junit", "p.xml", "--out", "p.json")
    assert code == 0
    assert err == ""
    assert "float → int8" in out
    assert "Gate passed: psnr against float >= 40 dB" in out
    assert cv2.imread(str(files / "worst.png")) is not None
    assert junit(files).tag == "testsuites"
    assert json.loads((files / "p.json").read_text())["passed"] is True


def test_a_failed_gate_ends_with_5_after_everything_was_written(call, files):
    code, out, err = call("b.tflite", "--float", "a.tflite", *COMMON, "--sheet", "worst.png", "--junit", "p.xml")
    assert code == 5
    assert "Gate failed: psnr against float >= 40 dB" in out
    assert err.startswith("redmobile: b.tflite: 1 of 1 gates failed: psnr against float >= 40 dB: ")
    assert err.count("\n") == 1
    assert (files / "worst.png").exists()
    assert junit(files).find("testsuite").get("failures") == "1"


def test_a_finding_ends_with_5_without_numbers(call, files):
    write_network(files / "b.tflite", "RELU", width=40)
    code, out, err = call("b.tflite", "--float", "a.tflite", *COMMON, "--sheet", "worst.png")
    assert code == 5
    assert "Finding: int8: image: 1×32×40×3 float32 NHWC is 32×40, the stage before has 32×48." in out
    assert "Over 1 pictures" not in out
    assert "the stage before has 32×48" in err
    assert not (files / "worst.png").exists()


def test_no_gate_that_can_be_judged_ends_with_5(call, files):
    (files / "litert_int8.toml").write_text('says = "x"\n[quantize]\n[[gate]]\nmetric = "psnr"\nagainst = "onnx"\nthreshold = 40\n')
    code, _, err = call("a.tflite", "--float", "a.tflite", *COMMON)
    assert code == 5
    assert "no gate could be judged: onnx is not there: no ONNX file was given" in err


def test_json(call):
    code, out, _ = call("a.tflite", "--float", "a.tflite", *COMMON, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["pairs"][0]["pooled"] == {"psnr": "inf", "ssim": pytest.approx(1, abs=1e-5), "max_difference": 0, "mean_difference": 0}


def test_truth(call, files):
    (files / "high").mkdir()
    cv2.imwrite(str(files / "high" / "dark.png"), cv2.imread(str(files / "photos" / "dark.png")))
    code, out, _ = call("a.tflite", "--float", "a.tflite", *COMMON, "--truth", "high")
    assert code == 0
    assert "From float to int8: +0.000 dB" in out.replace("-0.000", "+0.000")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("a.tflite", *COMMON), 2, "nothing to compare it with"),
        (("gone.tflite", "--float", "a.tflite", *COMMON), 10, "gone.tflite: no such file."),
        (("a.tflite", "--float", "a.tflite", "--images", "gone"), 10, "gone: no such file or folder."),
        (("a.tflite", "--float", "a.tflite", "--images", "photos", "--with", "litert_int3"), 10, "Unknown converter 'litert_int3'"),
        (("litert_int8.toml", "--images", "photos"), 10, "litert_int8"),
    ],
)
def test_errors_are_one_line_with_their_code(call, arguments, code, said):
    found, out, err = call(*arguments)
    assert (found, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_truncated_file_is_one_line(call, files):
    whole = (files / "a.tflite").read_bytes()
    (files / "cut.tflite").write_bytes(whole[: len(whole) // 2])
    code, _, err = call("cut.tflite", "--float", "a.tflite", *COMMON)
    assert code == 10
    assert "cut.tflite" in err
    assert err.count("\n") == 1


def test_a_broken_picture_is_named(call, files):
    (files / "photos" / "broken.png").write_bytes((files / "photos" / "dark.png").read_bytes()[:60])
    code, _, err = call("a.tflite", "--float", "a.tflite", *COMMON)
    assert code == 10
    assert "broken.png" in err


def test_several_files_are_compared_output_by_output(call, files):
    code, out, err = call("a.tflite", "b.tflite", "a.tflite", "--frames", "photos", "--out", "p.json")
    assert (code, err) == (0, "")
    assert "a.tflite (1) → b.tflite, over 1 frames" in out
    assert "enhanced" in out
    assert "worst: dark.png" in out
    pairs = json.loads((files / "p.json").read_text())["pairs"]
    assert [len(pair["outputs"]) for pair in pairs] == [1, 1]
    assert pairs[0]["outputs"][0]["figures"]["sqnr"] < 10


def test_several_files_as_json(call):
    code, out, _ = call("a.tflite", "a.tflite", "--frames", "photos", "--json", "--input-range", "-1", "1", "--least-sqnr", "90")
    found = json.loads(out)
    assert code == 0
    assert found["pairs"][0]["outputs"][0]["figures"]["sqnr"] == "inf"
    assert found["input_range"] == [-1, 1]


def test_an_output_below_the_least_ends_with_5(call):
    code, out, err = call("a.tflite", "b.tflite", "--frames", "photos", "--least-sqnr", "30")
    assert code == 5
    assert "a.tflite → b.tflite" in out
    assert err.startswith("redmobile: Below 30 dB: 'enhanced' of b.tflite: ")
    assert err.count("\n") == 1


def test_files_that_do_not_fit_end_with_5(call, files):
    write_network(files / "b.tflite", "RELU", width=40)
    code, out, err = call("a.tflite", "b.tflite", "--frames", "photos")
    assert code == 5
    assert "Finding: b.tflite: inputs: image: 1×32×40×3 float32 NHWC does not fit" in out
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.tflite", "b.tflite", "--onnx", "a.onnx", "--sheet", "s.png"), "--onnx, --sheet: goes with one TARGET, not with 2"),
        (("a.tflite", "--float", "b.tflite", "--least-sqnr", "30"), "--least-sqnr: goes with several files, not with 1"),
    ],
)
def test_options_of_the_other_kind_are_refused(call, arguments, said):
    code, out, err = call(*arguments, "--frames", "photos")
    assert (code, out) == (2, "")
    assert said in err


def test_layers_are_told_plotted_and_written(call, files):
    code, out, err = call("a.tflite", "b.tflite", "--frames", "photos", "--layers", "--layer-plot", "layers.png", "--out", "p.json")
    assert (code, err) == (0, "")
    assert "Layers of a.tflite → b.tflite, on 1 frames" in out
    assert "First bad layer: enhanced (LOGISTIC); worst: enhanced (LOGISTIC, " in out
    assert cv2.imread(str(files / "layers.png")).shape == (560, 1500, 3)
    (pair,) = json.loads((files / "p.json").read_text())["layers"]
    assert pair["first_bad"] == "enhanced"
    code, out, _ = call("a.tflite", "--float", "a.tflite", *COMMON, "--layers", "--json")
    assert code == 0
    assert json.loads(out)["layers"][0]["first_bad"] is None


def test_layers_that_are_equal_are_good(call):
    _, out, _ = call("a.tflite", "a.tflite", "--frames", "photos", "--layers")
    assert "No layer is bad; the lowest signal-to-noise ratio is inf dB at enhanced." in out


def test_a_picture_of_layers_needs_layers(call, files):
    code, _, err = call("a.tflite", "b.tflite", "--frames", "photos", "--layer-plot", "layers.png")
    assert code == 2
    assert "without --layers" in err
    assert not (files / "layers.png").exists()


def test_frames_that_calibrated_end_with_2_unless_allowed(call, files):
    from redmobile.core.artifact import sha256_file

    lock = {"dark.png": sha256_file(files / "photos" / "dark.png")}
    x, y = (Tensor(name, (1, 32, 48, 3), "float32") for name in ("image", "enhanced"))
    metadata = {"redmobile.calibration": json.dumps(lock).encode()}
    (files / "b.tflite").write_bytes(write_tflite(TfliteModel([Operator("RELU", [x], [y])], [x], [y], metadata=metadata)))
    for arguments in (("b.tflite", "--float", "a.tflite", *COMMON), ("a.tflite", "b.tflite", "--frames", "photos")):
        code, out, err = call(*arguments)
        assert (code, out) == (2, "")
        assert "was calibrated with 1 of the 1 frames it should be judged by: dark.png." in err
        assert call(*arguments, "--allow-calibration-frames")[0] == 0
