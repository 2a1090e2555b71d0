"""INT8 files that take RGBA: all 256 values of alpha come out as they went in, colours are those of the RGB file."""

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from redmobile.bench.inputs import arrays_for
from redmobile.convert.metadata import read_metadata
from redmobile.convert.pixels import Pixels
from redmobile.core.converter import ActivationQuantization, Converter, Quantize
from redmobile.enhance.image_model import ImageModel
from redmobile.errors import UsageError
from redmobile.parity.check import check_parity
from redmobile.pipeline import ConversionOptions, convert
from redmobile.runtimes.base import open_runtime

HEIGHT, WIDTH = 32, 48
RECIPE = Converter(says="few trials, for speed", quantize=Quantize(activations=ActivationQuantization(search=8)))


def write(path, tail):
    """Conv 3×3 → ReLU → `tail`: nodes from `r` (8 channels) to `z`; then a clamp."""
    rng = np.random.default_rng(0)
    constants = {"w1": rng.normal(0, 0.3, (8, 3, 3, 3)), "b1": rng.normal(0, 0.1, 8), "w2": rng.normal(0, 0.2, (3, 8, 1, 1)), "b2": np.full(3, 0.1)}
    constants |= {"zero": np.array(0.0), "one": np.array(1.0)}
    first = [helper.make_node("Conv", ["image", "w1", "b1"], ["c"], pads=[1] * 4), helper.make_node("Relu", ["c"], ["r"])]
    nodes = [*first, helper.make_node("Conv", ["r", "w2", "b2"], ["d"]), *tail, helper.make_node("Clip", ["z", "zero", "one"], ["enhanced"])]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH]) for name in ("image", "enhanced")]
    initializers = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:], initializers), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, path)
    return path


TAILS = {
    "residual": ([helper.make_node("Add", ["image", "d"], ["z"])], {}),
    "gain": ([helper.make_node("Mul", ["image", "d"], ["z"])], {"MUL": 1, "ADD": 1}),
    "gain beside the picture": ([helper.make_node("Mul", ["image", "d"], ["m"]), helper.make_node("Add", ["m", "image"], ["z"])], {}),
    "convolution": ([helper.make_node("Identity", ["d"], ["z"])], {"MUL": 1, "ADD": 1}),
    "sigmoid": ([helper.make_node("Sigmoid", ["d"], ["z"])], None),
}


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(1)
    for index in range(3):
        coarse = rng.integers(0, 80 * (index + 1), (5, 6, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "photos" / f"{index}.png"), cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))
    return tmp_path / "photos"


def rgba():
    """(1, H, W, 4) uint8 with every alpha on many colours."""
    rng = np.random.default_rng(2)
    alpha = np.resize(np.arange(256, dtype=np.uint8), (HEIGHT, WIDTH))
    return np.dstack([rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8), alpha])[None]


def run(path, content, pixels):
    path.write_bytes(content)
    runtime = open_runtime(path, threads=1)
    (found,) = runtime.run((pixels ^ 0x80).view(np.int8) if runtime.inputs[0].dtype == "int8" else pixels)
    return found.view(np.uint8) ^ 0x80 if found.dtype == np.int8 else found


@pytest.mark.parametrize("name", TAILS)
def test_alpha_is_exact_and_colours_are_those_of_the_rgb_file(tmp_path, photos, name):
    tail, more = TAILS[name]
    network = write(tmp_path / "net.onnx", tail)
    plain, made = convert(network, RECIPE, photos), convert(network, RECIPE, photos, ConversionOptions(io="rgba:int8"))
    pixels = rgba()
    found = run(tmp_path / "rgba.tflite", made.data, pixels)
    np.testing.assert_array_equal(found[..., 3], pixels[..., 3])
    codes = run(tmp_path / "rgb.tflite", plain.data, np.ascontiguousarray(pixels[..., :3])).astype(np.int64) - 128
    expected = np.round(plain.model.outputs[0].quantization.dequantize(codes) * 255)  # a sigmoid's scale is 1/256
    assert np.abs(found[..., :3] - expected).max() <= 1
    if more is not None:
        before = plain.report.operators
        assert {kind: count - before.get(kind, 0) for kind, count in made.report.operators.items() if count != before.get(kind, 0)} == more
    (tensor,) = made.model.inputs
    assert (tensor.shape, tensor.dtype) == ((1, HEIGHT, WIDTH, 4), "int8")
    assert tensor.quantization == made.model.outputs[0].quantization
    assert {port.order for port in read_metadata(made.data).inputs} == {"RGBA"}
    assert made.report.remarks


def test_unsigned_bytes_too(tmp_path, photos):
    made = convert(write(tmp_path / "net.onnx", TAILS["gain"][0]), RECIPE, photos, ConversionOptions(io="rgba:uint8"))
    found = run(tmp_path / "rgba.tflite", made.data, rgba())
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[..., 3], rgba()[..., 3])


def test_a_network_with_its_own_scales_takes_rgba_without_pictures(tmp_path):
    scale = {"s": np.float32(1 / 255), "z0": np.uint8(0), "t": np.float32(0.002), "z1": np.uint8(128)}
    rng = np.random.default_rng(0)
    constants = scale | {"w": rng.normal(0, 0.05, (3, 3, 3, 3)).astype(np.float32), "b": np.zeros(3, np.float32)}
    nodes, source = [], "image"
    for before, after, step, zero in (("image", "i", "s", "z0"), ("c", "d", "t", "z1"), ("a", "enhanced", "s", "z0")):
        nodes += {"c": [helper.make_node("Conv", ["i", "w", "b"], ["c"], pads=[1] * 4)], "a": [helper.make_node("Add", ["i", "d"], ["a"])]}.get(
            before, []
        )
        nodes += [helper.make_node("QuantizeLinear", [before, step, zero], [f"{after}_q"])]
        nodes += [helper.make_node("DequantizeLinear", [f"{after}_q", step, zero], [after])]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH]) for name in (source, "enhanced")]
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:], initializers), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, tmp_path / "qdq.onnx")
    made = convert(tmp_path / "qdq.onnx", "litert_int8", options=ConversionOptions(io="rgba:int8"))
    plain = convert(tmp_path / "qdq.onnx", "litert_int8")
    assert made.report.operators == plain.report.operators == {"CONV_2D": 1, "ADD": 1}
    found = run(tmp_path / "rgba.tflite", made.data, rgba())
    np.testing.assert_array_equal(found[..., 3], rgba()[..., 3])
    np.testing.assert_array_equal(found[..., :3], run(tmp_path / "rgb.tflite", plain.data, np.ascontiguousarray(rgba()[..., :3])))


@pytest.mark.parametrize(("recipe", "says"), [("litert_fp32", "does not quantize"), ("litert_int16x8", "16-bit activations can be int16")])
def test_rgba_is_for_8_bits(tmp_path, photos, recipe, says):
    with pytest.raises(UsageError, match=says):
        convert(write(tmp_path / "net.onnx", TAILS["residual"][0]), recipe, photos, ConversionOptions(io="rgba:int8"))


def test_rgba_files_enhance_and_are_compared(tmp_path, photos):
    network = write(tmp_path / "net.onnx", TAILS["gain"][0])
    for io, name in (("rgba:int8", "rgba"), (None, "rgb")):
        (tmp_path / f"{name}.tflite").write_bytes(convert(network, RECIPE, photos, ConversionOptions(io=io)).data)
    models = [ImageModel(open_runtime(tmp_path / f"{name}.tflite", threads=1)) for name in ("rgba", "rgb")]
    frame = cv2.resize(rgba()[0, ..., :3].copy(), (70, 50))
    np.testing.assert_array_equal(models[0].enhance(frame), models[1].enhance(frame))
    checked = check_parity(str(tmp_path / "rgba.tflite"), photos, onnx=network, converter="litert_int8", threads=1, allow_calibration_frames=True)
    assert checked.result.pairs[-1].pooled["psnr"] > 35
    assert not checked.result.findings, checked.result.findings


def test_a_file_that_takes_other_pixels_than_its_network_is_compared_with_a_float_one_only(tmp_path, photos):
    network = write(tmp_path / "net.onnx", TAILS["residual"][0])
    pixels = Pixels(bgr=True, mean=(0.4, 0.5, 0.6))
    for recipe, name in ((RECIPE, "int8"), ("litert_fp32", "float")):
        (tmp_path / f"{name}.tflite").write_bytes(convert(network, recipe, photos, ConversionOptions(pixels=pixels)).data)
    with pytest.raises(UsageError, match=r"where its network takes others \(BGR, mean 0.4,0.5,0.6\)"):
        check_parity(str(tmp_path / "int8.tflite"), photos, onnx=network, converter="litert_int8", threads=1, allow_calibration_frames=True)
    checked = check_parity(
        str(tmp_path / "int8.tflite"), photos, float_file=tmp_path / "float.tflite", converter="litert_int8", threads=1, allow_calibration_frames=True
    )
    assert checked.result.pairs[-1].pooled["psnr"] > 35


def test_rgba_files_are_measured(tmp_path, photos):
    (tmp_path / "rgba.tflite").write_bytes(
        convert(write(tmp_path / "net.onnx", TAILS["residual"][0]), RECIPE, photos, ConversionOptions(io="rgba:int8")).data
    )
    runtime = open_runtime(tmp_path / "rgba.tflite", threads=1)
    (array,) = arrays_for(runtime.inputs)
    assert (array.shape, array.dtype) == ((1, HEIGHT, WIDTH, 4), np.int8)
    assert runtime.run(array)[0].shape == array.shape
