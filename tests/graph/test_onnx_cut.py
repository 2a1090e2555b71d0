"""Fixing sizes and cutting out parts of ONNX models."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from redmobile.errors import UnsupportedModelError, UsageError
from redmobile.graph.onnx_cut import Part
from redmobile.graph.onnx_graph import read_onnx

FLOAT = onnx.TensorProto.FLOAT


def make(op, inputs, outputs, **attributes):
    return onnx.helper.make_node(op, inputs.split(), outputs.split(), name=f"{op}_{outputs.split()[0]}", **attributes)


def model(nodes, inputs, outputs, constants=None):
    """inputs: name → shape, with symbols or None."""
    ports = [onnx.helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs.items()]
    ends = [onnx.helper.make_empty_tensor_value_info(name) for name in outputs]
    tensors = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()]
    graph = onnx.helper.make_graph(nodes, "case", ports, ends, tensors)
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)
    return onnx.shape_inference.infer_shapes(made).SerializeToString()


def network(shape=("batch", 3, "height", "width"), second=("batch", 5)):
    """Image ─ Conv a ─ Relu b ┬ GlobalAveragePool c ─ Reshape d ┬ Add e (+ bias) ; b ─ Sigmoid f."""
    nodes = [
        make("Conv", "image w", "a", pads=[1, 1, 1, 1]),
        make("Relu", "a", "b"),
        make("GlobalAveragePool", "b", "c"),
        make("Reshape", "c flat", "d"),
        make("Add", "d bias", "e"),
        make("Sigmoid", "b", "f"),
    ]
    constants = {"w": np.ones((5, 3, 3, 3), np.float32), "flat": np.array([0, -1])}
    return model(nodes, {"image": shape, "bias": second}, ["e", "f"], constants)


# Sizes


def test_sizes_fix_dynamic_dimensions_and_the_symbols_they_share():
    graph = read_onnx(network(), part=Part(shapes={"image": (2, 3, 8, 12)}))
    assert graph.shapes["image"] == (2, 3, 8, 12)
    assert graph.shapes["bias"] == (2, 5)
    assert graph.shapes["f"] == (2, 5, 8, 12)
    assert graph.shapes["e"] == (2, 5)


def test_sizes_replace_static_ones_and_what_was_inferred_from_them():
    graph = read_onnx(network((1, 3, 8, 8), (1, 5)), part=Part(shapes={"image": (1, 3, 16, 20)}))
    assert graph.shapes["b"] == (1, 5, 16, 20)


def test_the_only_input_needs_no_name():
    data = model([make("Relu", "x", "y")], {"x": (None, 3, "h", "h")}, ["y"])
    assert read_onnx(data, part=Part(shapes={"": (1, 3, 4, 4)})).shapes["y"] == (1, 3, 4, 4)


def test_an_input_without_any_shape_gets_one():
    data = model([make("Relu", "x", "y")], {"x": None}, ["y"])
    assert read_onnx(data, part=Part(shapes={"x": (1, 3, 4, 4)})).shapes["y"] == (1, 3, 4, 4)


def test_fixed_sizes_let_shape_arithmetic_be_folded():
    nodes = [
        make("Shape", "x", "s"),
        make("Slice", "s two four", "hw"),
        make("Mul", "hw twice", "size"),
        make("Concat", "nc size", "sizes", axis=0),
        onnx.helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], mode="linear"),
    ]
    constants = {"two": np.array([2]), "four": np.array([4]), "twice": np.array([2, 2]), "nc": np.array([1, 3])}
    graph = read_onnx(model(nodes, {"x": (1, 3, "h", "w")}, ["y"], constants), part=Part(shapes={"x": (1, 3, 5, 7)}))
    assert [node.op for node in graph.nodes] == ["Resize"]
    assert graph.shapes["y"] == (1, 3, 10, 14)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"picture": (1, 3, 8, 8)}, r"--shape names 'picture', which is no input\. Inputs: 'image', 'bias'"),
        ({"image": (1, 3, 8)}, r"--shape image=1,3,8 has 3 sizes, the input has 4 axes \(batch, 3, height, width\)"),
        ({"image": (1, 3, 0, 8)}, "every size is at least 1"),
        ({"image": (1, 3, 8, 8), "bias": (2, 5)}, "gives 'batch' both 1 and 2"),
        ({"": (1, 3, 8, 8)}, r"has the inputs 'image', 'bias': say whose shape it is, e\.g\. --shape image="),
        ({"w": (1, 3, 8, 8)}, "--shape names 'w', which is no input"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(shapes, message):
    with pytest.raises(UsageError, match=message) as caught:
        read_onnx(network(), "m.onnx", part=Part(shapes=shapes))
    assert str(caught.value).startswith("m.onnx: ")
    assert "\n" not in str(caught.value)


def test_an_input_that_stays_dynamic_is_named():
    with pytest.raises(UnsupportedModelError, match="input 'bias' has the dynamic dimension 'n'"):
        read_onnx(network(second=("n", 5)), part=Part(shapes={"image": (1, 3, 8, 8)}))


# Parts


STATIC = network((2, 3, 8, 12), (2, 5))


def test_outputs_alone_drop_inputs_that_are_not_needed():
    graph = read_onnx(STATIC, part=Part(outputs=("b",)))
    assert (graph.inputs, graph.outputs) == (["image"], ["b"])
    assert [node.op for node in graph.nodes] == ["Conv", "Relu"]
    assert graph.shapes["b"] == (2, 5, 8, 12)


def test_inputs_inside_the_graph():
    graph = read_onnx(STATIC, part=Part(inputs=("c", "bias"), outputs=("e",)))
    assert (graph.inputs, graph.outputs) == (["c", "bias"], ["e"])
    assert [node.op for node in graph.nodes] == ["Reshape", "Add"]
    assert graph.shapes["c"] == (2, 5, 1, 1)


def test_a_part_with_several_outputs_in_the_order_asked_for():
    graph = read_onnx(STATIC, part=Part(inputs=("a",), outputs=("f", "c")))
    assert (graph.inputs, graph.outputs) == (["a"], ["f", "c"])
    assert {node.op for node in graph.nodes} == {"Relu", "Sigmoid", "GlobalAveragePool"}


def test_inputs_alone_keep_the_outputs():
    graph = read_onnx(STATIC, part=Part(inputs=("b", "bias")))
    assert (graph.inputs, graph.outputs) == (["b", "bias"], ["e", "f"])


def test_a_cut_input_may_get_a_size_of_its_own():
    graph = read_onnx(network(), part=Part(shapes={"b": (1, 5, 4, 6)}, inputs=("b",), outputs=("f",)))
    assert graph.shapes["f"] == (1, 5, 4, 6)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Part(outputs=("g",)), "--outputs names 'g', which no node gives"),
        (Part(inputs=("imag",), outputs=("b",)), r"--inputs names 'imag', which no node gives\. Near it: 'image'"),
        (Part(inputs=("c",), outputs=("e",)), r"'e' also needs the input 'bias': name it with --inputs too"),
        (Part(inputs=("image", "bias"), outputs=("b",)), r"'bias' leads to none of 'b'"),
        (Part(inputs=("w",), outputs=("b",)), "'w', which is a constant"),
        (Part(outputs=("b", "b")), "'b' more than once"),
    ],
)
def test_parts_that_do_not_fit_are_refused(part, message):
    with pytest.raises(UsageError, match=message) as caught:
        read_onnx(STATIC, "m.onnx", part=part)
    assert "\n" not in str(caught.value)


def test_a_cut_where_no_shape_is_known_asks_for_it():
    with pytest.raises(UnsupportedModelError, match=r"the shape of 'b' could not be inferred: give it with --shape b=N,C,H,W"):
        read_onnx(network(), part=Part(inputs=("b",), outputs=("f",)))
    nodes = [make("Foo", "x", "u"), make("Relu", "u", "y")]
    with pytest.raises(UnsupportedModelError, match="the type of 'u' could not be inferred"):
        read_onnx(model(nodes, {"x": (1, 3)}, ["y"]), part=Part(inputs=("u",)))
