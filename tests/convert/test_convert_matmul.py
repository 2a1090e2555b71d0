"""Products of matrices against onnxruntime: constant and computed sides, broadcasting, Einsum's common forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_cases import convert_and_compare, kinds, node, onnx_model, random

from redmobile.errors import UnsupportedModelError

CLOSE = 3e-5
"""Sums of products in another order."""


def product(op, names, shapes, constant=(), *, opset=18, **attributes):
    """A node over inputs of `shapes`, those named in `constant` as constants."""
    inputs = {name: shape for name, shape in shapes.items() if name not in constant}
    constants = {name: random(shapes[name], 7 + seed) for seed, name in enumerate(constant)}
    return convert_and_compare(onnx_model([node(op, names, "y", **attributes)], inputs, constants, opset=opset), tolerance=CLOSE)


# MatMul


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((5, 7), (7, 6)),
        ((2, 5, 7), (7, 6)),
        ((2, 3, 5, 7), (7, 6)),
        ((2, 5, 7), (2, 7, 6)),
        ((2, 1, 5, 7), (3, 7, 6)),
        ((1, 5, 7), (2, 7, 6)),
        ((5, 7), (2, 7, 6)),
        ((7,), (7, 6)),
        ((5, 7), (7,)),
        ((7,), (7,)),
        ((2, 5, 7), (7,)),
        ((7,), (2, 7, 6)),
        ((2, 1, 2, 3, 5, 7), (2, 1, 3, 7, 6)),
    ],
)
@pytest.mark.parametrize("constant", ["", "a", "b"])
def test_matmul(a, b, constant):
    lowered = product("MatMul", "a b", {"a": a, "b": b}, constant)
    known = {"a": a, "b": b}.get(constant, (0, 0, 0))
    assert ("BATCH_MATMUL" in kinds(lowered)) == (len(known) > 2)
    assert ("FULLY_CONNECTED" in kinds(lowered)) == (len(known) <= 2)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_matmul_of_transposed_operands(data):
    rank = data.draw(st.integers(2, 4))
    batch = tuple(data.draw(st.integers(2, 3)) for _ in range(rank - 2))
    nodes, inputs = [], {}
    for name, shape in {"a": (*batch, 5, 7), "b": (*batch, 7, 6)}.items():
        perm = data.draw(st.permutations(range(rank)))
        inputs[name] = tuple(shape[axis] for axis in perm)
        nodes.append(node("Transpose", name, f"{name}t", perm=[list(perm).index(axis) for axis in range(rank)]))
    convert_and_compare(onnx_model([*nodes, node("MatMul", "at bt", "y")], inputs), tolerance=CLOSE)


def test_attention_of_heads_transposes_queries_keys_and_values_once_each():
    constants = {"heads": np.array([2, 7, 3, 5]), "flat": np.array([2, 7, 15])} | {name: random((15, 15), seed) for seed, name in enumerate("qkv")}
    nodes = []
    for name, perm in {"q": (0, 2, 1, 3), "k": (0, 2, 3, 1), "v": (0, 2, 1, 3)}.items():
        nodes += [
            node("MatMul", f"x {name}", f"{name}1"),
            node("Reshape", f"{name}1 heads", f"{name}2"),
            node("Transpose", f"{name}2", f"{name}3", perm=perm),
        ]
    nodes += [
        node("MatMul", "q3 k3", "s"),
        node("MatMul", "s v3", "o"),
        node("Transpose", "o", "o1", perm=(0, 2, 1, 3)),
        node("Reshape", "o1 flat", "y"),
    ]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (2, 7, 15)}, constants), tolerance=CLOSE)
    assert kinds(lowered)["FULLY_CONNECTED"] == 3
    assert kinds(lowered)["BATCH_MATMUL"] == 2
    assert kinds(lowered)["TRANSPOSE"] == 4  # q, k, v, and the heads side by side again


def test_integers_are_refused():
    model = onnx_model([node("MatMul", "a b", "y")], {"a": (5, 7), "b": (7, 6)}, dtypes={"a": "int32", "b": "int32"})
    with pytest.raises(UnsupportedModelError, match="matrices of floats only, these are int32"):
        convert_and_compare(model)


def test_constant_weights_behind_an_addition_become_a_bias():
    nodes = [node("MatMul", "x w", "m"), node("Add", "m b", "a"), node("Relu", "a", "y")]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (2, 5, 7)}, {"w": random((7, 6)), "b": random(6, 2)}), tolerance=CLOSE)
    assert kinds(lowered) == {"FULLY_CONNECTED": 1}


# Gemm


@pytest.mark.parametrize("trans", [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("constant", ["", "b", "c", "bc", "a", "ac"])
@pytest.mark.parametrize("c", [(6,), (1, 6), (5, 6), (5, 1), (1,), ()])
def test_gemm(trans, constant, c):
    shapes = {"a": (7, 5) if trans[0] else (5, 7), "b": (6, 7) if trans[1] else (7, 6), "c": c}
    lowered = product("Gemm", "a b c", shapes, constant, transA=trans[0], transB=trans[1], alpha=0.5, beta=1.5)
    if constant == "bc" and c in {(6,), (1, 6), (1,), ()}:
        assert kinds(lowered).keys() <= {"FULLY_CONNECTED", "TRANSPOSE"}


@pytest.mark.parametrize("opset", [11, 13, 22])
@pytest.mark.parametrize("constant", ["", "b"])
def test_gemm_without_an_addend(opset, constant):
    product("Gemm", "a b", {"a": (5, 7), "b": (7, 6)}, constant, opset=opset)
    product("Gemm", "a b c", {"a": (5, 7), "b": (7, 6), "c": (5, 6)}, constant, opset=opset, beta=0.0)


def test_flattened_image_into_gemm_needs_no_transpose():
    constants = {"w": random((6, 240), 1), "b": random(6, 2)}
    nodes = [node("Flatten", "x", "f"), node("Gemm", "f w b", "y", transB=1)]
    assert "TRANSPOSE" not in kinds(convert_and_compare(onnx_model(nodes, {"x": (1, 5, 6, 8)}, constants), tolerance=CLOSE))


# Einsum


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij->ji", [(5, 7)]),
        ("ij->", [(5, 7)]),
        ("abc->b", [(2, 5, 7)]),
        ("bnchw->bnhwc", [(2, 3, 5, 6, 7)]),
        ("...ij->...ji", [(2, 3, 5, 7)]),
        ("ij,jk->ik", [(5, 7), (7, 6)]),
        ("ij,jk", [(5, 7), (7, 6)]),
        ("bij,bjk->bik", [(2, 5, 7), (2, 7, 6)]),
        ("bij,jk->bik", [(2, 5, 7), (7, 6)]),
        ("bhqd,bhkd->bhqk", [(2, 3, 5, 7), (2, 3, 6, 7)]),
        ("bhqk,bhkd->bhqd", [(2, 3, 5, 7), (2, 3, 7, 6)]),
        ("bqhd,bkhd->bhqk", [(2, 5, 3, 7), (2, 6, 3, 7)]),
        ("nchw,oc->nohw", [(2, 5, 6, 8), (7, 5)]),
        ("nctkv,kvw->nctw", [(2, 5, 6, 3, 7), (3, 7, 7)]),
        ("i,j->ij", [(5,), (7,)]),
        ("i,i->", [(5,), (5,)]),
        ("ij,ij->ij", [(5, 7), (5, 7)]),
        ("ij,j->ij", [(5, 7), (7,)]),
        ("abc,cd->d", [(2, 5, 7), (7, 6)]),
        ("...id,...jd->...ij", [(2, 3, 5, 7), (2, 3, 6, 7)]),
        ("...id,jd->...ij", [(2, 3, 5, 7), (6, 7)]),
        ("...id,...jd->...ij", [(2, 1, 5, 7), (2, 3, 6, 7)]),
        ("ij,jk,kl->il", [(5, 7), (7, 6), (6, 8)]),
        (" b i j , b j k -> b i k ", [(2, 5, 7), (2, 7, 6)]),
        ("ii->i", [(5, 5)]),
        ("ii", [(5, 5)]),
        ("...ii->...i", [(2, 5, 5)]),
        ("iji,jk->ik", [(5, 7, 5), (7, 6)]),
    ],
)
@pytest.mark.parametrize("constant", ["", "a", "b"])
def test_einsum(equation, shapes, constant):
    named = dict(zip("abc", shapes, strict=False))
    if constant in named and len(named) > 1:
        product("Einsum", list(named), named, constant, equation=equation)
    elif not constant:
        product("Einsum", list(named), named, equation=equation)


def test_einsum_of_two_constants_and_one_computed():
    product("Einsum", "a b c", {"a": (5, 7), "b": (7, 6), "c": (6, 8)}, "ab", equation="ij,jk,kl->il")


def test_einsum_over_images_is_a_fully_connected_on_nhwc():
    lowered = product("Einsum", "a b", {"a": (2, 5, 6, 8), "b": (7, 5)}, "b", equation="nchw,oc->nohw")
    assert "TRANSPOSE" not in kinds(lowered)


@pytest.mark.parametrize(
    ("equation", "shapes", "reason"),
    [("bij,bjk->bik", [(2, 5, 7)], "names 2 operands"), ("ijk->i", [(5, 5)], "does not name the 2 axes")],
)
def test_einsum_refusals(equation, shapes, reason):
    model = onnx_model([node("Einsum", "a", "y", equation=equation)], {"a": shapes[0]})
    model.graph.output[0].CopyFrom(model.graph.input[0])
    model.graph.output[0].name = "y"
    with pytest.raises(UnsupportedModelError, match=reason):
        convert_and_compare(model)
