"""GridSample against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_cases import kinds, node, onnx_model, random, run_onnx, run_tflite

from redmobile.convert.onnx_to_tflite import lower
from redmobile.core.converter import LoweringChoices
from redmobile.errors import UnsupportedModelError
from redmobile.graph.onnx_graph import read_onnx


def compare(model, image, grid):
    lowered = lower(read_onnx(model.SerializeToString()), LoweringChoices())
    (wanted,) = run_onnx(model, {"x": image, "g": grid})
    # The grid is an outer value of rank 4, which lies as an image.
    (found,) = run_tflite(lowered, {"x": image.transpose(0, 2, 3, 1), "g": grid.transpose(0, 2, 3, 1)})
    np.testing.assert_allclose(found.transpose(0, 3, 1, 2), wanted, rtol=1e-4, atol=1e-4)
    return kinds(lowered)


@pytest.mark.parametrize("mode", ["linear", "nearest", "cubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("aligned", [0, 1])
def test_all_modes_and_paddings_inside_and_far_outside(mode, padding, aligned):
    model = onnx_model(
        [node("GridSample", "x g", "y", mode=mode, padding_mode=padding, align_corners=aligned)], {"x": (2, 5, 6, 7), "g": (2, 8, 9, 2)}, opset=20
    )
    found = compare(model, random((2, 5, 6, 7)), random((2, 8, 9, 2), 1))  # a grid of [-2, 2)
    assert found["GATHER"] == {"linear": 4, "nearest": 1, "cubic": 16}[mode]


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_names_of_opset_16(mode):
    model = onnx_model([node("GridSample", "x g", "y", mode=mode)], {"x": (1, 5, 6, 7), "g": (1, 8, 9, 2)}, opset=16)
    compare(model, random((1, 5, 6, 7)), random((1, 8, 9, 2), 1) / 2)


def test_the_identity_grid_gives_the_picture():
    across, down = np.meshgrid(np.linspace(-1, 1, 7), np.linspace(-1, 1, 6))
    grid = np.stack([across, down], axis=-1)[None].astype(np.float32)
    model = onnx_model([node("GridSample", "x g", "y", align_corners=1)], {"x": (1, 5, 6, 7), "g": (1, 6, 7, 2)}, opset=20)
    image = random((1, 5, 6, 7))
    (found,) = run_tflite(
        lower(read_onnx(model.SerializeToString()), LoweringChoices()), {"x": image.transpose(0, 2, 3, 1), "g": grid.transpose(0, 2, 3, 1)}
    )
    np.testing.assert_allclose(found.transpose(0, 3, 1, 2), image, atol=1e-5)


@pytest.mark.parametrize(
    ("inputs", "attributes", "reason"),
    [
        ({"x": (1, 2, 5, 6, 7), "g": (1, 3, 4, 5, 3)}, {}, "only images"),
        ({"x": (1, 2, 5, 6), "g": (1, 3, 4, 2)}, {"mode": "lanczos"}, "mode 'lanczos' with"),
        ({"x": (1, 2, 5, 6), "g": (1, 3, 4, 2)}, {"padding_mode": "wrap"}, "padding_mode 'wrap'"),
    ],
)
def test_refusals_say_why(inputs, attributes, reason):
    model = onnx_model([node("GridSample", "x g", "y", **attributes)], inputs, opset=20)
    with pytest.raises(UnsupportedModelError, match=reason):
        lower(read_onnx(model.SerializeToString()), LoweringChoices())
