"""Activations against onnxruntime: which operators they become, every rank, special values."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_cases import PLAIN_CHOICES, convert_and_compare, kinds, node, onnx_graph, onnx_model, random, run_tflite
from special_values import DENSE, EXTREMES, LADDER, check

from redmobile.convert.onnx_to_tflite import lower
from redmobile.core.converter import LoweringChoices
from redmobile.errors import UnsupportedModelError

IMAGE = {"x": (1, 5, 6, 8)}
F32 = np.float32
UNARY = [
    ("Relu", {}, {"RELU": 1}),
    ("LeakyRelu", {}, {"LEAKY_RELU": 1}),
    ("LeakyRelu", {"alpha": -0.3}, {"LEAKY_RELU": 1}),
    ("ThresholdedRelu", {}, {"GREATER": 1, "SELECT_V2": 1}),
    ("ThresholdedRelu", {"alpha": -0.5}, {"GREATER": 1, "SELECT_V2": 1}),
    ("HardSigmoid", {}, {"MUL": 2, "ADD": 1}),
    ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}, {"MUL": 1, "ADD": 1}),
    ("HardSigmoid", {"alpha": -0.4, "beta": 0.1}, {"MUL": 2, "ADD": 1}),
    ("HardSwish", {}, {"ADD": 1, "MUL": 2}),
    ("Shrink", {}, {"GREATER": 1, "LESS": 1, "SELECT_V2": 2}),
    ("Shrink", {"bias": 0.3, "lambd": 0.3}, {"GREATER": 1, "LESS": 1, "SELECT_V2": 2, "ADD": 1, "SUB": 1}),
    ("Sigmoid", {}, {"LOGISTIC": 1}),
    ("Tanh", {}, {"TANH": 1}),
    ("Elu", {}, {"ELU": 1}),
    ("Elu", {"alpha": 1.7}, {"ELU": 1, "LEAKY_RELU": 1}),
    ("Selu", {}, {"ELU": 1, "LEAKY_RELU": 1, "MUL": 1}),
    ("Selu", {"alpha": 0.8, "gamma": 2.0}, {"ELU": 1, "LEAKY_RELU": 1, "MUL": 1}),
    ("Celu", {}, {"ELU": 1}),
    ("Celu", {"alpha": 2.5}, {"MUL": 2, "ELU": 1}),
    ("Gelu", {}, {"GELU": 1}),
    ("Gelu", {"approximate": "tanh"}, {"GELU": 1}),
    ("Softplus", {}, {"MUL": 1, "LEAKY_RELU": 1, "LOGISTIC": 1, "LOG": 1, "SUB": 1}),
    ("Softsign", {}, {"LEAKY_RELU": 1, "ADD": 1, "RSQRT": 1, "MUL": 2}),
    ("Mish", {}, {"LOGISTIC": 1, "SUB": 2, "MUL": 4, "RSQRT": 1}),
]
IDS = [f"{op}{''.join(f'-{value}' for value in attributes.values())}" for op, attributes, _ in UNARY]


@pytest.mark.parametrize(("op", "attributes", "operators"), UNARY, ids=IDS)
def test_of_an_image(op, attributes, operators):
    assert kinds(convert_and_compare(onnx_model([node(op, "x", "y", **attributes)], IMAGE, opset=20))) == operators


@pytest.mark.parametrize(("op", "attributes", "operators"), UNARY, ids=IDS)
@pytest.mark.parametrize("shape", [(), (7,), (2, 7), (2, 3, 5), (2, 1, 3, 2, 5), (2, 1, 3, 2, 2, 2)], ids=str)
def test_of_every_rank(op, attributes, operators, shape):
    model = onnx_model([node(op, "x", "y", **attributes)], {"x": shape}, opset=20)
    found = kinds(convert_and_compare(model))
    assert found == operators


@pytest.mark.parametrize(("op", "attributes", "operators"), UNARY, ids=IDS)
def test_of_tiny_and_huge_values(op, attributes, operators):
    absolute = 1e-6 if operators.keys() & {"LOG", "GELU"} else 1e-7
    check(op, LADDER, opset=20, absolute=absolute, **attributes)
    check(op, DENSE, opset=20, absolute=absolute, **attributes)


AT_THE_ENDS = [case for case in UNARY if case[0] not in {"Sigmoid", "Gelu", "HardSwish", "Mish", "Softsign", "Softplus"}]


@pytest.mark.parametrize(("op", "attributes"), [(op, attributes) for op, attributes, _ in AT_THE_ENDS])
def test_of_the_ends_of_float32(op, attributes):
    check(op, EXTREMES[[0, 1, 3, 4, 5, 6]], opset=20, **attributes)


@pytest.mark.parametrize(
    ("op", "values"), [("Softplus", EXTREMES[:2]), ("Sigmoid", EXTREMES[:2]), ("Softsign", EXTREMES[3:]), ("Gelu", EXTREMES[3:])]
)
def test_curves_do_not_overflow(op, values):
    check(op, values, opset=20)


@pytest.mark.parametrize(
    ("op", "opset", "attributes"), [("Relu", 13, {}), ("LeakyRelu", 15, {"alpha": 0.2}), ("Elu", 11, {}), ("HardSigmoid", 11, {})]
)
def test_old_opsets(op, opset, attributes):
    convert_and_compare(onnx_model([node(op, "x", "y", **attributes)], IMAGE, opset=opset))


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.int8])
def test_relu_of_integers(dtype):
    assert "MAXIMUM" in kinds(convert_and_compare(onnx_model([node("Relu", "x", "y")], IMAGE, dtypes={"x": dtype})))


@pytest.mark.parametrize("alpha", [0.0, -1.0])
def test_celu_that_grows_on_both_sides_is_refused(alpha):
    with pytest.raises(UnsupportedModelError, match="an alpha above 0 is supported"):
        convert_and_compare(onnx_model([node("Celu", "x", "y", alpha=alpha)], IMAGE))


@pytest.mark.parametrize(
    ("low", "high", "operators"),
    [
        (0, 6, {"RELU6": 1}),
        (0, 1, {"RELU_0_TO_1": 1}),
        (-1, 1, {"RELU_N1_TO_1": 1}),
        (0, None, {"RELU": 1}),
        (0, np.finfo(np.float32).max, {"RELU": 1}),
        (np.finfo(np.float32).min, 1.5, {"MINIMUM": 1}),
        (0, np.inf, {"RELU": 1}),
        (None, 0.5, {"MINIMUM": 1}),
        (-0.5, None, {"MAXIMUM": 1}),
        (0, 0.7, {"RELU": 1, "MINIMUM": 1}),
        (0.0001, 1, {"MAXIMUM": 1, "MINIMUM": 1}),
        (0.5, -0.5, {"MAXIMUM": 1, "MINIMUM": 1}),
    ],
)
@pytest.mark.parametrize("shape", [(1, 5, 6, 8), (3,), ()], ids=str)
def test_clip(low, high, operators, shape):
    constants = {name: F32(value) for name, value in (("low", low), ("high", high)) if value is not None}
    names = ["x", "low" if low is not None else "", "high" if high is not None else ""]
    assert kinds(convert_and_compare(onnx_model([node("Clip", names, "y")], {"x": shape}, constants))) == operators


def test_clip_of_an_old_opset_has_its_bounds_as_attributes():
    model = onnx_model([node("Clip", "x", "y", min=0.0, max=6.0)], IMAGE, opset=6)
    assert kinds(convert_and_compare(model)) == {"RELU6": 1}


def test_clip_without_bounds_is_nothing_but_a_copy():
    assert kinds(convert_and_compare(onnx_model([node("Clip", "x", "y")], IMAGE))) == {"RESHAPE": 1}


def test_computed_clip_bounds():
    nodes = [node("Abs", "x", "a"), node("ReduceMax", "a", "top", keepdims=0), node("Mul", "top half", "high"), node("Clip", "x low high", "y")]
    model = onnx_model(nodes, IMAGE | {"low": ()}, {"half": F32(0.5)})
    assert {"MAXIMUM", "MINIMUM"} <= kinds(convert_and_compare(model)).keys()


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8, np.int8])
def test_clip_of_integers(dtype):
    model = onnx_model([node("Clip", "x low high", "y")], IMAGE, {"low": dtype(0), "high": dtype(5)}, dtypes={"x": dtype})
    found = kinds(convert_and_compare(model))
    assert (found["MAXIMUM"], found["MINIMUM"]) == (1, 1)


@pytest.mark.parametrize("slope", [(5, 1, 1), (1, 5, 1, 1), (8,), (6, 1), (1, 5, 6, 8), (5, 6, 8)], ids=str)
@pytest.mark.parametrize("constant", [True, False])
def test_prelu(slope, constant):
    given = (IMAGE, {"s": random(slope, 3)}) if constant else (IMAGE | {"s": slope}, {})
    found = kinds(convert_and_compare(onnx_model([node("PRelu", "x s", "y")], *given)))
    assert found["PRELU"] == 1
    assert found.keys() <= ({"PRELU"} if constant else {"PRELU", "RESHAPE", "TRANSPOSE"})


@pytest.mark.parametrize("shape", [(7,), (2, 7), (2, 3, 5), (2, 3, 2, 2, 5)], ids=str)
def test_prelu_of_every_rank(shape):
    assert kinds(convert_and_compare(onnx_model([node("PRelu", "x s", "y")], {"x": shape}, {"s": random(shape[-1:], 3)}))) == {"PRELU": 1}


@pytest.mark.parametrize("slope", [(1,), (), (1, 1, 1)], ids=str)
def test_prelu_with_one_slope_is_a_leaky_relu(slope):
    assert kinds(convert_and_compare(onnx_model([node("PRelu", "x s", "y")], IMAGE, {"s": random(slope, 3)}))) == {"LEAKY_RELU": 1}


def test_hard_swish_by_the_kernel_of_its_own():
    assert kinds(convert_and_compare(onnx_model([node("HardSwish", "x", "y")], IMAGE), PLAIN_CHOICES)) == {"HARD_SWISH": 1}


def test_silu_as_exported():
    nodes = [node("Sigmoid", "x", "s"), node("Mul", "x s", "y")]
    assert kinds(convert_and_compare(onnx_model(nodes, IMAGE))) == {"LOGISTIC": 1, "MUL": 1}


@pytest.mark.parametrize(("alpha", "muls"), [(1.0, 1), (1.5, 2)])
def test_swish(alpha, muls):
    """Its formula is the oracle, and the node is made here: it came with opset 24, which neither onnxruntime nor our reader knows."""
    graph = onnx_graph([node("Sigmoid", "x", "y")], {"x": DENSE.shape})
    graph.nodes[0].op, graph.nodes[0].attributes = "Swish", {"alpha": alpha}
    lowered = lower(graph, LoweringChoices())
    assert kinds(lowered) == {"LOGISTIC": 1, "MUL": muls}
    wide = DENSE.astype(np.float64)
    np.testing.assert_allclose(run_tflite(lowered, {"x": DENSE})[0], wide / (1 + np.exp(-alpha * wide)), rtol=2e-6, atol=1e-7)
