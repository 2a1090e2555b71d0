"""8-bit weights under float32 activations: what changes, what stays, and that LiteRT runs it in XNNPACK."""

import numpy as np
import pytest
from quantize_models import Build, frames, run_float

from redmobile.core.converter import load_converter
from redmobile.graph.op_versions import version_of
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.dynamic_range import SMALLEST, quantize_weights_only
from redmobile.runtimes.base import open_runtime


@pytest.fixture(scope="module")
def network():
    build = Build(3)
    wide = build.depthwise(build.conv(build.image, 64, 3), 3)
    return build.model(build.conv(build.conv(wide, 32, 1), 8, 3, name="enhanced"))


def weights_of(model):
    return [operator.inputs[1] for operator in model.operators]


def test_large_weights_of_convolutions_become_codes_and_all_else_stays(network):
    made = quantize_weights_only(network)
    assert [tensor.dtype for tensor in weights_of(network)] == ["float32"] * 4
    assert [tensor.dtype for tensor in weights_of(made)] == ["int8", "float32", "int8", "int8"]
    assert all(operator.inputs[2].dtype == operator.outputs[0].dtype == "float32" for operator in made.operators)
    first = weights_of(made)[0]
    assert len(first.quantization.scale) == 64
    error = np.abs(first.quantization.dequantize(first.data) - weights_of(network)[0].data)
    assert (error.max(axis=(1, 2, 3)) <= first.quantization.scale * 0.501).all()


def test_the_result_is_close_and_stays_in_xnnpack(network, tmp_path):
    made = quantize_weights_only(network)
    for frame in frames():
        expected, found = (run_float(model, frame)["enhanced"] for model in (network, made))
        assert np.abs(found - expected).max() <= 0.03 * np.abs(expected).max()
    path = tmp_path / "dynamic.tflite"
    path.write_bytes(write_tflite(made))
    coverage = open_runtime(path, "litert").delegate_coverage()
    assert (coverage.partitions, coverage.left) == (1, {})
    assert len(write_tflite(made)) < 0.5 * len(write_tflite(network))


def test_small_weights_groups_and_dead_channels():
    build = Build(3)
    assert SMALLEST > 3 * 3 * 3 * 8
    small = build.model(build.conv(build.image, 8, 3))
    assert weights_of(quantize_weights_only(small))[0].dtype == "float32"
    image = Tensor("image", (1, 8, 8, 64), "float32")
    options = {"padding": "SAME", "stride_w": 1, "stride_h": 1, "fused_activation_function": "NONE"}
    groups = Operator(
        "CONV_2D", [image, Tensor.constant("w", np.ones((64, 3, 3, 32), np.float32)), None], [Tensor("y", (1, 8, 8, 64), "float32")], options
    )
    assert quantize_weights_only(TfliteModel([groups], [image], groups.outputs)).operators[0].inputs[1].dtype == "float32"
    dead = Operator("CONV_2D", [image, Tensor.constant("w", np.zeros((64, 3, 3, 64), np.float32)), None], groups.outputs, options)
    (codes,) = weights_of(quantize_weights_only(TfliteModel([dead], [image], dead.outputs)))
    assert not codes.data.any()
    assert (codes.quantization.scale > 0).all()


def test_a_dense_layer_has_one_scale_and_asks_for_the_hybrid_version():
    x = Tensor("x", (1, 64), "float32")
    weights = Tensor.constant("w", np.random.default_rng(0).normal(0, 1, (40, 64)).astype(np.float32))
    dense = Operator("FULLY_CONNECTED", [x, weights, Tensor.constant("b", np.zeros(40, np.float32))], [Tensor("y", (1, 40), "float32")])
    (made,) = quantize_weights_only(TfliteModel([dense], [x], dense.outputs)).operators
    assert len(made.inputs[1].quantization.scale) == 1
    assert (version_of(dense), version_of(made)) == (1, 3)


def test_shared_weights_stay_shared():
    build = Build(3)
    wide = build.conv(build.image, 32, 1)
    first = build.conv(wide, 32, 1)
    second = build.conv(first, 32, 1)
    build.operators[-1].inputs[1] = build.operators[-2].inputs[1]
    made = quantize_weights_only(build.model(second))
    assert made.operators[1].inputs[1] is made.operators[2].inputs[1]


def test_the_recipe_asks_for_it():
    recipe = load_converter("litert_dynamic")
    assert (recipe.weights, recipe.quantize) == ("int8", None)
