"""Resize and Upsample against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_cases import convert_and_compare, kinds, node, onnx_model, random, run_onnx, run_tflite

from redmobile.convert.onnx_to_tflite import lower
from redmobile.core.converter import LoweringChoices
from redmobile.errors import UnsupportedModelError
from redmobile.graph.onnx_graph import read_onnx

IMAGE = (1, 5, 6, 8)
OPERATOR = LoweringChoices(resize_nearest="resize_nearest_neighbor")
COORDINATES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
ONNX_MEMORY = (0, 2, 3, 1)


def resize(shape=IMAGE, scales=None, sizes=None, roi=None, opset=19, **attributes):
    names, constants = ["x", "", "", ""], {}
    if opset < 13:  # inputs that could not be absent yet
        roi, scales = roi or [], scales or []
    for place, (name, values, dtype) in enumerate((("r", roi, np.float32), ("s", scales, np.float32), ("z", sizes, np.int64)), start=1):
        if values is not None:
            names[place], constants[name] = name, np.array(values, dtype)
    return onnx_model([node("Resize", names, "y", **attributes)], {"x": shape}, constants, opset=opset)


@settings(deadline=None, max_examples=30)
@given(
    st.integers(2, 9),
    st.integers(5, 9),  # a width of 3 or 4 would read as the channels of an NHWC image
    st.integers(2, 20),
    st.integers(2, 20),
    st.sampled_from(COORDINATES),
    st.sampled_from([11, 13, 18, 19]),
)
def test_linear_to_any_size_is_tflites_own(height, width, new_height, new_width, coordinates, opset):
    attributes = {"mode": "linear", "coordinate_transformation_mode": coordinates}
    model = resize((1, 5, height, width), sizes=(1, 5, new_height, new_width), opset=opset, **attributes)
    assert kinds(convert_and_compare(model)).keys() <= {"RESIZE_BILINEAR", "RESHAPE"}  # RESHAPE: nothing to do


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_any_scales_of_any_coordinates(mode):
    @settings(deadline=None, max_examples=50)
    @given(
        st.tuples(st.integers(5, 9), st.integers(5, 9)),
        st.tuples(*[st.sampled_from([0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 1.3])] * 2),
        st.sampled_from(COORDINATES),
        st.sampled_from(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]),
        st.booleans(),
        st.booleans(),
    )
    def check(size, scales, coordinates, rounding, flag, operator):
        attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
        if mode == "nearest":
            attributes["nearest_mode"] = rounding
        elif mode == "linear":
            attributes["antialias"] = int(flag)
        else:
            attributes |= {"exclude_outside": int(flag), "cubic_coeff_a": -0.5}
        model = resize((1, 5, *size), scales=(1, 1, *scales), **attributes)
        convert_and_compare(model, OPERATOR if operator else None, tolerance=2e-5)

    check()


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
@pytest.mark.parametrize(
    "attributes",
    [
        {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},  # PyTorch's
        {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_floor"},
        {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"},
    ],
)
def test_nearest_by_a_whole_factor_is_tiled(factor, attributes):
    model = resize(scales=(1, 1, factor, factor), **attributes)
    found = kinds(convert_and_compare(model))
    assert found.keys() == {"CONCATENATION", "RESHAPE"}
    assert kinds(convert_and_compare(model, OPERATOR)) == {"RESIZE_NEAREST_NEIGHBOR": 1}


def test_nearest_of_an_even_fraction_is_cut_out_of_views():
    model = resize(scales=(1, 1, 0.5, 0.5), coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    assert kinds(convert_and_compare(model)).keys() == {"RESHAPE", "STRIDED_SLICE"}


def test_nearest_to_an_odd_size_is_the_operator():
    model = resize(sizes=(1, 5, 11, 13), coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    assert kinds(convert_and_compare(model)) == {"RESIZE_NEAREST_NEIGHBOR": 1}


@pytest.mark.parametrize("scale", [2, 0.5, 1.5, 3])
def test_cubic_by_a_constant_ratio_is_depthwise(scale):
    model = resize((1, 5, 12, 18), scales=(1, 1, scale, scale), mode="cubic")
    found = kinds(convert_and_compare(model, tolerance=2e-5))
    assert found.keys() <= {"STRIDED_SLICE", "CONCATENATION", "DEPTHWISE_CONV_2D", "RESHAPE"}


def test_cubic_with_aligned_corners_is_two_matrix_products():
    found = kinds(convert_and_compare(resize(sizes=(1, 5, 11, 13), mode="cubic", coordinate_transformation_mode="align_corners"), tolerance=2e-5))
    assert found == {"FULLY_CONNECTED": 2, "TRANSPOSE": 3}


def test_antialias_when_halving_is_a_strided_convolution_an_axis():
    model = resize((1, 5, 12, 18), scales=(1, 1, 0.5, 0.5), mode="linear", antialias=1)
    assert kinds(convert_and_compare(model)) == {"STRIDED_SLICE": 4, "CONCATENATION": 2, "DEPTHWISE_CONV_2D": 2}


@pytest.mark.parametrize("shape", [(5, 7), (2, 5, 7), (1, 5, 6, 7, 8)])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_any_rank(shape, mode):
    axes = 2 if len(shape) > 2 else 0
    scales = [1] * axes + [1.5] * (len(shape) - axes)
    convert_and_compare(resize(shape, scales=scales, mode=mode, coordinate_transformation_mode="asymmetric"), tolerance=2e-5)


def test_channels_can_be_resized_too():
    model = resize(scales=(1, 2, 1, 1), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    convert_and_compare(model)


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
def test_aspect_ratio_kept(policy):
    attributes = {"mode": "linear", "keep_aspect_ratio_policy": policy, "axes": (2, 3)}
    convert_and_compare(resize((1, 5, 6, 9), sizes=(7, 8), **attributes), tolerance=2e-5)


@pytest.mark.parametrize("axes", [(2, 3), (3, 2), (-1,)])
def test_scales_of_some_axes(axes):
    convert_and_compare(resize(scales=(2, 3)[: len(axes)], mode="linear", axes=axes))


@pytest.mark.parametrize("value", [0.0, 1.5])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_crop_and_resize(mode, value):
    attributes = {"mode": mode, "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": value}
    roi = (0, 0, -0.1, 0.2, 1, 1, 0.8, 1.1)
    found = kinds(convert_and_compare(resize(roi=roi, scales=(1, 1, 1.5, 2), **attributes), tolerance=2e-5))
    assert ("ADD" in found) == (value != 0)


def test_resize_of_opset_10():
    for mode, scale in (("nearest", 2), ("nearest", 0.5), ("linear", 2)):
        model = onnx_model([node("Resize", "x s", "y", mode=mode)], {"x": IMAGE}, {"s": np.array((1, 1, scale, scale), np.float32)}, opset=10)
        convert_and_compare(model)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("opset", [7, 9])
def test_upsample(mode, opset):
    scales = (1.0, 1.0, 2.0, 3.0)
    attributes = {"scales": scales} if opset == 7 else {}
    constants = {} if opset == 7 else {"s": np.array(scales, np.float32)}
    model = onnx_model([node("Upsample", "x" if opset == 7 else "x s", "y", mode=mode, **attributes)], {"x": IMAGE}, constants, opset=opset)
    convert_and_compare(model)


def test_matrix_product_along_both_axes_at_once_agrees_with_one_by_one():
    """A size that no convolution repeats over, batch of two."""
    image = random((2, 5, 7, 9))
    model = resize((2, 5, 7, 9), sizes=(2, 5, 12, 8), mode="cubic", exclude_outside=1)
    (wanted,) = run_onnx(model, {"x": image})
    (found,) = run_tflite(lower(read_onnx(model.SerializeToString()), LoweringChoices()), {"x": image.transpose(ONNX_MEMORY)})
    np.testing.assert_allclose(found.transpose(0, 3, 1, 2), wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (resize(scales=(1, 1, 2, 2), coordinate_transformation_mode="polar"), "'polar' is not known"),
        (resize(scales=(1, 1, 2, 2), mode="lanczos"), "mode 'lanczos' is not known"),
        (resize(scales=(1, 1, 2, 2), nearest_mode="up"), "nearest_mode 'up' is not known"),
    ],
)
def test_refusals_say_why(model, reason):
    with pytest.raises(UnsupportedModelError, match=reason):
        lower(read_onnx(model.SerializeToString()), LoweringChoices())


def test_computed_scales_are_refused():
    model = onnx_model([node("Relu", "s", "t"), node("Resize", ["x", "", "t"], "y")], {"x": IMAGE, "s": (4,)})
    with pytest.raises(UnsupportedModelError, match="could not be inferred"):
        lower(read_onnx(model.SerializeToString()), LoweringChoices())
