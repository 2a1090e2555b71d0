"""Windows, normalizations and resizes from ONNX to INT8: close to float, and inside XNNPACK where their lowering says so."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from quantize_models import frames, run_codes, run_float

from redmobile.convert.onnx_to_tflite import lower
from redmobile.core.converter import ActivationQuantization, LoweringChoices, Quantize
from redmobile.graph.onnx_graph import read_onnx
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.quantize import quantize
from redmobile.runtimes.litert_runtime import open_litert

PLAIN = Quantize(activations=ActivationQuantization(search=0, observer="min_max"), equalize=False, bias_correction=False)
CHANNELS, HEIGHT, WIDTH = 6, 16, 24
RNG = np.random.default_rng(1)


def weights(*shape):
    return RNG.normal(0, 0.4, shape).astype(np.float32)


def between_convolutions(op, constants=None, inputs=("a",), behind=CHANNELS, **attributes):
    """`image ─ Conv 1×1 ─ op ─ Conv 1×1 ─ y`, as our graph; behind: channels of what `op` gives."""
    constants = (constants or {}) | {"v": weights(CHANNELS, 3, 1, 1), "w": weights(4, behind, 1, 1)}
    nodes = [
        onnx.helper.make_node("Conv", ["image", "v"], ["a"], name="before"),
        onnx.helper.make_node(op, list(inputs), ["b"], name="tested", **attributes),
        onnx.helper.make_node("Conv", ["b", "w"], ["y"], name="behind"),
    ]
    tensors = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()]
    port = onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, (1, 3, HEIGHT, WIDTH))
    graph = onnx.helper.make_graph(nodes, "case", [port], [onnx.helper.make_empty_tensor_value_info("y")], tensors)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=9)
    return read_onnx(model.SerializeToString())


def scales(*values):
    return {"s": np.array(values, np.float32)}


def affine():
    return {"g": weights(CHANNELS) + 1, "h": weights(CHANNELS)}


INSIDE = {
    "grouped conv": lambda: between_convolutions("Conv", {"k": weights(4, 3, 3, 3)}, ("a", "k"), 4, group=2, pads=[1] * 4),
    "strided conv": lambda: between_convolutions("Conv", {"k": weights(6, 6, 3, 3)}, ("a", "k"), strides=[2, 2], pads=[1] * 4),
    "depthwise transposed": lambda: between_convolutions(
        "ConvTranspose", {"k": weights(6, 1, 4, 4)}, ("a", "k"), group=6, strides=[2, 2], pads=[1] * 4
    ),
    "transposed in groups": lambda: between_convolutions("ConvTranspose", {"k": weights(6, 2, 3, 3)}, ("a", "k"), 4, group=2, strides=[2, 2]),
    "transposed, padded out": lambda: between_convolutions(
        "ConvTranspose", {"k": weights(6, 6, 2, 2)}, ("a", "k"), strides=[3, 3], output_padding=[2, 2]
    ),
    "max pool with edges": lambda: between_convolutions("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4),
    "average pool": lambda: between_convolutions("AveragePool", kernel_shape=[2, 2], strides=[2, 2]),
    "average pool without pads": lambda: between_convolutions("AveragePool", kernel_shape=[3, 3], pads=[1] * 4),
    "nearest": lambda: between_convolutions(
        "Resize", scales(1, 1, 2, 2), ("a", "", "s"), coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    ),
    "nearest by half": lambda: between_convolutions(
        "Resize", scales(1, 1, 0.5, 0.5), ("a", "", "s"), coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    ),
    "cubic": lambda: between_convolutions("Resize", scales(1, 1, 2, 2), ("a", "", "s"), mode="cubic"),
    "cubic with corners": lambda: between_convolutions(
        "Resize", scales(1, 1, 2, 2), ("a", "", "s"), mode="cubic", coordinate_transformation_mode="align_corners"
    ),
    "antialias": lambda: between_convolutions("Resize", scales(1, 1, 0.5, 0.5), ("a", "", "s"), mode="linear", antialias=1),
    "reflect": lambda: between_convolutions("Pad", {"p": np.array([0, 0, 2, 2] * 2, np.int64)}, ("a", "p"), mode="reflect"),
}
"""What leaves nothing outside of XNNPACK in INT8."""

PARTLY = {
    "instance normalization": lambda: between_convolutions("InstanceNormalization", affine(), ("a", "g", "h")),
    "group normalization": lambda: between_convolutions("GroupNormalization", affine(), ("a", "g", "h"), num_groups=2),
    "lrn": lambda: between_convolutions("LRN", size=3, alpha=0.5, beta=0.75),
    "dilated max pool": lambda: between_convolutions("MaxPool", kernel_shape=[3, 3], dilations=[2, 2], pads=[2] * 4),
    "lp pool": lambda: between_convolutions("LpPool", kernel_shape=[2, 2], strides=[2, 2]),
}
"""What has an INT8 form, of which some is outside."""


def quantized_and_close(graph, tolerance):
    """The INT8 model of `graph`; on every frame no further from the float one than `tolerance` of its span, a quarter of that in the mean."""
    model, pictures = lower(graph, LoweringChoices()), frames()
    quantized = quantize(model, PLAIN, pictures).model
    for picture in pictures:
        (expected,), (found,) = run_float(model, picture).values(), run_codes(quantized, picture).values()
        assert np.abs(expected - found).max() <= tolerance * np.ptp(expected)
        assert np.abs(expected - found).mean() <= tolerance / 4 * np.ptp(expected)
    return quantized


@pytest.mark.parametrize("case", INSIDE)
def test_int8_is_close_and_one_partition(case, tmp_path):
    path = tmp_path / "int8.tflite"
    path.write_bytes(write_tflite(quantized_and_close(INSIDE[case](), 0.06)))
    coverage = open_litert(path, 1).delegate_coverage()
    assert (coverage.partitions, coverage.left) == (1, {}), str(coverage)


@pytest.mark.parametrize("case", PARTLY)
def test_int8_is_close(case):
    """Squares have few codes for the small ones among them: a dark picture's deviation is told to a tenth."""
    quantized_and_close(PARTLY[case](), 0.15)
