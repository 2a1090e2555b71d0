"""Pairs of QuantizeLinear and DequantizeLinear: what stays of them in the graph, and in a float file."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_cases import kinds, node, onnx_graph, onnx_model, random, run_onnx, run_tflite

from redmobile.convert.onnx_to_tflite import lower
from redmobile.convert.passes.absorb_qdq import absorb_qdq
from redmobile.core.converter import LoweringChoices
from redmobile.errors import UnsupportedModelError
from redmobile.graph.onnx_graph import read_onnx

SIZE = (1, 3, 6, 8)


def pair(source, result, scale, zero_point):
    return [
        node("QuantizeLinear", f"{source} {scale} {zero_point}", f"{result}_q"),
        node("DequantizeLinear", f"{result}_q {scale} {zero_point}", result),
    ]


def constants(**more):
    return {
        "w": random((4, 3, 3, 3)),
        "s": np.float32(0.05),
        "six": np.float32(6 / 255),
        "z0": np.uint8(0),
        "z128": np.uint8(128),
        **more,
    }


def conv(source, result, weights="w"):
    return node("Conv", f"{source} {weights}", result, kernel_shape=[3, 3], pads=[1] * 4)


@pytest.mark.parametrize(
    ("scale", "zero", "left"),
    [("s", "z128", ["Conv", "Identity"]), ("s", "z0", ["Conv", "Relu"]), ("six", "z0", ["Conv", "Clip"])],
)
def test_a_pair_leaves_its_scale_and_the_clamp_that_it_stands_for(scale, zero, left):
    graph = onnx_graph([conv("x", "c"), *pair("c", "y", scale, zero)], {"x": SIZE}, constants())
    absorb_qdq(graph)
    assert [found.op for found in graph.nodes] == left
    given = graph.given["y"]
    assert given.dtype == "uint8"
    assert given.quantization.scale[0] == constants()[scale]
    if left[1] == "Clip":
        assert graph.nodes[1].attributes == {"min": 0.0, "max": 6.0}


@pytest.mark.parametrize(
    "before",
    [
        [node("Relu", "x", "c")],
        [node("Sigmoid", "x", "r"), node("MaxPool", "r", "c", kernel_shape=[2, 2])],
        [node("Clip", "x zero one", "c")],
        [node("Relu", "x", "r"), node("Add", "r r", "c")],
        [node("Reshape", "x shape", "c")],
    ],
    ids=["relu", "pool of sigmoid", "clip", "sum", "pixels"],
)
def test_what_is_never_negative_gets_no_clamp(before):
    more = {"zero": np.float32(0), "one": np.float32(1), "shape": np.array([1, 3, 48], np.int64)}
    graph = onnx_graph([*before, *pair("c", "y", "s", "z0")], {"x": SIZE}, constants(**more))
    absorb_qdq(graph)
    assert [found.op for found in graph.nodes] == [*(found.op_type for found in before), "Identity"]


def test_an_input_whose_codes_reach_below_zero_gets_the_clamp():
    nodes = [*pair("x", "a", "s", "z128"), node("MaxPool", "a", "b", kernel_shape=[2, 2]), *pair("b", "y", "s", "z0")]
    graph = onnx_graph(nodes, {"x": SIZE}, constants())
    absorb_qdq(graph)
    assert [found.op for found in graph.nodes] == ["MaxPool", "Relu"]


def test_readers_of_one_code_tensor_read_one_tensor():
    second = node("DequantizeLinear", "a_q s z0", "b")
    nodes = [conv("x", "c"), *pair("c", "a", "s", "z0"), second, conv("a", "p", "v"), conv("b", "q", "v"), node("Add", "p q", "y")]
    lowered = lower(onnx_graph(nodes, {"x": SIZE}, constants(v=random((2, 4, 3, 3)))), LoweringChoices())
    assert kinds(lowered) == {"CONV_2D": 3, "ADD": 1}
    assert lowered.operators[1].inputs[0] is lowered.operators[2].inputs[0]
    assert lowered.operators[0].options["fused_activation_function"] == "RELU"


@pytest.mark.parametrize(("second", "zero"), [("six", "z0"), ("s", "z128")])
def test_codes_read_by_another_scale_or_zero_point_are_refused(second, zero):
    nodes = [node("QuantizeLinear", "x s z0", "q"), node("DequantizeLinear", f"q {second} {zero}", "y")]
    with pytest.raises(UnsupportedModelError, match="'q' is not a DequantizeLinear of the same scale"):
        lower(onnx_graph(nodes, {"x": SIZE}, constants()), LoweringChoices())


def test_a_float_file_is_the_network_without_rounding():
    codes = np.random.default_rng(0).integers(-127, 128, (4, 3, 3, 3), np.int8)
    weights = node("DequantizeLinear", "codes scales zeros", "w2", axis=0)
    more = {"codes": codes, "scales": np.linspace(0.001, 0.004, 4, dtype=np.float32), "zeros": np.zeros(4, np.int8)}
    nodes = [*pair("x", "a", "fine", "z128"), weights, conv("a", "c", "w2"), *pair("c", "y", "fine", "z0")]
    model = onnx_model(nodes, {"x": SIZE}, constants(fine=np.float32(1 / 64), **more))
    lowered = lower(read_onnx(model.SerializeToString()), LoweringChoices())
    assert kinds(lowered) == {"CONV_2D": 1}
    x = np.abs(random(SIZE)) / 4
    (found,) = run_tflite(lowered, {"x": x.transpose(0, 2, 3, 1)})
    (expected,) = run_onnx(model, {"x": x})
    assert np.abs(found - expected.transpose(0, 2, 3, 1)).max() < 2 / 64  # a code of the output, and what rounding the input moves
    assert found.min() == 0.0


def test_scales_of_weights_go_through_a_transpose_and_a_pixel_shuffle():
    codes = np.random.default_rng(0).integers(-127, 128, (3, 3, 3, 8), np.int8)
    scales = np.linspace(0.001, 0.008, 8, dtype=np.float32)
    nodes = [
        node("DequantizeLinear", "codes scales zeros", "hwio", axis=3),
        node("Transpose", "hwio", "w2", perm=[3, 2, 0, 1]),
        conv("x", "c", "w2"),
        node("DepthToSpace", "c", "y", blocksize=2, mode="CRD"),
    ]
    graph = onnx_graph(nodes, {"x": SIZE}, {"codes": codes, "scales": scales, "zeros": np.zeros(8, np.int8)})
    np.testing.assert_array_equal(graph.given["w2"].quantization.scale, scales)
    lowered = lower(graph, LoweringChoices(pixel_shuffle="depth_to_space"))
    weights = lowered.operators[0].inputs[1]
    steps = weights.data / weights.given.quantization.scale[:, None, None, None]
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
