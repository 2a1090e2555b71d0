"""Whole models: names, layouts, errors, determinism, metadata, and RED-mobile's patterns in one XNNPACK partition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from onnx_cases import PLAIN_CHOICES, convert_and_compare, kinds, node, onnx_graph, onnx_model, random, random_of

from redmobile.convert.lowering import DTYPES, LOWERINGS
from redmobile.convert.metadata import attach, describe, metadata_of, read_metadata
from redmobile.convert.onnx_to_tflite import convert, lower
from redmobile.core.converter import Converter, LoweringChoices
from redmobile.errors import InputError, UnsupportedModelError
from redmobile.graph.onnx_graph import read_onnx
from redmobile.graph.tflite_read import read_tflite
from redmobile.graph.tflite_write import write_tflite
from redmobile.runtimes.tflite_interpreter import InterpreterRuntime

TO = {"float16": 10, "float64": 11}
"""ONNX's numbers of dtypes."""


def ints(*values):
    return np.array(values, np.int64)


def small_red(height=64, width=96, activation="Clip"):
    """RED-mobile in small, with every pattern that its export has."""
    constants = {
        "patches6": ints(1, 3, height // 4, 4, width // 4, 4),
        "patches4": ints(1, 48, height // 4, width // 4),
        "image6": ints(1, 4, 4, 3, height // 4, width // 4),
        "image4": ints(1, 3, height, width),
        "scales": np.array([1, 1, 2, 2], np.float32),
        "hw": ints(2, 3),
        "zero": np.float32(0),
        "one": np.float32(1),
        "six": np.float32(6),
        "pads": ints(0, 0, 0, 0, 0, 0, 1, 1),
    }

    def conv(source, name, inputs, outputs, kernel=1, **attributes):
        groups = attributes.get("group", 1)
        seed = len(constants)
        constants[f"{name}.w"] = random((outputs, inputs // groups, kernel, kernel), seed) / 4
        constants[f"{name}.b"] = random(outputs, seed + 1) / 8
        return node("Conv", f"{source} {name}.w {name}.b", name, **attributes)

    def act(source, name):
        return node("Clip", f"{source} zero six", name) if activation == "Clip" else node(activation, source, name)

    nodes = [
        node("Reshape", "image patches6", "v"),
        node("Transpose", "v", "p", perm=(0, 3, 5, 1, 2, 4)),
        node("Reshape", "p patches4", "patches"),
        node("Split", "patches", "x0 x1 x2 x3", axis=1, num_outputs=4),
        conv("patches", "stem", 48, 8),
        act("stem", "stem.a"),
        node("Pad", "stem.a pads", "padded"),
        conv("padded", "down", 8, 8, 3, strides=(2, 2), group=8),
        act("down", "down.a"),
        conv("down.a", "wide", 8, 12),
        conv("wide", "down2", 12, 12, 5, strides=(2, 2), pads=(1, 1, 2, 2), group=12),
        node("ReduceMean", "down2 hw", "mean", keepdims=1),
        conv("mean", "squeeze", 12, 4),
        node("Relu", "squeeze", "squeeze.a"),
        conv("squeeze.a", "excite", 4, 12),
        node("Sigmoid", "excite", "excite.s"),
        node("Mul", "down2 excite.s", "attended"),
        conv("attended", "weigh", 12, 1),
        node("Sigmoid", "weigh", "weigh.s"),
        node("Mul", "attended weigh.s", "seen"),
        node("GlobalAveragePool", "seen", "whole"),
        node("Add", "seen whole", "context"),
        node("Resize", ["context", "", "scales"], "up", mode="linear"),
        node("Add", "up wide", "merged"),
        conv("merged", "lateral", 12, 8),
        node("Resize", ["lateral", "", "scales"], "up2", mode="linear"),
        node("Add", "stem.a up2", "fused"),
        conv("fused", "gain", 8, 12),
    ]
    for row in range(4):
        nodes += [conv("fused", f"r{row}", 8, 12), node("Mul", f"x{row} gain", f"m{row}"), node("Add", f"m{row} r{row}", f"o{row}")]
    nodes += [
        node("Concat", "o0 o1 o2 o3", "planes", axis=1),
        node("Reshape", "planes image6", "i"),
        node("Transpose", "i", "j", perm=(0, 3, 4, 1, 5, 2)),
        node("Reshape", "j image4", "raw"),
        node("Clip", "raw zero one", "enhanced"),
    ]
    return onnx_model(nodes, {"image": (1, 3, height, width)}, constants, outputs=("enhanced",))


def coverage(model):
    """(XNNPACK partitions, kinds of the operators outside of them) in LiteRT."""
    interpreter = Interpreter(model_content=write_tflite(model))
    found = InterpreterRuntime("litert", Path("model.tflite"), interpreter, {}).delegate_coverage()
    return found.partitions, list(found.left)


@pytest.mark.parametrize("activation", ["Clip", "HardSwish"])
@pytest.mark.parametrize("choices", [LoweringChoices(), LoweringChoices(pixel_shuffle="depth_to_space")], ids=["row_planes", "depth_to_space"])
def test_red_mobile_has_no_transpose_no_pad_and_one_partition(activation, choices):
    model = small_red(activation=activation)
    lowered = convert_and_compare(model, choices)
    assert not kinds(lowered).keys() & {"TRANSPOSE", "PAD", "SPACE_TO_DEPTH", "RELU6", "RELU", "MINIMUM", "MAXIMUM", "STRIDED_SLICE"}
    assert kinds(lowered)["SPLIT"] == kinds(lowered)["RELU_0_TO_1"] == 1
    final = convert(read_onnx(model.SerializeToString()), "litert_fp32", Converter(says="test", lowering=choices))
    assert coverage(final) == (1, [])


def test_red_mobile_in_float16_stays_in_one_partition():
    converter = Converter(says="test", weights="float16")
    model = convert(read_onnx(small_red().SerializeToString()), "litert_fp16", converter)
    assert "DEQUANTIZE" in kinds(model)
    assert coverage(model) == (1, [])


def test_one_op_choices():
    assert {"SPACE_TO_DEPTH", "DEPTH_TO_SPACE"} <= kinds(convert_and_compare(small_red(), PLAIN_CHOICES)).keys()


def test_names_follow_onnx():
    lowered = lower(read_onnx(small_red().SerializeToString()), LoweringChoices())
    names = [tensor.name for tensor in lowered.tensors()]
    assert len(names) == len(set(names))
    assert {"image", "enhanced", "stem.a", "down.a", "attended", "context", "merged", "o3", "stem.w", "stem.b"} <= set(names)
    assert [tensor.name for tensor in (*lowered.inputs, *lowered.outputs)] == ["image", "enhanced"]
    assert lowered.inputs[0].shape == lowered.outputs[0].shape == (1, 64, 96, 3)


def test_constant_shared_by_two_operators_has_a_copy_for_each():
    nodes = [node("Conv", "x w b", "c"), node("Conv", "c w b", "y")]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (1, 5, 6, 8)}, {"w": random((5, 5, 1, 1)), "b": random(5)}))
    first, second = (operator.inputs[1] for operator in lowered.operators)
    assert first is not second
    assert (first.name, second.name) == ("w", "w_1")


def test_same_graph_same_bytes_and_graph_untouched():
    graph = read_onnx(small_red().SerializeToString())
    before = [(node.op, list(node.inputs)) for node in graph.nodes]
    assert write_tflite(lower(graph, LoweringChoices())) == write_tflite(lower(graph, LoweringChoices()))
    assert [(node.op, list(node.inputs)) for node in graph.nodes] == before


def test_all_that_is_unsupported_is_reported_at_once():
    nodes = [
        node("Zyx", "x", "a"),
        node("Relu", "a", "b"),
        node("Zyx", "b", "c"),
        node("Bar", "x", "d"),
        node("Conv", "x x", "e", pads=(-1, 0, 0, 0)),
        node("Sub2", "c d e", "y"),
    ]
    with pytest.raises(UnsupportedModelError) as caught:
        lower(onnx_graph(nodes, {"x": (1, 5, 6, 8)}), LoweringChoices())
    message = str(caught.value)
    assert message.startswith(
        "No lowering for ONNX op 'Zyx' (nodes 'Zyx_a', 'Zyx_c'), 'Bar' (node 'Bar_d'), 'Sub2' (node 'Sub2_y'). Sub2: nearest known: Sub"
    )
    assert "ONNX op 'Conv' (node 'Conv_e'): its pads [-1, 0, 0, 0] are negative: put a Slice before it instead." in message
    assert "\n" not in message
    assert caught.value.exit_code == 4


def test_one_unknown_op_reads_as_in_the_house_rules():
    with pytest.raises(UnsupportedModelError, match=r"^No lowering for ONNX op 'Zyx' \(node 'Zyx_y'\)\. Known ops: .*, Transpose"):
        lower(onnx_graph([node("Zyx", "x", "y")], {"x": (1, 5, 6, 8)}), LoweringChoices())


@pytest.mark.parametrize(
    ("op", "hint"),
    [
        ("Gathr", r"Gathr: nearest known: Gather"),
        ("LSTM", r"LSTM: export it unrolled over its steps\."),
        ("NonZero", r"NonZero: how many values it gives depends on the data.*--outputs"),
        ("RandomNormalLike", r"it is random: give the noise as an input\."),
    ],
)
def test_unknown_ops_come_with_what_could_be_done(op, hint):
    with pytest.raises(UnsupportedModelError, match=hint):
        lower(onnx_graph([node(op, "x", "y")], {"x": (1, 5, 6, 8)}), LoweringChoices())


def test_malformed_node_is_named():
    graph = onnx_graph([node("MaxPool", "x", "y", kernel_shape=(2, 2))], {"x": (1, 5, 6, 8)})
    del graph.nodes[0].attributes["kernel_shape"]
    with pytest.raises(UnsupportedModelError, match=r"\(node 'MaxPool_y'\): it is not formed as ONNX says \(KeyError: 'kernel_shape'\)"):
        lower(graph, LoweringChoices())


def test_every_lowering_says_what_it_does():
    for name in LOWERINGS:
        function = LOWERINGS[name]
        assert "->" in (function.__doc__ or ""), name


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_of_every_dtype_pass_through(dtype):
    nodes = [node("Split", "x", "a b", axis=1, num_outputs=2), node("Concat", "b a c", "j", axis=1), node("Transpose", "j", "y", perm=(0, 1, 3, 2))]
    constants = {"c": random_of((1, 5, 6, 8), dtype, 5)}
    lowered = convert_and_compare(onnx_model(nodes, {"x": (1, 6, 6, 8)}, constants, dtypes={"x": dtype}))
    assert {tensor.dtype for tensor in lowered.inputs + lowered.outputs} == {dtype}


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64"])
def test_input_of_a_dtype_without_operators_is_refused(dtype):
    with pytest.raises(UnsupportedModelError, match=f"Input 'x' is {dtype}, for which TFLite has no operators; bool, uint8"):
        lower(onnx_graph([node("Identity", "x", "y")], {"x": (1, 5, 6, 8)}, dtypes={"x": dtype}), LoweringChoices())


def test_constant_of_a_dtype_without_operators_is_refused():
    nodes = [node("Concat", "x c", "y", axis=1)]
    graph = onnx_graph(nodes, {"x": (1, 5)}, {"c": np.ones((1, 2), np.float32)})
    graph.initializers["c"], graph.dtypes["c"] = np.ones((1, 2), np.uint16), "uint16"
    with pytest.raises(UnsupportedModelError, match="'c' is uint16, for which TFLite has no operators"):
        lower(graph, LoweringChoices())


@pytest.mark.parametrize(("dtype", "op"), [("float16", "Conv"), ("float64", "Mul")])
def test_other_floats_are_computed_in_float32(dtype, op):
    casts = [node("Cast", "c", "f", to=1), node("Add", "f one", "g"), node("Cast", "g", "h", to=TO[dtype])]
    nodes = [node(op, "x w", "c"), *casts, node("Relu", "h", "y")]
    constants = {"w": random((4, 5, 1, 1) if op == "Conv" else (5, 1, 1), 3).astype(dtype), "one": np.float32(1)}
    model = onnx_model(nodes, {"x": (1, 5, 6, 8)}, constants, dtypes={"x": dtype})
    lowered = convert_and_compare(model, tolerance=5e-3)
    assert {tensor.dtype for tensor in lowered.tensors()} == {"float32"}


def test_float16_weights_of_a_float32_network_are_widened():
    nodes = [node("Cast", "h", "w", to=1), node("Conv", "x w", "y")]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (1, 5, 6, 8)}, {"h": random((4, 5, 1, 1), 3).astype(np.float16)}))
    assert kinds(lowered) == {"CONV_2D": 1}


# Metadata


def described(properties=None):
    import onnx

    model = small_red()
    onnx.helper.set_model_props(model, properties or {})
    return read_onnx(model.SerializeToString())


OURS = {"redmobile.name": "red_mobile", "redmobile.version": "0.1.0", "redmobile.weights_sha256": "ab" * 32, "redmobile.input_range": "0,1"}


def test_metadata_is_written_and_read_back_from_bytes_and_model():
    graph = described(OURS)
    data = write_tflite(convert(graph, "litert_fp32", Converter(says="test")))
    metadata = read_metadata(data)
    assert metadata == metadata_of(read_tflite(data)) == describe(graph, "litert_fp32", read_tflite(data))
    assert (metadata.name, metadata.version, metadata.converter) == ("red_mobile", "0.1.0", "litert_fp32")
    assert (metadata.weights_sha256, metadata.onnx_sha256) == ("ab" * 32, graph.sha256)
    (port,) = metadata.inputs
    assert (port.name, port.range, port.layout, port.order) == ("image", (0.0, 1.0), "NHWC", "RGB")
    assert metadata.outputs[0].name == "enhanced"


def test_foreign_onnx_gets_the_default_range():
    metadata = describe(described(), "litert_fp32", lower(described(), LoweringChoices()))
    assert (metadata.name, metadata.inputs[0].range) == ("", (0.0, 1.0))


def test_metadata_of_integers_says_what_they_can_hold():
    graph = onnx_graph([node("Identity", "x", "y")], {"x": (1, 3, 6, 8)}, dtypes={"x": "uint8"})
    (port,) = describe(graph, "litert_fp32", lower(graph, LoweringChoices())).inputs
    assert (port.range, port.layout) == ((0.0, 255.0), "NHWC")
    graph = onnx_graph([node("Identity", "x", "y")], {"x": (5,)}, dtypes={"x": "bool"})
    assert describe(graph, "litert_fp32", lower(graph, LoweringChoices())).outputs[0].range == (0.0, 1.0)


def test_range_that_is_no_range():
    with pytest.raises(InputError, match=r"redmobile\.input_range should be two numbers"):
        convert(described({"redmobile.input_range": "0..1"}), "litert_fp32", Converter(says="test"))


def test_foreign_tflite_has_no_metadata_of_ours():
    model = lower(described(), LoweringChoices())
    assert read_metadata(write_tflite(model)) is None
    model.metadata["redmobile"] = b'{"name": 3}'
    with pytest.raises(InputError, match=r"m\.tflite: its metadata entry 'redmobile' cannot be read"):
        read_metadata(write_tflite(model), "m.tflite")


def test_metadata_does_not_change_what_the_file_computes():
    model = lower(described(), LoweringChoices())
    attach(model, describe(described(OURS), "x", model))
    assert read_tflite(write_tflite(model)).metadata.keys() == {"redmobile"}
