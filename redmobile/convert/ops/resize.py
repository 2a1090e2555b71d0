"""Resize; Upsample, and Resize before opset 11, have become one when a file is read (graph/onnx_opset)."""

from __future__ import annotations

import numpy as np

from redmobile.convert.images import SIGNAL_RANK, define_image, image_of
from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.convert.matrices import multiply_axes
from redmobile.convert.resampling import Axis, Matrix, Sampling, chosen, matrix_of
from redmobile.convert.taking import Indices, is_regular
from redmobile.graph.layout import IMAGE_RANK
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_MODES = ("nearest", "linear", "cubic")

_FLAGS = {
    "half_pixel": {"align_corners": False, "half_pixel_centers": True},
    "align_corners": {"align_corners": True, "half_pixel_centers": False},
    "asymmetric": {"align_corners": False, "half_pixel_centers": False},
}
"""What TFLite's two resizes know, by ONNX's name of the coordinates."""

_MEMORY_AXES = {SIGNAL_RANK: (0, 3, 2), IMAGE_RANK: (0, 3, 1, 2)}
"""Where the ONNX axes of a signal or an image lie in (N, H, W, C)."""

_SIZES_AT, _SCALES_AT = 3, 2


@lowers("Resize")
def resize(node: OnnxNode, out: Lowering) -> None:
    """`y = x sampled at other positions`   ->   what the positions turn out to need.

    Along each axis a Resize is a matrix; where a matrix is what TFLite's operator computes, the operator is taken, and else whatever
    computes the matrix. So every mode, coordinate transformation and rounding goes through, scales and sizes alike:
    linear as RESIZE_BILINEAR knows it: that. Nearest by a whole factor: as LoweringChoices.resize_nearest says; otherwise
    RESIZE_NEAREST_NEIGHBOR, or slices. The rest (cubic, linear with other positions, antialias): depthwise convolutions for each phase
    of a constant ratio, else matrix products. Any rank; roi, scales and sizes constant.
    """
    sampling, axes = _sampling(node), _axes(node, out)
    name = node.outputs[0]
    memory = _MEMORY_AXES.get(len(axes))
    data = image_of(out, node.inputs[0]) if memory else out.tensor(node.inputs[0])
    places = memory or tuple(out.axis(node.inputs[0], axis) for axis in range(len(axes)))
    matrices = {place: matrix_of(axis, sampling) for place, axis in zip(places, axes, strict=True)}
    matrices = {place: matrix for place, matrix in matrices.items() if not _is_identity(matrix)}
    result = _by_operator(out, data, matrices, sampling, name) or multiply_axes(out, data, matrices, name)
    if sampling.coordinates == "tf_crop_and_resize":
        result = _extrapolated(out, result, matrices, node.attributes.get("extrapolation_value", 0.0), name)
    if memory:
        define_image(out, name, result)
    else:
        out.alias(name, result, out.order(node.inputs[0]))


def _by_operator(out: Lowering, data: Tensor, matrices: dict[int, Matrix], sampling: Sampling, name: str) -> Tensor | None:
    """RESIZE_BILINEAR or RESIZE_NEAREST_NEIGHBOR, if one computes these matrices and is wanted."""
    if len(data.shape) != IMAGE_RANK or not matrices or not matrices.keys() <= {1, 2} or sampling.mode == "cubic":
        return None
    size = tuple(len(matrices[place]) if place in matrices else data.shape[place] for place in (1, 2))
    picked = {place: chosen(matrix) for place, matrix in matrices.items()}
    if sampling.mode == "nearest":
        kind, kernel = "RESIZE_NEAREST_NEIGHBOR", _tflite_nearest
        regular = all(indices is not None and is_regular(data.shape[place], indices) for place, indices in picked.items())
        if regular:
            out.explain(f"{name}: nearest resize by a whole factor as {out.choices.resize_nearest}")
        if regular and out.choices.resize_nearest == "tile":
            return None
    else:
        kind, kernel = "RESIZE_BILINEAR", _tflite_linear
    for coordinates, flags in _FLAGS.items():
        if all(np.allclose(kernel(matrix.shape[1], len(matrix), coordinates), matrix, atol=1e-5) for matrix in matrices.values()):
            constant = Tensor.constant(f"{name}/size", np.array(size, np.int32))
            return out.emit(kind, [data, constant], name, (data.shape[0], *size, data.shape[3]), dict(flags))
    return None


def _tflite_linear(size: int, result: int, coordinates: str) -> Matrix:
    return matrix_of(Axis(size, result, result / size), Sampling("linear", coordinates))


def _tflite_nearest(size: int, result: int, coordinates: str) -> Matrix:
    """Source: TensorFlow Lite's reference kernel resize_nearest_neighbor.h (GetNearestNeighbor)."""
    aligned = coordinates == "align_corners" and result > 1
    scale = np.float32(size - 1) / np.float32(result - 1) if aligned else np.float32(size) / np.float32(result)
    positions = (np.arange(result, dtype=np.float32) + np.float32(coordinates == "half_pixel") / 2) * scale
    indices: Indices = np.clip(np.floor(positions + 0.5) if coordinates == "align_corners" else np.floor(positions), 0, size - 1).astype(np.intp)
    return np.eye(size)[indices]


def _extrapolated(out: Lowering, data: Tensor, matrices: dict[int, Matrix], value: float, name: str) -> Tensor:
    """`data` plus `value` at the positions outside of the input, which are zero so far."""
    outside = np.zeros((1,) * len(data.shape), bool)
    for place, matrix in matrices.items():
        shape = [1] * len(data.shape)
        shape[place] = len(matrix)
        outside = outside | ~matrix.any(axis=1).reshape(shape)
    if not value or not outside.any():
        return data
    added = Tensor.constant(f"{name}/outside", (outside * value).astype(np.float32))
    return out.emit("ADD", [data, added], name, data.shape, {"fused_activation_function": "NONE"})


def _is_identity(matrix: Matrix) -> bool:
    return matrix.shape[0] == matrix.shape[1] and np.allclose(matrix, np.eye(len(matrix)), atol=1e-6)


def _sampling(node: OnnxNode) -> Sampling:
    mode, attributes = node.attributes.get("mode", "nearest"), node.attributes
    if mode not in _MODES:
        raise Refusal(f"mode '{mode}' is not known; {', '.join(_MODES)} are")
    return Sampling(
        mode,
        coordinates=attributes.get("coordinate_transformation_mode", "half_pixel"),
        rounding=attributes.get("nearest_mode", "round_prefer_floor"),
        cubic_a=attributes.get("cubic_coeff_a", -0.75),
        drops_outside=bool(attributes.get("exclude_outside", 0)),
        antialias=bool(attributes.get("antialias", 0)) and mode != "nearest",
    )


def _axes(node: OnnxNode, out: Lowering) -> list[Axis]:
    source, target = out.shape(node.inputs[0]), out.shape(node.outputs[0])
    rank = len(source)
    named = [axis % rank for axis in node.attributes.get("axes", range(rank))]
    scales = out.parameter(node, "scales", _SCALES_AT)
    if not scales:
        scales = _scales_of_sizes(node, out, [source[axis] for axis in named])
    roi = out.parameter(node, "roi", 1) if node.attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize" else None
    roi = roi or [0.0] * len(named) + [1.0] * len(named)
    if len(scales) != len(named) or len(roi) != 2 * len(named):
        raise Refusal(f"scales {scales} and roi {roi} for axes {named}: expected one scale and two bounds an axis")
    found = {axis: (scale, (roi[index], roi[index + len(named)])) for index, (axis, scale) in enumerate(zip(named, scales, strict=True))}
    return [Axis(source[axis], target[axis], *found.get(axis, (1.0, (0.0, 1.0)))) for axis in range(rank)]


def _scales_of_sizes(node: OnnxNode, out: Lowering, sizes: list[int]) -> list[float]:
    wanted = out.parameter(node, "sizes", _SIZES_AT)
    if not wanted or len(wanted) != len(sizes):
        raise Refusal(f"it has neither scales nor sizes for its {len(sizes)} axes")
    ratios = [result / size for result, size in zip(wanted, sizes, strict=True)]
    policy = node.attributes.get("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return ratios
    return [min(ratios) if policy == "not_larger" else max(ratios)] * len(ratios)
