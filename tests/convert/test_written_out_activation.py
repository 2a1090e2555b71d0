"""Gelu, Mish, SiLU and HardSwish as exporters write them out."""

from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import pytest
from onnx_cases import PLAIN_CHOICES, convert_and_compare, kinds, node, onnx_model, random

IMAGE = {"x": (1, 5, 6, 8)}
CONSTANTS = {
    "half": np.float32(0.5),
    "one": np.float32(1),
    "two": np.float32(2),
    "three": np.float32(3),
    "root2": np.float32(math.sqrt(2)),
    "root_half": np.array([math.sqrt(0.5)], np.float32),
    "slope": np.float32(math.sqrt(2 / math.pi)),
    "bend": np.float32(0.044715),
}
ERF = {
    "divided": [node("Div", "x root2", "d"), node("Erf", "d", "e"), node("Add", "e one", "a")],
    "multiplied": [node("Mul", "root_half x", "d"), node("Erf", "d", "e"), node("Add", "one e", "a")],
}
TANH = {
    "pow": [node("Pow", "x three", "c"), node("Mul", "c bend", "t")],
    "products": [node("Mul", "x x", "q"), node("Mul", "bend q", "b"), node("Mul", "b x", "t")],
}
PRODUCTS = {
    "half last": [node("Mul", "x a", "m"), node("Mul", "m half", "y")],
    "half first": [node("Mul", "half x", "h"), node("Mul", "a h", "y")],
    "half inside": [node("Mul", "a half", "h"), node("Mul", "h x", "y")],
    "halved": [node("Mul", "a x", "m"), node("Div", "m two", "y")],
}


def used(nodes):
    names = {name for made in nodes for name in made.input}
    return {name: value for name, value in CONSTANTS.items() if name in names}


@pytest.mark.parametrize(("curve", "product"), list(itertools.product(ERF, PRODUCTS)))
def test_gelu(curve, product):
    nodes = ERF[curve] + PRODUCTS[product]
    assert kinds(convert_and_compare(onnx_model(nodes, IMAGE, used(nodes)))) == {"GELU": 1}


@pytest.mark.parametrize(("cubic", "product", "swapped"), list(itertools.product(TANH, PRODUCTS, [False, True])))
def test_gelu_by_tanh(cubic, product, swapped):
    bracket = [node("Add", "t x" if swapped else "x t", "s"), node("Mul", "s slope", "n"), node("Tanh", "n", "e"), node("Add", "e one", "a")]
    nodes = TANH[cubic] + bracket + PRODUCTS[product]
    lowered = convert_and_compare(onnx_model(nodes, IMAGE, used(nodes)))
    assert [(operator.kind, operator.options["approximate"]) for operator in lowered.operators] == [("GELU", True)]


def test_gelu_of_a_product():
    nodes = [node("Mul", "u v", "x"), *ERF["divided"], *PRODUCTS["half first"]]
    assert kinds(convert_and_compare(onnx_model(nodes, {"u": (1, 5, 6, 8), "v": (1, 5, 6, 8)}, used(nodes)))) == {"MUL": 1, "GELU": 1}


def test_mish():
    for factors in ("x t", "t x"):
        nodes = [node("Softplus", "x", "s"), node("Tanh", "s", "t"), node("Mul", factors, "y")]
        assert kinds(convert_and_compare(onnx_model(nodes, IMAGE)))["LOGISTIC"] == 1
        assert "TANH" not in kinds(convert_and_compare(onnx_model(nodes, IMAGE)))


@pytest.mark.parametrize(
    ("old", "new"),
    [("root2", "two"), ("one", "two"), ("half", "two")],
)
def test_what_is_nearly_a_gelu_stays_what_it_is(old, new):
    nodes = copy.deepcopy(ERF["divided"] + PRODUCTS["half last"])
    for made in nodes:
        made.input[:] = [new if name == old else name for name in made.input]
    assert kinds(convert_and_compare(onnx_model(nodes, IMAGE, used(nodes))))["TANH"] == 1


def test_gelu_with_another_factor_stays_what_it_is():
    nodes = [*ERF["divided"], node("Mul", "z a", "m"), node("Mul", "m half", "y")]
    assert "GELU" not in kinds(convert_and_compare(onnx_model(nodes, IMAGE | {"z": (1, 5, 6, 8)}, used(nodes))))


def test_steps_that_others_read_stay():
    nodes = [*ERF["divided"], *PRODUCTS["half last"], node("Relu", "e", "z")]
    found = kinds(convert_and_compare(onnx_model(nodes, IMAGE, used(nodes), outputs=("y", "z"))))
    assert (found["GELU"], found["TANH"], found["RELU"]) == (1, 1, 1)


def test_an_erf_of_the_input_alone_stays():
    assert kinds(convert_and_compare(onnx_model([node("Erf", "x", "y")], IMAGE)))["TANH"] == 1


SIXTH = {"six": np.float32(6), "zero": np.float32(0), "sixth": np.float32(1 / 6)}
HARD_SWISH = {
    "hard sigmoid": [node("HardSigmoid", "x", "g", alpha=1 / 6, beta=0.5), node("Mul", "g x", "y")],
    "divided last": [node("Add", "x three", "s"), node("Clip", "s zero six", "g"), node("Mul", "x g", "m"), node("Div", "m six", "y")],
    "divided first": [node("Add", "three x", "s"), node("Clip", "s zero six", "g"), node("Div", "g six", "m"), node("Mul", "x m", "y")],
    "multiplied": [node("Add", "x three", "s"), node("Clip", "s zero six", "g"), node("Mul", "x g", "m"), node("Mul", "sixth m", "y")],
}


@pytest.mark.parametrize("form", HARD_SWISH)
def test_hard_swish(form):
    constants = {name: value for name, value in (CONSTANTS | SIXTH).items() if any(name in made.input for made in HARD_SWISH[form])}
    assert kinds(convert_and_compare(onnx_model(HARD_SWISH[form], IMAGE, constants), PLAIN_CHOICES)) == {"HARD_SWISH": 1}


def test_hard_sigmoid_of_another_slope_times_x_is_no_hard_swish():
    nodes = [node("HardSigmoid", "x", "g"), node("Mul", "g x", "y")]
    assert "HARD_SWISH" not in kinds(convert_and_compare(onnx_model(nodes, IMAGE), PLAIN_CHOICES))


def test_a_pixel_shuffle_behind_silu_permutes_the_weights_of_the_convolution_before():
    nodes = [node("Conv", "x w", "c"), node("Sigmoid", "c", "s"), node("Mul", "s c", "m"), node("DepthToSpace", "m", "y", blocksize=2, mode="CRD")]
    lowered = convert_and_compare(onnx_model(nodes, IMAGE, {"w": random((12, 5, 1, 1), 2)}), PLAIN_CHOICES)
    assert kinds(lowered) == {"CONV_2D": 1, "LOGISTIC": 1, "MUL": 1, "DEPTH_TO_SPACE": 1}


def test_a_gate_of_something_else_stays_a_gate():
    nodes = [node("GlobalAveragePool", "x", "p"), node("Sigmoid", "p", "s"), node("Mul", "x s", "y")]
    assert kinds(convert_and_compare(onnx_model(nodes, IMAGE))) == {"MEAN": 1, "LOGISTIC": 1, "MUL": 1}
