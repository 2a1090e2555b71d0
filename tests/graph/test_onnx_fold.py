"""Constants computed when an ONNX file is read."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from redmobile.graph.onnx_graph import read_onnx


def test_a_constant_in_the_type_of_a_computed_value_is_constant():
    nodes = [
        helper.make_node("Constant", [], ["two"], value_int=2),
        helper.make_node("CastLike", ["two", "x"], ["factor"]),
        helper.make_node("Mul", ["x", "factor"], ["y"]),
    ]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3)) for name in "xy"]
    model = helper.make_model(helper.make_graph(nodes, "g", ports[:1], ports[1:]), opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    graph = read_onnx(model.SerializeToString())
    assert [node.op for node in graph.nodes] == ["Mul"]
    assert graph.initializers["factor"].dtype == np.float32
    assert graph.initializers["factor"] == 2
