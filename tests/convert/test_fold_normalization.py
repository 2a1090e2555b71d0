"""Normalisation of pixels at the graph's start: where it vanishes, what is left of it where it cannot; values as onnxruntime's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_cases import PLAIN_CHOICES, convert_and_compare, kinds, node, onnx_graph, onnx_model, random, run_onnx, run_tflite

from redmobile.convert.onnx_to_tflite import lower
from redmobile.convert.pixels import Pixels
from redmobile.core.converter import LoweringChoices
from redmobile.errors import UnsupportedModelError, UsageError
from redmobile.graph.onnx_graph import read_onnx

SIZE = (1, 3, 8, 10)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CONSTANTS = {
    "m": np.array(MEAN, np.float32).reshape(1, 3, 1, 1),
    "s": np.array(STD, np.float32).reshape(3, 1, 1),
    "half": np.float32(0.5),
    "two": np.float32([2.0]),
    "w": random((4, 3, 3, 3)),
    "b": random(4, 1),
    "v": random((3, 1, 3, 3), 2),
    "p": random((4, 12, 1, 1), 3),
}
NORMAL = [node("Sub", "x m", "c"), node("Div", "c s", "n")]


def conv(source, result, weights="w b", kernel=3, **attributes):
    return node("Conv", f"{source} {weights}", result, kernel_shape=[kernel, kernel], **attributes)


def converted(nodes, outputs=("y",), **more):
    return convert_and_compare(onnx_model(nodes, {"x": SIZE}, CONSTANTS | more, outputs), PLAIN_CHOICES)


@pytest.mark.parametrize(
    "attributes", [{}, {"auto_pad": "VALID"}, {"strides": [2, 2]}, {"dilations": [2, 2]}], ids=["none", "valid", "stride", "dilation"]
)
def test_it_vanishes_where_nothing_is_padded(attributes):
    assert kinds(converted([*NORMAL, conv("n", "y", **attributes)])) == {"CONV_2D": 1}


@pytest.mark.parametrize("attributes", [{"pads": [1, 1, 1, 1]}, {"auto_pad": "SAME_UPPER"}])
def test_an_add_is_left_where_zeros_are_padded(attributes):
    assert kinds(converted([*NORMAL, conv("n", "y", **attributes)])) == {"ADD": 1, "CONV_2D": 1}


def test_a_factor_alone_vanishes_also_where_zeros_are_padded():
    assert kinds(converted([node("Div", "x s", "n"), conv("n", "y", pads=[1] * 4)])) == {"CONV_2D": 1}


def test_a_shift_alone_stays_where_zeros_are_padded():
    assert kinds(converted([node("Sub", "x half", "n"), conv("n", "y", pads=[1] * 4)])) == {"SUB": 1, "CONV_2D": 1}


@pytest.mark.parametrize(
    ("nodes", "left"),
    [
        ([node("Mul", "x two", "a"), node("Sub", "a half", "n"), conv("n", "y")], {"CONV_2D": 1}),
        ([node("Sub", "half x", "n"), conv("n", "y")], {"CONV_2D": 1}),
        ([*NORMAL, conv("n", "y", "v", group=3)], {"DEPTHWISE_CONV_2D": 1}),
        ([*NORMAL, conv("n", "a"), conv("n", "d"), node("Add", "a d", "y")], {"CONV_2D": 2, "ADD": 1}),
        ([*NORMAL, node("SpaceToDepth", "n", "a", blocksize=2), conv("a", "y", "p", 1)], {"SPACE_TO_DEPTH": 1, "CONV_2D": 1}),
        ([*NORMAL, node("Pad", "n pads", "a", mode="reflect"), conv("a", "y")], {"STRIDED_SLICE": 4, "CONCATENATION": 2, "CONV_2D": 1}),
        ([*NORMAL, conv("n", "a", "v", group=3), node("Add", "a crop", "y")], {"DEPTHWISE_CONV_2D": 1, "ADD": 1}),
        ([*NORMAL, conv("n", "a", "b1", 1), node("Mul", "a n", "y")], {"SUB": 1, "MUL": 2, "CONV_2D": 1}),
        ([node("Div", "two x", "n"), conv("n", "y")], {"DIV": 1, "CONV_2D": 1}),
    ],
    ids=["2x-0.5", "0.5-x", "depthwise", "two readers", "patches", "mirrored pads", "residual", "other reader", "2/x"],
)
def test_what_it_goes_through_and_what_not(nodes, left):
    more = {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "crop": random((1, 3, 6, 8), 4), "b1": random((3, 3, 1, 1), 5)}
    if "DIV" in left:
        lowered = lower(onnx_graph(nodes, {"x": SIZE}, CONSTANTS), PLAIN_CHOICES)
        assert kinds(lowered) == left  # 2 / x has no values to compare near 0
        return
    assert kinds(converted(nodes, **more)) == left


def test_the_normalised_picture_as_an_output_stays():
    assert kinds(converted([*NORMAL, conv("n", "y")], outputs=("y", "n"))) == {"SUB": 1, "MUL": 1, "CONV_2D": 1}


@settings(max_examples=15, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(["Add", "Sub", "Mul", "Div"]), st.booleans(), st.integers(0, 99)), min_size=1, max_size=4),
    pads=st.booleans(),
)
def test_any_chain_gives_the_values_of_onnxruntime(steps, pads):
    value, nodes, constants = "x", [], {"w": random((4, 3, 3, 3)), "b": random(4, 1)}
    for place, (op, scalar, seed) in enumerate(steps):
        constants[f"k{place}"] = np.float32(np.abs(random((1, 1, 1) if scalar else (3, 1, 1), seed)) + 0.5)
        nodes.append(node(op, f"{value} k{place}", f"v{place}"))
        value = f"v{place}"
    nodes.append(conv(value, "y", pads=[int(pads)] * 4))
    convert_and_compare(onnx_model(nodes, {"x": SIZE}, constants), tolerance=1e-4)


# Asked for: the file takes plain pixels ------------------------------------------------------------------------------


@pytest.mark.parametrize("bgr", [False, True])
@pytest.mark.parametrize("pads", [0, 1])
def test_mean_and_std_are_put_before_the_network(bgr, pads):
    model = onnx_model([conv("x", "y", pads=[pads] * 4)], {"x": SIZE}, CONSTANTS)
    explain = []
    lowered = lower(read_onnx(model.SerializeToString()), LoweringChoices(), pixels=Pixels(mean=MEAN, std=STD, bgr=bgr), remarks=explain)
    assert explain[0] == (
        "The standard deviation is folded into the first convolutions; they pad with zeros, so the mean stays as an ADD before them."
        if pads
        else "Mean and standard deviation are folded into the first convolutions."
    )
    assert kinds(lowered) == ({"ADD": 1, "CONV_2D": 1} if pads else {"CONV_2D": 1})
    pixels = np.random.default_rng(0).random(SIZE, np.float32)  # red, green, blue
    normal = (pixels - CONSTANTS["m"]) / CONSTANTS["s"]
    (expected,) = run_onnx(model, {"x": np.ascontiguousarray(normal[:, ::-1] if bgr else normal)})
    (found,) = run_tflite(lowered, {"x": pixels.transpose(0, 2, 3, 1)})
    np.testing.assert_allclose(found, expected.transpose(0, 2, 3, 1), atol=2e-5 * np.abs(expected).max())


def test_a_network_that_is_not_only_convolutions_keeps_them():
    explain = []
    nodes = [conv("x", "c", "b1", 1), node("Mul", "c x", "y")]
    graph = onnx_graph(nodes, {"x": SIZE}, {"b1": random((3, 3, 1, 1), 5)})
    assert kinds(lower(graph, LoweringChoices(), pixels=Pixels(mean=MEAN, std=STD), remarks=explain)) == {"SUB": 1, "MUL": 2, "CONV_2D": 1}
    assert explain == ["Mean and standard deviation stay as SUB and MUL: what reads the picture is not only convolutions."]


@pytest.mark.parametrize(("pixels", "says"), [(Pixels(mean=(1.0, 2.0)), "one number or three"), (Pixels(std=(0.0,)), "above 0")])
def test_values_that_do_not_fit_are_refused(pixels, says):
    with pytest.raises(UsageError, match=says):
        lower(onnx_graph([conv("x", "y")], {"x": SIZE}, CONSTANTS), LoweringChoices(), pixels=pixels)


def test_a_network_that_takes_no_picture_is_refused():
    with pytest.raises(UnsupportedModelError, match=r"one input of N×3×H×W \(RGB\); the network has 'x' \(1×4×8×10\)"):
        lower(onnx_graph([node("Relu", "x", "y")], {"x": (1, 4, 8, 10)}), LoweringChoices(), pixels=Pixels(mean=MEAN))
