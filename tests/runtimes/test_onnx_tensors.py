"""Inner tensors of an ONNX file by name."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from redmobile.errors import InputError, UsageError
from redmobile.runtimes.onnx_tensors import OnnxTensors


@pytest.fixture
def network(tmp_path):
    """Y = |x|, z = y + y, in a file whose only output is z."""
    nodes = [helper.make_node("Abs", ["x"], ["y"]), helper.make_node("Add", ["y", "y"], ["z"])]
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4)) for name in ("x", "z")]
    graph = helper.make_graph(nodes, "g", infos[:1], infos[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def test_inner_tensors_come_by_name(network):
    x = np.array([[1, -2, 3, -4]], np.float32)
    found = OnnxTensors(network, ["y", "z"], threads=1).run([x])
    np.testing.assert_array_equal(found["y"], np.abs(x))
    np.testing.assert_array_equal(found["z"], 2 * np.abs(x))
    assert list(OnnxTensors(network, ["y"]).run([x])) == ["y"]


def test_a_tensor_that_is_not_there(network):
    with pytest.raises(UsageError, match="computes no tensor called nobody"):
        OnnxTensors(network, ["nobody"])


def test_another_number_of_inputs(network):
    with pytest.raises(UsageError, match="takes 1 inputs, 2 were given"):
        OnnxTensors(network, ["y"]).run([np.zeros((1, 4), np.float32)] * 2)


def test_files_that_are_none(network, tmp_path):
    with pytest.raises(InputError, match=r"gone\.onnx"):
        OnnxTensors(tmp_path / "gone.onnx", ["y"])
    (tmp_path / "cut.onnx").write_bytes(network.read_bytes()[:40])
    with pytest.raises(InputError, match=r"cut\.onnx"):
        OnnxTensors(tmp_path / "cut.onnx", ["y"])
    model = onnx.load(network)
    model.graph.node[0].op_type = "Nonsense"
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(InputError, match=r"odd\.onnx: onnxruntime .* cannot load it"):
        OnnxTensors(tmp_path / "odd.onnx", ["y"])
