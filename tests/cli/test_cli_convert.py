"""`redmobile convert`: what is printed and written, and with which code it ends."""

import json
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from redmobile import cli
from redmobile.graph.tflite_read import read_tflite


def write_onnx(path, shape=(1, 3, 32, 48)):
    weights = np.random.default_rng(0).normal(0, 0.3, (3, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["a", "zero", "one"], ["enhanced"]),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name in ("image", "enhanced")]
    constants = {"w": weights, "zero": np.array(0, np.float32), "one": np.array(1, np.float32)}
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:], initializers), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, path)


@pytest.fixture
def files(tmp_path):
    """Folder of net.onnx, photos/ (three pictures) and empty/."""
    write_onnx(tmp_path / "net.onnx")
    write_onnx(tmp_path / "dynamic.onnx", (1, 3, "height", 48))
    (tmp_path / "photos").mkdir()
    (tmp_path / "empty").mkdir()
    for index in range(3):
        picture = np.random.default_rng(index).integers(0, 80 * (index + 1), (32, 48, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "photos" / f"{index}.png"), picture)
    (tmp_path / "cut.onnx").write_bytes((tmp_path / "net.onnx").read_bytes()[:200])
    (tmp_path / "odd.toml").write_text('says = "x"\nspeed = 3\n')
    return tmp_path


@pytest.fixture
def call(files, monkeypatch, capsys):
    """Arguments → (exit code, stdout, stderr), from within the folder."""
    monkeypatch.chdir(files)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["redmobile", "convert", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


def test_int8_with_a_table_for_people(call, files):
    code, out, err = call("net.onnx", "--with", "litert_int8", "--calibrate", "photos", "--out", "net.tflite")
    assert (code, err) == (0, "")
    assert "net.tflite" in out
    assert "CONV_2D" in out
    assert "1 XNNPACK partition" in out
    assert "Calibrated with 3 pictures" in out
    assert read_tflite((files / "net.tflite").read_bytes()).inputs[0].dtype == "int8"


def test_json_says_it_all(call):
    code, out, _ = call(
        "net.onnx", "--with", "litert_int8", "--calibrate", "photos", "--samples", "2", "--io", "uint8", "--out", "a.tflite", "--json"
    )
    result = json.loads(out)
    assert code == 0
    assert result["file"] == "a.tflite"
    assert result["xnnpack"]["partitions"] == 1
    assert list(result["calibration"]) == ["0.png", "2.png"]
    assert result["quantization"]["stages"]["frames"] == 2
    assert "uint8" in result["inputs"][0]


@pytest.mark.parametrize("recipe", ["litert_fp32", "litert_fp16", "litert_int16x8"])
def test_the_other_recipes(call, files, recipe):
    code, out, _ = call("net.onnx", "--with", recipe, "--calibrate", "photos", "--out", "net.tflite")
    assert code == 0
    assert recipe in out
    assert (files / "net.tflite").is_file()


def test_a_model_on_the_shelf_brings_its_own_pictures(call, files, monkeypatch):
    folder = files / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text("")
    write_onnx(folder / "mine.onnx")
    (files / "photos").rename(folder / "calibration")
    monkeypatch.setenv("REDMOBILE_SHELF", str(files))
    code, _, err = call("mine", "--with", "litert_int8", "--out", "mine.tflite")
    assert code == 0
    assert "Calibrating with the pictures in" in err
    assert call("mine", "--with", "litert_fp32", "--out", "mine.tflite")[2] == ""


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["net.onnx", "--with", "litert_int8"], 2, "--calibrate DIR"),
        (["net.onnx", "--with", "litert_fp32", "--io", "int8"], 2, "does not quantize"),
        (["net.onnx", "--with", "litert_int8", "--io", "int4", "--calibrate", "photos"], 2, "int4"),
        (["net.onnx", "--with", "odd.toml"], 3, "speed"),
        (["./odd.toml", "--with", "litert_fp32"], 10, "odd"),
        (["dynamic.onnx", "--with", "litert_fp32"], 4, "height"),
        (["none.onnx", "--with", "litert_fp32"], 10, "no such file"),
        (["photos.onnx", "--with", "litert_fp32"], 10, "photos.onnx"),
        (["cut.onnx", "--with", "litert_fp32"], 10, "cut.onnx"),
        (["nobody", "--with", "litert_fp32"], 10, "Unknown model"),
        (["net.onnx", "--with", "litert_int9"], 10, "Unknown converter"),
        (["net.onnx", "--with", "litert_int8", "--calibrate", "empty"], 10, "holds no pictures"),
        (["net.onnx", "--with", "litert_int8", "--calibrate", "nowhere"], 10, "no such file or folder"),
    ],
)
def test_each_mistake_is_one_line_and_its_code_and_leaves_nothing(call, files, arguments, code, says):
    (files / "photos.onnx").mkdir()
    ended, out, err = call(*arguments, "--out", "made.tflite")
    assert (ended, out) == (code, "")
    assert says in err
    assert "Traceback" not in err
    assert not (files / "made.tflite").exists()


def test_a_folder_as_output_is_refused(call):
    code, _, err = call("net.onnx", "--with", "litert_fp32", "--out", "empty")
    assert code == 11
    assert "is a folder" in err


def test_a_kill_leaves_an_older_file_whole_and_no_new_one(files):
    (files / "net.tflite").write_bytes(b"older")
    arguments = ["net.onnx", "--with", "litert_int8", "--calibrate", "photos", "--out", "net.tflite"]
    process = subprocess.Popen([sys.executable, "-m", "redmobile", "convert", *arguments], cwd=files)
    time.sleep(1.0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    content = (files / "net.tflite").read_bytes()
    assert content == b"older" or read_tflite(content).inputs[0].dtype == "int8"


def test_help_shows_examples(call):
    code, out, _ = call("--help")
    assert code == 0
    assert "redmobile convert red_mobile --with litert_int8" in out


def test_coverage_is_told_and_a_lock_written_and_taken(call, files):
    code, out, err = call("net.onnx", "--with", "litert_int8", "--calibrate", "photos", "--lock", "net.lock", "--out", "net.tflite")
    assert (code, err) == (0, "")
    assert "(darkest)" in out
    assert "From every other frame alone, ranges change by" in out
    assert json.loads((files / "net.lock").read_text())["source"] == "photos"
    code, out, _ = call("net.onnx", "--with", "litert_int8", "--calibrate", "net.lock", "--out", "again.tflite", "--json")
    assert code == 0
    assert json.loads(out)["coverage"]["frames"] == 3
    assert (files / "again.tflite").read_bytes() == (files / "net.tflite").read_bytes()
    (files / "photos" / "1.png").unlink()
    code, out, err = call("net.onnx", "--with", "litert_int8", "--calibrate", "net.lock", "--out", "third.tflite")
    assert (code, out) == (10, "")
    assert "1.png is missing" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--with", "litert_fp32", "--lock", "net.lock"], "nothing to lock"),
        (["--with", "litert_int8", "--calibrate", "photos", "--lock", "net.json"], "must end with .lock"),
    ],
)
def test_a_lock_that_makes_no_sense_is_refused_before_anything_is_written(call, files, arguments, says):
    code, _, err = call("net.onnx", *arguments, "--out", "net.tflite")
    assert code == 2
    assert says in err
    assert not (files / "net.tflite").exists()
