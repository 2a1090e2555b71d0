"""Affine quantization: what it must keep for every range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redmobile.core.quant_math import INTEGER_RANGES, Quantization, asymmetric, symmetric
from redmobile.errors import UsageError

bounds = st.floats(-1e4, 1e4, allow_nan=False, width=32).map(lambda value: 0.0 if abs(value) < 1e-6 else value)
ranges = st.tuples(bounds, bounds).map(sorted)
dtypes = st.sampled_from(["int8", "uint8", "int16"])


@given(ranges, dtypes)
def test_zero_is_represented_exactly(limits, dtype):
    quantization = asymmetric(*limits, dtype)
    code = quantization.quantize(np.zeros(1, np.float32), dtype)
    assert quantization.dequantize(code)[0] == 0


@given(ranges, dtypes, st.floats(0, 1))
def test_a_round_trip_within_the_range_errs_by_half_a_scale_at_most(limits, dtype, place):
    low, high = min(limits[0], 0.0), max(limits[1], 0.0)
    quantization = asymmetric(*limits, dtype)
    value = np.array([low + place * (high - low)], np.float64)
    back = quantization.dequantize(quantization.quantize(value, dtype)).astype(np.float64)
    scale = float(quantization.scale[0])
    # The zero point is rounded: at one end of the range up to half a code is cut off, on top of half a code of rounding.
    at_the_ends = low + scale / 2 <= value[0] <= high - scale / 2
    allowed = scale * (0.5 if at_the_ends else 1.0) * (1 + 1e-3) + abs(value[0]) * 1e-6
    assert abs(back[0] - value[0]) <= allowed


@given(ranges, dtypes)
def test_symmetric_has_zero_point_0_and_never_cuts_off(limits, dtype):
    quantization = symmetric(*limits, dtype)
    assert quantization.zero_point.tolist() == [0]
    if dtype != "uint8":
        ends = np.array(limits, np.float64)
        back = quantization.dequantize(quantization.quantize(ends, dtype))
        assert np.all(np.abs(back - ends) <= quantization.scale[0] * 0.501 + np.abs(ends) * 1e-6)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), dtypes)
def test_codes_stay_within_their_dtype(values, dtype):
    codes = Quantization.per_tensor(0.1, 3).quantize(np.array(values), dtype)
    assert codes.dtype == dtype
    assert codes.min() >= INTEGER_RANGES[dtype][0]
    assert codes.max() <= INTEGER_RANGES[dtype][1]


def test_pixels_in_unit_range_become_their_codes_with_the_sign_bit_flipped():
    pixels = np.arange(256)
    quantization = asymmetric(0.0, 1.0, "int8")
    assert quantization.zero_point.tolist() == [-128]
    assert quantization.scale[0] == np.float32(1 / 255)
    assert np.array_equal(quantization.quantize(pixels / 255, "int8").view(np.uint8), pixels.astype(np.uint8) ^ 0x80)


def test_halves_are_rounded_away_from_zero_as_tflite_does():
    codes = Quantization.per_tensor(1.0, 0).quantize(np.array([0.5, 1.5, 2.5, -0.5, -1.5, -2.5]), "int8")
    assert codes.tolist() == [1, 2, 3, -1, -2, -3]


def test_each_channel_has_its_own_scale():
    quantization = Quantization.per_channel(np.array([1.0, 10.0]), axis=1)
    codes = quantization.quantize(np.array([[5.0, 50.0], [7.0, 70.0]]), "int8")
    assert codes.tolist() == [[5, 5], [7, 7]]
    assert quantization.dequantize(codes).tolist() == [[5.0, 50.0], [7.0, 70.0]]


@pytest.mark.parametrize(("dtype", "zero_point"), [("int8", 0), ("uint8", 0), ("int16", 0)])
def test_a_range_without_width_gets_a_usable_scale(dtype, zero_point):
    quantization = asymmetric(0.0, 0.0, dtype)
    assert (quantization.scale[0], quantization.zero_point[0]) == (1.0, zero_point)
    assert symmetric(0.0, 0.0, dtype).scale[0] == 1.0


@pytest.mark.parametrize("limits", [(1.0, 0.0), (float("nan"), 1.0), (0.0, float("inf"))])
@pytest.mark.parametrize("make", [asymmetric, symmetric])
def test_an_impossible_range_is_refused(make, limits):
    with pytest.raises(UsageError, match="must be finite with low <= high"):
        make(*limits, "int8")


def test_quantizations_are_equal_by_value():
    assert asymmetric(0, 1, "int8") == asymmetric(0, 1, "int8")
    assert asymmetric(0, 1, "int8") != asymmetric(0, 2, "int8")
    assert asymmetric(0, 1, "int8") != "something else"
