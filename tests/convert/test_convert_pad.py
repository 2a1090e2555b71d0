"""Pad against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_cases import convert_and_compare, kinds, node, onnx_model

IMAGE = {"x": (1, 5, 6, 8)}


def ints(*values):
    return np.array(values, np.int64)


def pad_model(shape, amounts, *, mode="constant", value=None, axes=None, opset=19):
    constants = {"p": ints(*amounts)}
    inputs = ["x", "p"]
    if value is not None or axes is not None:
        inputs.append("" if value is None else "v")
        constants |= {} if value is None else {"v": np.float32(value)}
    if axes is not None:
        inputs.append("a")
        constants["a"] = ints(*axes)
    return onnx_model([node("Pad", inputs, "y", mode=mode)], {"x": shape}, constants, opset=opset)


@st.composite
def cases(draw):
    rank = draw(st.sampled_from([1, 2, 3, 4, 4, 4, 5]))
    shape = tuple(draw(st.integers(8, 9)) for _ in range(rank))  # what is left of 8 - 2 · 2 can be reflected by 3
    axes = draw(st.lists(st.integers(0, rank - 1), unique=True, min_size=1))
    low = draw(st.sampled_from([0, -2]))
    return shape, axes, [draw(st.integers(low, 3)) for _ in range(2 * len(axes))]


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
def test_any_amounts_of_any_axes_of_any_rank(mode):
    @settings(deadline=None, max_examples=40)
    @given(cases(), st.sampled_from([None, 0.5]))
    def check(case, value):
        shape, axes, amounts = case
        lowered = convert_and_compare(pad_model(shape, amounts, mode=mode, value=value if mode == "constant" else None, axes=axes))
        assert kinds(lowered).keys() <= {"PAD", "PADV2", "STRIDED_SLICE", "CONCATENATION", "RESHAPE", "TRANSPOSE"}
        assert all(len(tensor.shape) <= 4 for operator in lowered.operators if operator.kind.startswith("PAD") for tensor in operator.outputs)

    check()


@pytest.mark.parametrize(
    ("mode", "value", "operators"),
    [
        ("constant", None, {"PAD": 1}),
        ("constant", 0.5, {"PADV2": 1}),
        ("reflect", None, {"STRIDED_SLICE": 4, "CONCATENATION": 2}),
        ("edge", None, {"STRIDED_SLICE": 4, "CONCATENATION": 2}),
        ("wrap", None, {"STRIDED_SLICE": 4, "CONCATENATION": 2}),
    ],
)
def test_one_pixel_around_an_image(mode, value, operators):
    assert kinds(convert_and_compare(pad_model((1, 5, 6, 8), (0, 0, 1, 1) * 2, mode=mode, value=value))) == operators


@pytest.mark.parametrize("opset", [11, 13, 18, 21])
def test_reflection_as_style_transfer_has_it(opset):
    found = kinds(convert_and_compare(pad_model((1, 5, 9, 10), (0, 0, 3, 3) * 2, mode="reflect", opset=opset)))
    assert found == {"STRIDED_SLICE": 12, "CONCATENATION": 6}


def test_wide_borders_become_one_gather_an_axis():
    assert kinds(convert_and_compare(pad_model((1, 5, 40, 50), (0, 0, 20, 20) * 2, mode="reflect"))) == {"GATHER": 2}


def test_pads_of_an_old_opset_are_an_attribute():
    model = onnx_model([node("Pad", "x", "y", pads=(0, 0, 1, 2, 0, 0, 0, 3), value=0.0)], IMAGE, opset=10)
    assert kinds(convert_and_compare(model)) == {"PAD": 1}


def test_negative_amounts_cut_off():
    assert kinds(convert_and_compare(pad_model((1, 5, 6, 8), (0, 0, -1, -2, 0, 0, 0, -1)))) == {"STRIDED_SLICE": 1}
