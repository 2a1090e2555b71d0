"""ONNX → .tflite with every recipe on the shelf, and what is refused."""

import json

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from redmobile.convert.metadata import read_metadata
from redmobile.core.converter import Converter, Quantize, load_converter
from redmobile.core.results import to_json
from redmobile.errors import InputError, UnsupportedModelError, UsageError
from redmobile.graph.tflite_read import read_tflite
from redmobile.pipeline import CALIBRATION_ENTRY, ConversionOptions, convert, find_source, write_lock

HEIGHT, WIDTH = 32, 48


def write_onnx(path, *, channels=3, metadata=None, output_op=None):
    """Conv 3×3 → ReLU6 → Conv 1×1 → + image → Clip(0, 1); another `output_op` stands in for the Clip."""
    rng = np.random.default_rng(0)
    constants = {
        "w1": rng.normal(0, 0.3, (6, channels, 3, 3)),
        "b1": rng.normal(0, 0.1, 6),
        "w2": rng.normal(0, 0.2, (channels, 6, 1, 1)),
        "b2": np.zeros(channels),
        "zero": np.array(0.0),
        "one": np.array(1.0),
        "six": np.array(6.0),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["a", "zero", "six"], ["b"]),
        helper.make_node("Conv", ["b", "w2", "b2"], ["c"]),
        helper.make_node("Add", ["c", "image"], ["d"]),
        helper.make_node(output_op, ["d", "image"], ["enhanced"]) if output_op else helper.make_node("Clip", ["d", "zero", "one"], ["enhanced"]),
    ]
    shape = [1, channels, HEIGHT, WIDTH]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("image", "enhanced")]
    initializers = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:], initializers), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    helper.set_model_props(model, metadata or {})
    onnx.save(model, path)
    return path


@pytest.fixture
def network(tmp_path):
    return write_onnx(tmp_path / "net.onnx")


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(1)
    for index in range(4):
        cv2.imwrite(str(tmp_path / "photos" / f"{index}.png"), rng.integers(0, 60 * (index + 1), (40, 40, 3), dtype=np.uint8))
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("recipe", "dtype", "kinds"),
    [
        ("litert_fp32", "float32", {"CONV_2D", "ADD", "MINIMUM"}),
        ("litert_fp16", "float32", {"CONV_2D", "ADD", "MINIMUM", "DEQUANTIZE"}),
        ("litert_int8", "int8", {"CONV_2D", "ADD"}),
        ("litert_int16x8", "int16", {"CONV_2D", "ADD", "RELU"}),
    ],
)
def test_every_recipe_on_the_shelf(network, photos, recipe, dtype, kinds):
    made = convert(network, recipe, photos)
    model = read_tflite(made.data)
    assert [tensor.dtype for tensor in model.inputs + model.outputs] == [dtype, dtype]
    assert {operator.kind for operator in model.operators} == kinds == set(made.report.operators)
    metadata = read_metadata(made.data)
    assert metadata.converter == recipe
    assert metadata.onnx_sha256 == made.report.onnx_sha256
    json.loads(to_json(made.report.as_json()))


def test_the_same_inputs_give_the_same_bytes(network, photos):
    assert convert(network, "litert_int8", photos).data == convert(network, "litert_int8", photos).data


def test_the_images_are_locked_in_file_and_report(network, photos):
    made = convert(network, "litert_int8", photos, ConversionOptions(samples=2))
    lock = json.loads(read_tflite(made.data).metadata[CALIBRATION_ENTRY])
    assert lock == made.report.calibration
    assert list(lock) == ["0.png", "3.png"]


def test_frames_can_be_given_instead_of_a_folder(network):
    frames = [np.full((HEIGHT, WIDTH, 3), 10 * index, np.uint8) for index in range(3)]
    made = convert(network, "litert_int8", frames)
    assert list(made.report.calibration) == ["frame 0", "frame 1", "frame 2"]
    assert made.report.quantization.stages["frames"] == 3


def test_the_range_of_the_input_comes_from_the_onnx_file(tmp_path, photos):
    network = write_onnx(tmp_path / "wide.onnx", metadata={"redmobile.input_range": "0,255"})
    model = convert(network, "litert_int8", photos).model
    assert (float(model.inputs[0].quantization.scale[0]), int(model.inputs[0].quantization.zero_point[0])) == (1.0, -128)


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_the_type_of_inputs_and_outputs_can_be_chosen(network, photos, io):
    model = convert(network, "litert_int8", photos, ConversionOptions(io=io)).model
    assert [tensor.dtype for tensor in model.inputs + model.outputs] == [io, io]


def test_a_recipe_may_be_an_object_or_a_file(network, photos, tmp_path):
    made = convert(network, Converter(says="mine", quantize=Quantize(equalize=False)), photos)
    assert made.report.converter == "custom"
    (tmp_path / "mine.toml").write_text('says = "mine"\n[quantize]\nactivations = { search = 0 }\n')
    made = convert(network, str(tmp_path / "mine.toml"), photos)
    assert made.report.converter == "mine"
    assert "search" not in made.report.quantization.stages


def test_the_shelf_is_read_without_complaint():
    for name in ("litert_fp32", "litert_fp16", "litert_int8", "litert_int16x8"):
        assert load_converter(name).says


def test_quantizing_without_images_is_refused_with_advice(network):
    with pytest.raises(UsageError, match="--calibrate DIR"):
        convert(network, "litert_int8")


def test_an_integer_type_without_quantization_is_refused(network):
    with pytest.raises(UsageError, match="does not quantize"):
        convert(network, "litert_fp32", options=ConversionOptions(io="uint8"))


def test_a_type_that_does_not_go_with_the_width_is_refused(network, photos):
    with pytest.raises(UsageError, match="16-bit activations can be"):
        convert(network, "litert_int16x8", photos, ConversionOptions(io="uint8"))


def test_pictures_cannot_calibrate_a_network_of_other_channels(tmp_path, photos):
    network = write_onnx(tmp_path / "four.onnx", channels=4)
    with pytest.raises(UnsupportedModelError, match="1×32×48×4"):
        convert(network, "litert_int8", photos)


def test_an_operator_without_8_bit_form_is_named(tmp_path, photos):
    network = write_onnx(tmp_path / "power.onnx", output_op="Pow")
    with pytest.raises(UnsupportedModelError, match="POW"):
        convert(network, "litert_int8", photos)


def test_a_network_that_divides_by_zero_is_refused(tmp_path, photos):
    network = write_onnx(tmp_path / "ratio.onnx", output_op="Div")
    with pytest.raises(UnsupportedModelError, match="no range holds that"):
        convert(network, "litert_int8", photos)


def write_qdq(path):
    """Conv 3×3 → ReLU with a pair before, one behind and one around the weights."""
    rng = np.random.default_rng(2)
    constants = {"codes": rng.integers(-127, 128, (3, 3, 3, 3), np.int8), "ws": np.float32(0.002), "wz": np.int8(0)}
    constants |= {"s": np.float32(1 / 255), "z": np.uint8(0), "t": np.float32(0.004)}
    nodes = [
        helper.make_node("QuantizeLinear", ["image", "s", "z"], ["image_q"]),
        helper.make_node("DequantizeLinear", ["image_q", "s", "z"], ["image_d"]),
        helper.make_node("DequantizeLinear", ["codes", "ws", "wz"], ["w"]),
        helper.make_node("Conv", ["image_d", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("QuantizeLinear", ["c", "t", "z"], ["c_q"]),
        helper.make_node("DequantizeLinear", ["c_q", "t", "z"], ["enhanced"]),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH]) for name in ("image", "enhanced")]
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:], initializers), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, path)
    return path


def test_a_network_with_its_own_scales_needs_no_pictures(tmp_path):
    made = convert(write_qdq(tmp_path / "qdq.onnx"), "litert_int8")
    assert made.report.operators == {"CONV_2D": 1}
    assert [tensor.dtype for tensor in made.model.inputs + made.model.outputs] == ["int8", "int8"]
    assert made.model.outputs[0].quantization.scale[0] == np.float32(0.004)
    assert CALIBRATION_ENTRY not in made.model.metadata
    assert made.report.quantization.stages == {"frames": 0, "given": 2, "measured": 0}
    assert made.report.remarks == ()


def test_a_float_recipe_says_that_it_drops_the_scales(tmp_path):
    made = convert(write_qdq(tmp_path / "qdq.onnx"), "litert_fp32")
    assert made.report.operators == {"CONV_2D": 1}
    assert {tensor.dtype for tensor in read_tflite(made.data).tensors()} == {"float32"}
    (remark,) = made.report.remarks
    assert "activations are not rounded" in remark


def test_an_unknown_recipe_is_refused(network):
    with pytest.raises(InputError, match="Unknown converter 'int9'"):
        convert(network, "int9")


def test_a_source_is_a_path_or_a_model_on_the_shelf(tmp_path, monkeypatch):
    folder = tmp_path / "models" / "mine"
    (folder / "calibration").mkdir(parents=True)
    (folder / "model.toml").write_text("")
    monkeypatch.setenv("REDMOBILE_SHELF", str(tmp_path))
    assert find_source("some/where.onnx").onnx.name == "where.onnx"
    with pytest.raises(InputError, match="redmobile export mine"):
        find_source("mine")
    write_onnx(folder / "mine.onnx")
    assert find_source("mine").onnx == folder / "mine.onnx"
    assert find_source("mine").calibration == folder / "calibration"
    with pytest.raises(InputError, match="Unknown model 'yours'"):
        find_source("yours")


def test_what_the_frames_cover_is_reported(network, photos):
    coverage = convert(network, "litert_int8", photos).report.coverage
    assert coverage.frames == 4
    assert coverage.brightness.darkest < coverage.brightness.median < coverage.brightness.brightest
    assert coverage.halving.observer == "percentile_99_99"
    assert {"b", "c"} <= set(coverage.halving.changes)
    assert convert(network, "litert_fp32").report.coverage is None


def test_a_lock_gives_the_same_bytes(network, photos, tmp_path):
    made = convert(network, "litert_int8", photos, ConversionOptions(samples=3))
    write_lock(tmp_path / "mine.lock", photos, made.report, 3)
    cv2.imwrite(str(photos / "00.png"), np.full((40, 40, 3), 99, np.uint8))
    assert convert(network, "litert_int8", photos, ConversionOptions(samples=3)).data != made.data
    assert convert(network, "litert_int8", tmp_path / "mine.lock").data == made.data


def test_arrays_calibrate_networks_that_take_no_picture(tmp_path):
    network = write_onnx(tmp_path / "four.onnx", channels=4)
    values = np.random.default_rng(4).integers(0, 256, (3, HEIGHT, WIDTH, 4), np.uint8)
    np.savez(tmp_path / "frames.npz", image=values)
    np.savez(tmp_path / "real.npz", image=(values / 255).astype(np.float32))
    made = convert(network, "litert_int8", tmp_path / "frames.npz")
    assert list(made.report.calibration) == ["frames.npz#0", "frames.npz#1", "frames.npz#2"]
    again = convert(network, "litert_int8", tmp_path / "real.npz")
    assert [op.kind for op in again.model.operators] == [op.kind for op in made.model.operators]
    assert again.model.outputs[0].quantization == made.model.outputs[0].quantization


def test_recovering_holds_frames_out_and_tells_its_rungs(network, photos):
    whole = convert(network, "litert_int8", photos)
    found = convert(network, "litert_int8", photos, ConversionOptions(recover_db=20.0))
    names = list(whole.report.calibration)
    assert list(found.report.calibration) == [name for place, name in enumerate(names) if (place + 1) % 4]
    assert found.report.rungs[0].name == "plain"
    assert found.report.rungs[-1].psnr_db >= 20.0
    assert found.report.rungs[0].latency_ms > 0


def test_recovering_from_too_few_frames_is_refused(network):
    with pytest.raises(UsageError, match="at least 4; found 2"):
        convert(network, "litert_int8", [np.zeros((32, 48, 3), np.uint8), np.ones((32, 48, 3), np.uint8)], ConversionOptions(recover_db=20.0))


def test_recovering_with_a_recipe_that_does_not_quantize_is_refused(network):
    with pytest.raises(UsageError, match="nothing to recover"):
        convert(network, "litert_fp32", options=ConversionOptions(recover_db=20.0))
