"""Each rewrite: the graph changes as its docstring draws, the output does not."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_cases import PLAIN_CHOICES, convert_and_compare, kinds, node, onnx_graph, onnx_model, random, run_tflite

from redmobile.convert.onnx_to_tflite import lower
from redmobile.convert.passes.channel_order import reorder_channels
from redmobile.convert.passes.clamp_for_float import clamp_for_float
from redmobile.convert.passes.float16_weights import store_weights_as_float16
from redmobile.convert.passes.fold_batch_normalization import fold_batch_normalization
from redmobile.convert.passes.fold_pad import fold_pad
from redmobile.convert.passes.fuse_activation import fuse_activation
from redmobile.convert.passes.group_normalization import recognise_group_normalization
from redmobile.convert.passes.pixel_shuffle import recognise_pixel_shuffle
from redmobile.core.converter import LoweringChoices
from redmobile.errors import UnsupportedModelError

BLOCK, COLOURS = 4, 3


def ints(*values):
    return np.array(values, np.int64)


def patches_model(perm, inner, outer, source):
    """Reshape - Transpose - Reshape."""
    nodes = [node("Reshape", "x inner", "r"), node("Transpose", "r", "t", perm=perm), node("Reshape", "t outer", "y")]
    return onnx_model(nodes, {"x": source}, {"inner": ints(*inner), "outer": ints(*outer)})


SHUFFLES = [
    ((0, 3, 4, 1, 5, 2), (1, 4, 4, 3, 5, 6), (1, 3, 20, 24), (1, 48, 5, 6), "DepthToSpace", "DCR"),
    ((0, 1, 4, 2, 5, 3), (1, 3, 4, 4, 5, 6), (1, 3, 20, 24), (1, 48, 5, 6), "DepthToSpace", "CRD"),
    ((0, 3, 5, 1, 2, 4), (1, 3, 5, 4, 6, 4), (1, 48, 5, 6), (1, 3, 20, 24), "SpaceToDepth", "DCR"),
    ((0, 1, 3, 5, 2, 4), (1, 3, 5, 4, 6, 4), (1, 48, 5, 6), (1, 3, 20, 24), "SpaceToDepth", "CRD"),
]


@pytest.mark.parametrize("shuffle", SHUFFLES)
@pytest.mark.parametrize("choices", [None, PLAIN_CHOICES], ids=["row_planes", "one_op"])
def test_pixel_shuffle_is_recognised(shuffle, choices):
    perm, inner, outer, source, op, mode = shuffle
    model = patches_model(perm, inner, outer, source)
    lowered = convert_and_compare(model, choices)
    assert "TRANSPOSE" not in kinds(lowered)
    graph = onnx_graph([*model.graph.node], {"x": source}, {"inner": ints(*inner), "outer": ints(*outer)})
    recognise_pixel_shuffle(graph)
    graph.drop_unused()
    (found,) = graph.nodes
    assert (found.op, found.attributes) == (op, {"blocksize": 4, "mode": mode})


def test_another_permutation_is_left_alone_and_still_right():
    model = patches_model((0, 3, 4, 2, 5, 1), (1, 4, 4, 3, 5, 6), (1, 3, 20, 24), (1, 48, 5, 6))
    assert kinds(convert_and_compare(model))["TRANSPOSE"] >= 1


def conv(inputs, outputs, weights, **attributes):
    return node("Conv", inputs, outputs, kernel_shape=weights[2:], **attributes)


def test_batch_normalization_folds_into_conv():
    constants = {
        "w": random((5, 3, 3, 3)),
        "b": random(5, 1),
        "g": random(5, 2),
        "h": random(5, 3),
        "m": random(5, 4),
        "v": np.abs(random(5, 5)) + 0.1,
    }
    nodes = [conv("x w b", "c", (5, 3, 3, 3)), node("BatchNormalization", "c g h m v", "y")]
    assert kinds(convert_and_compare(onnx_model(nodes, {"x": (1, 3, 8, 9)}, constants))) == {"CONV_2D": 1}
    graph = onnx_graph(nodes, {"x": (1, 3, 8, 9)}, constants)
    fold_batch_normalization(graph)
    assert [(folded.op, folded.outputs) for folded in graph.nodes] == [("Conv", ["y"])]


def test_batch_normalization_folds_into_transposed_conv_without_bias():
    constants = {"w": random((3, 5, 2, 2)), "g": random(5, 2), "h": random(5, 3), "m": random(5, 4), "v": np.abs(random(5, 5)) + 0.1}
    nodes = [node("ConvTranspose", "x w", "c", strides=(2, 2)), node("BatchNormalization", "c g h m v", "y")]
    assert kinds(convert_and_compare(onnx_model(nodes, {"x": (1, 3, 8, 9)}, constants))) == {"TRANSPOSE_CONV": 1}


def test_batch_normalization_stays_where_others_read_the_convolution():
    constants = {"w": random((5, 3, 1, 1)), "g": random(5, 2), "h": random(5, 3), "m": random(5, 4), "v": np.abs(random(5, 5)) + 0.1}
    nodes = [conv("x w", "c", (5, 3, 1, 1)), node("BatchNormalization", "c g h m v", "n"), node("Add", "n c", "y")]
    assert kinds(convert_and_compare(onnx_model(nodes, {"x": (1, 3, 8, 9)}, constants))) == {"CONV_2D": 1, "MUL": 1, "ADD": 2}


@pytest.mark.parametrize("axes", [False, True])
def test_pad_folds_into_same(axes):
    amounts = (0, 0, 1, 1) if axes else (0, 0, 0, 0, 0, 0, 1, 1)
    constants = {"p": ints(*amounts), "w": random((4, 3, 3, 3))} | ({"a": ints(2, 3)} if axes else {})
    nodes = [node("Pad", ["x", "p", "", "a"] if axes else "x p", "q"), conv("q w", "y", (4, 3, 3, 3), strides=(2, 2))]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (1, 3, 8, 10)}, constants))
    assert kinds(lowered) == {"CONV_2D": 1}
    assert lowered.operators[0].options["padding"] == "SAME"


@pytest.mark.parametrize(
    ("amounts", "value", "mode"), [((0, 1, 0, 0) * 2, 0, "constant"), ((0, 0, 1, 1) * 2, 1, "constant"), ((0, 0, 1, 1) * 2, 0, "reflect")]
)
def test_other_pads_stay(amounts, value, mode):
    channels = 3 + 2 * amounts[1]
    constants = {"p": ints(*amounts), "v": np.float32(value), "w": random((4, channels, 3, 3))}
    nodes = [node("Pad", "x p v" if mode == "constant" else "x p", "q", mode=mode), conv("q w", "y", (4, channels, 3, 3))]
    graph = onnx_graph(nodes, {"x": (1, 3, 8, 10)}, constants)
    fold_pad(graph)
    assert graph.nodes[1].inputs[0] == "q"
    convert_and_compare(onnx_model(nodes, {"x": (1, 3, 8, 10)}, constants))


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("own", [0, 1])
def test_pads_fold_into_poolings(axes, own):
    size, kernel, amounts = (8, 10)[:axes], (3,) * axes, (0, 0, *(1,) * axes) * 2
    for op, value, attributes in (("AveragePool", 0.0, {"count_include_pad": own}), ("MaxPool", -np.inf, {})):
        nodes = [node("Pad", "x p v", "q"), node(op, "q", "y", kernel_shape=kernel, pads=(own,) * 2 * axes, **attributes)]
        constants = {"p": ints(*amounts), "v": np.float32(value)}
        graph = onnx_graph(nodes, {"x": (1, 3, *size)}, constants)
        fold_pad(graph)
        folds = op == "AveragePool" or own + 1 < 3
        assert (graph.nodes[-1].inputs[0] == "x") == folds
        assert "PADV2" not in kinds(convert_and_compare(onnx_model(nodes, {"x": (1, 3, *size)}, constants)))


@pytest.mark.parametrize(
    ("op", "value", "attributes"),
    [
        ("AveragePool", 0.0, {"kernel_shape": (3, 3), "pads": (1, 1, 1, 1)}),  # its own pads do not count, the folded ones would have to
        ("AveragePool", 1.0, {"kernel_shape": (3, 3)}),
        ("MaxPool", 0.0, {"kernel_shape": (3, 3)}),
        ("MaxPool", -np.inf, {"kernel_shape": (1, 3)}),  # some windows would lie outside altogether
    ],
)
def test_pads_that_poolings_do_not_mean_stay(op, value, attributes):
    nodes = [node("Pad", "x p v", "q"), node(op, "q", "y", **attributes)]
    constants = {"p": ints(*(0, 0, 1, 1) * 2), "v": np.float32(value)}
    graph = onnx_graph(nodes, {"x": (1, 3, 8, 10)}, constants)
    fold_pad(graph)
    assert graph.nodes[-1].inputs[0] == "q"


def test_batch_normalization_folds_into_transposed_conv_with_groups():
    constants = {"w": random((4, 3, 2, 2)), "g": random(6, 2), "h": random(6, 3), "m": random(6, 4), "v": np.abs(random(6, 5)) + 0.1}
    nodes = [node("ConvTranspose", "x w", "c", strides=(2, 2), group=2), node("BatchNormalization", "c g h m v", "y")]
    assert kinds(convert_and_compare(onnx_model(nodes, {"x": (1, 4, 8, 9)}, constants)))["CONV_2D"] == 4
    graph = onnx_graph(nodes, {"x": (1, 4, 8, 9)}, constants)
    fold_batch_normalization(graph)
    assert [folded.op for folded in graph.nodes] == ["ConvTranspose"]


@pytest.mark.parametrize("shape", [(2, 6, 5, 7), (1, 6, 8)])
def test_group_normalization_is_recognised(shape):
    nodes = [
        node("Conv", "x w", "a"),
        node("Reshape", "a inner", "r"),
        node("InstanceNormalization", "r one zero", "n", epsilon=1e-3),
        node("Reshape", "n outer", "s"),
        node("Mul", "s gamma", "t"),
        node("Add", "t beta", "u"),
        node("Conv", "u w", "y"),
    ]
    along = (6,) + (1,) * (len(shape) - 2)
    constants = {"inner": ints(0, 3, -1), "outer": ints(*shape), "one": np.ones(3, np.float32), "zero": np.zeros(3, np.float32)}
    constants |= {"gamma": random(along, 1), "beta": random(along, 2), "w": random((6, 6, *along[1:]), 3)}
    found = kinds(convert_and_compare(onnx_model(nodes, {"x": shape}, constants)))
    assert found.get("TRANSPOSE", 0) == (0 if len(shape) == 4 else 2)  # a signal enters and leaves as (N, C, L)
    graph = onnx_graph(nodes, {"x": shape}, constants)
    recognise_group_normalization(graph)
    graph.drop_unused()
    assert [found.op for found in graph.nodes] == ["Conv", "GroupNormalization", "Mul", "Add", "Conv"]


def test_instance_normalization_of_another_view_is_no_group_normalization():
    nodes = [node("Reshape", "x inner", "r"), node("InstanceNormalization", "r one zero", "n"), node("Reshape", "n outer", "y")]
    constants = {"inner": ints(1, 3, -1), "outer": ints(1, 3, 10, 7), "one": np.ones(3, np.float32), "zero": np.zeros(3, np.float32)}
    graph = onnx_graph(nodes, {"x": (1, 6, 5, 7)}, constants)
    recognise_group_normalization(graph)
    assert "GroupNormalization" not in [found.op for found in graph.nodes]
    convert_and_compare(onnx_model(nodes, {"x": (1, 6, 5, 7)}, constants))


def test_an_activation_goes_before_the_view_that_hides_its_convolution():
    model = onnx_model([node("Conv", "x w", "c"), node("Relu", "c", "y")], {"x": (1, 4, 12)}, {"w": random((6, 4, 3), 1)})
    lowered = convert_and_compare(model)
    assert "RELU" not in kinds(lowered)
    assert next(operator for operator in lowered.operators if operator.kind == "CONV_2D").options["fused_activation_function"] == "RELU"


def test_an_activation_stays_behind_a_view_that_others_read():
    nodes = [node("Conv", "x w", "c"), node("Reshape", "c s", "r"), node("Relu", "r", "a"), node("Add", "a r", "y")]
    model = onnx_model(nodes, {"x": (1, 4, 6, 8)}, {"w": random((6, 4, 1, 1), 1), "s": ints(1, 6, 48)})
    assert kinds(convert_and_compare(model))["RELU"] == 1


def test_crd_goes_into_the_convolution_before_it_through_an_activation():
    constants = {"w": random((48, 3, 1, 1)), "b": random(48, 1)}
    nodes = [conv("x w b", "c", (48, 3, 1, 1)), node("Relu", "c", "r"), node("DepthToSpace", "r", "y", blocksize=4, mode="CRD")]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (1, 3, 5, 6)}, constants), PLAIN_CHOICES)
    assert kinds(lowered) == {"CONV_2D": 1, "DEPTH_TO_SPACE": 1}


def test_crd_behind_a_tensor_that_others_read_gets_a_permuting_convolution():
    constants = {"w": random((12, 3, 1, 1))}
    nodes = [conv("x w", "c", (12, 3, 1, 1)), node("DepthToSpace", "c", "y", blocksize=2, mode="CRD"), node("Relu", "c", "z")]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (1, 3, 5, 6)}, constants, outputs=("y", "z")), PLAIN_CHOICES)
    assert kinds(lowered) == {"CONV_2D": 2, "DEPTH_TO_SPACE": 1, "RELU": 1}


def test_unshuffle_in_crd_order_goes_into_the_convolutions_behind_it():
    _, inner, outer, source, *_ = SHUFFLES[3]
    nodes = [
        node("Reshape", "x inner", "r"),
        node("Transpose", "r", "t", perm=(0, 1, 3, 5, 2, 4)),
        node("Reshape", "t outer", "s"),
        conv("s w", "y", (5, 48, 1, 1)),
        conv("s v", "z", (7, 48, 1, 1)),
    ]
    constants = {"inner": ints(*inner), "outer": ints(*outer), "w": random((5, 48, 1, 1)), "v": random((7, 48, 1, 1))}
    lowered = convert_and_compare(onnx_model(nodes, {"x": source}, constants, outputs=("y", "z")), PLAIN_CHOICES)
    assert kinds(lowered) == {"SPACE_TO_DEPTH": 1, "CONV_2D": 2}
    graph = onnx_graph(nodes, {"x": source}, constants, outputs=("y", "z"))
    recognise_pixel_shuffle(graph)
    reorder_channels(graph)
    assert all(found.attributes.get("mode", "DCR") == "DCR" for found in graph.nodes)


@pytest.mark.parametrize(
    ("op", "extra", "fused"), [("Relu", {}, "RELU"), ("Clip", {"low": 0, "high": 6}, "RELU6"), ("Clip", {"low": -1, "high": 1}, "RELU_N1_TO_1")]
)
@pytest.mark.parametrize("producer", ["Conv", "Add", "Mul", "Sub"])
def test_activation_is_fused(op, extra, fused, producer):
    constants = {"w": random((5, 5, 1, 1))} | {name: np.float32(value) for name, value in extra.items()}
    first = conv("x w", "c", (5, 5, 1, 1)) if producer == "Conv" else node(producer, "x z", "c")
    inputs = {"x": (1, 5, 6, 8)} | ({} if producer == "Conv" else {"z": (1, 5, 6, 8)})
    lowered = convert_and_compare(onnx_model([first, node(op, ["c", *extra], "y")], inputs, constants))
    assert len(lowered.operators) == 1
    assert lowered.operators[0].options["fused_activation_function"] == fused
    assert lowered.outputs[0].name == "y"


def test_activation_is_not_fused_where_others_read_the_plain_tensor():
    nodes = [conv("x w", "c", (5, 3, 1, 1)), node("Relu", "c", "r"), node("Add", "r c", "y")]
    assert kinds(convert_and_compare(onnx_model(nodes, {"x": (1, 3, 5, 6)}, {"w": random((5, 3, 1, 1))}))) == {"CONV_2D": 1, "RELU": 1, "ADD": 1}


def test_concatenation_keeps_its_activation_outside():
    nodes = [node("Concat", "x x", "c", axis=1), node("Relu", "c", "y")]
    assert kinds(convert_and_compare(onnx_model(nodes, {"x": (1, 5, 6, 8)}))) == {"CONCATENATION": 1, "RELU": 1}


@pytest.mark.parametrize("by", ["Split", "Slice"])
def test_pieces_of_patches_are_row_planes(by):
    if by == "Split":
        cut = [node("Split", "s", "p0 p1 p2 p3", axis=1, num_outputs=4)]
        constants = {}
    else:
        cut = [node("Slice", f"s b{i} b{i + 1} axis", f"p{i}") for i in range(4)]
        constants = {f"b{i}": ints(12 * i) for i in range(5)} | {"axis": ints(1)}
    nodes = [node("SpaceToDepth", "x", "s", blocksize=4), *cut, node("Add", "p0 p1", "a"), node("Add", "p2 p3", "b"), node("Mul", "a b", "y")]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (1, 3, 16, 24)}, constants))
    assert kinds(lowered) == {"RESHAPE": 5, "SPLIT": 1, "ADD": 2, "MUL": 1}
    assert next(operator for operator in lowered.operators if operator.kind == "SPLIT").outputs[0].shape == (1, 4, 1, 72)


def test_patches_that_are_read_whole_and_cut_are_joined_once():
    nodes = [
        node("SpaceToDepth", "x", "s", blocksize=2),
        node("Split", "s", "p0 p1", axis=1, num_outputs=2),
        node("Add", "p0 p1", "a"),
        conv("s w", "c", (6, 12, 1, 1)),
        node("Mul", "a c", "y"),
    ]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (1, 3, 8, 12)}, {"w": random((6, 12, 1, 1))}))
    assert kinds(lowered) == {"RESHAPE": 3, "SPLIT": 1, "CONCATENATION": 1, "CONV_2D": 1, "ADD": 1, "MUL": 1}


def test_depth_to_space_of_joined_rows_dissolves_the_join():
    nodes = [node("Concat", "a b", "c", axis=1), node("DepthToSpace", "c", "y", blocksize=2)]
    lowered = convert_and_compare(onnx_model(nodes, {"a": (1, 6, 5, 7), "b": (1, 6, 5, 7)}))
    assert kinds(lowered) == {"RESHAPE": 3, "CONCATENATION": 1}
    assert next(operator for operator in lowered.operators if operator.kind == "CONCATENATION").options["axis"] == 2


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space_of_a_convolution_is_one_convolution_a_row(mode):
    constants = {"w": random((48, 5, 3, 3)), "b": random(48, 1)}
    nodes = [conv("x w b", "c", (48, 5, 3, 3), pads=(1, 1, 1, 1)), node("Relu", "c", "r"), node("DepthToSpace", "r", "y", blocksize=4, mode=mode)]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (1, 5, 6, 7)}, constants))
    assert kinds(lowered) == {"CONV_2D": 4, "RESHAPE": 5, "CONCATENATION": 1}
    assert lowered.operators[0].inputs[1].shape == (12, 3, 3, 5)


def test_convolution_that_others_read_is_not_split():
    nodes = [conv("x w", "c", (12, 5, 1, 1)), node("DepthToSpace", "c", "y", blocksize=2), node("Relu", "c", "z")]
    lowered = convert_and_compare(onnx_model(nodes, {"x": (1, 5, 6, 7)}, {"w": random((12, 5, 1, 1))}, outputs=("y", "z")))
    assert kinds(lowered)["CONV_2D"] == 1


@pytest.mark.parametrize(("first", "operators"), [("Add", {"ADD": 1, "MINIMUM": 1}), ("Concat", {"CONCATENATION": 1, "RELU": 1, "MINIMUM": 1})])
def test_clamp_of_a_float_file(first, operators):
    attributes = {"axis": 1} if first == "Concat" else {}
    nodes = [node(first, "x x", "c", **attributes), node("Clip", "c zero one", "y")]
    graph = onnx_graph(nodes, {"x": (1, 5, 6, 8)}, {"zero": np.float32(0), "one": np.float32(1)})
    kept, final = lower(graph, LoweringChoices()), lower(graph, LoweringChoices())
    clamp_for_float(final)
    fuse_activation(final)
    assert kinds(final) == operators
    image = {"x": random((1, 6, 8, 5), 7)}
    np.testing.assert_array_equal(run_tflite(final, image)[0], run_tflite(kept, image)[0])


def test_float16_weights():
    nodes = [conv("x w b", "c", (5, 3, 3, 3)), node("Mul", "c k", "y")]
    constants = {"w": random((5, 3, 3, 3)), "b": random(5, 1), "k": random((5, 1, 1), 2)}
    model = lower(onnx_graph(nodes, {"x": (1, 3, 8, 9)}, constants), LoweringChoices())
    image = {"x": random((1, 8, 9, 3), 7)}
    (expected,) = run_tflite(model, image)
    store_weights_as_float16(model)
    assert kinds(model) == {"DEQUANTIZE": 3, "CONV_2D": 1, "MUL": 1}
    assert all(tensor.dtype == "float16" for tensor in model.tensors() if tensor.data is not None)
    np.testing.assert_allclose(run_tflite(model, image)[0], expected, rtol=5e-3, atol=5e-3 * np.abs(expected).max())


def test_constant_beyond_float16_is_refused():
    model = lower(onnx_graph([node("Mul", "x k", "y")], {"x": (1, 3, 8, 9)}, {"k": np.float32(1e5)}), LoweringChoices())
    with pytest.raises(UnsupportedModelError, match="'k' holds values beyond ±65504"):
        store_weights_as_float16(model)
