"""Reductions against onnxruntime: every kind, rank, opset and way to say the axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_cases import convert_and_compare, kinds, node, onnx_model, random_of

from redmobile.errors import UnsupportedModelError

KINDS = {
    "ReduceSum": {"SUM"},
    "ReduceMean": {"MEAN"},
    "ReduceMax": {"REDUCE_MAX"},
    "ReduceMin": {"REDUCE_MIN"},
    "ReduceProd": {"REDUCE_PROD"},
    "ReduceL1": {"ABS", "SUM"},
    "ReduceL2": {"MUL", "SUM", "SQRT"},
    "ReduceLogSum": {"SUM", "LOG"},
    "ReduceLogSumExp": {"REDUCE_MAX", "SUB", "EXP", "SUM", "LOG", "ADD"},
    "ReduceSumSquare": {"MUL", "SUM"},
}


def axes_in(op, axes, opset):
    """(constants, attributes) that say `axes` in `opset`: an input since 18, of ReduceSum since 13."""
    if axes is None:
        return {}, {}
    if opset >= 18 or (op == "ReduceSum" and opset >= 13):
        return {"a": np.array(axes, np.int64)}, {}
    return {}, {"axes": list(axes)}


def compare(op, shape, axes, *, opset=18, dtype="float32", tolerance=1e-5, **attributes):
    constants, said = axes_in(op, axes, opset)
    nodes = [node(op, ["x", *constants], "y", **said, **attributes)]
    values = random_of(shape, dtype, 3)
    values = np.abs(values) + np.asarray(0.1).astype(dtype) if op == "ReduceLogSum" else values
    return convert_and_compare(
        onnx_model(nodes, {"x": shape}, constants, opset=opset, dtypes={"x": dtype}), arrays={"x": values}, tolerance=tolerance
    )


@pytest.mark.parametrize("op", KINDS)
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize(
    ("shape", "axes"), [((2, 5, 6, 8), (2, 3)), ((2, 5, 6, 8), (1,)), ((2, 5, 6, 8), (0, -1)), ((5, 7), None), ((2, 5, 7), (-2,)), ((9,), (0,))]
)
def test_every_reduction(op, shape, axes, keep):
    lowered = compare(op, shape, axes, keepdims=keep)
    assert kinds(lowered).keys() - {"RESHAPE", "TRANSPOSE"} == KINDS[op]


@pytest.mark.parametrize("op", KINDS)
@pytest.mark.parametrize("opset", [11, 12, 13, 17, 18, 20, 22])
def test_every_opset(op, opset):
    compare(op, (2, 5, 6, 8), (2, 3), opset=opset)
    compare(op, (5, 7), None, opset=opset)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_axes_of_a_transposed_value(data):
    shape = data.draw(st.lists(st.integers(5, 7), min_size=1, max_size=5))
    axes = data.draw(st.lists(st.integers(0, len(shape) - 1), unique=True, min_size=1))
    perm = data.draw(st.permutations(range(len(shape))))
    nodes = [node("Transpose", "x", "t", perm=perm), node("ReduceMean", "t a", "y", keepdims=data.draw(st.integers(0, 1)))]
    convert_and_compare(onnx_model(nodes, {"x": tuple(shape)}, {"a": np.array(axes, np.int64)}))


@pytest.mark.parametrize("op", KINDS)
def test_empty_axes_reduce_all_or_nothing(op):
    compare(op, (2, 5, 7), ())
    compare(op, (2, 5, 7), (), noop_with_empty_axes=1)


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceMean"])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers(op, dtype):
    if (op, dtype) == ("ReduceMean", "int64"):
        pytest.skip("onnxruntime has no ReduceMean of int64")
    compare(op, (2, 3, 5), (1,), dtype=dtype)


@pytest.mark.parametrize("op", ["ReduceMax", "ReduceMin"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "bool"])
def test_extremes_of_small_types(op, dtype):
    lowered = compare(op, (2, 3, 5), (1,), dtype=dtype, opset=20)
    assert dtype != "bool" or kinds(lowered).keys() == {{"ReduceMax": "REDUCE_ANY", "ReduceMin": "REDUCE_ALL"}[op]}


def test_log_sum_exp_does_not_overflow():
    nodes = [node("ReduceLogSumExp", "x", "y")]
    convert_and_compare(onnx_model(nodes, {"x": (2, 5)}), arrays={"x": np.full((2, 5), 200, np.float32)})


def test_computed_axes_are_refused():
    with pytest.raises(UnsupportedModelError, match=r"its axes .'a'. is computed"):
        convert_and_compare(onnx_model([node("ReduceSum", "x a", "y")], {"x": (2, 5), "a": (1,)}, dtypes={"a": "int64"}))
