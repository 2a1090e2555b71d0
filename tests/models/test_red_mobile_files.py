"""What ships in models/red_mobile: the files belong together, the graph is the one that was promised, the card tells the truth."""

import json
from collections import Counter

import msgspec
import numpy as np
import pytest

from redmobile.convert.metadata import read_metadata
from redmobile.convert.onnx_to_tflite import lower
from redmobile.core.artifact import sha256_file
from redmobile.core.converter import ActivationQuantization, Converter, load_converter
from redmobile.graph.onnx_graph import load_onnx
from redmobile.graph.tflite_read import read_tflite
from redmobile.pipeline import ConversionOptions, convert
from redmobile.release.card import figures
from redmobile.release.document import load_release
from redmobile.runtimes.base import open_runtime
from redmobile.shelf import find

FOLDER = find("models", "red_mobile")
INT8 = FOLDER / "red_mobile_int8.tflite"
ONNX = FOLDER / "red_mobile.onnx"
NUMERICS = json.loads((FOLDER / "numerics.json").read_text())


def test_int8_file_takes_1080p_as_int8_codes_of_0_to_1():
    model = read_tflite(INT8.read_bytes(), INT8.name)
    for tensor in (*model.inputs, *model.outputs):
        assert tensor.shape == (1, 1088, 1920, 3)
        assert tensor.dtype == "int8"
        assert tensor.quantization.scale[0] == pytest.approx(1 / 255, rel=1e-6)
        assert tensor.quantization.zero_point[0] == -128


def test_int8_file_is_wholly_integer_and_one_xnnpack_partition():
    model = read_tflite(INT8.read_bytes(), INT8.name)
    kinds = Counter(operator.kind for operator in model.operators)
    unwanted = {
        "TRANSPOSE",
        "QUANTIZE",
        "DEQUANTIZE",
        "RELU",
        "RELU6",
        "RELU_0_TO_1",
        "MINIMUM",
        "MAXIMUM",
        "DEPTH_TO_SPACE",
        "SPACE_TO_DEPTH",
        "PAD",
    }
    assert unwanted & kinds.keys() == set()
    assert {tensor.dtype for tensor in model.tensors() if tensor.data is None} == {"int8"}
    coverage = open_runtime(INT8).delegate_coverage()
    assert coverage.partitions == 1
    assert not coverage.left


def test_lowering_the_onnx_file_gives_the_operators_of_the_int8_file():
    lowered = lower(load_onnx(ONNX), load_converter("litert_int8").lowering)
    clamps = {"RELU_0_TO_1"}  # the INT8 file's output quantization saturates by itself
    assert Counter(operator.kind for operator in lowered.operators if operator.kind not in clamps) == Counter(
        operator.kind for operator in read_tflite(INT8.read_bytes(), INT8.name).operators
    )


@pytest.mark.slow
def test_rgba_costs_two_operators_and_keeps_colours_and_alpha(tmp_path):
    quantize = msgspec.structs.replace(load_converter("litert_int8").quantize, activations=ActivationQuantization(search=0))
    forms = {
        io: convert(ONNX, Converter(says="", quantize=quantize), FOLDER / "calibration", ConversionOptions(io=io, samples=1))
        for io in ("int8", "rgba:int8")
    }
    plain, rgba = (forms[io].report.operators for io in forms)
    assert Counter(rgba) - Counter(plain) == Counter({"MUL": 1, "ADD": 1})
    runtimes = {}
    for io, made in forms.items():
        path = tmp_path / f"{io.replace(':', '_')}.tflite"
        path.write_bytes(made.data)
        runtimes[io] = open_runtime(path)
    coverage = runtimes["rgba:int8"].delegate_coverage()
    assert (coverage.partitions, dict(coverage.left)) == (1, {})
    pixels = np.random.default_rng(0).integers(0, 256, (1, 1088, 1920, 4), np.uint8) >> np.array([2, 2, 2, 0], np.uint8)
    codes = (pixels ^ 0x80).view(np.int8)
    (found,), (expected,) = runtimes["rgba:int8"].run(codes), runtimes["int8"].run(np.ascontiguousarray(codes[..., :3]))
    assert np.array_equal(found[..., 3], codes[..., 3])
    assert np.abs(found[..., :3].astype(int) - expected).max() <= 1


def test_files_name_one_another():
    metadata = read_metadata(INT8.read_bytes())
    assert metadata.onnx_sha256 == sha256_file(ONNX)
    assert metadata.weights_sha256 == load_onnx(ONNX).metadata["redmobile.weights_sha256"]
    assert {stage["sha256"] for stage in NUMERICS["stages"]} >= {sha256_file(INT8), sha256_file(ONNX)}


def test_figures_json_is_of_the_files_that_lie_here_and_the_card_quotes_it():
    found = load_release(FOLDER)
    assert found is not None
    assert [file.file for file in found.files] == ["red_mobile_int8.tflite", "red_mobile_int8_720p.tflite", "red_mobile_int8_2160p.tflite"]
    for file in found.files:
        assert file.sha256 == sha256_file(FOLDER / file.file)
        assert (file.partitions, file.islands) == (1, 0)
    assert figures(found) in (FOLDER / "card.md").read_text()


@pytest.mark.parametrize(("name", "graph"), [("720p", (768, 1280)), ("2160p", (2176, 3840))])
def test_files_for_other_frames_have_the_scales_and_weights_that_were_trained(name, graph):
    """The body's: 4K has other stems and tails, of the same numbers."""
    model, own = (read_tflite(path.read_bytes(), path.name) for path in (FOLDER / f"red_mobile_int8_{name}.tflite", INT8))
    assert model.inputs[0].shape == (1, *graph, 3)
    mine, its = ({tensor.name: tensor for tensor in each.tensors()} for each in (model, own))
    body = [name for name in its if name.startswith(("stages.", "context.", "attention.", "fusions."))]
    assert len(body) > 20
    for tensor in body:
        assert np.array_equal(mine[tensor].quantization.scale, its[tensor].quantization.scale), tensor
        assert np.array_equal(mine[tensor].data, its[tensor].data), tensor


def test_card_quotes_the_figures_of_numerics_json():
    card = (FOLDER / "card.md").read_text()
    for row in NUMERICS["truth"]["rows"]:
        for metric, digits in (("psnr", 2), ("ssim", 3)):
            assert f"{row['mean'][metric]:.{digits}f}" in card, (row["stage"], metric)
