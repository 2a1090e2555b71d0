"""Exponentials, roots, trigonometry, casts, cumulative sums, softmax against onnxruntime and, for Erf, the C library."""

from __future__ import annotations

import math

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_cases import convert_and_compare, kinds, node, onnx_model, random_of
from special_values import DENSE, EXTREMES, LADDER, both, check

from redmobile.errors import UnsupportedModelError

IMAGE = {"x": (1, 5, 6, 8)}
POSITIVE = np.abs(np.concatenate([DENSE, LADDER]))
UNIT = np.linspace(-1, 1, 2001, dtype=np.float32)
MODERATE = np.concatenate([DENSE, np.linspace(-85, 85, 999, dtype=np.float32)])
FUNCTIONS = [  # op, values, relative and absolute tolerance
    ("Exp", MODERATE, 4e-6, 0),
    ("Exp", EXTREMES[[0, 1, 3, 4]], 0, 0),
    ("Log", POSITIVE, 1e-6, 1e-6),
    ("Log", EXTREMES, 1e-6, 0),
    ("Sqrt", POSITIVE, 1e-6, 0),
    ("Sqrt", EXTREMES, 1e-6, 0),
    ("Reciprocal", LADDER, 1e-6, 0),
    ("Reciprocal", EXTREMES, 1e-6, 1e-37),
    ("Erf", LADDER, 2e-6, 0),
    ("Erf", DENSE, 2e-6, 0),
    ("Erf", EXTREMES, 1e-6, 0),
    ("Sin", np.concatenate([DENSE, 1e3 * DENSE]), 1e-6, 1e-6),
    ("Cos", np.concatenate([DENSE, 1e3 * DENSE]), 1e-6, 1e-6),
    ("Tan", DENSE, 3e-4, 1e-6),
    ("Asin", UNIT, 1e-6, 1e-7),
    ("Acos", UNIT, 1e-5, 1e-7),
    ("Atan", LADDER, 1e-6, 0),
    ("Atan", EXTREMES, 1e-6, 0),
    ("Sinh", MODERATE, 2e-5, 0),
    ("Sinh", LADDER, 2e-5, 0),
    ("Cosh", MODERATE, 2e-5, 0),
    ("Cosh", LADDER, 2e-5, 0),
    ("Asinh", LADDER, 1e-6, 1e-6),
    ("Asinh", DENSE, 1e-6, 1e-6),
    ("Asinh", EXTREMES[3:], 1e-6, 0),
    ("Acosh", POSITIVE + 1, 1e-5, 1e-6),
    ("Acosh", EXTREMES[[3, 4, 1]], 1e-6, 0),
    ("Atanh", UNIT, 1e-6, 1e-6),
]


@pytest.mark.parametrize(("op", "values", "relative", "absolute"), FUNCTIONS)
def test_function(op, values, relative, absolute):
    check(op, values, relative=relative, absolute=absolute)


@pytest.mark.parametrize("op", sorted({entry[0] for entry in FUNCTIONS}))
@pytest.mark.parametrize("shape", [(), (3,), (2, 5, 6, 8), (2, 1, 3, 2, 5)], ids=str)
def test_function_of_every_rank(op, shape):
    values = np.asarray(np.random.default_rng(5).uniform(0.1, 0.9, shape) + (op == "Acosh"), np.float32)
    model = onnx_model([node(op, "x", "y")], {"x": shape})
    found = kinds(convert_and_compare(model, arrays={"x": values}, tolerance=2e-5))
    assert "TRANSPOSE" not in found


def test_erf_is_that_of_the_c_library_to_float_precision():
    values = np.concatenate([np.linspace(-6, 6, 20001), 10.0 ** np.arange(-30, 30)]).astype(np.float32)
    ours, _ = both(onnx_model([node("Erf", "x", "y")], {"x": values.shape}), {"x": values})
    np.testing.assert_allclose(ours, [math.erf(value) for value in values], rtol=6e-7, atol=0)


def test_erf_has_no_division_and_no_branch():
    assert kinds(convert_and_compare(onnx_model([node("Erf", "x", "y")], IMAGE))) == {"MUL": 8, "ADD": 6, "TANH": 1}


# Cast

CAST_DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float16"]


@pytest.mark.parametrize("source", CAST_DTYPES)
@pytest.mark.parametrize("target", CAST_DTYPES)
def test_cast(source, target):
    to = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(target))
    model = onnx_model([node("Cast", "x", "y", to=to)], {"x": (2, 3, 6, 8)}, dtypes={"x": source})
    values = random_of((2, 3, 6, 8), source, 3)
    values = np.abs(values) if target == "uint8" else values
    found = kinds(convert_and_compare(model, arrays={"x": values}, tolerance=1e-3 if "float16" in (source, target) else 1e-6))
    assert "TRANSPOSE" not in found


def test_cast_to_truth_values_and_back_has_int8_forms():
    nodes = [node("Cast", "x", "b", to=onnx.TensorProto.BOOL), node("Cast", "b", "y", to=onnx.TensorProto.FLOAT)]
    model = onnx_model(nodes, {"x": (7,)})
    values = np.array([0.0, -0.0, 1.0, -2.0, 1e-30, np.inf, np.nan], np.float32)
    assert kinds(convert_and_compare(model, arrays={"x": values})) == {"NOT_EQUAL": 1, "SELECT_V2": 1}


def test_cast_like():
    model = onnx_model([node("CastLike", "x z", "y")], {"x": (4, 5), "z": (1,)}, dtypes={"z": "int32"})
    assert kinds(convert_and_compare(model)) == {"CAST": 1}


def test_dropout_is_nothing():
    constants = {"r": np.float32(0.5), "t": np.array(False)}
    assert kinds(convert_and_compare(onnx_model([node("Dropout", "x r t", "d"), node("Relu", "d", "y")], IMAGE, constants))) == {"RELU": 1}
    assert kinds(convert_and_compare(onnx_model([node("Dropout", "x", "d", ratio=0.5), node("Relu", "d", "y")], IMAGE, opset=11))) == {"RELU": 1}


def test_the_mask_of_a_dropout_lets_everything_through():
    assert kinds(convert_and_compare(onnx_model([node("Dropout", "x", "d m"), node("Relu", "d", "y")], IMAGE, outputs=("y", "m")))) == {
        "RELU": 1,
        "RESHAPE": 1,
    }


def test_dropout_that_trains_is_refused():
    constants = {"r": np.float32(0.5), "t": np.array(True)}
    with pytest.raises(UnsupportedModelError, match="in training mode"):
        convert_and_compare(onnx_model([node("Dropout", "x r t", "y")], IMAGE, constants))


# CumSum


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize(("exclusive", "reverse"), [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_cum_sum(axis, exclusive, reverse, dtype):
    attributes = {"exclusive": exclusive, "reverse": reverse}
    model = onnx_model([node("CumSum", "x a", "y", **attributes)], {"x": (2, 5, 6, 8)}, {"a": np.array(axis, np.int64)}, dtypes={"x": dtype})
    assert kinds(convert_and_compare(model)) == {"CUMSUM": 1}


def test_cum_sum_along_a_computed_axis_is_refused():
    with pytest.raises(UnsupportedModelError, match=r"its axis .'a'. is computed"):
        convert_and_compare(onnx_model([node("CumSum", "x a", "y")], {"x": (5,), "a": ()}, dtypes={"a": "int32"}))


# Softmax

SOFTMAX = {"Softmax": "SOFTMAX", "LogSoftmax": "LOG_SOFTMAX", "Hardmax": "ONE_HOT"}


@pytest.mark.parametrize(("op", "kind"), SOFTMAX.items())
@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize("axis", [None, 0, 1, 2, 3, -1, -2])
@pytest.mark.parametrize("shape", [(2, 5, 6, 8), (1, 7, 1, 1), (2, 5, 1, 8)], ids=str)
def test_softmax_of_images(op, kind, opset, axis, shape):
    attributes = {} if axis is None else {"axis": axis}
    assert kinds(convert_and_compare(onnx_model([node(op, "x", "y", **attributes)], {"x": shape}, opset=opset)))[kind] == 1


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from([1, 2, 5, 7]), min_size=1, max_size=6), st.data(), st.sampled_from(sorted(SOFTMAX)), st.sampled_from([12, 17]))
def test_softmax_of_any_shape_along_any_axis(shape, data, op, opset):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    convert_and_compare(onnx_model([node(op, "x", "y", axis=axis)], {"x": tuple(shape)}, opset=opset))


def test_softmax_along_channels_needs_no_transpose():
    assert kinds(convert_and_compare(onnx_model([node("Softmax", "x", "y", axis=1)], IMAGE))) == {"SOFTMAX": 1}


@pytest.mark.parametrize("opset", [11, 13])
def test_softmax_over_all_of_a_sample_needs_no_transpose(opset):
    found = kinds(convert_and_compare(onnx_model([node("Softmax", "x", "y", axis=1)], IMAGE, opset=opset)))
    assert "TRANSPOSE" not in found


@pytest.mark.parametrize("op", SOFTMAX)
def test_softmax_of_huge_values(op):
    values = np.array([[1e30, 0.0, -1e30], [100.0, 101.0, 99.0], [-1e4, -1e4, -1e4], [3e38, 3e38, -3e38]], np.float32)
    ours, theirs = both(onnx_model([node(op, "x", "y")], {"x": values.shape}), {"x": values})
    np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-7)


def test_hardmax_takes_the_first_of_equals():
    for opset in (11, 13):
        model = onnx_model([node("Hardmax", "x", "y", axis=1)], {"x": (2, 5, 6, 8)}, opset=opset)
        convert_and_compare(model, arrays={"x": np.round(random_of((2, 5, 6, 8), "float32", 2))})
