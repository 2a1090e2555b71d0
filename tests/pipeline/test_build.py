"""The whole way in one call, on a small network and small pictures."""

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from redmobile.data.frames import Image, read_image, write_image
from redmobile.errors import InputError, OutputError, ParityError, UsageError
from redmobile.pipeline import build, check_graph, show_before_after

HEIGHT, WIDTH = 64, 96


def _network(path):
    """Image → Conv + ReLU6 → Conv → + image → Clip(0, 1): twice as bright, and a little sharper."""
    rng = np.random.default_rng(0)
    weights = {
        "w1": rng.normal(0, 0.2, (8, 3, 3, 3)).astype(np.float32),
        "b1": np.full(8, 0.1, np.float32),
        "w2": rng.normal(0.05, 0.1, (3, 8, 1, 1)).astype(np.float32),
        "b2": np.zeros(3, np.float32),
        "zero": np.float32(0),
        "one": np.float32(1),
        "six": np.float32(6),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["a", "zero", "six"], ["b"]),
        helper.make_node("Conv", ["b", "w2", "b2"], ["c"], kernel_shape=[1, 1]),
        helper.make_node("Add", ["c", "image"], ["d"]),
        helper.make_node("Clip", ["d", "zero", "one"], ["enhanced"]),
    ]
    shape = [1, 3, HEIGHT, WIDTH]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("enhanced", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def _pictures(folder, seed, count=3):
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for number in range(count):
        coarse = rng.integers(0, 60 + 40 * number, (8, 12, 3))
        frame = np.repeat(np.repeat(coarse, 10, axis=0), 10, axis=1) + rng.integers(0, 6, (80, 120, 3))
        write_image(folder / f"{number}.png", Image(frame.astype(np.uint8)))
    return folder


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A network, pictures to calibrate with, pictures to compare with."""
    folder = tmp_path_factory.mktemp("given")
    return _network(folder / "small.onnx"), _pictures(folder / "calibration", 1), _pictures(folder / "held_out", 2)


@pytest.fixture(scope="module")
def built(given, tmp_path_factory):
    """What `build` makes of them, and the stages that it announced."""
    network, calibration, images = given
    stages = []
    out = tmp_path_factory.mktemp("built") / "new" / "folder"
    result = build(
        str(network), "litert_int8", out=out, calibrate=calibration, images=images, threads=1, on_progress=lambda stage, *_: stages.append(stage)
    )
    return result, stages


@pytest.mark.slow
def test_it_leaves_the_file_its_figures_and_a_picture(built):
    result, _ = built
    names = sorted(path.name for path in result.folder.iterdir())
    assert names == ["before_after.png", "latency.json", "parity.json", "report.json", "small_int8.tflite"]
    report = json.loads((result.folder / "report.json").read_text())
    assert report["conversion"]["calibration"].keys() == {"0.png", "1.png", "2.png"}
    assert report["file"] == "small_int8.tflite"
    assert report["parity_passed"] == result.parity.passed
    assert json.loads((result.folder / "parity.json").read_text())["converter"] == "litert_int8"
    assert json.loads((result.folder / "latency.json").read_text())["plan"] == "model_latency"


@pytest.mark.slow
def test_the_int8_graph_is_one_partition_without_detours(built):
    result, _ = built
    assert (result.graph.partitions, result.graph.outside, result.graph.unwanted) == (1, {}, {})


@pytest.mark.slow
def test_onnx_float_and_int8_are_compared_on_the_pictures_that_did_not_calibrate(built):
    result, _ = built
    assert [(pair.expected, pair.found) for pair in result.parity.pairs][:2] == [("onnx", "float"), ("float", "int8")]
    assert result.parity.images == ("0.png", "1.png", "2.png")
    assert result.parity.passed


@pytest.mark.slow
def test_the_darkest_picture_stands_first_and_each_pair_side_by_side(built):
    result, _ = built
    assert [photo.name for photo in result.photos] == ["0.png", "1.png", "2.png"]
    height, width, _ = read_image(result.before_after).frame.shape
    assert height > 3 * 400
    assert width > 2 * 400


@pytest.mark.slow
def test_every_stage_is_announced_and_timed(built):
    result, stages = built
    assert list(result.seconds) == ["export", "convert", "check", "parity", "bench", "show"]
    assert {"export", "convert", "check", "parity", "show"} <= set(stages)
    assert result.peak_bytes > 10_000_000


@pytest.mark.slow
def test_the_command_prints_it_all_and_ends_with_5_when_a_gate_fails(given, tmp_path):
    network, calibration, images = given
    strict = tmp_path / "strict.toml"
    gate = '[[gate]]\nmetric = "psnr"\nagainst = "float"\nthreshold = 200.0\n'
    strict.write_text(f'says = "Nobody passes."\n[quantize]\nactivations = {{ search = 0 }}\n{gate}')
    out = tmp_path / "out"
    options = ["--with", str(strict), "--calibrate", str(calibration), "--images", str(images), "--photo", str(images / "2.png"), "--out", str(out)]
    ended = subprocess.run([sys.executable, "-m", "redmobile", "build", str(network), *options], capture_output=True, text=True, check=False)
    assert ended.returncode == ParityError.exit_code, ended.stderr
    assert "psnr against float >= 200 dB" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    for said in ("small_strict.tflite", "1 XNNPACK partition,", "float", "p50", "before_after.png"):
        assert said in ended.stdout
    assert (out / "small_strict.tflite").is_file()


def test_a_network_without_pictures_beside_it_asks_for_some(given, tmp_path):
    network, calibration, _ = given
    with pytest.raises(UsageError, match="--images DIR"):
        build(str(network), out=tmp_path, calibrate=calibration)
    assert list(tmp_path.iterdir()) == []


def test_a_quantizing_converter_without_calibration_pictures_asks_for_some(given, tmp_path):
    network, _, images = given
    with pytest.raises(UsageError, match="--calibrate DIR"):
        build(str(network), out=tmp_path, images=images)


def test_an_unknown_model_names_the_known_ones(tmp_path):
    with pytest.raises(InputError, match=r"Unknown model 'nothing'.*red_mobile"):
        build("nothing", out=tmp_path)


def test_an_empty_folder_of_pictures_is_named(given, tmp_path):
    network, calibration, _ = given
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no pictures"):
        build(str(network), out=tmp_path / "out", calibrate=calibration, images=tmp_path / "empty")


def test_a_file_where_the_folder_should_be_is_an_output_error(given, tmp_path):
    network, calibration, images = given
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        build(str(network), "litert_fp32", out=tmp_path / "out", calibrate=calibration, images=images)


def test_a_float_file_is_checked_and_shown_too(given, tmp_path):
    from redmobile.pipeline import convert

    network, _, images = given
    tflite = tmp_path / "small_fp32.tflite"
    converted = convert(network, "litert_fp32")
    tflite.write_bytes(converted.data)
    assert check_graph(tflite, {"CONV_2D": 2, "TRANSPOSE": 3}).unwanted == {"TRANSPOSE": 3}
    show_before_after(tflite, [images / "0.png"], tmp_path / "sheet.jpg", threads=1)
    assert read_image(tmp_path / "sheet.jpg").frame.shape[0] > 720


def test_the_pictures_that_calibrate_do_not_judge(given, tmp_path):
    network, calibration, _ = given
    with pytest.raises(UsageError, match="was calibrated with 3 of the 3 frames"):
        build(str(network), out=tmp_path, calibrate=calibration, images=calibration, threads=1)
