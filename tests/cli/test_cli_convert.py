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
from redmobile.convert.metadata import read_metadata
from redmobile.graph.tflite_read import read_tflite
from redmobile.runtimes.base import open_runtime


def write_onnx(path, shape=(1, 3, 32, 48), convolutions=1):
    weights = np.random.default_rng(0).normal(0, 0.3, (3, 3, 3, 3)).astype(np.float32)
    names = ("image", "a", "b")
    nodes = [
        *(helper.make_node("Conv", [names[n], "w"], [names[n + 1]], pads=[1, 1, 1, 1]) for n in range(convolutions)),
        helper.make_node("Clip", [names[convolutions], "zero", "one"], ["enhanced"]),
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


@pytest.mark.parametrize("recipe", ["litert_fp32", "litert_fp16", "litert_dynamic", "litert_int16x8", "ethos_u55", "nnapi"])
def test_the_other_recipes(call, files, recipe):
    code, out, _ = call("net.onnx", "--with", recipe, "--calibrate", "photos", "--out", "net.tflite")
    assert code == 0
    assert recipe in out
    assert (files / "net.tflite").is_file()


def test_decisions_are_explained_where_that_is_asked_for(call, files):
    nodes = [
        helper.make_node("SpaceToDepth", ["image"], ["deep"], blocksize=4),
        helper.make_node("DepthToSpace", ["deep"], ["enhanced"], blocksize=4),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 32, 48]) for name in ("image", "enhanced")]
    model = helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:]), opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, files / "shuffle.onnx")
    expected = ["deep: space-to-depth by 4 as row_planes", "enhanced: pixel shuffle by 4 as row_planes"]
    _, out, _ = call("shuffle.onnx", "--with", "litert_fp32", "--out", "a.tflite", "--explain")
    assert [line for line in out.splitlines() if line.startswith("Explained")] == [f"Explained: {line}" for line in expected]
    assert "Explained" not in call("shuffle.onnx", "--with", "litert_fp32", "--out", "a.tflite")[1]
    assert json.loads(call("shuffle.onnx", "--with", "litert_fp32", "--out", "a.tflite", "--json")[1])["explained"] == expected


def test_a_model_on_the_shelf_brings_its_own_pictures(call, files, monkeypatch):
    folder = files / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text("")
    write_onnx(folder / "mine.onnx")
    (files / "photos").rename(folder / "calibration")
    monkeypatch.setenv("REDMOBILE_SHELF", str(files))
    code, _, err = call("mine", "--with", "litert_int8", "--out", "mine.tflite")
    assert code == 0
    assert "Pictures: those in" in err
    assert call("mine", "--with", "litert_fp32", "--out", "mine.tflite")[2] == ""


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["net.onnx", "--with", "litert_int8"], 2, "--calibrate DIR"),
        (["net.onnx", "--with", "litert_fp32", "--io", "int8"], 2, "does not quantize"),
        (["net.onnx", "--with", "litert_int8", "--io", "int4", "--calibrate", "photos"], 2, "int4"),
        (["net.onnx", "--with", "litert_fp32", "--io", "rgba:int8"], 2, "does not quantize"),
        (["net.onnx", "--with", "litert_fp32", "--mean", "grey"], 2, "no numbers between commas"),
        (["net.onnx", "--with", "litert_fp32", "--mean", "1,2"], 2, "one number or three"),
        (["net.onnx", "--with", "odd.toml"], 3, "speed"),
        (["./odd.toml", "--with", "litert_fp32"], 10, "odd"),
        (["dynamic.onnx", "--with", "litert_fp32"], 4, "height"),
        (["none.onnx", "--with", "litert_fp32"], 10, "no such file"),
        (["photos.onnx", "--with", "litert_fp32"], 10, "photos.onnx"),
        (["cut.onnx", "--with", "litert_fp32"], 10, "cut.onnx"),
        (["dynamic.onnx", "--with", "litert_fp32"], 4, "--shape image=N,C,H,W"),
        (["dynamic.onnx", "--with", "litert_fp32", "--shape", "image=1,3,32"], 2, "has 3 sizes"),
        (["dynamic.onnx", "--with", "litert_fp32", "--shape", "image=1x3x32x48"], 2, "is no shape"),
        (["dynamic.onnx", "--with", "litert_fp32", "--shape", "picture=1,3,32,48"], 2, "Inputs: 'image'"),
        (["dynamic.onnx", "--with", "litert_fp32", "--shape", "image=1,3,32,48", "--shape", "image=1,3,8,8"], 2, "twice for 'image'"),
        (["net.onnx", "--with", "litert_fp32", "--outputs", "enhancd"], 2, "Near it: 'enhanced'"),
        (["net.onnx", "--with", "litert_fp32", "--inputs", "a,,b"], 2, "a name is empty"),
        (["net.onnx", "--with", "litert_fp32", "--keep-layout", "nhwc"], 2, "nchw"),
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


def test_sizes_on_the_command_line_make_a_dynamic_network_static(call, files):
    for name in ("image", ""):
        option = f"{name}=1,3,32,48" if name else "1,3,32,48"
        code, _, err = call("dynamic.onnx", "--with", "litert_fp32", "--shape", option, "--out", "fixed.tflite")
        assert (code, err) == (0, "")
        assert read_tflite((files / "fixed.tflite").read_bytes()).outputs[0].shape == (1, 32, 48, 3)


def test_a_part_of_the_network(call, files):
    arguments = ["--inputs", "a", "--outputs", "enhanced", "--shape", "a=1,3,8,8"]
    assert call("net.onnx", "--with", "litert_fp32", *arguments, "--out", "part.tflite")[0] == 0
    model = read_tflite((files / "part.tflite").read_bytes())
    assert [(tensor.name, tensor.shape) for tensor in model.inputs + model.outputs] == [("a", (1, 8, 8, 3)), ("enhanced", (1, 8, 8, 3))]
    assert call("net.onnx", "--with", "litert_fp32", "--outputs", "enhanced,a", "--out", "both.tflite")[0] == 0
    assert [tensor.name for tensor in read_tflite((files / "both.tflite").read_bytes()).outputs] == ["enhanced", "a"]


@pytest.mark.parametrize(("recipe", "dtype"), [("litert_fp32", "float32"), ("litert_int8", "int8")])
def test_a_file_that_keeps_nchw(call, files, recipe, dtype):
    arguments = ["net.onnx", "--with", recipe, "--calibrate", "photos"]
    assert call(*arguments, "--out", "nhwc.tflite")[0] == 0
    code, out, _ = call(*arguments, "--keep-layout", "nchw", "--out", "nchw.tflite")
    assert code == 0
    assert "1×3×32×48" in out
    data = (files / "nchw.tflite").read_bytes()
    assert [port.layout for port in read_metadata(data).inputs + read_metadata(data).outputs] == ["NCHW", "NCHW"]
    picture = np.random.default_rng(5).integers(-128, 128, (1, 3, 32, 48)).astype(dtype)
    (turned,) = open_runtime(files / "nhwc.tflite").run(np.ascontiguousarray(picture.transpose(0, 2, 3, 1)))
    (kept,) = open_runtime(files / "nchw.tflite").run(picture)
    np.testing.assert_array_equal(kept, turned.transpose(0, 3, 1, 2))


def test_rgba_says_what_became_of_alpha(call, files):
    code, out, _ = call("net.onnx", "--with", "litert_int8", "--calibrate", "photos", "--io", "rgba:int8", "--out", "rgba.tflite")
    assert code == 0
    assert "image: 1×32×48×4 int8" in out
    assert "Alpha is added to the result" in out
    assert read_tflite((files / "rgba.tflite").read_bytes()).outputs[0].shape == (1, 32, 48, 4)


def test_normalisation_and_order_of_colours(call, files):
    options = ("--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225", "--input-order", "bgr")
    code, out, _ = call("net.onnx", "--with", "litert_fp32", *options, "--out", "plain.tflite", "--json")
    assert code == 0
    report = json.loads(out)
    assert report["operators"] == {"ADD": 1, "CONV_2D": 1, "MINIMUM": 1}
    assert report["remarks"]
    metadata = read_metadata((files / "plain.tflite").read_bytes())
    assert metadata.adapted == "BGR, mean 0.485,0.456,0.406, std 0.229,0.224,0.225"


def write_qdq(path):
    """A 1×1 convolution between pairs of QuantizeLinear and DequantizeLinear."""
    constants = {"w": np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1), "s": np.float32(1 / 255), "z": np.uint8(0)}
    nodes = [
        helper.make_node("QuantizeLinear", ["image", "s", "z"], ["a"]),
        helper.make_node("DequantizeLinear", ["a", "s", "z"], ["b"]),
        helper.make_node("Conv", ["b", "w"], ["c"]),
        helper.make_node("QuantizeLinear", ["c", "s", "z"], ["d"]),
        helper.make_node("DequantizeLinear", ["d", "s", "z"], ["enhanced"]),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 32, 48]) for name in ("image", "enhanced")]
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:], initializers), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, path)


def test_a_network_with_its_own_scales_is_converted_without_pictures(call, files):
    write_qdq(files / "qdq.onnx")
    code, out, _ = call("qdq.onnx", "--with", "litert_int8", "--out", "qdq.tflite")
    assert code == 0
    assert "brings its own scales: 2 of them taken, 0 measured" in out
    assert "Calibrated" not in out
    assert read_tflite((files / "qdq.tflite").read_bytes()).inputs[0].dtype == "int8"
    code, out, _ = call("qdq.onnx", "--with", "litert_fp32", "--out", "float.tflite")
    assert code == 0
    assert "activations are not rounded" in out


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
    for option in ("--shape image=1,3,1080,1920", "--outputs boxes,scores", "--keep-layout nchw"):
        assert option in out


def test_coverage_is_told_and_a_lock_written_and_taken(call, files):
    write_onnx(files / "net.onnx", convolutions=2)  # the range of what is clamped at the end need not be measured
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
