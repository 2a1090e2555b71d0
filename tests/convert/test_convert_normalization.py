"""Normalizations against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_cases import convert_and_compare, kinds, node, onnx_model, random, run_onnx, run_tflite

from redmobile.convert.onnx_to_tflite import lower
from redmobile.core.converter import LoweringChoices
from redmobile.errors import UnsupportedModelError
from redmobile.graph.onnx_graph import read_onnx

SHAPES = [(2, 6, 5), (1, 6, 5, 7), (1, 6, 5, 7, 2)]
STATISTICS = {"g": random(6, 1), "b": random(6, 2), "m": random(6, 3), "v": np.abs(random(6, 9)) + 0.1}
COMPUTED = {"MEAN": 2, "SUB": 1, "MUL": 3, "ADD": 2, "RSQRT": 1}


@pytest.mark.parametrize("shape", [(2, 6), *SHAPES])
def test_batch_normalization_alone(shape):
    model = onnx_model([node("BatchNormalization", "x g b m v", "y", epsilon=1e-3)], {"x": shape}, STATISTICS)
    assert kinds(convert_and_compare(model)) == {"MUL": 1, "ADD": 1}


def test_batch_normalization_in_training_is_refused():
    model = onnx_model([node("BatchNormalization", "x g b m v", "y p q", training_mode=1)], {"x": (1, 6, 5, 7)}, STATISTICS)
    with pytest.raises(UnsupportedModelError, match="training mode"):
        convert_and_compare(model)


@pytest.mark.parametrize("shape", SHAPES)
def test_instance_normalization(shape):
    model = onnx_model([node("InstanceNormalization", "x g b", "y")], {"x": shape}, STATISTICS)
    assert kinds(convert_and_compare(model)) == COMPUTED


def test_instance_normalization_with_computed_scale():
    model = onnx_model([node("InstanceNormalization", "x g b", "y")], {"x": (1, 6, 5, 7), "g": (6,), "b": (6,)})
    assert "TRANSPOSE" not in kinds(convert_and_compare(model))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [-1, 1, 2])
@pytest.mark.parametrize("beta", [True, False])
def test_layer_normalization(shape, axis, beta):
    constants = {"g": random(shape[axis:], 3), "b": random(shape[axis:], 4)}
    model = onnx_model([node("LayerNormalization", "x g b" if beta else "x g", "y", axis=axis)], {"x": shape}, constants)
    assert kinds(convert_and_compare(model)) == COMPUTED | {"ADD": 2 if beta else 1}


def test_layer_normalization_gives_its_statistics():
    model = onnx_model([node("LayerNormalization", "x g", "y m i")], {"x": (2, 6, 5)}, {"g": random(5, 3)}, outputs=("y", "m", "i"))
    assert [tensor.name for tensor in convert_and_compare(model).outputs] == ["y", "m", "i"]


def test_layer_normalization_of_channels_between_transposes_moves_nothing():
    nodes = [
        node("Conv", "x w", "c"),
        node("Transpose", "c", "t", perm=(0, 2, 3, 1)),
        node("LayerNormalization", "t g b", "n"),
        node("Transpose", "n", "u", perm=(0, 3, 1, 2)),
        node("Conv", "u w", "y"),
    ]
    constants = STATISTICS | {"w": random((6, 6, 1, 1), 5)}
    assert "TRANSPOSE" not in kinds(convert_and_compare(onnx_model(nodes, {"x": (1, 6, 5, 7)}, constants)))


@pytest.mark.parametrize("shape", [*SHAPES, (2, 6)])
@pytest.mark.parametrize(("opset", "size"), [(18, 3), (21, 6), (22, 6)])
def test_group_normalization_of_both_kinds(shape, opset, size):
    constants = {"g": random(size, 3), "b": random(size, 4)}
    model = onnx_model([node("GroupNormalization", "x g b", "y", num_groups=3)], {"x": shape}, constants, opset=opset)
    assert kinds(convert_and_compare(model)) == COMPUTED | {"RESHAPE": 2}


def test_group_normalization_between_convolutions_moves_nothing():
    nodes = [node("Conv", "x w", "c"), node("GroupNormalization", "c g b", "n", num_groups=2), node("Conv", "n w", "y")]
    model = onnx_model(nodes, {"x": (1, 6, 5, 7)}, STATISTICS | {"w": random((6, 6, 1, 1), 5)}, opset=21)
    assert "TRANSPOSE" not in kinds(convert_and_compare(model))


@pytest.mark.parametrize("shape", SHAPES)
def test_rms_normalization(shape):
    model = onnx_model([node("RMSNormalization", "x g", "y")], {"x": shape}, {"g": random(shape[-1], 3)}, opset=23)
    assert kinds(convert_and_compare(model)) == {"MUL": 3, "MEAN": 1, "ADD": 1, "RSQRT": 1}


@pytest.mark.parametrize("attributes", [{}, {"axes": (2, 3)}, {"axes": (1,)}])
def test_mean_variance_normalization(attributes):
    model = onnx_model([node("MeanVarianceNormalization", "x", "y", **attributes)], {"x": (2, 6, 5, 7)})
    # The oracle takes the mean of squares minus the squared mean, which cancels.
    assert kinds(convert_and_compare(model, tolerance=1e-4)) == {"MEAN": 2, "SUB": 1, "MUL": 2, "ADD": 1, "RSQRT": 1}


@pytest.mark.parametrize("op", ["InstanceNormalization", "GroupNormalization", "LayerNormalization"])
def test_a_large_mean_does_not_drown_the_variance(op):
    """In float32, 1000² has no digits left for a variance of 1e-2: the mean must go first."""
    attributes = {"GroupNormalization": {"num_groups": 2}, "LayerNormalization": {"axis": 1}}.get(op, {})
    constants = {"g": np.ones((6, 9, 8) if op == "LayerNormalization" else 6, np.float32)}
    constants["b"] = np.zeros_like(constants["g"])
    model = onnx_model([node(op, "x g b", "y", **attributes)], {"x": (1, 6, 9, 8)}, constants, opset=21)
    image = 1000 + random((1, 6, 9, 8)) / 20
    (found,) = run_tflite(lower(read_onnx(model.SerializeToString()), LoweringChoices()), {"x": image.transpose(0, 2, 3, 1)})
    exact = image.astype(np.float64)
    axes = {"InstanceNormalization": (3,), "GroupNormalization": (2, 3), "LayerNormalization": (1, 2, 3)}[op]
    view = exact.reshape({"InstanceNormalization": (1, 6, 1, 72), "GroupNormalization": (1, 2, 3, 72)}.get(op, exact.shape))
    wanted = ((view - view.mean(axes, keepdims=True)) / np.sqrt(view.var(axes, keepdims=True) + 1e-5)).reshape(exact.shape)
    np.testing.assert_allclose(found.transpose(0, 3, 1, 2), wanted, atol=0.02)


@pytest.mark.parametrize("size", [1, 3, 5, 2, 4])
@pytest.mark.parametrize(("beta", "last"), [(0.5, "RSQRT"), (0.75, "SQRT"), (1.0, "RSQRT"), (0.6, "POW")])
def test_lrn(size, beta, last):
    model = onnx_model([node("LRN", "x", "y", size=size, beta=beta, alpha=0.3, bias=1.5)], {"x": (1, 6, 5, 7)})
    lowered = lower(read_onnx(model.SerializeToString()), LoweringChoices())
    image = random((1, 6, 5, 7))
    # onnxruntime knows odd sizes only, and onnx's reference implementation sums for the first channel alone.
    squares = np.pad(image.astype(np.float64) ** 2, ((0, 0), ((size - 1) // 2, size // 2), (0, 0), (0, 0)))
    sums = sum(squares[:, start : start + 6] for start in range(size))
    wanted = run_onnx(model, {"x": image})[0] if size % 2 else image / (1.5 + 0.3 / size * sums) ** beta
    (found,) = run_tflite(lowered, {"x": image.transpose(0, 2, 3, 1)})
    np.testing.assert_allclose(found.transpose(0, 3, 1, 2), wanted, rtol=1e-5, atol=1e-6)
    assert last in kinds(lowered)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize(("shape", "axis"), [((2, 6), 0), ((2, 6), -1), ((2, 6, 5), 1), ((1, 6, 5, 7), 1), ((1, 6, 5, 7), 3), ((1, 6, 5, 7), -2)])
def test_lp_normalization(shape, axis, p):
    found = kinds(convert_and_compare(onnx_model([node("LpNormalization", "x", "y", axis=axis, p=p)], {"x": shape})))
    along_memory = (len(shape) != 4 and axis in {-1, len(shape) - 1}) or (len(shape) == 4 and axis == 1)
    assert ("L2_NORMALIZATION" in found) == (p == 2 and along_memory)


@pytest.mark.parametrize(("p", "axis"), [(1, 1), (2, 1), (2, 2)])
def test_lp_normalization_of_zeros_is_zero(p, axis):
    model = onnx_model([node("LpNormalization", "x", "y", axis=axis, p=p)], {"x": (1, 6, 5, 7)})
    (found,) = run_tflite(lower(read_onnx(model.SerializeToString()), LoweringChoices()), {"x": np.zeros((1, 5, 7, 6), np.float32)})
    assert not found.any()
