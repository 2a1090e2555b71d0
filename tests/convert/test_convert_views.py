"""The rewrites around views and biases: the graph changes as their docstrings draw, the output does not."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_cases import convert_and_compare, kinds, node, onnx_graph, onnx_model, random

from redmobile.convert.passes.flatten_channels_last import flatten_channels_last
from redmobile.convert.passes.fuse_bias import fuse_bias
from redmobile.convert.passes.merge_reshapes import merge_reshapes
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

CLOSE = 3e-5


def ints(*values):
    return np.array(values, np.int64)


# Biases


@pytest.mark.parametrize("added", [(6,), (1, 6), (1,), ()])
@pytest.mark.parametrize("first", [True, False])
def test_a_constant_added_behind_a_product_becomes_its_bias(added, first):
    nodes = [node("MatMul", "x w", "m"), node("Add", "m b" if not first else "b m", "y")]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (2, 5, 7)}, {"w": random((7, 6)), "b": random(added, 2)}), tolerance=CLOSE)
    assert kinds(lowered) == {"FULLY_CONNECTED": 1}
    assert lowered.outputs[0].name == "y"


@pytest.mark.parametrize(("op", "weights"), [("Conv", (7, 5, 1, 1)), ("ConvTranspose", (5, 7, 2, 2))])
def test_a_constant_added_behind_a_convolution_becomes_its_bias(op, weights):
    nodes = [node(op, "x w c", "m"), node("Add", "m b", "a"), node("Add", "a b", "d"), node("Relu", "d", "y")]
    constants = {"w": random(weights), "c": random(7, 1), "b": random((7, 1, 1), 2)}
    lowered = convert_and_compare(onnx_model(nodes, {"x": (1, 5, 6, 8)}, constants), tolerance=CLOSE)
    assert "ADD" not in kinds(lowered)


def test_the_same_bias_elsewhere_stays_what_it_was():
    nodes = [node("MatMul", "x w", "m"), node("Add", "m b", "y"), node("Add", "z b", "u")]
    constants = {"w": random((7, 6)), "b": random(6, 2)}
    lowered = convert_and_compare(onnx_model(nodes, {"x": (5, 7), "z": (5, 6)}, constants, outputs=("y", "u")), tolerance=CLOSE)
    assert kinds(lowered) == {"FULLY_CONNECTED": 1, "ADD": 1}


@pytest.mark.parametrize(
    ("nodes", "added", "outputs"),
    [
        ([node("MatMul", "x w", "m"), node("Add", "m b", "y")], (5, 6), ("y",)),  # another one a row
        ([node("MatMul", "x w", "m"), node("Add", "m b", "y")], (2, 5, 6), ("y",)),  # broadcasts the product
        ([node("MatMul", "x w", "m"), node("Add", "m b", "y")], (6,), ("y", "m")),  # the product itself leaves
        ([node("MatMul", "x w", "m"), node("Relu", "m", "r"), node("Add", "r b", "y")], (6,), ("y",)),  # an activation in between
    ],
)
def test_additions_that_stay(nodes, added, outputs):
    model = onnx_model(nodes, {"x": (5, 7)}, {"w": random((7, 6)), "b": random(added, 2)}, outputs=outputs)
    assert kinds(convert_and_compare(model, tolerance=CLOSE))["ADD"] == 1


def test_a_computed_bias_is_left_alone():
    data, weights, bias, made, total = (Tensor(name, (2, 3), "float32") for name in ("x", "w", "b", "m", "y"))
    weights.data, weights.shape, bias.shape = np.ones((3, 3), np.float32), (3, 3), (3,)
    constant = Tensor.constant("c", np.ones(3, np.float32))
    model = TfliteModel(
        [Operator("FULLY_CONNECTED", [data, weights, bias], [made]), Operator("ADD", [made, constant], [total])], [data, bias], [total]
    )
    fuse_bias(model)
    assert [operator.kind for operator in model.operators] == ["FULLY_CONNECTED", "ADD"]


# Views


def view(source, shape, name):
    result = Tensor(name, shape, source.dtype)
    return Operator("RESHAPE", [source, Tensor.constant(f"{name}/shape", np.array(shape, np.int32))], [result]), result


def test_a_view_of_a_view_reads_the_source():
    source = Tensor("x", (2, 3, 4), "float32")
    first, middle = view(source, (6, 4), "v")
    second, result = view(middle, (24,), "y")
    model = TfliteModel([first, second], [source], [result])
    merge_reshapes(model)
    assert second.inputs[0] is source
    assert second.outputs[0].shape == (24,)


def test_a_view_there_and_back_is_nothing():
    source = Tensor("x", (2, 3), "float32")
    first, middle = view(source, (6,), "v")
    second, back = view(middle, (2, 3), "b")
    result = Tensor("y", (2, 3), "float32")
    relu = Operator("RELU", [back], [result])
    merge_reshapes(TfliteModel([first, second, relu], [source], [result]))
    assert relu.inputs[0] is source


def test_a_view_that_leaves_the_graph_stays_even_if_it_changes_nothing():
    source = Tensor("x", (2, 3), "float32")
    first, middle = view(source, (6,), "v")
    second, back = view(middle, (2, 3), "y")
    model = TfliteModel([first, second], [source], [back])
    merge_reshapes(model)
    assert model.outputs == [back]


# Flattened images


@pytest.mark.parametrize("flatten", ["Flatten", "Reshape"])
@pytest.mark.parametrize("product", ["Gemm", "transB", "MatMul"])
def test_flattened_images_need_no_transpose(flatten, product):
    constants = {"w": random((6, 240) if product == "transB" else (240, 6), 1), "k": random((5, 3, 1, 1), 2)}
    nodes = [
        node("Conv", "x k", "c"),
        node("Flatten", "c", "f") if flatten == "Flatten" else node("Reshape", "c s", "f"),
        node("MatMul", "f w", "y") if product == "MatMul" else node("Gemm", "f w", "y", transB=int(product == "transB")),
    ]
    constants |= {"s": ints(2, -1)} if flatten == "Reshape" else {}
    lowered = convert_and_compare(onnx_model(nodes, {"x": (2, 3, 6, 8)}, constants), tolerance=CLOSE)
    assert kinds(lowered) == {"CONV_2D": 1, "RESHAPE": 1, "FULLY_CONNECTED": 1}


def test_two_products_of_one_flattened_image():
    nodes = [node("Flatten", "x", "f"), node("Gemm", "f v", "a"), node("Gemm", "f w", "b"), node("Add", "a b", "y")]
    constants = {"v": random((240, 6), 1), "w": random((240, 6), 2)}
    assert "TRANSPOSE" not in kinds(convert_and_compare(onnx_model(nodes, {"x": (2, 5, 6, 8)}, constants), tolerance=CLOSE))


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        ([node("Flatten", "x", "f"), node("Relu", "f", "r"), node("Gemm", "r w", "y")], ("y",)),  # between the two, order may matter
        ([node("Flatten", "x", "f"), node("Gemm", "f w", "y")], ("y", "f")),  # the flattened values leave
        ([node("Flatten", "x", "f"), node("Gemm", "v f", "y", transB=1)], ("y",)),
    ],
)
def test_other_flattened_images_are_flattened_as_onnx_says(nodes, outputs):
    constants = {"w": random((240, 6), 1)} if "v" not in nodes[-1].input else {"v": random((3, 240), 1)}
    graph = onnx_graph(nodes, {"x": (2, 5, 6, 8)}, constants, outputs=outputs)
    flatten_channels_last(graph)
    assert "Transpose" not in [step.op for step in graph.nodes]
    convert_and_compare(onnx_model(nodes, {"x": (2, 5, 6, 8)}, constants, outputs=outputs), tolerance=CLOSE)
