"""ConvTranspose against onnxruntime."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_cases import convert_and_compare, kinds, node, onnx_model, random

from redmobile.errors import UnsupportedModelError


@pytest.mark.parametrize(
    ("kernel", "stride", "pads", "output_padding", "operators"),
    [
        (2, 2, (0, 0, 0, 0), 0, {"TRANSPOSE_CONV": 1}),
        (3, 2, (0, 0, 1, 1), 0, {"TRANSPOSE_CONV": 1}),  # SAME
        (4, 2, (1, 1, 1, 1), 0, {"TRANSPOSE_CONV": 1}),  # SAME, as GANs have it
        (3, 2, (1, 1, 1, 1), 1, {"TRANSPOSE_CONV": 1, "STRIDED_SLICE": 1}),
        (3, 1, (1, 1, 1, 1), 0, {"TRANSPOSE_CONV": 1}),
        (5, 3, (2, 1, 0, 1), 0, {"TRANSPOSE_CONV": 1, "STRIDED_SLICE": 1}),
        (2, 3, (0, 0, 0, 0), 2, {"PAD": 1, "TRANSPOSE_CONV": 1, "STRIDED_SLICE": 1}),  # reaches beyond the kernel
    ],
)
def test_conv_transpose(kernel, stride, pads, output_padding, operators):
    attributes = {"strides": (stride, stride), "pads": pads, "output_padding": (output_padding, output_padding)}
    constants = {"w": random((5, 6, kernel, kernel), 1), "b": random(6, 2)}
    model = onnx_model([node("ConvTranspose", "x w b", "y", **attributes)], {"x": (1, 5, 6, 7)}, constants)
    assert kinds(convert_and_compare(model)) == operators


@st.composite
def cases(draw):
    axes = draw(st.sampled_from([1, 2, 2]))

    def each(low, high):
        return [draw(st.integers(low, high)) for _ in range(axes)]

    size, kernel, attributes = each(5, 8), each(1, 5), {"strides": each(1, 4), "dilations": each(1, 2), "group": draw(st.sampled_from([1, 1, 2, 4]))}
    padding = draw(st.sampled_from(["pads", "shape", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if padding == "pads":
        attributes |= {"pads": each(0, 2) + each(0, 2), "output_padding": [draw(st.integers(0, stride - 1)) for stride in attributes["strides"]]}
    elif padding == "shape":
        spans = [(reach - 1) * spread + 1 for reach, spread in zip(kernel, attributes["dilations"], strict=True)]
        full = [(length - 1) * stride + span for length, stride, span in zip(size, attributes["strides"], spans, strict=True)]
        attributes["output_shape"] = [max(length, whole - draw(st.integers(0, 3))) for length, whole in zip(size, full, strict=True)]
        attributes["auto_pad"] = draw(st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER"]))
    else:
        attributes["auto_pad"] = padding
    return size, kernel, draw(st.integers(1, 3)), attributes, draw(st.sampled_from([11, 18, 22]))


@settings(deadline=None, max_examples=120)
@given(cases())
def test_any_stride_dilation_groups_pads_and_output_shape(case):
    size, kernel, outputs, attributes, opset = case
    constants = {"w": random((4, outputs, *kernel), 1), "b": random(outputs * attributes["group"], 2)}
    model = onnx_model([node("ConvTranspose", "x w b", "y", **attributes)], {"x": (1, 4, *size)}, constants, opset=opset)
    found = kinds(convert_and_compare(model))
    assert ("TRANSPOSE_CONV" in found) == (attributes["group"] == 1)


@pytest.mark.parametrize(("stride", "convolutions"), [(2, {"DEPTHWISE_CONV_2D": 4}), (5, {"TRANSPOSE_CONV": 1})])
def test_bilinear_upsampling_as_segmentation_nets_have_it(stride, convolutions):
    attributes = {"strides": (stride, stride), "group": 5, "pads": [stride // 2] * 4}
    model = onnx_model([node("ConvTranspose", "x w", "y", **attributes)], {"x": (1, 5, 6, 7)}, {"w": random((5, 1, 2 * stride, 2 * stride), 1)})
    found = kinds(convert_and_compare(model))
    assert {kind: found[kind] for kind in convolutions} == convolutions
    assert "GATHER" not in found


@pytest.mark.parametrize(
    ("inputs", "constants", "attributes", "reason"),
    [
        ({"x": (1, 4, 8, 8), "w": (4, 4, 3, 3)}, {}, {}, "its weights .'w'. is computed"),
        ({"x": (1, 4, 8, 8, 8)}, {"w": random((4, 2, 2, 2, 2))}, {}, "rank 5"),
        ({"x": (1, 4, 8, 8)}, {"w": random((4, 2, 2, 2))}, {"output_shape": (5, 5)}, "output_shape .* smaller than its input"),
    ],
)
def test_refusals_say_why(inputs, constants, attributes, reason):
    with pytest.raises(UnsupportedModelError, match=reason):
        convert_and_compare(onnx_model([node("ConvTranspose", "x w", "y", **attributes)], inputs, constants))
