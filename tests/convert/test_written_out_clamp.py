"""A clamp that is written as a difference of two Relus."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_cases import convert_and_compare, kinds, node, onnx_model

IMAGE = {"x": (1, 5, 6, 8)}


def written_out(shift, top, *, swapped=False, inner="x"):
    nodes = [node("Relu", "x", "low"), node(shift, f"{inner} c", "s"), node("Relu", "s", "high")]
    return onnx_model([*nodes, node("Sub", "high low" if swapped else "low high", "y")], IMAGE, {"c": np.array([top], np.float32)})


@pytest.mark.parametrize(("shift", "top", "kind"), [("Sub", 1, "RELU_0_TO_1"), ("Sub", 6, "RELU6"), ("Add", -1, "RELU_0_TO_1")])
def test_two_relus_are_one_clamp(shift, top, kind):
    assert kinds(convert_and_compare(written_out(shift, top))) == {kind: 1}


def test_another_bound_is_a_relu_and_a_minimum():
    assert kinds(convert_and_compare(written_out("Sub", 0.5))) == {"RELU": 1, "MINIMUM": 1}


@pytest.mark.parametrize(
    "model", [written_out("Sub", -1), written_out("Add", 1), written_out("Sub", 1, swapped=True), written_out("Sub", 1, inner="low")]
)
def test_what_only_looks_like_it_stays(model):
    assert kinds(convert_and_compare(model))["SUB"] >= 1
