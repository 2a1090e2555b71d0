"""Every operator that moves, picks or multiplies, in every opset from 11 to 22."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_cases import convert_and_compare, node, onnx_model, random

SHAPE = (2, 5, 6, 8)


def ints(*values):
    return np.array(values, np.int64)


def axes_or_input(op, opset, since, shape, **attributes):
    """Squeeze and its like: axes as an attribute before opset `since`."""
    if opset < since:
        return [node(op, "x", "y", axes=[0], **attributes)], shape, {}
    return [node(op, "x a", "y", **attributes)], shape, {"a": ints(0)}


CASES = {
    "Reshape": lambda _: ([node("Reshape", "x s", "y")], SHAPE, {"s": ints(0, -1, 8)}),
    "Flatten": lambda _: ([node("Flatten", "x", "y", axis=2)], SHAPE, {}),
    "Squeeze": lambda opset: axes_or_input("Squeeze", opset, 13, (1, 5, 6)),
    "Unsqueeze": lambda opset: axes_or_input("Unsqueeze", opset, 13, (5, 6)),
    "Expand": lambda _: ([node("Expand", "x s", "y")], (5, 1), {"s": ints(2, 5, 7)}),
    "Tile": lambda _: ([node("Tile", "x r", "y")], (5, 6), {"r": ints(2, 3)}),
    "Transpose": lambda _: ([node("Transpose", "x", "t", perm=(0, 3, 1, 2)), node("Reshape", "t s", "y")], SHAPE, {"s": ints(-1)}),
    "Concat": lambda _: ([node("Concat", "x x", "y", axis=-2)], SHAPE, {}),
    "Slice": lambda _: ([node("Slice", "x s e a t", "y")], SHAPE, {"s": ints(-1), "e": ints(-99), "a": ints(2), "t": ints(-2)}),
    "Gather": lambda _: ([node("Gather", "x i", "y", axis=2)], SHAPE, {"i": ints(-1, 0, 3)}),
    "GatherElements": lambda _: ([node("GatherElements", "x i", "y", axis=1)], (5, 6), {"i": np.zeros((5, 2), np.int64)}),
    "GatherND": lambda _: ([node("GatherND", "x i", "y")], SHAPE, {"i": ints(1, -1, 0).reshape(1, 3)}),
    "ScatterND": lambda _: ([node("ScatterND", "x i u", "y")], (7, 5), {"i": ints(2, -1).reshape(2, 1), "u": random((2, 5))}),
    "ScatterElements": lambda _: ([node("ScatterElements", "x i u", "y", axis=0)], (7, 5), {"i": np.full((1, 5), 3), "u": random((1, 5))}),
    "ArgMax": lambda _: ([node("ArgMax", "x", "y", axis=1)], SHAPE, {}),
    "ArgMin": lambda _: ([node("ArgMin", "x", "y", axis=-1, keepdims=0)], SHAPE, {}),
    "TopK": lambda _: ([node("TopK", "x k", "y i", axis=1)], (5, 9), {"k": ints(3)}),
    "OneHot": lambda _: (
        [node("ArgMax", "x", "i", axis=1, keepdims=0), node("OneHot", "i d v", "y")],
        (5, 9),
        {"d": np.array(9), "v": np.float32([0, 1])},
    ),
    "Gemm": lambda _: ([node("Gemm", "x w b", "y", transB=1)], (5, 7), {"w": random((6, 7)), "b": random(6)}),
    "MatMul": lambda _: ([node("MatMul", "x w", "y")], (2, 5, 7), {"w": random((7, 6))}),
}
SINCE = {
    "Einsum": (12, lambda _: ([node("Einsum", "x w", "y", equation="bij,jk->bik")], (2, 5, 7), {"w": random((7, 6))})),
    "Trilu": (14, lambda _: ([node("Trilu", "x", "y", upper=0)], (5, 7), {})),
}
EVERY = [(op, opset) for op in CASES for opset in range(11, 23)] + [(op, opset) for op, (since, _) in SINCE.items() for opset in range(since, 23)]


@pytest.mark.parametrize(("op", "opset"), EVERY, ids=[f"{op}-{opset}" for op, opset in EVERY])
def test_every_opset(op, opset):
    build = CASES.get(op) or SINCE[op][1]
    nodes, shape, constants = build(opset)
    convert_and_compare(onnx_model(nodes, {"x": shape}, constants, opset=opset), tolerance=3e-5)
