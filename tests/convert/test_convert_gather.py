"""Gathering, scattering, ranking, one-hot, triangles: against onnxruntime, with constant and computed positions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_cases import convert_and_compare, kinds, node, onnx_model, random, random_of

from redmobile.errors import UnsupportedModelError


def whole(shape, low, high, seed=0, dtype=np.int64):
    """Integers in [low, high)."""
    return np.asarray(np.random.default_rng(seed).integers(low, high, shape)).astype(dtype)


def compare(nodes, shapes, index, *, constant, others=None, dtype=np.float32, outputs=("y",), opset=18, index_name="i"):
    """Lower with the index as constant or as input."""
    constants = dict(others or {})
    inputs, dtypes = dict(shapes), dict.fromkeys(shapes, dtype)
    if constant:
        constants[index_name] = index
    else:
        inputs[index_name], dtypes[index_name] = index.shape, index.dtype
    arrays = {name: random_of(shape, dtypes[name], seed) for seed, (name, shape) in enumerate(shapes.items())} | (
        {} if constant else {index_name: index}
    )
    return convert_and_compare(onnx_model(nodes, inputs, constants, outputs, opset, dtypes), arrays=arrays)


# Gather


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("shape", [(2, 5, 6, 8), (7, 6), (5,)])
@pytest.mark.parametrize("index_shape", [(), (3,), (2, 3)])
def test_gather_along_every_axis(shape, index_shape, constant):
    for axis in range(-len(shape), len(shape)):
        index = whole(index_shape, -shape[axis], shape[axis], axis + 9)
        compare([node("Gather", "x i", "y", axis=axis)], {"x": shape}, index, constant=constant)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int32", "int64", "float32"])
@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
def test_gather_of_every_dtype(dtype, index_dtype):
    compare([node("Gather", "x i", "y", axis=1)], {"x": (2, 7)}, whole((3,), -7, 7, dtype=index_dtype), constant=False, dtype=dtype)


@pytest.mark.parametrize(
    ("index", "operators"),
    [
        (2, {"STRIDED_SLICE": 1, "RESHAPE": 1}),
        ([1, 2, 3], {"STRIDED_SLICE": 1}),
        ([0, 2], {"STRIDED_SLICE": 1}),
        ([2, 1], {"GATHER": 1}),
        ([1, 1], {"GATHER": 1}),
    ],
)
def test_a_constant_index_that_ascends_evenly_is_a_slice(index, operators):
    lowered = compare([node("Gather", "x i", "y", axis=1)], {"x": (2, 5, 6, 8)}, np.array(index, np.int64), constant=True)
    assert kinds(lowered) == operators


def test_a_table_of_constants_is_looked_up():
    nodes = [node("Gather", "t i", "y")]
    lowered = compare(nodes, {}, whole((2, 3), 0, 9), constant=False, others={"t": random((9, 5))})
    assert kinds(lowered) == {"FLOOR_MOD": 1, "GATHER": 1}


def test_positions_that_cannot_be_negative_are_taken_as_they_are():
    nodes = [node("ArgMax", "x", "i", axis=1, keepdims=0), node("Gather", "t i", "y")]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (3, 9)}, {"t": random((9, 5))}))
    assert kinds(lowered) == {"ARG_MAX": 1, "GATHER": 1}


def test_constant_index_outside_is_refused():
    nodes = [node("Gather", "x i", "y")]
    with pytest.raises(UnsupportedModelError, match="index reaches outside"):
        compare(nodes, {"x": (4, 5)}, np.array([4], np.int64), constant=True)


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "int64"])
@pytest.mark.parametrize(
    ("shape", "index_shape", "axis"), [((5, 6), (3, 6), 0), ((5, 6, 7), (5, 2, 7), 1), ((2, 5, 6, 8), (2, 5, 6, 3), -1), ((7,), (9,), 0)]
)
def test_gather_elements(shape, index_shape, axis, constant, dtype):
    index = whole(index_shape, -shape[axis], shape[axis], 3)
    compare([node("GatherElements", "x i", "y", axis=axis)], {"x": shape}, index, constant=constant, dtype=dtype)


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "int32", "bool"])
@pytest.mark.parametrize(
    ("shape", "index_shape", "batch"),
    [((5, 6, 7), (4, 2), 0), ((5, 6), (3, 2, 1), 0), ((2, 5, 6, 8), (2, 3, 2), 1), ((2, 5, 6), (2, 5, 3, 1), 2), ((2, 5, 6), (2, 1), 1)],
)
def test_gather_nd(shape, index_shape, batch, constant, dtype):
    sizes = np.array(shape[batch : batch + index_shape[-1]])
    index = whole(index_shape, -sizes, sizes, 5)
    compare([node("GatherND", "x i", "y", batch_dims=batch)], {"x": shape}, index, constant=constant, dtype=dtype)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_compress(axis):
    condition = np.array([True, False, True, True, False])
    attributes = {} if axis is None else {"axis": axis}
    convert_and_compare(onnx_model([node("Compress", "x c", "y", **attributes)], {"x": (5, 5, 5)}, {"c": condition}))


def test_compress_that_keeps_nothing_is_refused():
    with pytest.raises(UnsupportedModelError, match="no tensors without values"):
        convert_and_compare(onnx_model([node("Compress", "x c", "y", axis=0)], {"x": (3, 5)}, {"c": np.zeros(3, bool)}))


# Scatter


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "int32"])
@pytest.mark.parametrize(("shape", "rows", "depth"), [((7, 5), 3, 1), ((5, 6, 7), 4, 2), ((6,), 2, 1), ((2, 5, 6, 8), 5, 4)])
def test_scatter_nd(shape, rows, depth, constant, dtype):
    positions = np.random.default_rng(1).permutation(int(np.prod(shape[:depth])))[:rows]
    index = np.stack(np.unravel_index(positions, shape[:depth]), -1)
    index[::2] -= np.array(shape[:depth])  # some count from the end
    nodes = [node("ScatterND", "x i u", "y")]
    lowered = compare(nodes, {"x": shape, "u": (rows, *shape[depth:])}, index, constant=constant, dtype=dtype)
    assert ("SCATTER_ND" in kinds(lowered)) == (not constant)


@pytest.mark.parametrize(("reduction", "opset"), [("add", 16), ("mul", 16), ("min", 18), ("max", 18)])
def test_scatter_nd_that_combines(reduction, opset):
    index = np.array([[3], [0], [5]])
    nodes = [node("ScatterND", "x i u", "y", reduction=reduction)]
    lowered = compare(nodes, {"x": (7, 5), "u": (3, 5)}, index, constant=True, opset=opset)
    assert "SCATTER_ND" not in kinds(lowered)


@pytest.mark.parametrize("constant", [True, False])
def test_scatter_nd_that_adds_to_one_row_twice(constant):
    nodes = [node("ScatterND", "x i u", "y", reduction="add")]
    compare(nodes, {"x": (7, 5), "u": (3, 5)}, np.array([[3], [0], [3]]), constant=constant)


@pytest.mark.parametrize("reduction", ["mul", "min", "max"])
def test_scatter_that_combines_with_one_row_several_times(reduction):
    nodes = [node("ScatterND", "x i u", "y", reduction=reduction)]
    compare(nodes, {"x": (7, 5), "u": (6, 5)}, np.array([[3], [0], [3], [3], [0], [6]]), constant=True)
    nodes = [node("ScatterElements", "x i u", "y", axis=1, reduction=reduction)]
    compare(nodes, {"x": (5, 6), "u": (5, 3)}, whole((5, 3), 0, 2), constant=True)


@pytest.mark.parametrize(("index", "constant"), [(np.array([[3], [0]]), False), (np.zeros((9, 1), np.int64), True)])
def test_scatter_reductions_without_counterpart_are_refused(index, constant):
    nodes = [node("ScatterND", "x i u", "y", reduction="mul")]
    with pytest.raises(UnsupportedModelError, match="reduction 'mul' over an index that is computed, or that hits a row more than 8 times"):
        compare(nodes, {"x": (7, 5), "u": (len(index), 5)}, index, constant=constant)


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("op", ["ScatterElements", "Scatter"])
@pytest.mark.parametrize(("shape", "index_shape", "axis"), [((5, 6), (3, 6), 0), ((5, 6, 7), (5, 2, 7), 1), ((2, 5, 6, 8), (2, 5, 6, 3), -1)])
def test_scatter_elements(op, shape, index_shape, axis, constant):
    picks = np.random.default_rng(2).random([*index_shape[: axis % len(shape)], shape[axis], *index_shape[axis % len(shape) + 1 :]]).argsort(axis)
    index = np.take(picks, range(index_shape[axis]), axis).astype(np.int64)
    index = np.where(index % 2, index, index - shape[axis])
    compare([node(op, "x i u", "y", axis=axis)], {"x": shape, "u": index_shape}, index, constant=constant, opset=10 if op == "Scatter" else 18)


@pytest.mark.parametrize("constant", [True, False])
def test_scatter_elements_that_adds(constant):
    nodes = [node("ScatterElements", "x i u", "y", axis=1, reduction="add")]
    compare(nodes, {"x": (5, 6), "u": (5, 3)}, whole((5, 3), 0, 2), constant=constant)


# Rank


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("shape", [(2, 5, 6, 8), (5, 7), (9,)])
def test_arg_extremes_along_every_axis_with_ties(op, last, keep, shape):
    ties = whole(shape, 0, 3, 4).astype(np.float32)
    for axis in range(-1, len(shape)):
        model = onnx_model([node(op, "x", "y", axis=axis, keepdims=keep, select_last_index=last)], {"x": shape}, opset=13)
        convert_and_compare(model, arrays={"x": ties})


@pytest.mark.parametrize("dtype", ["int32", "int8", "uint8"])
def test_arg_max_of_integers(dtype):
    convert_and_compare(onnx_model([node("ArgMax", "x", "y", axis=1)], {"x": (3, 9)}, dtypes={"x": dtype}))


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize(("shape", "axis"), [((5, 9), -1), ((2, 9, 6, 8), 1), ((9,), 0), ((9, 3), 0)])
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_top_k(shape, axis, largest, dtype):
    nodes = [node("TopK", "x k", "v i", axis=axis, largest=largest)]
    arrays = {"x": whole(shape, -4, 4, 6).astype(dtype)}
    convert_and_compare(onnx_model(nodes, {"x": shape}, {"k": np.array([4])}, ("v", "i"), dtypes={"x": dtype}), arrays=arrays)


@pytest.mark.parametrize(("read", "operators"), [("v", {"TOPK_V2": 1}), ("i", {"TOPK_V2": 1, "CAST": 1})])
def test_top_k_of_which_one_output_is_read(read, operators):
    model = onnx_model([node("TopK", "x k", "v i")], {"x": (5, 9)}, {"k": np.array([4])}, (read,))
    assert kinds(convert_and_compare(model)) == operators


# Generated


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize(("index_dtype", "dtype"), [("int64", "float32"), ("int64", "int64"), ("float32", "int64")])  # what onnxruntime has
def test_one_hot(axis, index_dtype, dtype):
    index = np.array([[0, -1, 5], [3, -6, 2]]).astype(index_dtype)
    others = {"d": np.array(6), "v": np.array([0, 1]).astype(dtype)}
    compare([node("OneHot", "i d v", "y", axis=axis)], {}, index, constant=False, others=others)


def test_one_hot_outside_is_off_everywhere():
    others = {"d": np.array([4]), "v": np.array([0.5, 2], np.float32)}
    compare([node("OneHot", "i d v", "y")], {}, np.array([4, -5, 1]), constant=False, others=others)


@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("k", [None, -2, 0, 1, 9])
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_trilu(upper, k, dtype):
    constants = {} if k is None else {"k": np.array(k)}
    nodes = [node("Trilu", "x k" if constants else "x", "y", upper=upper)]
    convert_and_compare(onnx_model(nodes, {"x": (2, 5, 7)}, constants, dtypes={"x": dtype}))


def test_trilu_of_infinite_values_is_zero_outside():
    arrays = {"x": np.full((5, 5), -np.inf, np.float32)}
    convert_and_compare(onnx_model([node("Trilu", "x", "y", upper=1)], {"x": (5, 5)}), arrays=arrays)


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_gather_behind_any_transpose(data):
    shape = data.draw(st.lists(st.integers(5, 7), min_size=2, max_size=4))
    perm = data.draw(st.permutations(range(len(shape))))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    index = data.draw(st.lists(st.integers(-5, 4), min_size=1, max_size=3))
    nodes = [node("Transpose", "x", "t", perm=perm), node("Gather", "t i", "y", axis=axis)]
    compare(nodes, {"x": tuple(shape)}, np.array(index, np.int64), constant=data.draw(st.booleans()))
