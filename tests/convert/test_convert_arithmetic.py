"""Arithmetic, comparison, logic and choice against onnxruntime: broadcasting, dtypes, special values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_cases import convert_and_compare, kinds, node, onnx_model, random, random_of
from special_values import EXTREMES, LADDER, both, check

from redmobile.errors import UnsupportedModelError

IMAGE = {"x": (1, 5, 6, 8)}
F32 = np.float32
COMPARISONS = {"Equal": "EQUAL", "Greater": "GREATER", "GreaterOrEqual": "GREATER_EQUAL", "Less": "LESS", "LessOrEqual": "LESS_EQUAL"}


# Broadcasting


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Max", "Greater"])
@pytest.mark.parametrize("second", [(1, 5, 6, 8), (1, 5, 1, 1), (1, 1, 6, 8), (5, 1, 1), (1,), (), (8,), (6, 8)], ids=str)
@pytest.mark.parametrize("constant", [True, False])
def test_with_an_image(op, second, constant):
    given = (IMAGE, {"z": random(second, 4)}) if constant else (IMAGE | {"z": second}, {})
    found = kinds(convert_and_compare(onnx_model([node(op, "x z", "y")], *given)))
    assert "TRANSPOSE" not in found or (second == (6, 8) and not constant)


@st.composite
def broadcast_shapes(draw):
    """Two shapes of ranks 0 to 5 that broadcast."""
    full = draw(st.lists(st.sampled_from([1, 2, 5, 7]), max_size=5))
    shapes = []
    for _ in range(2):
        kept = full[draw(st.integers(0, len(full))) :]
        shapes.append(tuple(1 if draw(st.booleans()) else size for size in kept))
    return tuple(shapes)


@settings(deadline=None, max_examples=60)
@given(broadcast_shapes(), st.sampled_from(["Add", "Sub", "Mul", "Min", "Less", "Mod"]), st.sampled_from(["float32", "int32", "int64"]))
def test_any_two_shapes(shapes, op, dtype):
    attributes = {"fmod": 1} if op == "Mod" else {}
    model = onnx_model([node(op, "x z", "y", **attributes)], {"x": shapes[0], "z": shapes[1]}, dtypes={"x": dtype, "z": dtype})
    first, second = (random_of(shape, dtype, seed) for seed, shape in enumerate(shapes))
    convert_and_compare(model, arrays={"x": first, "z": np.where(second == 0, np.asarray(3, dtype), second)})


@settings(deadline=None, max_examples=40)
@given(broadcast_shapes(), st.integers(0, 2), st.sampled_from(["float32", "int64", "uint8"]))
def test_where_of_any_shapes(shapes, scalar_at, dtype):
    names = {"c": shapes[0], "x": shapes[1], "z": shapes[0]}
    names["cxz"[scalar_at]] = ()
    model = onnx_model([node("Where", "c x z", "y")], names, dtypes={"c": "bool", "x": dtype, "z": dtype})
    assert kinds(convert_and_compare(model))["SELECT_V2"] == 1


def test_images_stay_nhwc_beside_each_other():
    nodes = [node("Conv", "x w", "a"), node("Greater", "a zero", "g"), node("Where", "g a x", "y")]
    constants = {"w": random((5, 5, 1, 1)), "zero": F32(0)}
    assert kinds(convert_and_compare(onnx_model(nodes, IMAGE, constants))) == {"CONV_2D": 1, "GREATER": 1, "SELECT_V2": 1}


def test_constant_first():
    assert kinds(convert_and_compare(onnx_model([node("Sub", "one x", "y")], IMAGE, {"one": random((1, 1, 1, 1))}))) == {"SUB": 1}


def test_constant_of_higher_rank():
    convert_and_compare(onnx_model([node("Add", "x c", "y")], {"x": (8,)}, {"c": random((2, 5, 6, 1))}))


def test_both_sides_broadcast():
    convert_and_compare(onnx_model([node("Mul", "x z", "y")], {"x": (1, 5, 1, 1), "z": (1, 1, 6, 8)}))


def test_two_constants_are_computed_before():
    nodes = [node("Mul", "a b", "c"), node("Add", "x c", "y")]
    assert kinds(convert_and_compare(onnx_model(nodes, IMAGE, {"a": random((5, 1, 1)), "b": random((8,))}))) == {"ADD": 1}


# Division and remainders


def test_div():
    nodes = [node("Mul", "z z", "s"), node("Add", "s one", "d"), node("Div", "x d", "y")]
    assert "DIV" in kinds(convert_and_compare(onnx_model(nodes, IMAGE | {"z": (1, 5, 6, 8)}, {"one": F32(1)})))


def test_div_by_a_constant_multiplies():
    model = onnx_model([node("Div", "x c", "y")], IMAGE, {"c": random((5, 1, 1), 1) + 5})
    assert kinds(convert_and_compare(model)) == {"MUL": 1}


@pytest.mark.parametrize("divisor", [0.0, -0.0])
def test_div_by_what_has_no_reciprocal(divisor):
    values = np.array([1.0, -2.0, 0.0, 1e-6], np.float32)
    ours, theirs = both(onnx_model([node("Div", "x c", "y")], {"x": (4,)}, {"c": F32(divisor)}), {"x": values})
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_integer_division_is_cut_off_towards_zero():
    model = onnx_model([node("Div", "x z", "y")], {"x": (6,), "z": (6,)}, dtypes={"x": "int32", "z": "int32"})
    arrays = {"x": np.array([7, -7, 7, -7, 0, 5], np.int32), "z": np.array([3, 3, -3, -3, 4, 5], np.int32)}
    assert kinds(convert_and_compare(model, arrays=arrays)) == {"DIV": 1}


def test_int64_division_is_refused():
    with pytest.raises(UnsupportedModelError, match="TFLite has no DIV for int64; Cast to float32 or int32 before it"):
        convert_and_compare(onnx_model([node("Div", "x z", "y")], {"x": (6,), "z": (6,)}, dtypes={"x": "int64", "z": "int64"}))


@pytest.mark.parametrize(("dtype", "fmod"), [("int32", 0), ("int64", 0), ("int8", 0), ("uint8", 0), ("int32", 1), ("int64", 1), ("float32", 1)])
def test_mod(dtype, fmod):
    model = onnx_model([node("Mod", "x z", "y", fmod=fmod)], {"x": (8,), "z": (8,)}, dtypes={"x": dtype, "z": dtype})
    signs = np.array([1, -1, 1, -1, 1, -1, 1, 1] if dtype != "uint8" else [1] * 8)
    values = {"x": np.array([7, 7, 7, 7, 6, 6, 0, 100]) * signs, "z": np.array([3, 3, -3, -3, 3, -3, 5, 7]) * (signs if dtype == "uint8" else 1)}
    convert_and_compare(model, arrays={name: (np.abs(array) if dtype == "uint8" else array).astype(dtype) for name, array in values.items()})


# Powers


@pytest.mark.parametrize(
    ("power", "operators"),
    [
        (1, {"RESHAPE": 1}),
        (2, {"MUL": 1}),
        (3, {"MUL": 2}),
        (4, {"MUL": 2}),
        (0.5, {"SQRT": 1}),
        (-1, {"DIV": 1}),
        (-0.5, {"SQRT": 1, "DIV": 1}),
        (2.5, {"POW": 1}),
        (-3, {"POW": 1}),
    ],
)
def test_constant_power(power, operators):
    values = np.array([0.0, 0.5, 1.0, 3.0, 1e-3, 1e4], np.float32)
    model = onnx_model([node("Pow", "x p", "y")], {"x": values.shape}, {"p": F32(power)})
    ours, theirs = both(model, {"x": values})
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert kinds(convert_and_compare(model, arrays={"x": values + 1})) == operators


def test_constant_power_of_another_dtype():
    assert kinds(convert_and_compare(onnx_model([node("Pow", "x p", "y")], IMAGE, {"p": np.array(3, np.int64)}))) == {"MUL": 2}


def test_computed_powers_of_any_sign():
    model = onnx_model([node("Pow", "x z", "y")], {"x": (16,), "z": (16,)})
    arrays = {"x": np.repeat(np.array([-2.0, 0.0, 1.5, 3.0], F32), 4), "z": np.tile(np.array([-2.0, 0.0, 3.0, 2.0], F32), 4)}
    ours, theirs = both(model, arrays)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("exponents", ["int32", "int64"])
def test_computed_powers_of_another_dtype(exponents):
    model = onnx_model([node("Pow", "x z", "y")], {"x": (5,), "z": (5,)}, dtypes={"z": exponents})
    arrays = {"x": np.array([1.5, 2.0, -3.0, 0.5, 1.0], F32), "z": np.array([2, 3, 3, -1, 0], exponents)}
    assert kinds(convert_and_compare(model, arrays=arrays)) == {"CAST": 1, "POW": 1}


@pytest.mark.parametrize(("power", "operators"), [(2, {"MUL": 1}), (5, {"POW": 1})])
def test_integer_powers(power, operators):
    model = onnx_model([node("Pow", "x p", "y")], IMAGE, {"p": np.array(power, np.int32)}, dtypes={"x": "int32"})
    assert kinds(convert_and_compare(model)) == operators


@pytest.mark.parametrize(("power", "reason"), [(F32(1.5), "integers to broken powers"), (np.int32(-2), "integers to negative powers")])
def test_integer_powers_that_are_refused(power, reason):
    with pytest.raises(UnsupportedModelError, match=reason):
        convert_and_compare(onnx_model([node("Pow", "x p", "y")], IMAGE, {"p": power}, dtypes={"x": "int32"}))


# Any number of inputs


@pytest.mark.parametrize(("op", "kind"), [("Max", "MAXIMUM"), ("Min", "MINIMUM"), ("Sum", "ADD"), ("Mean", "ADD")])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_any_number_of_inputs(op, kind, count):
    inputs = dict(zip("xzuv"[:count], [(1, 5, 6, 8), (8,), (1, 5, 1, 1), ()][:count], strict=True))
    found = kinds(convert_and_compare(onnx_model([node(op, " ".join(inputs), "y")], inputs)))
    assert found.get(kind, 0) == count - 1


# Rounding and signs


@pytest.mark.parametrize(("op", "kind"), [("Abs", "ABS"), ("Neg", "MUL"), ("Sign", "SIGN"), ("Floor", "FLOOR"), ("Ceil", "CEIL"), ("Round", "ROUND")])
def test_signs_and_rounding(op, kind):
    assert kinds(convert_and_compare(onnx_model([node(op, "x", "y")], IMAGE))) == {kind: 1}
    check(op, LADDER)
    check(op, EXTREMES)


@pytest.mark.parametrize("op", ["Abs", "Neg", "Sign"])
@pytest.mark.parametrize("dtype", ["int8", "int32", "int64"])
def test_signs_of_integers(op, dtype):
    convert_and_compare(onnx_model([node(op, "x", "y")], IMAGE, dtypes={"x": dtype}))


# Narrow integers


@pytest.mark.parametrize(
    ("op", "dtype"),
    [
        (op, dtype)
        for op in ("Add", "Sub", "Mul", "Div", "Max", "Min")
        for dtype in ("int8", "uint8", "int16")
        if dtype != "int16" or op not in {"Max", "Min"}
    ],
)
def test_narrow_integers(op, dtype):
    model = onnx_model([node(op, "x z", "y")], {"x": (2, 9), "z": (9,)}, dtypes={"x": dtype, "z": dtype})
    arrays = {"x": random_of((2, 9), dtype, 1), "z": np.array([1, 2, 3, 4, 5, 6, 7, 8, 9], dtype)}
    convert_and_compare(model, arrays=arrays)


@pytest.mark.parametrize(("dtype", "values"), [("uint8", (250, 7)), ("int8", (120, 9)), ("int16", (32000, 999))])
def test_narrow_integers_wrap_around(dtype, values):
    model = onnx_model([node("Add", "x z", "y")], {"x": (1,), "z": (1,)}, dtypes={"x": dtype, "z": dtype})
    convert_and_compare(model, arrays={name: np.array([value], dtype) for name, value in zip("xz", values, strict=True)})


@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("constant", [True, False])
def test_bit_shift(direction, constant):
    amounts = np.array([0, 1, 2, 3, 7, 5], np.uint8)
    given = ({"x": (6,)}, {"z": amounts}) if constant else ({"x": (6,), "z": (6,)}, {})
    model = onnx_model([node("BitShift", "x z", "y", direction=direction)], *given, dtypes={"x": "uint8", "z": "uint8"})
    convert_and_compare(model, arrays={"x": np.array([1, 255, 128, 77, 200, 9], np.uint8)} | ({} if constant else {"z": amounts}))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32"])
def test_bitwise(dtype):
    convert_and_compare(onnx_model([node("BitwiseXor", "x z", "y")], {"x": (2, 9), "z": (9,)}, dtypes={"x": dtype, "z": dtype}))
    convert_and_compare(onnx_model([node("BitwiseNot", "x", "y")], {"x": (2, 9)}, dtypes={"x": dtype}))


# Comparison and logic


@pytest.mark.parametrize(("op", "kind"), COMPARISONS.items())
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_comparison(op, kind, dtype):
    model = onnx_model([node(op, "x z", "y")], {"x": (3, 5), "z": (3, 5)}, dtypes={"x": dtype, "z": dtype})
    arrays = {"x": random_of((3, 5), dtype, 1), "z": random_of((3, 5), dtype, 1)}
    arrays["z"][0] += 1
    arrays["z"][1] -= 1
    assert kinds(convert_and_compare(model, arrays=arrays)) == {kind: 1}


@pytest.mark.parametrize("op", COMPARISONS)
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_comparison_of_narrow_integers(op, dtype):
    convert_and_compare(onnx_model([node(op, "x z", "y")], {"x": (40,), "z": (40,)}, dtypes={"x": dtype, "z": dtype}))


@pytest.mark.parametrize("op", COMPARISONS)
def test_comparison_with_special_values(op):
    grid = [values.ravel().copy() for values in np.meshgrid(EXTREMES, [*EXTREMES, F32(0), F32(-0.0), F32(1)])]
    model = onnx_model([node(op, "x z", "y")], {"x": grid[0].shape, "z": grid[0].shape})
    convert_and_compare(model, arrays=dict(zip("xz", grid, strict=True)))


@pytest.mark.parametrize("opset", [11, 12, 19])
def test_comparison_in_old_and_new_opsets(opset):
    convert_and_compare(onnx_model([node("Less", "x z", "y")], IMAGE | {"z": (8,)}, opset=opset))
    convert_and_compare(onnx_model([node("Equal", "x z", "y")], {"x": (9,), "z": (9,)}, dtypes={"x": "int64", "z": "int64"}, opset=opset))


@pytest.mark.parametrize(("op", "kind"), [("And", "LOGICAL_AND"), ("Or", "LOGICAL_OR"), ("Xor", "NOT_EQUAL"), ("Equal", "EQUAL")])
def test_logic(op, kind):
    model = onnx_model([node(op, "x z", "y")], {"x": (2, 4), "z": (4,)}, dtypes={"x": "bool", "z": "bool"})
    arrays = {"x": np.array([[0, 0, 1, 1], [1, 1, 0, 0]], bool), "z": np.array([0, 1, 0, 1], bool)}
    assert kinds(convert_and_compare(model, arrays=arrays))[kind] == 1


def test_not():
    assert kinds(convert_and_compare(onnx_model([node("Not", "x", "y")], IMAGE, dtypes={"x": "bool"}))) == {"LOGICAL_NOT": 1}


@pytest.mark.parametrize(
    ("op", "attributes"),
    [("IsNaN", {})] + [("IsInf", {"detect_positive": positive, "detect_negative": negative}) for positive in (0, 1) for negative in (0, 1)],
)
def test_what_is_no_number(op, attributes):
    model = onnx_model([node(op, "x", "y", **attributes)], {"x": EXTREMES.shape}, opset=20)
    convert_and_compare(model, arrays={"x": EXTREMES})
