"""Resize."""

from __future__ import annotations

import numpy as np

from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.graph.layout import NHWC
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_COORDINATES = {
    "half_pixel": {"align_corners": False, "half_pixel_centers": True},
    "pytorch_half_pixel": {"align_corners": False, "half_pixel_centers": True},
    "align_corners": {"align_corners": True, "half_pixel_centers": False},
    "asymmetric": {"align_corners": False, "half_pixel_centers": False},
}
_ONLY = {"antialias": 0, "exclude_outside": 0, "keep_aspect_ratio_policy": "stretch"}
"""Attributes that have a counterpart in TFLite at their default alone."""


@lowers("Resize")
def resize(node: OnnxNode, out: Lowering) -> None:
    """`y = x at another height and width, bilinear`   ->   RESIZE_BILINEAR.

    x: (N, C, H, W). half_pixel, pytorch_half_pixel, align_corners, asymmetric. Scales must give whole sizes: TFLite knows only sizes.
    """
    mode = node.attributes.get("mode", "nearest")
    if mode != "linear":
        raise Refusal(f"mode '{mode}' is not supported; 'linear' is")
    for attribute, only in _ONLY.items():
        if node.attributes.get(attribute, only) != only:
            raise Refusal(f"{attribute} {node.attributes[attribute]} is not supported")
    source, target = out.shape(node.inputs[0]), out.shape(node.outputs[0])
    options = _COORDINATES.get(_coordinates(node, target))
    if options is None:
        raise Refusal(f"coordinate_transformation_mode '{_coordinates(node, target)}' is not supported; {', '.join(_COORDINATES)} are")
    data = out.image(node.inputs[0])
    if source[:2] != target[:2]:
        raise Refusal("it resizes batch or channels")
    _check_scales(node, out, source, target)
    size = Tensor.constant(f"{node.outputs[0]}/size", np.array(target[2:], np.int32))
    out.define(node.outputs[0], "RESIZE_BILINEAR", [data, size], dict(options), order=NHWC)


def _coordinates(node: OnnxNode, target: tuple[int, ...]) -> str:
    mode: str = node.attributes.get("coordinate_transformation_mode", "half_pixel")
    # The two differ for an output of one pixel only, where PyTorch reads the first input pixel.
    if mode == "pytorch_half_pixel" and 1 in target[2:]:
        raise Refusal("pytorch_half_pixel to a single row or column is not supported")
    return mode


def _check_scales(node: OnnxNode, out: Lowering, source: tuple[int, ...], target: tuple[int, ...]) -> None:
    # Opset 10 has (x, scales); from 11 on (x, roi, scales, sizes).
    position = 2 if out.graph.opset > 10 else 1  # noqa: PLR2004
    scales = out.parameter(node, "scales", position)
    if scales is None:
        return
    for size, scale, result in zip(source, scales, target, strict=True):
        if abs(size * scale - result) > 1e-3:  # noqa: PLR2004  float32 scales of whole ratios
            raise Refusal(f"scale {scale:g} of {size} gives no whole size; TFLite would sample other positions")
