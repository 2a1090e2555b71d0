"""MaxPool, AveragePool, LpPool and the global poolings against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx_cases import convert_and_compare, kinds, node, onnx_model, random, run_tflite

from redmobile.convert.onnx_to_tflite import lower
from redmobile.core.converter import LoweringChoices
from redmobile.errors import UnsupportedModelError
from redmobile.graph.onnx_graph import read_onnx

IMAGE = {"x": (1, 5, 8, 10)}
OPERATOR = LoweringChoices(average_pool="average_pool")


def pool(op, inputs=None, opset=19, outputs=("y",), **attributes):
    return onnx_model([node(op, "x", list(outputs), **attributes)], inputs or IMAGE, opset=opset, outputs=outputs)


@st.composite
def cases(draw, op):
    axes = draw(st.sampled_from([1, 2, 2]))

    def each(low, high):
        return [draw(st.integers(low, high)) for _ in range(axes)]

    size, kernel = each(7, 10), each(1, 4)
    attributes = {"kernel_shape": kernel, "strides": each(1, 3), "ceil_mode": draw(st.integers(0, 1))}
    if draw(st.booleans()):
        attributes["dilations"] = each(1, 2)
    if op == "AveragePool":
        attributes["count_include_pad"] = draw(st.integers(0, 1))
    if op == "LpPool":
        attributes["p"] = draw(st.integers(1, 3))
    # onnxruntime leaves the dilation out of SAME pads, and takes fewer than no pads where the stride is larger than the kernel.
    automatic = draw(st.booleans()) and "dilations" not in attributes and all(a >= b for a, b in zip(kernel, attributes["strides"], strict=True))
    if automatic:
        attributes["auto_pad"] = draw(st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]))
    else:
        attributes["pads"] = [draw(st.integers(0, reach - 1)) for reach in kernel + kernel]
    return size, attributes


def begins_on_the_image(size, attributes):
    """Whether the last window does, with rounding up: onnx counts one more where it does not, onnxruntime does not."""
    if not attributes["ceil_mode"]:
        return True
    axes = len(size)
    pads, dilations = attributes.get("pads", [0] * 2 * axes), attributes.get("dilations", [1] * axes)
    for axis, (length, stride) in enumerate(zip(size, attributes["strides"], strict=True)):
        span = (attributes["kernel_shape"][axis] - 1) * dilations[axis] + 1
        last = -(-(length + pads[axis] + pads[axis + axes] - span) // stride) * stride
        if last >= length + pads[axis]:
            return False
    return attributes.get("auto_pad", "NOTSET") == "NOTSET"


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "LpPool"])
@pytest.mark.parametrize("choices", [None, OPERATOR], ids=["depthwise", "average_pool"])
def test_any_kernel_stride_dilation_pads_and_rounding(op, choices):
    @settings(deadline=None, max_examples=50)
    @given(cases(op))
    def check(case):
        size, attributes = case
        assume(begins_on_the_image(size, attributes))
        found = kinds(convert_and_compare(pool(op, {"x": (1, 5, *size)}, **attributes), choices))
        assert "PADV2" not in found
        assert "AVERAGE_POOL_2D" not in found or choices is OPERATOR

    check()


@pytest.mark.parametrize(
    ("attributes", "operators"),
    [
        ({"kernel_shape": (2, 2), "strides": (2, 2)}, {"MAX_POOL_2D": 1}),
        ({"kernel_shape": (3, 3), "pads": (1, 1, 1, 1)}, {"MAX_POOL_2D": 1}),
        ({"kernel_shape": (3, 3), "strides": (2, 2), "pads": (1, 1, 1, 1)}, {"STRIDED_SLICE": 2, "CONCATENATION": 2, "MAX_POOL_2D": 1}),  # ResNet's
        ({"kernel_shape": (2, 2), "strides": (2, 2), "ceil_mode": 1}, {"MAX_POOL_2D": 1}),
        ({"kernel_shape": (8, 10)}, {"REDUCE_MAX": 1}),
    ],
)
def test_max_pool_takes_the_least_operators(attributes, operators):
    assert kinds(convert_and_compare(pool("MaxPool", **attributes))) == operators


def test_repeated_edges_never_win_where_all_values_are_negative():
    model = pool("MaxPool", kernel_shape=(3, 3), strides=(2, 2), pads=(1, 1, 1, 1))
    lowered = lower(read_onnx(model.SerializeToString()), LoweringChoices())
    (found,) = run_tflite(lowered, {"x": np.full((1, 8, 10, 5), -7, np.float32)})
    assert (found == -7).all()


@pytest.mark.parametrize(
    ("attributes", "operators"),
    [
        ({"kernel_shape": (2, 2), "strides": (2, 2)}, {"AVERAGE_POOL_2D": 1}),
        ({"kernel_shape": (3, 3), "pads": (1, 1, 1, 1)}, {"AVERAGE_POOL_2D": 1}),  # SAME leaves out what is outside
        ({"kernel_shape": (3, 3), "pads": (1, 1, 1, 1), "count_include_pad": 1}, {"DEPTHWISE_CONV_2D": 1}),
        ({"kernel_shape": (3, 3), "pads": (1, 1, 1, 1), "strides": (2, 2)}, {"PAD": 1, "DEPTHWISE_CONV_2D": 1, "MUL": 1}),
        ({"kernel_shape": (8, 10)}, {"MEAN": 1}),
    ],
)
def test_average_pool_as_the_operator_where_it_fits(attributes, operators):
    assert kinds(convert_and_compare(pool("AveragePool", **attributes), OPERATOR)) == operators


@pytest.mark.parametrize(("attributes", "operators"), [({}, {"DEPTHWISE_CONV_2D": 1}), ({"pads": (1, 1, 1, 1)}, {"DEPTHWISE_CONV_2D": 1, "MUL": 1})])
def test_average_pool_as_a_depthwise_convolution_by_default(attributes, operators):
    assert kinds(convert_and_compare(pool("AveragePool", kernel_shape=(3, 3), **attributes))) == operators


@pytest.mark.parametrize("shape", [(2, 5, 7), (1, 5, 6, 8), (1, 5, 6, 7, 2)])
@pytest.mark.parametrize(
    ("op", "attributes", "operators"),
    [
        ("GlobalAveragePool", {}, {"MEAN": 1}),
        ("GlobalMaxPool", {}, {"REDUCE_MAX": 1}),
        ("GlobalLpPool", {}, {"MUL": 1, "SUM": 1, "SQRT": 1}),
        ("GlobalLpPool", {"p": 1}, {"ABS": 2, "SUM": 1}),
        ("GlobalLpPool", {"p": 3}, {"ABS": 1, "POW": 2, "SUM": 1}),
    ],
)
def test_global_pools_of_any_rank(op, attributes, operators, shape):
    assert kinds(convert_and_compare(pool(op, {"x": shape}, **attributes))) == operators


def test_global_average_behind_a_convolution_moves_nothing():
    nodes = [node("Conv", "x w", "c"), node("GlobalAveragePool", "c", "m"), node("Conv", "m v", "y")]
    model = onnx_model(nodes, IMAGE, {"w": random((6, 5, 3, 3), 1), "v": random((2, 6, 1, 1), 2)})
    assert kinds(convert_and_compare(model)) == {"CONV_2D": 2, "MEAN": 1}


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (pool("MaxPool", kernel_shape=(2, 2), outputs=("y", "positions")), "the positions of the maxima"),
        (pool("MaxPool", {"x": (1, 5, 6, 6, 6)}, kernel_shape=(2, 2, 2)), "rank 5"),
        (pool("AveragePool", kernel_shape=(2, 2), strides=(3, 3), ceil_mode=1, inputs={"x": (1, 5, 9, 9)}), "onnx infers .* windows"),
        (pool("MaxPool", kernel_shape=(2, 2), pads=(2, 0, 0, 0)), "outside of the image altogether"),
    ],
)
def test_refusals_say_why(model, reason):
    with pytest.raises(UnsupportedModelError, match=reason):
        lower(read_onnx(model.SerializeToString()), LoweringChoices())
