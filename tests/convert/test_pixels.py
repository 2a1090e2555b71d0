"""RGBA pixels and BGR networks, in float: colours as the network gives them, alpha as it came, and what it costs in operators."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_cases import kinds, node, onnx_graph, onnx_model, random, run_onnx, run_tflite

from redmobile.convert.channel_layout import cut, in_patches, join, laid_out
from redmobile.convert.metadata import metadata_of
from redmobile.convert.onnx_to_tflite import convert, lower
from redmobile.convert.pixels import Pixels
from redmobile.core.converter import Converter, LoweringChoices
from redmobile.errors import UnsupportedModelError
from redmobile.graph.onnx_graph import read_onnx

SIZE = (1, 3, 8, 12)
RGBA, BGR = Pixels(alpha=True), Pixels(bgr=True)
CONSTANTS = {
    "zero": np.float32(0),
    "one": np.float32(1),
    "w1": random((6, 3, 3, 3)) / 8,
    "b1": random(6, 1) / 8,
    "w2": random((3, 6, 3, 3), 2) / 16,
    "b2": random(3, 3) / 16,
    "w3": random((3, 3, 3, 3), 4) / 8,
    "wd": random((3, 1, 3, 3), 5) / 4,
    "patch": random((8, 12, 1, 1), 6) / 8,
    "back": random((12, 8, 1, 1), 7) / 8,
    "plane": random((6, 8, 1, 1), 8) / 8,
    "mean": np.float32([0.4, 0.5, 0.6]).reshape(3, 1, 1),
    "k": np.float32(1.5),
    "two": np.array([6, 6], np.int64),
}


def conv(source, result, weights, kernel=3, **attributes):
    return node("Conv", f"{source} {weights}", result, kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4, **attributes)


FEATURES = [conv("x", "f", "w1 b1"), node("Relu", "f", "r")]
CLIP = [node("Clip", "z zero one", "y")]
ROWS = [
    node("SpaceToDepth", "x", "s", blocksize=2),
    node("Split", "s two", "s0 s1", axis=1),
    conv("s", "f", "patch", 1),
    node("Relu", "f", "r"),
    conv("r", "g", "plane", 1),
    node("Mul", "s0 g", "m0"),
    node("Mul", "s1 g", "m1"),
    conv("r", "r0", "plane", 1),
    node("Add", "m0 r0", "a0"),
    node("Sub", "m1 r0", "a1"),
    node("Concat", "a0 a1", "a", axis=1),
    node("DepthToSpace", "a", "z", blocksize=2, mode="DCR"),
    *CLIP,
]

NETS = {
    "residual": ([*FEATURES, conv("r", "d", "w2 b2"), node("Add", "x d", "z"), *CLIP], {}),
    "difference": ([*FEATURES, conv("r", "d", "w2 b2"), node("Sub", "x d", "z"), *CLIP], {}),
    "patches": (
        [
            node("SpaceToDepth", "x", "s", blocksize=2),
            conv("s", "f", "patch", 1),
            node("Relu", "f", "r"),
            conv("r", "d", "back", 1),
            node("Add", "d s", "a"),
            node("DepthToSpace", "a", "z", blocksize=2, mode="DCR"),
            *CLIP,
        ],
        {},
    ),
    "convolution": ([*FEATURES, conv("r", "z", "w2 b2"), *CLIP], {"MUL": 1, "ADD": 1}),
    "single convolution": ([conv("x", "y", "w3")], {"MUL": 1, "ADD": 1}),
    "gain": ([conv("x", "g", "w3"), node("Mul", "x g", "z"), *CLIP], {"MUL": 1, "ADD": 1}),
    "row planes": (ROWS, {"MUL": 1, "ADD": 1}),
    "centred": ([node("Sub", "x mean", "c"), conv("c", "d", "w3"), node("Add", "x d", "z"), *CLIP], {}),
    "second sum": ([*FEATURES, conv("r", "d", "w2 b2"), node("Add", "x d", "e"), conv("x", "h", "w3"), node("Add", "e h", "z"), *CLIP], None),
    "sigmoid": ([*FEATURES, conv("r", "z", "w2 b2"), node("Sigmoid", "z", "y")], {"STRIDED_SLICE": 1, "CONCATENATION": 1}),
    "depthwise": ([conv("x", "d", "wd", group=3), node("Add", "x d", "z"), *CLIP], {"STRIDED_SLICE": 2, "CONCATENATION": 1}),
    "factor": ([node("Mul", "x k", "z"), *CLIP], {"STRIDED_SLICE": 2, "CONCATENATION": 1}),
    "whole picture": (
        [node("GlobalAveragePool", "x", "m"), conv("m", "g", "w3"), node("Mul", "x g", "z"), *CLIP],
        {"MUL": 1, "ADD": 1},
    ),
}


def built(name):
    model = onnx_model(NETS[name][0], {"x": SIZE}, CONSTANTS)
    return model, read_onnx(model.SerializeToString())


def more_operators(name, made):
    plain = kinds(lower(built(name)[1], LoweringChoices()))
    return {kind: count - plain.get(kind, 0) for kind, count in kinds(made).items() if count != plain.get(kind, 0)}


@pytest.mark.parametrize("name", NETS)
def test_rgba_gives_the_colours_of_the_network_and_alpha_as_it_came(name):
    model, graph = built(name)
    explain = []
    made = lower(graph, LoweringChoices(), pixels=RGBA, remarks=explain)
    assert made.inputs[0].shape == made.outputs[0].shape == (1, 8, 12, 4)
    assert explain
    if NETS[name][1] is not None:
        assert more_operators(name, made) == NETS[name][1]
    pixels = np.random.default_rng(1).random((1, 8, 12, 4), np.float32)
    (found,) = run_tflite(made, {"x": pixels})
    (expected,) = run_onnx(model, {"x": np.ascontiguousarray(pixels[..., :3].transpose(0, 3, 1, 2))})
    np.testing.assert_allclose(found[..., :3], expected.transpose(0, 2, 3, 1), atol=1e-5)
    np.testing.assert_array_equal(found[..., 3], pixels[..., 3])


@pytest.mark.parametrize("name", NETS)
def test_a_network_of_bgr_takes_and_gives_rgb(name):
    model, graph = built(name)
    made = lower(graph, LoweringChoices(), pixels=BGR)
    pixels = np.random.default_rng(1).random((1, 8, 12, 3), np.float32)
    (found,) = run_tflite(made, {"x": pixels})
    (expected,) = run_onnx(model, {"x": np.ascontiguousarray(pixels[..., ::-1].transpose(0, 3, 1, 2))})
    np.testing.assert_allclose(found, expected.transpose(0, 2, 3, 1)[..., ::-1], atol=1e-5)
    if name in ("residual", "patches", "convolution", "gain", "row planes"):
        assert more_operators(name, made) == {}


def test_bgr_and_alpha_together():
    model, graph = built("row planes")
    made = lower(graph, LoweringChoices(), pixels=Pixels(alpha=True, bgr=True))
    pixels = np.random.default_rng(1).random((1, 8, 12, 4), np.float32)
    (found,) = run_tflite(made, {"x": pixels})
    (expected,) = run_onnx(model, {"x": np.ascontiguousarray(pixels[..., 2::-1].transpose(0, 3, 1, 2))})
    np.testing.assert_allclose(found[..., 2::-1], expected.transpose(0, 2, 3, 1), atol=1e-5)
    np.testing.assert_array_equal(found[..., 3], pixels[..., 3])


def test_bgr_of_a_network_that_gives_no_picture():
    nodes = [*FEATURES, node("GlobalAveragePool", "r", "y")]
    made = lower(onnx_graph(nodes, {"x": SIZE}, CONSTANTS), LoweringChoices(), pixels=BGR)
    pixels = np.random.default_rng(1).random((1, 8, 12, 3), np.float32)
    (found,) = run_tflite(made, {"x": pixels})
    (expected,) = run_onnx(onnx_model(nodes, {"x": SIZE}, CONSTANTS), {"x": np.ascontiguousarray(pixels[..., ::-1].transpose(0, 3, 1, 2))})
    np.testing.assert_allclose(found.ravel(), expected.ravel(), atol=1e-5)
    assert kinds(made) == {"CONV_2D": 1, "MEAN": 1}


def test_what_is_cut_off_is_said_by_name():
    explain = []
    lower(built("depthwise")[1], LoweringChoices(), pixels=RGBA, remarks=explain)
    assert "'x' is read by ONNX op 'Conv' (node 'Conv_d'), which takes only the network's own channels: the others are cut off before it." in explain
    assert any("ONNX op 'Clip' (node 'Clip_y'), into which a fourth channel cannot be folded" in sentence for sentence in explain)


def test_alpha_needs_an_output_of_the_inputs_size():
    graph = onnx_graph([*FEATURES, node("GlobalAveragePool", "r", "y")], {"x": SIZE}, CONSTANTS)
    with pytest.raises(UnsupportedModelError, match=r"one output of the size of the input 'x'; the network gives 'y' \(1×6×1×1\)"):
        lower(graph, LoweringChoices(), pixels=RGBA)


def test_alpha_needs_bytes_that_are_codes():
    graph = built("residual")[1]
    graph.metadata["redmobile.input_range"] = "-1,1"
    with pytest.raises(UnsupportedModelError, match="pixels range from -1 to 1"):
        convert(graph, "mine", Converter(says=""), pixels=RGBA)


def test_alpha_needs_three_channels():
    graph = onnx_graph([node("Relu", "x", "y")], {"x": (1, 1, 8, 12)})
    with pytest.raises(UnsupportedModelError, match=r"N×3×H×W \(RGB\); the network has 'x' \(1×1×8×12\)"):
        lower(graph, LoweringChoices(), pixels=RGBA)


def test_the_metadata_say_rgba():
    metadata = metadata_of(convert(built("residual")[1], "mine", Converter(says=""), pixels=RGBA))
    assert [port.order for port in metadata.inputs + metadata.outputs] == ["RGBA", "RGBA"]
    metadata = metadata_of(convert(built("residual")[1], "mine", Converter(says=""), pixels=BGR))
    assert [port.order for port in metadata.inputs + metadata.outputs] == ["RGB", "RGB"]


@given(st.permutations([0, 1, 2]), st.booleans(), st.integers(1, 3))
def test_patches_cut_into_rows_and_joined_again_are_the_patches(order, alpha, block):
    layout = in_patches((*order, ()) if alpha else tuple(order), 3, block)
    sizes = [3 * block] * block
    pieces = cut(layout, sizes)
    assert pieces is not None
    assert join(pieces, sizes) == layout
    values = np.arange(3 * block * block)
    assert [value for value in laid_out(values, layout, 0, alpha=-1) if value >= 0] == [entry for entry in layout if isinstance(entry, int)]


def test_pieces_that_are_mixed_cannot_be_cut():
    assert cut((0, 2, 1, 3), [2, 2]) is None
