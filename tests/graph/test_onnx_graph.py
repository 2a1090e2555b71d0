"""Loading ONNX files, built here."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from redmobile.errors import InputError, UnsupportedModelError
from redmobile.graph.onnx_graph import load_onnx, read_onnx


def model(nodes, shape=(1, 3, 4, 6), constants=None, outputs=("y",)):
    port = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)
    tensors = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()]
    graph = onnx.helper.make_graph(nodes, "case", [port], [onnx.helper.make_empty_tensor_value_info(name) for name in outputs], tensors)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)


def make(op, inputs, outputs, **attributes):
    return onnx.helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def test_nodes_shapes_metadata_and_sha256(tmp_path):
    proto = model([make("Conv", "x w", "y", pads=[1, 1, 1, 1], auto_pad="NOTSET")], constants={"w": np.zeros((5, 3, 3, 3), np.float32)})
    onnx.helper.set_model_props(proto, {"redmobile.name": "red"})
    path = tmp_path / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    graph = load_onnx(path)
    (node,) = graph.nodes
    assert (node.name, node.op, node.inputs, node.outputs) == ("Conv_0", "Conv", ["x", "w"], ["y"])
    assert node.attributes == {"pads": [1, 1, 1, 1], "auto_pad": "NOTSET"}
    assert (graph.inputs, graph.outputs, graph.opset, graph.metadata) == (["x"], ["y"], 18, {"redmobile.name": "red"})
    assert graph.shapes == {"x": (1, 3, 4, 6), "w": (5, 3, 3, 3), "y": (1, 5, 4, 6)}
    assert set(graph.dtypes.values()) == {"float32"}
    assert len(graph.sha256) == 64


def test_shape_arithmetic_is_folded():
    nodes = [
        make("Shape", "x", "s"),
        make("Gather", "s two", "h", axis=0),
        make("Unsqueeze", "h zero", "h1"),
        make("Concat", "one h1 rest", "target", axis=0),
        make("Reshape", "x target", "y"),
    ]
    constants = {name: np.array(value, np.int64) for name, value in {"two": 2, "zero": [0], "one": [1], "rest": [-1]}.items()}
    graph = read_onnx(model(nodes, constants=constants).SerializeToString())
    assert [node.op for node in graph.nodes] == ["Reshape"]
    assert graph.initializers["target"].tolist() == [1, 4, -1]
    assert graph.shapes["y"] == (1, 4, 18)


def test_constant_nodes_and_transposed_weights_are_folded():
    weights = np.arange(15, dtype=np.float32).reshape(3, 5, 1, 1)
    nodes = [
        onnx.helper.make_node("Constant", [], ["w"], value=onnx.numpy_helper.from_array(weights)),
        make("Transpose", "w", "t", perm=[1, 0, 2, 3]),
        make("Conv", "x t", "y"),
    ]
    graph = read_onnx(model(nodes).SerializeToString())
    assert [node.op for node in graph.nodes] == ["Conv"]
    np.testing.assert_array_equal(graph.initializers["t"], weights.transpose(1, 0, 2, 3))
    assert "w" not in graph.initializers


def test_unknown_op_is_kept_for_the_lowering_to_name():
    graph = read_onnx(model([make("Foo", "x", "y")]).SerializeToString())
    assert graph.nodes[0].op == "Foo"


def test_op_of_another_domain_has_its_domain_in_its_name():
    proto = model([make("Bar", "x", "y", domain="com.acme")])
    with pytest.raises(InputError, match="is not a consistent ONNX graph"):
        read_onnx(proto.SerializeToString())
    proto.opset_import.append(onnx.helper.make_opsetid("com.acme", 1))
    assert read_onnx(proto.SerializeToString()).nodes[0].op == "com.acme.Bar"


def test_unused_nodes_are_dropped_on_request():
    graph = read_onnx(model([make("Relu", "x", "a"), make("Relu", "x", "y"), make("Relu", "a", "b")]).SerializeToString())
    graph.drop_unused()
    assert [node.outputs for node in graph.nodes] == [["y"]]


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_onnx(tmp_path / "none.onnx")
    with pytest.raises(InputError, match="is a folder"):
        load_onnx(tmp_path)


@pytest.mark.parametrize("data", [b"", b"hello, this is no model", b"\x89PNG\r\n\x1a\n\x00\x00", b"TFL3" * 10])
def test_foreign_bytes(data):
    with pytest.raises(InputError, match="ONNX") as caught:
        read_onnx(data, "m.onnx")
    assert str(caught.value).startswith("m.onnx: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_truncated_file(part):
    data = model([make("Conv", "x w", "y")], constants={"w": np.ones((5, 3, 3, 3), np.float32)}).SerializeToString()
    with pytest.raises(InputError, match=r"m\.onnx: is not"):
        read_onnx(data[: int(len(data) * part)], "m.onnx")


def test_graph_with_a_gap():
    with pytest.raises(InputError, match=r"ONNX op 'Relu' \(node 'Relu_0'\) reads 'z', which no node before it gives"):
        read_onnx(model([make("Relu", "z", "y")]).SerializeToString())
    with pytest.raises(InputError, match="nothing gives its output 'q'"):
        read_onnx(model([make("Relu", "x", "y")], outputs=("q",)).SerializeToString())


def test_weights_of_the_wrong_size():
    proto = model([make("Conv", "x w", "y")], constants={"w": np.ones((5, 3, 3, 3), np.float32)})
    proto.graph.initializer[0].raw_data = b"1234"
    with pytest.raises(InputError, match="is a damaged ONNX file"):
        read_onnx(proto.SerializeToString())


def test_names_with_control_characters_are_a_damage():
    with pytest.raises(InputError, match=r"is a damaged ONNX file \(a name that is not printable text: 'y\\n\\x01'\)"):
        read_onnx(model([onnx.helper.make_node("Relu", ["x"], ["y\n\x01"])], outputs=("y\n\x01",)).SerializeToString())


def test_missing_external_weights(tmp_path):
    proto = model([make("Conv", "x w", "y")], constants={"w": np.ones((5, 3, 3, 3), np.float32)})
    path = tmp_path / "m.onnx"
    onnx.save(proto, str(path), save_as_external_data=True, location="m.bin", size_threshold=0)
    assert load_onnx(path).initializers["w"].sum() == 135
    (tmp_path / "m.bin").unlink()
    with pytest.raises(InputError, match=r"m\.onnx: its external weights cannot be read"):
        load_onnx(path)


def test_external_weights_in_a_file_of_a_strange_name(tmp_path):
    proto = model([make("Conv", "x w", "y")], constants={"w": np.ones((5, 3, 3, 3), np.float32)})
    path = tmp_path / "m.onnx"
    onnx.save(proto, str(path), save_as_external_data=True, location="m\x1b.bin", size_threshold=0)
    (tmp_path / "m\x1b.bin").unlink()
    with pytest.raises(InputError, match=r"external weights cannot be read \([ -~]*m\?\.bin[ -~]*\)\."):
        load_onnx(path)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (("batch", 3, 4, 6), r"input 'x' has the dynamic dimension 'batch' \(axis 0\).*--shape x=N,C,H,W"),
        ((1, 3, None, 6), r"input 'x' has an unknown dimension \(axis 2\).*--shape x=N,C,H,W"),
        (None, "input 'x' has no shape; give it one with --shape x=N,C,H,W"),
    ],
)
def test_dynamic_shapes_are_refused_with_a_way_out(shape, message):
    with pytest.raises(UnsupportedModelError, match=message):
        read_onnx(model([make("Relu", "x", "y")], shape).SerializeToString())


def test_constant_part_that_cannot_be_computed():
    constants = {"a": np.ones(3, np.float32), "b": np.ones(4, np.float32)}
    with pytest.raises(UnsupportedModelError, match=r"constant part \(MatMul\) cannot be computed"):
        read_onnx(model([make("MatMul", "a b", "c"), make("Add", "x c", "y")], constants=constants).SerializeToString())
