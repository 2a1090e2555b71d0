"""Files that contradict themselves are refused in one line before native code sees them; sound ones pass."""

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from redmobile.errors import InputError
from redmobile.graph import onnx_soundness, tflite_soundness
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel


def network():
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"], name="conv"), helper.make_node("Relu", ["a"], ["y"], name="relu")]
    ports = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 4, 6)), helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    weights = numpy_helper.from_array(np.ones((2, 3, 1, 1), np.float32), "w")
    return helper.make_model(helper.make_graph(nodes, "g", ports[:1], ports[1:], [weights]), opset_imports=[helper.make_opsetid("", 18)])


def check(model):
    onnx_soundness.check_sound(model, 18, "m.onnx")


def test_a_sound_network_passes():
    check(network())


def _negative(model):
    model.graph.initializer[0].dims[0] = -2


def _huge_vector(model):
    model.graph.value_info.append(helper.make_tensor_value_info("s", TensorProto.INT64, (2**31 - 1,)))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_negative, r"the constant 'w' has the shape \(-2, 3, 1, 1\)"),
        (_huge_vector, "'s' is declared as a vector of 2147483647 integers"),
        (lambda model: model.graph.initializer[0].dims.append(5), "takes 120 bytes; it holds 24"),
        (lambda model: setattr(model.graph.initializer[0], "data_type", 99), "unknown type 99"),
        (lambda model: model.graph.node[1].input.append("x"), r"'relu' \('Relu'\) has 2 inputs, 1 expected"),
        (lambda model: model.graph.node.append(model.graph.node[1]), "gives 'y', which a node before it gives already"),
        (
            lambda model: model.graph.node[0].attribute.add(name="group", type=AttributeProto.FLOAT, f=1),
            "the attribute 'group' of type FLOAT, INT expected",
        ),
        (lambda model: model.graph.node.append(helper.make_node("DepthToSpace", ["x"], ["z"])), "lacks the attribute 'blocksize'"),
        (lambda model: setattr(model.graph.node[0], "name", "two\nlines"), "not printable text"),
    ],
)
def test_what_contradicts_itself_in_onnx_is_named(spoil, says):
    model = network()
    spoil(model)
    with pytest.raises(InputError, match=rf"^m\.onnx: .*{says}") as caught:
        check(onnx.ModelProto.FromString(model.SerializeToString()))
    assert "\n" not in str(caught.value)


def tensor(name, *shape):
    return Tensor(name, shape, "float32")


def chain(kind, sources, ends, options=None):
    return TfliteModel([Operator(kind, sources, ends, options or {})], sources, ends)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (chain("SPLIT", [tensor("x", 4)], [tensor("a", 2), tensor("b", 2)], {"num_splits": 3}), "SPLIT says num_splits 3, it has 2"),
        (chain("RESHAPE", [tensor("x", 4)], [tensor("y", 5)]), r"RESHAPE makes \(5,\) of \(4,\)"),
        (chain("DEQUANTIZE", [tensor("x", 4)], [tensor("y", 9)]), r"DEQUANTIZE makes \(9,\) of \(4,\)"),
        (chain("CONCATENATION", [tensor("x", 1, 4), tensor("z", 1, 4)], [tensor("y", 1, 9)], {"axis": 1}), "CONCATENATION makes"),
        (chain("RELU", [tensor("x", -4)], [tensor("y", 4)]), r"'x' has the shape \(-4,\)"),
        (chain("RELU", [tensor("x", 2**16, 2**16)], [tensor("y", 2**16, 2**16)]), "more than 2,147,483,648 bytes"),
        (TfliteModel([Operator("RELU", [tensor("q", 4)], [tensor("y", 4)])], [], []), "RELU reads 'q', which nothing before it gives"),
        (TfliteModel([], [], [tensor("y", 4)]), "nothing gives the output 'y'"),
    ],
)
def test_what_contradicts_itself_in_tflite_is_named(model, says):
    with pytest.raises(InputError, match=rf"^m\.tflite: is a damaged TFLite file \(.*{says}"):
        tflite_soundness.check_sound(model, "m.tflite")


def test_a_sound_tflite_graph_passes():
    model = chain("CONCATENATION", [tensor("x", 1, 4), tensor("z", 1, 5)], [tensor("y", 1, 9)], {"axis": -1})
    tflite_soundness.check_sound(model, "m.tflite")
    empty = Tensor("shape", (0,), "int32")
    source, made = tensor("x", 1), tensor("y")
    tflite_soundness.check_sound(TfliteModel([Operator("RESHAPE", [source, empty], [made])], [source], [made]), "m.tflite")
