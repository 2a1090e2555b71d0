"""Activations of ONNX, lowered and quantized: fully integer, and close to what they are in float."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from quantize_models import HEIGHT, SAME, WIDTH, frames, run_codes, run_float

from redmobile.convert.onnx_to_tflite import lower
from redmobile.core.converter import ActivationQuantization, LoweringChoices, Quantize
from redmobile.graph.onnx_graph import read_onnx
from redmobile.graph.tflite_model import Operator, Tensor
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.quantize import quantize
from redmobile.runtimes.litert_runtime import open_litert

CHANNELS = 4
RECIPES = {
    8: Quantize(activations=ActivationQuantization(search=0, observer="min_max"), equalize=False, bias_correction=False),
    16: Quantize(
        activations=ActivationQuantization(bits=16, symmetric=True, search=0, observer="min_max"), equalize=False, bias_correction=False, io="int16"
    ),
}
CASES = [  # op, attributes, has a 16-bit form too
    ("Relu", {}, True),
    ("LeakyRelu", {"alpha": 0.2}, True),
    ("PRelu", {}, False),
    ("ThresholdedRelu", {"alpha": 0.0}, True),
    ("Clip", {}, True),
    ("Shrink", {"bias": 0.5, "lambd": 0.5}, True),
    ("HardSigmoid", {}, True),
    ("HardSwish", {}, True),
    ("Sigmoid", {}, True),
    ("Tanh", {}, True),
    ("Elu", {"alpha": 0.7}, False),
    ("Selu", {}, False),
    ("Celu", {"alpha": 1.5}, False),
    ("Gelu", {}, True),
    ("Gelu", {"approximate": "tanh"}, True),
    ("Softplus", {}, True),
    ("Softsign", {}, True),
    ("Mish", {}, True),
    ("Silu", {}, True),
    ("Softmax", {"axis": 1}, True),
    ("LogSoftmax", {"axis": 1}, False),
    ("Neg", {}, True),
    ("Abs", {}, True),
]
CONSTANTS = {"PRelu": {"slope": (CHANNELS, 1, 1)}, "Clip": {"low": -0.7, "high": 1.1}}


def network(op, attributes):
    """A 1×1 convolution of `image` to values in about [-6, 6], `c`, then `op`, which gives `y`."""
    given = CONSTANTS.get(op, {})
    if op == "Silu":
        return lowered([onnx.helper.make_node("Sigmoid", ["c"], ["s"]), onnx.helper.make_node("Mul", ["c", "s"], ["y"])])
    return lowered([onnx.helper.make_node(op, ["c", *given], ["y"], **attributes)], given)


def lowered(nodes, given=None):
    """The nodes behind the convolution. given: name → a number or the shape of random ones."""
    rng = np.random.default_rng(4)
    constants = {"w": rng.normal(0, 4, (CHANNELS, 3, 1, 1)), "b": rng.normal(0, 1, CHANNELS)}
    constants |= {name: rng.uniform(-0.3, 0.5, value) if isinstance(value, tuple) else value for name, value in (given or {}).items()}
    nodes = [onnx.helper.make_node("Conv", ["image", "w", "b"], ["c"]), *nodes]
    port = onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, (1, 3, HEIGHT, WIDTH))
    end = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (1, CHANNELS, HEIGHT, WIDTH))
    tensors = [onnx.numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()]
    graph = onnx.helper.make_graph(nodes, "case", [port], [end], tensors)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)])
    return lower(read_onnx(model.SerializeToString()), LoweringChoices())


@pytest.mark.parametrize("bits", [8, 16])
def test_a_mask_by_comparison_and_cast(bits):
    nodes = [
        onnx.helper.make_node("Greater", ["c", "zero"], ["g"]),
        onnx.helper.make_node("Cast", ["g"], ["m"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Mul", ["c", "m"], ["y"]),
    ]
    model = lowered(nodes, {"zero": 0.0})
    assert [operator.kind for operator in model.operators] == ["CONV_2D", "GREATER", "SELECT_V2", "MUL"]
    check_close(model, bits)


def check_close(model, bits):
    """No float is left, and the output is near that of the float graph on every picture."""
    pictures = frames()
    quantized = quantize(model, RECIPES[bits], pictures).model
    assert all(tensor.dtype != "float32" for tensor in quantized.tensors())
    pairs = [(run_float(model, picture)["y"], run_codes(quantized, picture)["y"]) for picture in pictures]
    worst, span = max(np.abs(expected - found).max() for expected, found in pairs), max(np.ptp(expected) for expected, _ in pairs)
    assert worst <= (0.02 if bits == 8 else 0.005) * span


@pytest.mark.parametrize(
    ("op", "attributes", "bits"), [(op, attributes, bits) for op, attributes, wide in CASES for bits in ((8, 16) if wide else (8,))]
)
def test_integer_all_through_and_close_to_float(op, attributes, bits):
    check_close(network(op, attributes), bits)


INSIDE = {"LeakyRelu", "Clip", "HardSigmoid", "HardSwish", "Sigmoid", "Tanh", "Elu", "Selu", "Celu", "Silu", "Neg"}
"""Activations between two convolutions that do not break XNNPACK's partition in INT8."""
LEFT = {"Softplus": "LOG", "Softsign": "RSQRT", "Mish": "RSQRT"}
"""The one operator that XNNPACK leaves to TFLite's own kernels."""


@pytest.mark.parametrize(("op", "attributes"), [(op, attributes) for op, attributes, _ in CASES if op in INSIDE | LEFT.keys()])
def test_stays_inside_xnnpack(op, attributes, tmp_path):
    model = network(op, attributes)
    (middle,) = model.outputs
    weights = Tensor.constant("w2", np.random.default_rng(1).normal(0, 1, (CHANNELS, 1, 1, CHANNELS)).astype(np.float32))
    end = Tensor("z", middle.shape, "float32")
    model.operators.append(Operator("CONV_2D", [middle, weights, Tensor.constant("b2", np.zeros(CHANNELS, np.float32))], [end], dict(SAME)))
    model.outputs = [end]
    path = tmp_path / "model.tflite"
    path.write_bytes(write_tflite(quantize(model, RECIPES[8], frames()).model))
    coverage = open_litert(path, 1).delegate_coverage()
    assert coverage.left == ({LEFT[op]: 1} if op in LEFT else {})
