"""A network on frames of its size and of every other; no seams; every dtype and layout."""

import itertools

import cv2
import numpy as np
import pytest
from enhance_models import gain_file, global_file, load, local_file, onnx_file, photo_like, tflite_file
from onnx import helper

from redmobile.core.quant_math import Quantization
from redmobile.core.tensor_spec import TensorSpec
from redmobile.enhance.image_model import ImageModel
from redmobile.enhance.pixel_codes import PixelCodes
from redmobile.enhance.tiles import tile_starts
from redmobile.errors import UnsupportedModelError, UsageError
from redmobile.runtimes.base import open_runtime

ALL_CODES = np.resize(np.arange(256, dtype=np.uint8), (64, 96, 3))


@pytest.mark.parametrize(("dtype", "scale", "zero_point"), [("int8", 1 / 255, -128), ("int8", 1 / 127.5, -128), ("float32", 1, 0)])
def test_tflite_dtypes(tmp_path, dtype, scale, zero_point):
    found = load(tflite_file(tmp_path / "a.tflite", dtype, scale=scale, zero_point=zero_point)).run(ALL_CODES)
    assert found.dtype == np.uint8
    allowed = 1 if scale == 1 / 127.5 else 0  # half the codes
    assert np.abs(found.astype(int) - ALL_CODES).max() <= allowed


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point"), [("int16", 1 / 32767, 0), ("uint8", 1 / 255, 0), ("float16", None, None), ("float64", None, None)]
)
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_other_dtypes_there_and_back(dtype, scale, zero_point, layout):
    quantization = None if scale is None else Quantization.per_tensor(scale, zero_point)
    codes = PixelCodes(TensorSpec("x", (1, 64, 96, 3) if layout == "NHWC" else (1, 3, 64, 96), dtype, layout, quantization), (0.0, 1.0))
    packed = codes.pack(ALL_CODES)
    assert packed.dtype == dtype
    assert np.array_equal(codes.unpack(packed), ALL_CODES)


def test_dtypes_that_hold_no_pixels():
    for dtype in ("int32", "int8"):  # int8 without a scale
        with pytest.raises(UnsupportedModelError, match="float values, or int8"):
            PixelCodes(TensorSpec("x", (1, 64, 96, 3), dtype, "NHWC"), (0.0, 1.0))


def test_int8_is_a_flipped_sign_bit(tmp_path):
    spec = open_runtime(tflite_file(tmp_path / "a.tflite")).inputs[0]
    assert np.array_equal(PixelCodes(spec, (0.0, 1.0)).pack(ALL_CODES)[0].view(np.uint8), ALL_CODES ^ 0x80)
    symmetric = PixelCodes(spec, (-1.0, 1.0))  # another range: no longer the flip
    assert symmetric.pack(np.full((64, 96, 3), 255, np.uint8)).max() == 127
    assert symmetric.pack(np.zeros((64, 96, 3), np.uint8)).min() == -128


def test_onnx_layout_and_rounding(tmp_path):
    model = load(gain_file(tmp_path / "a.onnx", 1.5))
    assert (model.height, model.width) == (64, 96)
    expected = np.clip(np.rint(ALL_CODES * np.float32(1.5)), 0, 255)
    assert np.abs(model.run(ALL_CODES) - expected).max() <= 1  # x.5 may round either way
    assert np.abs(model.run(ALL_CODES) - expected).mean() < 0.3


def test_input_range_of_the_file(tmp_path):
    identity = [helper.make_node("Identity", ["image"], ["enhanced"])]
    path = onnx_file(tmp_path / "a.onnx", identity, properties={"redmobile.input_range": "-1,1"})
    assert np.array_equal(load(path).run(ALL_CODES), ALL_CODES)
    for stated, says in (("red", "two numbers"), ("1,1", "smaller")):
        onnx_file(path, identity, properties={"redmobile.input_range": stated})
        with pytest.raises(UnsupportedModelError, match=says):
            load(path)


def test_run_wants_its_own_size(tmp_path):
    model = load(gain_file(tmp_path / "a.onnx"))
    with pytest.raises(UsageError, match="64×96×3 uint8"):
        model.run(np.zeros((64, 97, 3), np.uint8))
    with pytest.raises(UsageError, match="float32"):
        model.run(np.zeros((64, 96, 3), np.float32))


@pytest.mark.parametrize(
    "size", [(1, 1), (64, 96), (63, 95), (2, 90), (96, 64), (90, 10), (65, 97), (64, 500), (7, 900), (900, 7), (1, 3000), (200, 301), (301, 200)]
)
def test_every_size_of_a_local_network(tmp_path, size):
    frame = photo_like(*size)
    enhanced = load(gain_file(tmp_path / "a.onnx", 1.7)).enhance(frame)
    assert enhanced.shape == frame.shape
    error = np.abs(enhanced - np.clip(frame * 1.7, 0, 255))
    assert error.mean() < (1.5 if max(size) == 3000 else 0.45)
    assert error.max() <= (0.6 if max(size) <= 96 and min(size) <= 64 else 12)  # tiles: the guide clips its means, not their parts


def test_quantized_tiles(tmp_path):
    frame = photo_like(150, 260)
    enhanced = load(tflite_file(tmp_path / "a.tflite")).enhance(frame)
    assert np.abs(enhanced.astype(int) - frame).max() <= 1


@pytest.mark.parametrize("size", [(300, 500), (500, 300), (64, 700), (40, 700)])
@pytest.mark.parametrize("kind", ["photo", "gradient"])
def test_tiles_of_a_global_network_are_as_one(tmp_path, size, kind):
    """The network divides by the mean of what it sees: without the guide its tiles differ by tens of codes."""
    model = load(global_file(tmp_path / "a.onnx", 0.25))
    ramp = np.linspace(5, 90, size[1]).astype(np.uint8)
    frame = photo_like(*size) if kind == "photo" else np.ascontiguousarray(np.broadcast_to(ramp[None, :, None], (*size, 3)))
    ideal = np.clip(frame * (0.25 * 255 / frame.mean()), 0, 255)
    enhanced = model.enhance(frame)
    error = enhanced - ideal
    assert np.abs(error).mean() < 2
    assert np.abs(cv2.GaussianBlur(error, (0, 0), 6)).max() < 6
    single = [model.run(np.ascontiguousarray(cv2.resize(part, (96, 64)))).mean() for part in (frame[:, : size[1] // 4], frame[:, -size[1] // 4 :])]
    assert abs((single[1] - single[0]) - (ideal[:, -size[1] // 4 :].mean() - ideal[:, : size[1] // 4].mean())) > 20  # what had to be undone


@pytest.mark.parametrize("kind", ["photo", "gradient"])
def test_no_seams(tmp_path, kind):
    """What remains between result and ideal jumps no more where tiles meet than elsewhere."""
    height, width = 300, 500
    model = load(global_file(tmp_path / "a.onnx", 0.25))
    slope = np.add.outer(np.linspace(0, 30, height), np.linspace(5, 90, width))
    frame = photo_like(height, width) if kind == "photo" else np.repeat(slope[..., None], 3, axis=2).astype(np.uint8)
    error = model.enhance(frame) - np.clip(frame * (0.25 * 255 / frame.mean()), 0, 255)
    for axis, tile in ((0, 64), (1, 96)):
        length = frame.shape[axis]
        profile = error.mean(axis=(1 - axis, 2))
        jumps = np.abs(np.diff(profile))
        starts = tile_starts(length + 2 * (tile // 16), tile)
        near = np.zeros(length - 1, bool)
        for left, right in itertools.pairwise(starts):
            middle = (left + tile + right) // 2 - tile // 16
            near[max(middle - tile // 16 - 1, 0) : middle + tile // 16 + 2] = True
        assert jumps[near].max() <= max(jumps[~near].max(), 0.3)
        assert jumps.max() < 1.5


def test_the_padding_of_convolutions_stays_out_of_sight(tmp_path):
    frame = photo_like(200, 300)
    enhanced = load(local_file(tmp_path / "a.onnx")).enhance(frame)
    ideal = cv2.blur(frame, (5, 5), borderType=cv2.BORDER_REFLECT)
    error = np.abs(enhanced.astype(int) - ideal)
    assert error[8:-8, 8:-8].mean() < 1.2
    assert error.max() < 16


def test_small_pictures_are_mirrored_on(tmp_path):
    """A network that looks at the mean sees the mean of the small picture."""
    frame = photo_like(16, 24)  # 4 × 4 of them fill the network's frame
    enhanced = load(global_file(tmp_path / "a.onnx", 0.25)).enhance(frame)
    assert np.abs(enhanced - np.clip(frame * (0.25 * 255 / frame.mean()), 0, 255)).mean() < 1.5


def test_portrait_is_turned_where_that_takes_fewer_tiles(tmp_path):
    calls = []
    model = load(gain_file(tmp_path / "a.onnx"))
    infer = model.infer
    model.infer = lambda tensor: calls.append(1) or infer(tensor)
    frame = photo_like(96, 64)
    assert np.array_equal(model.enhance(frame), np.minimum(frame.astype(int) * 2, 255))
    assert len(calls) == 1


def test_strength(tmp_path):
    model = load(gain_file(tmp_path / "a.onnx"))
    frame = photo_like(64, 96)
    full = model.enhance(frame)
    assert np.array_equal(model.enhance(frame, 0), frame)
    assert np.abs(model.enhance(frame, 0.25) - (0.75 * frame + 0.25 * full)).max() <= 0.5
    assert np.abs(model.enhance(frame, 1.5) - np.clip(1.5 * full - 0.5 * frame, 0, 255)).max() <= 0.5
    for strength in (-0.1, 1.6, float("nan")):
        with pytest.raises(UsageError, match=r"between 0 and 1\.5"):
            model.enhance(frame, strength)


def test_16_bits_keep_their_fine_levels(tmp_path):
    model = load(gain_file(tmp_path / "a.onnx", 4.0))
    deep = np.repeat(np.linspace(1000, 9000, 1400).astype(np.uint16)[None, :, None], 3, axis=2).repeat(30, axis=0)
    frame = ((deep.astype(np.uint32) + 128) // 257).astype(np.uint8)
    enhanced = model.enhance_deep(frame, deep)
    assert enhanced.dtype == np.uint16
    assert np.abs(enhanced.astype(float) - np.minimum(deep * 4.0, 65535)).mean() < 60  # a quarter of an 8-bit step
    assert len(np.unique(enhanced)) > 1000  # 8 bits would leave 32 levels
    assert np.array_equal(model.enhance_deep(frame, deep, 0), deep)
    half = model.enhance_deep(frame, deep, 0.5).astype(float)
    assert np.abs(half - (enhanced.astype(float) + deep) / 2).max() <= 1


def test_16_bit_strips_join(tmp_path):
    model = load(gain_file(tmp_path / "a.onnx", 3.0))
    deep = np.random.default_rng(0).integers(0, 12000, (1100, 40, 3), dtype=np.uint16)
    frame = ((deep.astype(np.uint32) + 128) // 257).astype(np.uint8)
    error = np.abs(model.enhance_deep(frame, deep).astype(float) - deep * 3.0).mean(axis=(1, 2))
    assert error[500:520].max() <= error.max()
    assert error.mean() < 600  # two 8-bit steps of noise that no guide can know


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"channels": 4}, "no RGB image"),
        ({"channels": 1}, "no RGB image"),
        ({"size": (5, 7), "channels": 6}, "no RGB image"),
    ],
)
def test_wrong_channel_count(tmp_path, options, says):
    path = onnx_file(tmp_path / "a.onnx", [helper.make_node("Identity", ["image"], ["enhanced"])], **options)
    with pytest.raises(UnsupportedModelError, match=says):
        load(path)


def test_other_size_out_and_two_outputs(tmp_path):
    nodes = [helper.make_node("DepthToSpace", ["y"], ["enhanced"], blocksize=2), helper.make_node("Concat", ["image"] * 4, ["y"], axis=1)]
    path = onnx_file(tmp_path / "a.onnx", nodes[::-1], out_size=(128, 192))
    with pytest.raises(UnsupportedModelError, match="same size"):
        load(path)

    class TwoOutputs:
        name, metadata = "fake 1.0", {}
        inputs = load_specs = open_runtime(gain_file(tmp_path / "b.onnx")).inputs
        outputs = load_specs * 2

    with pytest.raises(UnsupportedModelError, match="2 outputs"):
        ImageModel(TwoOutputs())


def test_output_that_is_not_finite(tmp_path):
    path = onnx_file(tmp_path / "a.onnx", [helper.make_node("Log", ["image"], ["enhanced"])])
    with pytest.raises(UnsupportedModelError, match="not finite"):
        load(path).run(np.zeros((64, 96, 3), np.uint8))
