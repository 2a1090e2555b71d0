"""Every other operator against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_cases import PLAIN_CHOICES, convert_and_compare, kinds, node, onnx_model, random

from redmobile.errors import UnsupportedModelError

IMAGE = {"x": (1, 5, 6, 8)}
F32 = np.float32


def ints(*values):
    return np.array(values, np.int64)


# Activations


@pytest.mark.parametrize(("op", "kind"), [("Relu", "RELU"), ("Sigmoid", "LOGISTIC")])
@pytest.mark.parametrize("shape", [(1, 5, 6, 8), (2, 7), (2, 3, 5)])
def test_unary(op, kind, shape):
    assert kinds(convert_and_compare(onnx_model([node(op, "x", "y")], {"x": shape}))) == {kind: 1}


@pytest.mark.parametrize(
    ("low", "high", "operators"),
    [
        (0, 6, {"RELU6": 1}),
        (0, 1, {"RELU_0_TO_1": 1}),
        (-1, 1, {"RELU_N1_TO_1": 1}),
        (0, None, {"RELU": 1}),
        (0, np.finfo(np.float32).max, {"RELU": 1}),
        (None, 0.5, {"MINIMUM": 1}),
        (-0.5, None, {"MAXIMUM": 1}),
        (0.0001, 1, {"MAXIMUM": 1, "MINIMUM": 1}),
    ],
)
def test_clip(low, high, operators):
    constants = {name: F32(value) for name, value in (("low", low), ("high", high)) if value is not None}
    names = ["x", "low" if low is not None else "", "high" if high is not None else ""]
    assert kinds(convert_and_compare(onnx_model([node("Clip", names, "y")], IMAGE, constants))) == operators


def test_clip_of_an_old_opset_has_its_bounds_as_attributes():
    model = onnx_model([node("Clip", "x", "y", min=0.0, max=6.0)], IMAGE, opset=6)
    assert kinds(convert_and_compare(model)) == {"RELU6": 1}


def test_clip_without_bounds_is_nothing_but_a_copy():
    assert kinds(convert_and_compare(onnx_model([node("Clip", "x", "y")], IMAGE))) == {"RESHAPE": 1}


def test_computed_clip_bound_is_refused():
    with pytest.raises(UnsupportedModelError, match=r"its min .'low'. is computed"):
        convert_and_compare(onnx_model([node("Clip", "x low", "y")], IMAGE | {"low": ()}))


@pytest.mark.parametrize("slope", [(5, 1, 1), (1, 5, 1, 1), (1,), ()])
def test_prelu(slope):
    assert kinds(convert_and_compare(onnx_model([node("PRelu", "x s", "y")], IMAGE, {"s": random(slope, 3)}))) == {"PRELU": 1}


def test_prelu_slope_along_width_is_refused():
    with pytest.raises(UnsupportedModelError, match="neither one value nor one a channel"):
        convert_and_compare(onnx_model([node("PRelu", "x s", "y")], IMAGE, {"s": random((8,), 3)}))


def test_hard_swish_both_ways():
    model = onnx_model([node("HardSwish", "x", "y")], {"x": (1, 5, 6, 8)})
    assert kinds(convert_and_compare(model)) == {"ADD": 1, "MUL": 2}
    assert kinds(convert_and_compare(model, PLAIN_CHOICES)) == {"HARD_SWISH": 1}


# Elementwise


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize("second", [(1, 5, 6, 8), (1, 5, 1, 1), (1, 1, 6, 8), (5, 1, 1), (1,), (), (8,), (6, 8)])
@pytest.mark.parametrize("constant", [True, False])
def test_binary_with_broadcast(op, second, constant):
    if constant:
        model = onnx_model([node(op, "x z", "y")], IMAGE, {"z": random(second, 4)})
    else:
        model = onnx_model([node(op, "x z", "y")], IMAGE | {"z": second})
    assert "TRANSPOSE" not in kinds(convert_and_compare(model)) or (second == (6, 8) and not constant)


def test_constant_first():
    assert kinds(convert_and_compare(onnx_model([node("Sub", "one x", "y")], IMAGE, {"one": random((1, 1, 1, 1))}))) == {"SUB": 1}


def test_both_sides_broadcast():
    convert_and_compare(onnx_model([node("Mul", "x z", "y")], {"x": (1, 5, 1, 1), "z": (1, 1, 6, 8)}))


def test_div():
    nodes = [node("Mul", "z z", "s"), node("Add", "s one", "d"), node("Div", "x d", "y")]
    assert "DIV" in kinds(convert_and_compare(onnx_model(nodes, IMAGE | {"z": (1, 5, 6, 8)}, {"one": F32(1)})))


def test_div_by_a_constant_multiplies():
    model = onnx_model([node("Div", "x c", "y")], IMAGE, {"c": random((5, 1, 1), 1) + 5})
    assert kinds(convert_and_compare(model)) == {"MUL": 1}


def test_div_by_a_constant_zero_is_refused():
    with pytest.raises(UnsupportedModelError, match="'c' holds zeros"):
        convert_and_compare(onnx_model([node("Div", "x c", "y")], IMAGE, {"c": F32(0)}))


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
