"""Every other operator against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_cases import PLAIN_CHOICES, convert_and_compare, kinds, node, onnx_model, random

from redmobile.errors import UnsupportedModelError

IMAGE = {"x": (1, 5, 6, 8)}
F32 = np.float32


def ints(*values):
    return np.array(values, np.int64)


# Normalization


def test_batch_normalization_alone():
    constants = {name: random(5, index) for index, name in enumerate("gbm")} | {"v": np.abs(random(5, 9)) + 0.1}
    model = onnx_model([node("BatchNormalization", "x g b m v", "y", epsilon=1e-3)], IMAGE, constants)
    assert kinds(convert_and_compare(model)) == {"MUL": 1, "ADD": 1}


# Resize


@settings(deadline=None, max_examples=30)
@given(
    st.integers(2, 9),
    st.integers(5, 9),  # a width of 3 or 4 would read as the channels of an NHWC image
    st.integers(2, 20),
    st.integers(2, 20),
    st.sampled_from(["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]),
)
def test_resize_to_any_size(height, width, new_height, new_width, mode):
    attributes = {"mode": "linear", "coordinate_transformation_mode": mode}
    constants = {"sizes": ints(1, 5, new_height, new_width)}
    model = onnx_model([node("Resize", ["x", "", "", "sizes"], "y", **attributes)], {"x": (1, 5, height, width)}, constants)
    assert kinds(convert_and_compare(model)) == {"RESIZE_BILINEAR": 1}


@pytest.mark.parametrize("opset", [10, 18])
def test_resize_by_scales(opset):
    names = ["x", "", "scales"] if opset > 10 else ["x", "scales"]
    model = onnx_model([node("Resize", names, "y", mode="linear")], IMAGE, {"scales": np.array([1, 1, 2, 2], F32)}, opset=opset)
    if opset > 10:
        convert_and_compare(model)


@pytest.mark.parametrize(
    ("attributes", "scales", "reason"),
    [
        ({"mode": "nearest"}, (1, 1, 2, 2), "mode 'nearest' is not supported"),
        ({"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize"}, (1, 1, 2, 2), "tf_crop_and_resize"),
        ({"mode": "linear", "antialias": 1}, (1, 1, 0.5, 0.5), "antialias 1 is not supported"),
        ({"mode": "linear"}, (1, 1, 1.3, 1), "gives no whole size"),
        ({"mode": "linear"}, (1, 2, 1, 1), "batch or channels"),
    ],
)
def test_resize_refusals(attributes, scales, reason):
    model = onnx_model([node("Resize", ["x", "", "scales"], "y", **attributes)], IMAGE, {"scales": np.array(scales, F32)})
    with pytest.raises(UnsupportedModelError, match=reason):
        convert_and_compare(model)


# Reductions


@pytest.mark.parametrize(("op", "kind"), [("ReduceMean", "MEAN"), ("ReduceMax", "REDUCE_MAX")])
@pytest.mark.parametrize(("axes", "keep"), [((2, 3), 1), ((-1, -2), 1), ((1,), 1), ((1,), 0), ((2, 3), 0), ((2,), 0), (None, 1)])
def test_reductions(op, kind, axes, keep):
    constants = {"axes": ints(*axes)} if axes else {}
    model = onnx_model([node(op, "x axes" if axes else "x", "y", keepdims=keep)], {"x": (1, 5, 6, 8)}, constants)
    assert kinds(convert_and_compare(model))[kind] == 1


def test_reduction_of_an_old_opset_has_its_axes_as_attribute():
    model = onnx_model([node("ReduceMax", "x", "y", axes=[1], keepdims=1)], IMAGE, opset=12)
    assert kinds(convert_and_compare(model)) == {"REDUCE_MAX": 1}


def test_global_average_pool():
    assert kinds(convert_and_compare(onnx_model([node("GlobalAveragePool", "x", "y")], IMAGE))) == {"MEAN": 1}


# Moving values


@pytest.mark.parametrize(("axis", "shape"), [(1, (1, 7, 6, 8)), (2, (1, 5, 9, 8)), (-1, (1, 5, 6, 2))])
def test_concat(axis, shape):
    model = onnx_model([node("Concat", "x z c", "y", axis=axis)], IMAGE | {"z": shape}, {"c": random(shape, 5)})
    assert kinds(convert_and_compare(model)) == {"CONCATENATION": 1}


@pytest.mark.parametrize(
    ("sizes", "operators"),
    [((6, 6), {"SPLIT": 1}), ((3, 3, 3, 3), {"SPLIT": 1}), ((5, 7), {"STRIDED_SLICE": 2}), ((2, 2, 2, 2, 2, 2), {"STRIDED_SLICE": 6})],
)
def test_split(sizes, operators):
    names = [f"y{index}" for index in range(len(sizes))]
    model = onnx_model([node("Split", "x sizes", names, axis=1)], {"x": (1, 12, 5, 7)}, {"sizes": ints(*sizes)}, outputs=names)
    assert kinds(convert_and_compare(model)) == operators


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps"), [((1,), (4,), (1,), (1,)), ((-3, 0), (2**62, -1), (2, 3), (1, 2)), ((0,), (3,), (-1,), (2,))]
)
def test_slice(starts, ends, axes, steps):
    constants = {"s": ints(*starts), "e": ints(*ends), "a": ints(*axes), "t": ints(*steps)}
    model = onnx_model([node("Slice", "x s e a t", "y")], {"x": (1, 5, 6, 9)}, constants)
    assert kinds(convert_and_compare(model)) == {"STRIDED_SLICE": 1}


@pytest.mark.parametrize(
    ("attributes", "inputs", "operators"),
    [
        ({}, "x p", {"PAD": 1}),
        ({}, "x p v", {"PADV2": 1}),
        ({"mode": "reflect"}, "x p", {"MIRROR_PAD": 1}),
    ],
)
def test_pad(attributes, inputs, operators):
    constants = {"p": ints(0, 1, 2, 0, 0, 0, 1, 3)} | ({"v": F32(0.5)} if "v" in inputs else {})
    assert kinds(convert_and_compare(onnx_model([node("Pad", inputs, "y", **attributes)], IMAGE, constants))) == operators


@pytest.mark.parametrize(
    ("attributes", "amounts", "reason"), [({"mode": "edge"}, (0, 0, 1, 1) * 2, "mode 'edge'"), ({}, (0, 0, -1, 0) * 2, "at least 0")]
)
def test_pad_refusals(attributes, amounts, reason):
    with pytest.raises(UnsupportedModelError, match=reason):
        convert_and_compare(onnx_model([node("Pad", "x p", "y", **attributes)], IMAGE, {"p": ints(*amounts)}))


def test_transposes_cost_nothing_until_order_matters():
    nodes = [node("Transpose", "x", "t", perm=(0, 2, 3, 1)), node("Relu", "t", "r"), node("Transpose", "r", "y", perm=(0, 3, 1, 2))]
    assert kinds(convert_and_compare(onnx_model(nodes, {"x": (1, 5, 6, 8)}))) == {"RELU": 1}


def test_model_with_nhwc_outside_keeps_it_without_a_transpose():
    nodes = [node("Transpose", "x", "t", perm=(0, 3, 1, 2)), node("Conv", "t w", "c"), node("Transpose", "c", "y", perm=(0, 2, 3, 1))]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (1, 6, 8, 3)}, {"w": random((3, 3, 1, 1))}))
    assert kinds(lowered) == {"CONV_2D": 1}
    assert lowered.inputs[0].shape == lowered.outputs[0].shape == (1, 6, 8, 3)


def test_transpose_of_axes_that_memory_disagrees_on():
    nodes = [node("Transpose", "x", "t", perm=(0, 1, 3, 2)), node("Conv", "t w", "y")]
    assert kinds(convert_and_compare(onnx_model(nodes, {"x": (1, 5, 6, 8)}, {"w": random((7, 5, 1, 1))}))) == {"TRANSPOSE": 1, "CONV_2D": 1}


def test_reshape_of_channels_behind_a_global_mean_moves_nothing():
    nodes = [
        node("GlobalAveragePool", "x", "m"),
        node("Reshape", "m flat", "f"),
        node("Relu", "f", "r"),
        node("Reshape", "r back", "b"),
        node("Mul", "x b", "y"),
    ]
    constants = {"flat": ints(1, 5), "back": ints(1, 5, 1, 1)}
    assert "TRANSPOSE" not in kinds(convert_and_compare(onnx_model(nodes, IMAGE, constants)))


def test_reshape_in_general_is_right():
    nodes = [node("Reshape", "x s", "r"), node("Transpose", "r", "t", perm=(0, 2, 1, 3, 4)), node("Reshape", "t u", "y")]
    constants = {"s": ints(1, 2, 3, 6, 8), "u": ints(1, 6, 6, 8)}
    convert_and_compare(onnx_model(nodes, {"x": (1, 6, 6, 8)}, constants))  # a channel shuffle


def test_identity_of_an_input_is_copied():
    lowered = convert_and_compare(onnx_model([node("Identity", "x", "y")], IMAGE))
    assert [tensor.name for tensor in lowered.outputs] == ["y"]


def test_two_names_for_one_output_are_two_outputs():
    model = onnx_model([node("Relu", "x", "y"), node("Identity", "y", "z")], IMAGE, outputs=("y", "z"))
    assert [tensor.name for tensor in convert_and_compare(model).outputs] == ["y", "z"]


# Patches


@pytest.mark.parametrize("block", [2, 4, 8])
@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize("choices", [None, PLAIN_CHOICES], ids=["row_planes", "depth_to_space"])
def test_depth_to_space(block, mode, choices):
    model = onnx_model([node("DepthToSpace", "x", "y", blocksize=block, mode=mode)], {"x": (1, 3 * block * block, 5, 6)})
    lowered = convert_and_compare(model, choices)
    assert ("DEPTH_TO_SPACE" in kinds(lowered)) == (choices is not None)
    assert "TRANSPOSE" not in kinds(lowered)


@pytest.mark.parametrize("block", [2, 4, 8])
@pytest.mark.parametrize("choices", [None, PLAIN_CHOICES], ids=["row_planes", "space_to_depth"])
def test_space_to_depth(block, choices):
    model = onnx_model([node("SpaceToDepth", "x", "y", blocksize=block)], {"x": (2, 3, 3 * block, 5 * block)})
    lowered = convert_and_compare(model, choices)
    assert ("SPACE_TO_DEPTH" in kinds(lowered)) == (choices is not None)
    assert "TRANSPOSE" not in kinds(lowered)
