"""What is decided before lowering: opsets, constant conditions, local functions, values that follow from shapes."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
import pytest

from redmobile.errors import InputError, UnsupportedModelError
from redmobile.graph.onnx_graph import read_onnx


def parse(text, opset=18):
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]>\n{text}').SerializeToString()


def ops(graph):
    graph.drop_unused()
    return [node.op for node in graph.nodes if node.op != "Identity"]


@pytest.mark.parametrize("opset", [11, 13, 17, 22])
def test_known_opsets_are_read_as_they_are(opset):
    graph = read_onnx(parse("g (float[1, 3, 4, 6] x) => (float[1, 3, 4, 6] y) { y = Relu (x) }", opset))
    assert graph.opset == opset


def test_an_old_opset_is_converted():
    text = "g (float[1, 3, 4, 6] x) => (float[1, 3, 4, 6] y) { y = Clip <min = 0.0, max = 6.0> (x) }"
    data = onnx.ModelProto.FromString(parse(text, 9))
    onnx.helper.set_model_props(data, {"redmobile.name": "old"})
    graph = read_onnx(data.SerializeToString())
    assert (graph.opset, graph.metadata) == (11, {"redmobile.name": "old"})
    assert [graph.initializers[name].item() for name in graph.nodes[0].inputs[1:]] == [0, 6]


def test_an_upsample_becomes_a_resize():
    text = 'g (float[1, 3, 4, 6] x) => (y) <float[4] s = {1, 1, 2, 2}> { y = Upsample <mode = "linear"> (x, s) }'
    graph = read_onnx(parse(text, 9))
    assert ops(graph) == ["Resize"]
    assert graph.shapes["y"] == (1, 3, 8, 12)


def test_a_newer_opset_is_converted():
    assert read_onnx(parse("g (float[1, 3] x) => (float[1, 3] y) { y = Relu (x) }", 24)).opset == 23


def test_an_opset_that_cannot_be_converted_is_told_in_one_line():
    with pytest.raises(
        UnsupportedModelError, match=r"^m\.onnx: has opset 9; 11 to 23 are read, and converting it to 11 failed \(.*: export it with"
    ) as caught:
        read_onnx(parse("g (float[1, 3] x) => (y) { y = Foo (x) }", 9), "m.onnx")
    assert "\n" not in str(caught.value)


IF = """
g (float[2, 3] x) => (float[2, 3] y) <float[2, 3] other = {1, 2, 3, 4, 5, 6}>
{
  n = Constant <value = int64 {%d}> ()
  two = Constant <value = int64 {2}> ()
  wide = Equal (n, two)
  h = Neg (x)
  y = If (wide) <
    then_branch = t () => (float[2, 3] r) { a = Relu (h)  r = Add (a, other) },
    else_branch = e () => (float[2, 3] r) { a = Sigmoid (h)  r = Mul (a, h) }
  >
}
"""


@pytest.mark.parametrize(("number", "expected"), [(2, ["Neg", "Relu", "Add"]), (3, ["Neg", "Sigmoid", "Mul"])])
def test_the_branch_that_a_constant_condition_takes_is_inlined(number, expected):
    assert ops(read_onnx(parse(IF % number))) == expected


def test_a_condition_on_a_shape_is_constant_too():
    text = """
    g (float[2, 1, 3] x) => (y) <int64 one = {1}, int64[1] axis = {1}>
    {
      s = Shape <start = 1, end = 2> (x)
      q = Squeeze (s)
      single = Equal (q, one)
      y = If (single) <
        then_branch = t () => (r) { r = Squeeze (x, axis) },
        else_branch = e () => (r) { r = Identity (x) }
      >
    }
    """
    graph = read_onnx(parse(text))
    assert ops(graph) == ["Squeeze"]
    assert graph.shapes["y"] == (2, 3)


def test_an_if_within_a_branch_reads_what_was_renamed():
    text = """
    g (float[2, 3] x) => (float[2, 3] y)
    {
      yes = Constant <value = bool {1}> ()
      y = If (yes) <
        then_branch = t () => (float[2, 3] r) {
          a = Relu (x)
          no = Constant <value = bool {0}> ()
          r = If (no) <
            then_branch = tt () => (float[2, 3] q) { q = Neg (a) },
            else_branch = te () => (float[2, 3] q) { q = Sigmoid (a) }
          >
        },
        else_branch = e () => (float[2, 3] r) { r = Neg (x) }
      >
    }
    """
    assert ops(read_onnx(parse(text))) == ["Relu", "Sigmoid"]


def test_two_ifs_with_the_same_names_inside_do_not_meet():
    part = """
      {y} = If (yes) <
        then_branch = t () => (float[2, 3] r) {{ a = {op} ({x})  r = Neg (a) }},
        else_branch = e () => (float[2, 3] r) {{ r = Identity ({x}) }}
      >
    """
    body = part.format(y="m", x="x", op="Relu") + part.format(y="y", x="m", op="Sigmoid")
    text = f"g (float[2, 3] x) => (float[2, 3] y) {{ yes = Constant <value = bool {{1}}> () {body} }}"
    assert ops(read_onnx(parse(text))) == ["Relu", "Neg", "Sigmoid", "Neg"]


def test_an_if_on_an_input_stays():
    text = """
    g (bool c, float[2] x) => (float[2] y)
    { y = If (c) < then_branch = t () => (float[2] r) { r = Relu (x) }, else_branch = e () => (float[2] r) { r = Neg (x) } > }
    """
    assert ops(read_onnx(parse(text))) == ["If"]


def test_compress_by_a_constant_has_a_shape():
    graph = read_onnx(parse("g (float[3, 4] x) => (y) <bool[3] c = {1, 0, 1}> { y = Compress <axis = 0> (x, c) }"))
    assert ops(graph) == ["Gather"]
    assert graph.shapes["y"] == (2, 4)


def test_size_and_eye_like_follow_from_a_shape():
    text = """
    g (int32[3, 4] x) => (float s, int32[3, 4] e)
    { n = Size (x)  s = Cast <to = 1> (n)  e = EyeLike <k = 1> (x) }
    """
    graph = read_onnx(parse(text))
    assert graph.nodes == []
    assert graph.initializers["s"] == 12
    np.testing.assert_array_equal(graph.initializers["e"], np.eye(3, 4, 1, np.int32))
    assert graph.initializers["e"].dtype == np.int32


def test_constant_of_shape_range_and_non_zero_of_constants_are_computed():
    text = """
    g (float[2, 3] x) => (int64[M, N] z, float[2, 3] f) <int64 zero = {0}, int64 six = {6}, int64 two = {2}>
    {
      r = Range (zero, six, two)
      z = NonZero (r)
      s = Shape (x)
      o = ConstantOfShape <value = float[1] {0.5}> (s)
      f = Add (x, o)
    }
    """
    graph = read_onnx(parse(text))
    assert ops(graph) == ["Add"]
    assert graph.initializers["z"].tolist() == [[1, 2]]


def test_a_shape_that_is_known_only_once_constants_are_folded():
    text = """
    g (float[2, 5, 3] x) => (y)
    <float[1, 1, 3] token = {1, 2, 3}, int64[3] given = {2, -1, -1}, int64[3] ones = {1, 1, 1}, int64[3] unset = {-1, -1, -1}>
    {
      open = Equal (given, unset)
      shape = Where (open, ones, given)
      e = Expand (token, shape)
      j = Concat <axis = 1> (e, x)
      y = Relu (j)
    }
    """
    graph = read_onnx(parse(text))
    assert (graph.shapes["j"], graph.shapes["y"]) == ((2, 6, 3), (2, 6, 3))


def test_local_functions_are_inlined():
    text = """
    <ir_version: 8, opset_import: ["" : 18, "local" : 1]>
    g (float[2, 3] x) => (float[2, 3] y) { y = local.act (x) }
    <domain: "local", opset_import: ["" : 18]>
    act (a) => (b) { c = Relu (a)  b = Neg (c) }
    """
    assert ops(read_onnx(onnx.parser.parse_model(text).SerializeToString())) == ["Relu", "Neg"]


def test_functions_that_call_themselves_and_ifs_without_a_branch_are_refused():
    text = """
    <ir_version: 8, opset_import: ["" : 18, "local" : 1]>
    g (float[2, 3] x) => (float[2, 3] y) { y = local.act (x) }
    <domain: "local", opset_import: ["local" : 1]>
    act (a) => (b) { b = local.act (a) }
    """
    with pytest.raises(InputError, match=r"^m\.onnx: its local functions cannot be put in place"):
        read_onnx(onnx.parser.parse_model(text).SerializeToString(), "m.onnx")
    model = onnx.ModelProto.FromString(parse(IF % 2))
    del model.graph.node[-1].attribute[0]  # then_branch
    with pytest.raises(InputError, match=r"m\.onnx: is (a damaged ONNX file|not a consistent)"):
        read_onnx(model.SerializeToString(), "m.onnx")
