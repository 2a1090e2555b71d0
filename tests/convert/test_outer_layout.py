"""Images at the ends of a file: NHWC, or NCHW on request, and what the metadata say."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_cases import kinds, node, onnx_model, random, random_of, run_onnx, run_tflite

from redmobile.convert.metadata import describe
from redmobile.convert.onnx_to_tflite import lower
from redmobile.convert.outer_layout import keep_nchw, outer_layout
from redmobile.core.converter import LoweringChoices
from redmobile.graph.onnx_graph import read_onnx


def kept(model):
    """(the lowered model with its images NCHW, its ONNX graph); its results equal onnxruntime's without any transposing outside."""
    graph = read_onnx(model.SerializeToString())
    lowered = lower(graph, LoweringChoices())
    keep_nchw(lowered, graph)
    arrays = {name: random_of(graph.shapes[name], graph.dtypes[name], seed) for seed, name in enumerate(graph.inputs)}
    for theirs, ours in zip(run_onnx(model, arrays), run_tflite(lowered, arrays), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    assert [tensor.name for tensor in lowered.inputs + lowered.outputs] == graph.inputs + graph.outputs
    return lowered, graph


def test_images_are_transposed_at_both_ends():
    model = onnx_model([node("Conv", "x w", "y")], {"x": (2, 3, 6, 8)}, {"w": random((5, 3, 1, 1))})
    lowered, graph = kept(model)
    assert kinds(lowered) == {"TRANSPOSE": 2, "CONV_2D": 1}
    ports = describe(graph, "x", lowered)
    assert [port.layout for port in ports.inputs + ports.outputs] == ["NCHW", "NCHW"]
    assert [port.order for port in ports.inputs + ports.outputs] == ["RGB", ""]


def test_one_channel_moves_nothing():
    model = onnx_model([node("Conv", "x w", "y")], {"x": (1, 1, 6, 8)}, {"w": random((1, 1, 1, 1))})
    assert kinds(kept(model)[0]) == {"RESHAPE": 2, "CONV_2D": 1}


@pytest.mark.parametrize("shape", [(1, 5, 6, 8), (3, 7), (2, 5, 6)])
def test_a_network_that_reads_nchw_gets_it_without_a_transpose(shape):
    model = onnx_model([node("Reshape", "x flat", "y")], {"x": shape}, {"flat": np.array([-1])})
    assert kinds(kept(model)[0]) == {"RESHAPE": 1}


def test_an_output_that_was_nchw_before_stays_it():
    nodes = [node("Reshape", "x image", "r"), node("Relu", "r", "y")]
    model = onnx_model(nodes, {"x": (5, 60)}, {"image": np.array([2, 5, 5, 6])})
    assert kinds(kept(model)[0]) == {"RESHAPE": 1, "RELU": 1}


def test_an_input_with_two_readers_is_transposed_once():
    nodes = [node("Conv", "x w", "a"), node("Relu", "x", "b")]
    model = onnx_model(nodes, {"x": (1, 3, 6, 8)}, {"w": random((5, 3, 1, 1))}, outputs=("a", "b"))
    assert kinds(kept(model)[0])["TRANSPOSE"] == 3


def test_what_the_onnx_model_has_as_nhwc_stays_nhwc():
    nodes = [node("Transpose", "x", "t", perm=(0, 3, 1, 2)), node("Conv", "t w", "c"), node("Transpose", "c", "y", perm=(0, 2, 3, 1))]
    lowered, graph = kept(onnx_model(nodes, {"x": (1, 6, 8, 3)}, {"w": random((3, 3, 1, 1))}))
    assert kinds(lowered) == {"CONV_2D": 1}
    assert describe(graph, "x", lowered).inputs[0].layout == "NHWC"


def test_layouts_of_what_is_no_picture_are_told_too():
    graph = read_onnx(onnx_model([node("Conv", "x w", "y")], {"x": (1, 16, 5, 6)}, {"w": random((2, 16, 1, 1))}).SerializeToString())
    ports = describe(graph, "x", lower(graph, LoweringChoices()))
    assert [port.layout for port in ports.inputs + ports.outputs] == ["NHWC", "NHWC"]
    assert outer_layout((2, 5), (2, 5)) == "?"
