"""Every other operator against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_cases import PLAIN_CHOICES, convert_and_compare, kinds, node, onnx_model, random

IMAGE = {"x": (1, 5, 6, 8)}
F32 = np.float32


def ints(*values):
    return np.array(values, np.int64)


# Normalization


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
