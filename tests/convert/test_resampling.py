"""Resize as a matrix, against the one that onnxruntime computes with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx_cases import node, onnx_model, run_onnx

from redmobile.convert.lowering import Refusal
from redmobile.convert.matrices import repeating_rows
from redmobile.convert.resampling import Axis, Sampling, chosen, matrix_of

COORDINATES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"]


def onnx_matrix(size, result, **attributes):
    """The matrix that onnxruntime computes with: what it makes of each unit vector, as the rows of an image of unchanged height."""
    unit = np.eye(size, dtype=np.float32)[None, None]
    model = onnx_model([node("Resize", ["x", "", "", "z"], "y", **attributes)], {"x": unit.shape}, {"z": np.array([1, 1, size, result])}, opset=19)
    return run_onnx(model, {"x": unit})[0][0, 0].T


@settings(deadline=None, max_examples=60)
@given(
    st.integers(4, 12),
    st.integers(2, 20),
    st.sampled_from(COORDINATES),
    st.sampled_from([("linear", False, False), ("linear", True, False), *(("cubic", stretched, drops) for stretched in (0, 1) for drops in (0, 1))]),
)
def test_interpolation_is_onnxs(size, result, coordinates, kernel):
    mode, antialias, drops = kernel
    attributes = {"mode": mode, "antialias": int(antialias), "coordinate_transformation_mode": coordinates, "exclude_outside": int(drops)}
    found = matrix_of(Axis(size, result, result / size), Sampling(mode, coordinates, drops_outside=bool(drops), antialias=bool(antialias)))
    np.testing.assert_allclose(found, onnx_matrix(size, result, **attributes), atol=2e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(4, 12),
    st.integers(2, 20),
    st.sampled_from(COORDINATES),
    st.sampled_from(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]),
)
def test_nearest_is_onnxs(size, result, coordinates, rounding):
    assume(coordinates != "half_pixel_symmetric" or result % size == 0)  # elsewhere float32 and float64 round ties apart
    attributes = {"mode": "nearest", "nearest_mode": rounding, "coordinate_transformation_mode": coordinates}
    found = matrix_of(Axis(size, result, result / size), Sampling("nearest", coordinates, rounding))
    indices = chosen(found)
    assert indices is not None
    assert np.array_equal(np.eye(size)[indices], found)
    expected = onnx_matrix(size, result, **attributes)
    assert np.abs(indices - expected.argmax(axis=1)).max() <= 1  # a tie may fall to either side
    assert (found == expected).all(axis=1).mean() >= 0.5


def test_cropping_leaves_what_is_outside_at_zero():
    found = matrix_of(Axis(8, 6, 0.75, (-0.2, 1.1)), Sampling("linear", "tf_crop_and_resize"))
    positions = -0.2 * 7 + np.arange(6) * 1.3 * 7 / 5
    inside = (positions >= 0) & (positions <= 7)
    assert np.array_equal(found.any(axis=1), inside)
    np.testing.assert_allclose((found @ np.arange(8))[inside], positions[inside], atol=1e-5)


@pytest.mark.parametrize(("size", "result", "scale", "expected"), [(4, 8, 2.0, [0, 0, 1, 1, 2, 2, 3, 3]), (6, 3, 0.5, [0, 2, 4])])
def test_opset_10_rounds_by_direction(size, result, scale, expected):
    found = chosen(matrix_of(Axis(size, result, scale), Sampling("nearest", "asymmetric", "simple")))
    assert found is not None
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("sampling", "reason"), [(Sampling("linear", "polar"), "'polar' is not known"), (Sampling("nearest", "asymmetric", "up"), "'up' is not known")]
)
def test_unknown_attributes_are_refused(sampling, reason):
    with pytest.raises(Refusal, match=reason):
        matrix_of(Axis(4, 8, 2.0), sampling)


def test_a_mixture_is_no_choice():
    assert chosen(np.array([[0.5, 0.5], [0, 1]])) is None
    assert chosen(np.array([[0.0, 0.0], [0, 1]])) is None


@pytest.mark.parametrize(
    ("size", "result", "mode", "repeats"),
    [
        (12, 24, "cubic", True),
        (12, 6, "cubic", True),
        (12, 18, "linear", True),
        (12, 24, "linear", True),
        (12, 13, "linear", False),
        (3, 6, "cubic", False),
    ],
)
def test_rows_repeat_for_constant_ratios(size, result, mode, repeats):
    matrix = matrix_of(Axis(size, result, result / size), Sampling(mode, "half_pixel"))
    assert (repeating_rows(matrix) is not None) == repeats


def test_rows_do_not_repeat_where_corners_are_aligned():
    assert repeating_rows(matrix_of(Axis(12, 24, 2.0), Sampling("cubic", "align_corners"))) is None
