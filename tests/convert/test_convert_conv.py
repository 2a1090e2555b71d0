"""Conv against onnxruntime."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_cases import convert_and_compare, kinds, node, onnx_model, random

from redmobile.errors import UnsupportedModelError

SMALL = st.integers(0, 3)


def conv_model(size, weights, *, channels=4, bias=True, **attributes):
    constants = {"w": random(weights, 1)} | ({"b": random(weights[0], 2)} if bias else {})
    return onnx_model([node("Conv", "x w b" if bias else "x w", "y", **attributes)], {"x": (1, channels, *size)}, constants)


@st.composite
def convolutions(draw):
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    dilation = draw(st.sampled_from([(1, 1), (2, 2), (1, 2)]))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) if dilation == (1, 1) else (1, 1)
    pads = draw(st.tuples(SMALL, SMALL, SMALL, SMALL))
    size = draw(st.tuples(st.integers(9, 16), st.integers(9, 16)))
    groups = draw(st.sampled_from([1, 1, 2, 4]))
    outputs = draw(st.sampled_from([4, 8]))
    return size, kernel, stride, dilation, pads, groups, outputs


@settings(deadline=None, max_examples=60)
@given(convolutions())
def test_conv_for_any_kernel_stride_pads_groups_and_size(case):
    size, kernel, stride, dilation, pads, groups, outputs = case
    model = conv_model(size, (outputs, 4 // groups, *kernel), strides=stride, dilations=dilation, pads=pads, group=groups)
    lowered = convert_and_compare(model)
    assert kinds(lowered).keys() <= {"CONV_2D", "DEPTHWISE_CONV_2D", "PAD"}
    assert ("DEPTHWISE_CONV_2D" in kinds(lowered)) == (groups == 4)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pads"),
    [
        ((8, 12), 3, 2, (0, 0, 1, 1)),  # what PyTorch models pad by hand for TFLite's sake
        ((8, 12), 5, 2, (1, 1, 2, 2)),
        ((8, 12), 3, 1, (1, 1, 1, 1)),
        ((7, 9), 3, 2, (1, 1, 1, 1)),  # odd sizes: symmetric is SAME
        ((8, 12), 4, 4, (0, 0, 0, 0)),
        ((8, 12), 1, 1, (0, 0, 0, 0)),
    ],
)
def test_pads_that_tflite_can_say_need_no_pad_operator(size, kernel, stride, pads):
    lowered = convert_and_compare(conv_model(size, (4, 4, kernel, kernel), strides=(stride, stride), pads=pads))
    assert kinds(lowered) == {"CONV_2D": 1}


def test_pads_that_no_window_reaches_are_not_written():
    lowered = convert_and_compare(conv_model((8, 12), (4, 4, 3, 3), strides=(2, 2), pads=(1, 1, 1, 1)))
    assert kinds(lowered) == {"PAD": 1, "CONV_2D": 1}
    assert lowered.operators[0].outputs[0].shape == (1, 9, 13, 4)


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("size", [(8, 12), (7, 9)])
def test_auto_pad(auto_pad, size):
    convert_and_compare(conv_model(size, (4, 4, 3, 3), strides=(2, 2), auto_pad=auto_pad))


def test_missing_bias_becomes_zeros():
    lowered = convert_and_compare(conv_model((6, 8), (5, 4, 3, 3), bias=False))
    assert not lowered.operators[0].inputs[2].data.any()


def test_depthwise_with_a_multiplier():
    lowered = convert_and_compare(conv_model((6, 8), (12, 1, 3, 3), group=4, pads=(1, 1, 1, 1)))
    assert lowered.operators[0].options["depth_multiplier"] == 3


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 5), st.integers(1, 3), st.integers(1, 2), st.tuples(SMALL, SMALL), st.integers(9, 16), st.sampled_from([1, 2, 4]), st.booleans()
)
def test_conv_of_a_signal(kernel, stride, dilation, pads, length, groups, automatic):
    attributes = {"auto_pad": "SAME_LOWER"} if automatic and dilation == 1 else {"pads": pads}
    constants = {"w": random((8, 4 // groups, kernel), 1), "b": random(8, 2)}
    convolution = node("Conv", "x w b", "y", strides=[stride], dilations=[dilation], group=groups, **attributes)
    lowered = convert_and_compare(onnx_model([convolution], {"x": (2, 4, length)}, constants))
    assert kinds(lowered).keys() <= {"CONV_2D", "DEPTHWISE_CONV_2D", "PAD", "TRANSPOSE", "RESHAPE"}


def test_signals_between_convolutions_are_not_moved():
    nodes = [node("Conv", "x w", "a", pads=(1, 1)), node("Relu", "a", "r"), node("Conv", "r v", "b"), node("Add", "b b", "y")]
    model = onnx_model(nodes, {"x": (1, 4, 12)}, {"w": random((6, 4, 3), 1), "v": random((5, 6, 2), 2)})
    found = kinds(convert_and_compare(model))
    assert (found["TRANSPOSE"], found["CONV_2D"]) == (2, 2)  # only where the signal enters and leaves
    assert "RELU" not in found


@pytest.mark.parametrize(("channels", "weights", "groups"), [(9, (6, 3, 3, 3), 3), (6, (6, 3, 1, 1), 2), (1, (4, 1, 3, 3), 1)])
def test_groups_of_several_channels_stay_one_convolution(channels, weights, groups):
    assert kinds(convert_and_compare(conv_model((6, 8), weights, channels=channels, group=groups))) == {"CONV_2D": 1}


@pytest.mark.parametrize("shape", [(4, 5, 3, 3), (5, 1, 3, 3), (4, 5, 3)])
def test_computed_weights(shape):
    data = (1, 5, 8, 9)[: len(shape)]
    groups = 5 // shape[1]
    nodes = [node("Relu", "v", "w"), node("Conv", "x w c", "y", group=groups, kernel_shape=shape[2:])]
    convert_and_compare(onnx_model(nodes, {"x": data, "v": shape, "c": shape[:1]}))


@pytest.mark.parametrize(
    ("nodes", "inputs", "constants", "reason"),
    [
        ([node("Conv", "x w", "y", pads=(-1, 0, 0, 0))], {"x": (1, 4, 8, 8)}, {"w": random((4, 4, 3, 3))}, "are negative: put a Slice"),
        ([node("Conv", "x w", "y")], {"x": (1, 4, 2, 8)}, {"w": random((4, 4, 3, 3))}, "more than the padded image"),
        ([node("Conv", "x w", "y")], {"x": (1, 4, 8, 8, 8)}, {"w": random((4, 4, 3, 3, 3))}, "rank 5; signals .* by a Reshape"),
    ],
)
def test_refusals_say_why(nodes, inputs, constants, reason):
    with pytest.raises(UnsupportedModelError, match=reason) as caught:
        convert_and_compare(onnx_model(nodes, inputs, constants))
    assert str(caught.value).startswith(f"ONNX op '{nodes[0].op_type}' (node '{nodes[0].name}'): ")
    assert "\n" not in str(caught.value)
