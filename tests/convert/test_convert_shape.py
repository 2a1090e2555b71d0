"""Operators that only move values, against onnxruntime: any rank, any order, negative steps; and what layouts cost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_cases import convert_and_compare, kinds, node, onnx_model, random, random_of

from redmobile.errors import UnsupportedModelError
from redmobile.graph.layout import joined, moves_data, reshaped, stored

DTYPES = ["bool", "uint8", "int8", "int32", "int64", "float32"]


def ints(*values):
    return np.array(values, np.int64)


def one(op, shape, constants=None, *, opset=18, dtype=np.float32, **attributes):
    names = ["x", *(constants or {})]
    return onnx_model([node(op, names, "y", **attributes)], {"x": shape}, constants, opset=opset, dtypes={"x": dtype})


# Reshape and its kin


@st.composite
def reshapes(draw):
    """(shape, another shape of as many values)."""
    factors = draw(st.lists(st.sampled_from([1, 2, 2, 3, 5]), min_size=1, max_size=6))
    shapes = []
    for _ in range(2):
        cuts = sorted(draw(st.lists(st.integers(0, len(factors)), max_size=5)))
        shapes.append(tuple(math.prod(factors[start:stop]) for start, stop in zip([0, *cuts], [*cuts, len(factors)], strict=True)))
    return shapes


@settings(deadline=None, max_examples=60)
@given(reshapes(), st.randoms())
def test_reshape_between_any_two_shapes_whatever_the_order(shapes, chance):
    before, after = shapes
    perm = list(range(len(before)))
    chance.shuffle(perm)
    back = [perm.index(axis) for axis in range(len(before))]
    nodes = [node("Transpose", "x", "t", perm=back), node("Reshape", "t s", "y")]
    convert_and_compare(onnx_model(nodes, {"x": tuple(before[axis] for axis in perm)}, {"s": ints(*after)}))


@settings(deadline=None, max_examples=200)
@given(reshapes(), st.randoms())
def test_reshaped_orders_say_the_same_as_numpy(shapes, chance):
    before, after = shapes
    order = list(range(len(before)))
    chance.shuffle(order)
    source, result = reshaped(before, after, tuple(order))
    values = np.arange(math.prod(before)).reshape(before)
    memory = values.transpose(source).reshape(stored(after, result))
    np.testing.assert_array_equal(memory, values.reshape(after).transpose(result))
    assert moves_data(before, tuple(order), source) or source == tuple(order)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=7), st.randoms())
def test_joined_transpose_moves_the_same(shape, chance):
    perm = list(range(len(shape)))
    chance.shuffle(perm)
    values = np.arange(math.prod(shape)).reshape(shape)
    sizes, fewer = joined(shape, tuple(perm))
    np.testing.assert_array_equal(values.reshape(sizes).transpose(fewer).reshape(-1), values.transpose(perm).reshape(-1))
    assert len(sizes) <= len(shape)


@pytest.mark.parametrize(
    ("shape", "target", "attributes", "opset"),
    [
        ((2, 3, 5, 7), (0, -1, 7), {}, 18),
        ((2, 3, 5, 7), (0, 0, -1), {}, 13),
        ((2, 3, 5), (5, 2, 3), {"allowzero": 1}, 18),
        ((2, 3), (-1,), {}, 11),
        ((1, 1), (), {}, 18),
        ((6,), (1, 2, 1, 3, 1), {}, 22),
    ],
)
def test_reshape_targets(shape, target, attributes, opset):
    constants = {"s": np.array(target, np.int64)}
    convert_and_compare(one("Reshape", shape, constants, opset=opset, **attributes))


@pytest.mark.parametrize("axis", [0, 1, 2, -1, 4])
def test_flatten(axis):
    convert_and_compare(one("Flatten", (2, 5, 3, 7), axis=axis))


@pytest.mark.parametrize(("axes", "opset"), [((0,), 18), ((0, -2), 13), ((2,), 11), (None, 18), (None, 11)])
def test_squeeze(axes, opset):
    shape = (1, 5, 1, 7)
    if axes is None or opset < 13:
        convert_and_compare(one("Squeeze", shape, opset=opset, **({"axes": list(axes)} if axes else {})))
    else:
        convert_and_compare(one("Squeeze", shape, {"a": ints(*axes)}, opset=opset))


@pytest.mark.parametrize(("axes", "opset"), [((0,), 18), ((1, -1), 13), ((0, 2), 11), ((0, 1, 5), 21)])
def test_unsqueeze(axes, opset):
    constants, attributes = ({"a": ints(*axes)}, {}) if opset >= 13 else ({}, {"axes": list(axes)})
    convert_and_compare(one("Unsqueeze", (5, 6, 7), constants, opset=opset, **attributes))


def test_a_view_of_a_view_is_one_reshape():
    nodes = [node("Reshape", "x a", "p"), node("Reshape", "p b", "q"), node("Relu", "q", "y")]
    model = onnx_model(nodes, {"x": (2, 3, 5)}, {"a": ints(6, 5), "b": ints(30)})
    assert kinds(convert_and_compare(model)) == {"RESHAPE": 1, "RELU": 1}


# Layout


def conv(source, name, inputs, outputs, constants):
    constants[f"{name}.w"] = random((outputs, inputs, 1, 1), len(constants))
    return node("Conv", f"{source} {name}.w", name)


def test_detection_head_of_nchw_convolutions_needs_no_transpose():
    constants = {"split": ints(1, 3, 7, 6, 8), "boxes": ints(1, -1, 7)}
    nodes = [
        conv("x", "c", 5, 21, constants),
        node("Reshape", "c split", "r"),
        node("Transpose", "r", "t", perm=(0, 3, 4, 1, 2)),
        node("Reshape", "t boxes", "y"),
    ]
    assert kinds(convert_and_compare(onnx_model(nodes, {"x": (1, 5, 6, 8)}, constants))) == {"CONV_2D": 1, "RESHAPE": 1}


def test_tokens_of_an_image_and_back_need_no_transpose():
    constants = {"flat": ints(1, 5, 48), "image": ints(1, 5, 6, 8)}
    nodes = [
        conv("x", "c", 5, 5, constants),
        node("Reshape", "c flat", "f"),
        node("Transpose", "f", "t", perm=(0, 2, 1)),
        node("Relu", "t", "r"),
        node("Transpose", "r", "b", perm=(0, 2, 1)),
        node("Reshape", "b image", "i"),
        conv("i", "y", 5, 7, constants),
    ]
    assert "TRANSPOSE" not in kinds(convert_and_compare(onnx_model(nodes, {"x": (1, 5, 6, 8)}, constants)))


def test_channel_shuffle_is_one_small_transpose():
    constants = {"s": ints(2, 3, 4, 6, 8), "u": ints(2, 12, 6, 8)}
    nodes = [
        conv("x", "c", 5, 12, constants),
        node("Reshape", "c s", "r"),
        node("Transpose", "r", "t", perm=(0, 2, 1, 3, 4)),
        node("Reshape", "t u", "i"),
        conv("i", "y", 12, 7, constants),
    ]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (2, 5, 6, 8)}, constants))
    (transpose,) = [operator for operator in lowered.operators if operator.kind == "TRANSPOSE"]
    assert transpose.inputs[0].shape == (96, 3, 4)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.randoms())
def test_transpose_of_any_rank(shape, chance):
    perm = list(range(len(shape)))
    chance.shuffle(perm)
    shape = [size + 4 if len(shape) == 4 else size for size in shape]
    nodes = [node("Transpose", "x", "t", perm=perm), node("Reshape", "t flat", "y")]
    convert_and_compare(onnx_model(nodes, {"x": tuple(shape)}, {"flat": ints(-1)}))


def test_transpose_of_eight_axes_that_moves_few():
    nodes = [node("Transpose", "x", "t", perm=(0, 1, 2, 5, 6, 3, 4, 7)), node("Reshape", "t flat", "y")]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (2, 2, 2, 3, 2, 2, 3, 2)}, {"flat": ints(-1)}))
    assert lowered.operators[1].inputs[0].shape == (8, 6, 6, 2)


def test_transpose_that_moves_seven_axes_is_refused():
    nodes = [node("Transpose", "x", "t", perm=(6, 5, 4, 3, 2, 1, 0)), node("Reshape", "t flat", "y")]
    with pytest.raises(UnsupportedModelError, match="transpose of 7 axes"):
        convert_and_compare(onnx_model(nodes, {"x": (2,) * 7}, {"flat": ints(-1)}))


# Slice


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_slice_of_any_bounds_and_steps(data):
    shape = data.draw(st.lists(st.integers(5, 9), min_size=1, max_size=5))
    axes = data.draw(st.lists(st.sampled_from(range(len(shape))), unique=True, min_size=1))
    cuts = []
    for axis in axes:
        start, end = data.draw(st.integers(-12, 12)), data.draw(st.integers(-12, 12) | st.sampled_from([2**63 - 1, -(2**63)]))
        step = data.draw(st.sampled_from([1, 1, 2, 3, -1, -2, 4]))
        if not range(*slice(start, end, step).indices(shape[axis])):
            start, end = (0, 2**31) if step > 0 else (2**31, -(2**31))
        cuts.append((start, end, step))
    signed = [axis - len(shape) if data.draw(st.booleans()) else axis for axis in axes]
    starts, ends, steps = zip(*cuts, strict=True)
    constants = {"s": ints(*starts), "e": ints(*ends), "a": ints(*signed), "t": ints(*steps)}
    lowered = convert_and_compare(onnx_model([node("Slice", "x s e a t", "y")], {"x": tuple(shape)}, constants))
    assert kinds(lowered).keys() <= {"STRIDED_SLICE", "REVERSE_V2", "RESHAPE"}


def test_slice_of_all_is_nothing():
    nodes = [node("Slice", "x s e", "m"), node("Relu", "m", "y")]
    assert kinds(convert_and_compare(onnx_model(nodes, {"x": (2, 7)}, {"s": ints(0, 0), "e": ints(2, 99)}))) == {"RELU": 1}


def test_empty_and_computed_slices_are_refused():
    constants = {"s": ints(3), "e": ints(3)}
    with pytest.raises(UnsupportedModelError, match="takes nothing along axis 0"):
        convert_and_compare(onnx_model([node("Slice", "x s e", "y")], {"x": (7,)}, constants))
    with pytest.raises(UnsupportedModelError, match=r"its starts .'s'. is computed"):
        convert_and_compare(onnx_model([node("Slice", "x s e", "y")], {"x": (7,), "s": (1,)}, {"e": ints(3)}, dtypes={"s": np.int64}))


# Split, Concat, Expand, Tile


@pytest.mark.parametrize("opset", [11, 13, 18, 22])
@pytest.mark.parametrize("axis", [0, -1, 1])
def test_split_of_any_opset(opset, axis):
    sizes = (2, 4, 1) if opset < 18 else (3, 3, 1)
    shape = [5, 6, 8]
    shape[axis] = 7
    names = ["a", "b", "c"]
    if opset >= 18:
        nodes, constants = [node("Split", "x", names, axis=axis, num_outputs=3)], {}
    elif opset >= 13:
        nodes, constants = [node("Split", "x s", names, axis=axis)], {"s": ints(*sizes)}
    else:
        nodes, constants = [node("Split", "x", names, axis=axis, split=list(sizes))], {}
    lowered = convert_and_compare(onnx_model(nodes, {"x": tuple(shape)}, constants, outputs=names, opset=opset))
    assert [tensor.shape[axis] for tensor in lowered.outputs] == list(sizes)


@pytest.mark.parametrize("dtype", DTYPES)
def test_concat_of_every_dtype_in_any_order(dtype):
    nodes = [node("Transpose", "x", "t", perm=(0, 2, 1)), node("Concat", "t z c", "y", axis=-1)]
    constants = {"c": random_of((2, 6, 1), dtype, 7)}
    convert_and_compare(onnx_model(nodes, {"x": (2, 5, 6), "z": (2, 6, 3)}, constants, dtypes={"x": dtype, "z": dtype}))


def test_concat_leaves_empty_inputs_out():
    nodes = [node("Concat", "x e", "m", axis=0), node("Relu", "m", "y")]
    assert kinds(convert_and_compare(onnx_model(nodes, {"x": (2, 7)}, {"e": np.zeros((0, 7), np.float32)}))) == {"RELU": 1}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "target"), [((1, 5, 1), (2, 5, 7)), ((5, 1), (2, 1, 6)), ((2, 5, 1, 1), (2, 5, 6, 8)), ((5, 7), (5, 7)), ((), (5,))]
)
def test_expand(shape, target, dtype):
    convert_and_compare(one("Expand", shape, {"s": ints(*target)}, dtype=dtype))


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_expand_and_add_of_any_broadcast(data):
    full = data.draw(st.lists(st.integers(5, 7), min_size=1, max_size=5))
    shape = [size if data.draw(st.booleans()) else 1 for size in full][data.draw(st.integers(0, len(full))) :]
    nodes = [node("Expand", "x s", "e"), node("Add", "e z", "y")]
    convert_and_compare(onnx_model(nodes, {"x": tuple(shape), "z": tuple(full)}, {"s": ints(*full)}))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "repeats"), [((2, 5, 6, 8), (1, 2, 3, 1)), ((5, 7), (2, 3)), ((5,), (3,))])
def test_tile(shape, repeats, dtype):
    convert_and_compare(one("Tile", shape, {"r": ints(*repeats)}, dtype=dtype))
