"""TensorFlow's own quantizer, fed the same ranges, gives the same scales, zero points, weights and biases, op for op."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from quantize_models import Build, frames, mini_red, run_codes, run_float

from redmobile.convert.onnx_to_tflite import convert
from redmobile.core.converter import ActivationQuantization, Quantize, load_converter
from redmobile.core.metrics import psnr
from redmobile.data.calibration import fit
from redmobile.data.frames import list_images, read_image
from redmobile.graph.onnx_graph import load_onnx
from redmobile.graph.tflite_model import Tensor
from redmobile.graph.tflite_read import read_tflite
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.quantize import quantize
from redmobile.shelf import find

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's own, on import
]

PLAIN = Quantize(activations=ActivationQuantization(search=0, observer="min_max"), equalize=False, bias_correction=False)


@pytest.fixture(scope="module")
def mlir_quantize():
    """(float file with ranges) → INT8 file, by TensorFlow."""
    pytest.importorskip("tensorflow", reason="the oracle is TensorFlow's quantizer: pip install 'redmobile[tensorflow]'")
    from tensorflow import int8
    from tensorflow.lite.python.convert import mlir_quantize as quantize_with_mlir

    return lambda data: quantize_with_mlir(data, disable_per_channel=False, fully_quantize=True, input_data_type=int8, output_data_type=int8)


def with_ranges(model, ranges):
    """The file of a float model whose activations carry (min, max), as TensorFlow's calibrator writes them."""
    import flatbuffers

    root = schema.ModelT.InitFromPackedBuf(write_tflite(model))
    for tensor in root.subgraphs[0].tensors:
        name = tensor.name.decode()
        if name in ranges:
            tensor.quantization = schema.QuantizationParametersT(min=[ranges[name][0]], max=[ranges[name][1]])
    builder = flatbuffers.Builder(1024)
    builder.Finish(root.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def ranges_of(report):
    """What was seen of each group, as its tensors' ranges: ours are tied before, TensorFlow's quantizer ties by itself.

    Where ours is not what was seen (given by specification, widened for a summary, narrowed before a LOGISTIC), ours.
    """
    found = {}
    for tensor in report.tensors:
        given = tensor.observer in ("fixed", "clamp", "summary") or tensor.clipped > 1 / 255
        found[tensor.name] = (tensor.low, tensor.high) if given else (min(tensor.seen[0], 0.0), max(tensor.seen[1], 0.0))
    return found


def extremes_of(report):
    """The least and the greatest value of each tensor, nothing cut, tied or widened: what TensorFlow's own calibrator would have noted."""
    return {
        tensor.name: (min(tensor.seen[0], 0.0), max(tensor.seen[1], 0.0)) if tensor.seen else (tensor.low, tensor.high) for tensor in report.tensors
    }


def without_output_clamp(model):
    """TensorFlow's quantizer keeps RELU_0_TO_1 and gives its input a range of its own; ours lets it vanish into the codes."""
    assert model.operators[-1].kind == "RELU_0_TO_1"
    last = model.operators.pop()
    model.operators[-1].outputs = last.outputs
    return model


def resized(build):
    features = build.depthwise(build.conv(build.image, 6, 3, activation="RELU6", stride=2), activation="RELU")
    return build.op("RESIZE_BILINEAR", [features, build.ints(16, 24)], (1, 16, 24, 6), half_pixel_centers=True)


def shuffled(build):
    return build.op("DEPTH_TO_SPACE", [build.conv(build.image, 12)], (1, 32, 48, 3), block_size=2)


def gated(build):
    features = build.conv(build.image, 4)
    mean = build.op("MEAN", [features, build.ints(1, 2)], (1, 1, 1, 4), keep_dims=True)
    gate = build.op("LOGISTIC", [build.conv(mean, 4)], (1, 1, 1, 4))
    return build.op("MUL", [features, gate], (1, 16, 24, 4))


def joined(build):
    pool = {"padding": "SAME", "stride_w": 1, "stride_h": 1, "filter_width": 2, "filter_height": 2}
    pooled = build.op("MAX_POOL_2D", [build.conv(build.image, 4)], (1, 16, 24, 4), **pool)
    return build.op("CONCATENATION", [pooled, build.conv(build.image, 4, gain=3.0)], (1, 16, 24, 8), axis=3)


def curved(build):
    return build.op("TANH", [build.op("LEAKY_RELU", [build.conv(build.image, 4)], (1, 16, 24, 4), alpha=0.1)], (1, 16, 24, 4))


def padded(build):
    pads = Tensor.constant("pads", np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    return build.op(
        "ADD",
        [build.op("PAD", [build.conv(build.image, 4), pads], (1, 18, 26, 4)), Tensor.constant("one", np.array([0.5, -1, 2, 1], np.float32))],
        (1, 18, 26, 4),
    )


GRAPHS = [resized, shuffled, gated, joined, curved, padded]


def compare(ours, theirs):
    """Same operators in the same order, same numbers."""
    assert [operator.kind for operator in ours.operators] == [operator.kind for operator in theirs.operators]
    for mine, other in zip(ours.operators, theirs.operators, strict=True):
        for tensor, expected in zip([*mine.inputs, *mine.outputs], [*other.inputs, *other.outputs], strict=True):
            if tensor is None or tensor.quantization is None:
                continue
            where = f"{mine.kind} {tensor.name}"
            assert tensor.dtype == expected.dtype, where
            np.testing.assert_allclose(tensor.quantization.scale, expected.quantization.scale, rtol=2e-6, err_msg=where)
            np.testing.assert_array_equal(tensor.quantization.zero_point, expected.quantization.zero_point, where)
            if tensor.data is not None:
                # A bias, and a weight that lies just between two codes, may fall to either side: ours are divided by the float32 scale
                # that the file holds and the runtime uses, TensorFlow's by the float64 one before it was rounded.
                assert np.abs(tensor.data.astype(np.int64) - expected.data).max() <= 1, where
                assert (tensor.data == expected.data).mean() > (0.999 if tensor.dtype == "int8" else 0.8), where


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.__name__)
def test_one_operator_after_the_other(mlir_quantize, graph):
    build = Build(4)
    model = build.model(graph(build))
    result = quantize(model, PLAIN, frames())
    compare(result.model, read_tflite(mlir_quantize(with_ranges(model, ranges_of(result.report)))))


def test_a_network_and_its_outputs(mlir_quantize):
    result = quantize(mini_red(), PLAIN, frames())
    theirs = read_tflite(mlir_quantize(with_ranges(without_output_clamp(mini_red()), ranges_of(result.report))))
    compare(result.model, theirs)
    for picture in frames():
        (mine,), (other,) = run_codes(result.model, picture).values(), run_codes(theirs, picture).values()
        assert np.abs(mine - other).max() <= 2 / 255 + 1e-6


def test_our_recipe_is_closer_to_float_where_channels_differ(mlir_quantize):
    """Trained networks have channels that reach a tenth of their neighbours' range; random ones do not, so they are made so here."""
    build, pictures = Build(6), frames(6)
    factors = np.geomspace(0.02, 1, 12).astype(np.float32)
    features = build.conv(build.image, 12, 3, activation="RELU6")
    for constant in build.operators[-1].inputs[1:]:
        constant.data *= factors.reshape(-1, *[1] * (constant.data.ndim - 1))
    out = build.conv(features, 3, 3)
    build.operators[-1].inputs[1].data /= factors
    model = build.model(out)
    plain = quantize(model, PLAIN, pictures)
    theirs = read_tflite(mlir_quantize(with_ranges(model, ranges_of(plain.report))))
    ours = quantize(model, load_converter("litert_int8").quantize, pictures).model
    errors = []
    for each in (ours, theirs):
        differences = [
            next(iter(run_float(model, picture).values())) - next(iter(run_codes(each, picture).values())) for picture in frames(6, seed=8)
        ]
        errors.append(np.mean(np.square(differences)))
    assert errors[0] < errors[1]


def mean_psnr(model, float_model, pictures):
    """Of `model`'s outputs against `float_model`'s, both as 8-bit pictures, in dB."""

    def pixels(outputs):
        return np.rint(next(iter(outputs.values()))[0].clip(0, 1) * 255).astype(np.uint8)

    return np.mean([psnr(pixels(run_float(float_model, picture)), pixels(run_codes(model, picture))) for picture in pictures])


def test_the_released_red_mobile_is_closer_to_float_than_min_max_ranges(mlir_quantize):
    """At 1080p, calibrated with the pictures that go with it, on dark photographs that are not among them."""
    folder = find("models", "red_mobile")
    calibration, dark = ([fit(read_image(path).frame, 1088, 1920) for path in list_images(folder / name)] for name in ("calibration", "demo"))
    model, clampless = (convert(load_onnx(folder / "red_mobile.onnx"), "litert_int8", load_converter("litert_int8")) for _ in range(2))
    theirs = with_ranges(without_output_clamp(clampless), extremes_of(quantize(model, PLAIN, calibration).report))
    ours = read_tflite((folder / "red_mobile_int8.tflite").read_bytes())
    assert mean_psnr(ours, model, dark) > mean_psnr(read_tflite(mlir_quantize(theirs)), model, dark) + 1
