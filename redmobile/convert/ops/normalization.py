"""BatchNormalization (where no convolution takes it in), Instance-, Layer-, Group-, RMSNormalization, MeanVarianceNormalization.

Statistics that are computed: the mean first, then the mean of the squared differences, which float32 holds where the mean of squares
minus the squared mean would cancel. MEAN, SUB, MUL and ADD stay inside XNNPACK in INT8 too; RSQRT, on one value a channel, does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from redmobile.convert.images import NLC, SIGNAL_RANK
from redmobile.convert.lowering import Lowering, Refusal, lowers, scalar
from redmobile.graph.layout import IMAGE_RANK, NHWC, Order, plain
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_CHANNELS_LAST = {SIGNAL_RANK: NLC, IMAGE_RANK: NHWC}
_PLAIN = {"fused_activation_function": "NONE"}


@lowers("BatchNormalization")
def batch_normalization(node: OnnxNode, out: Lowering) -> None:
    """`y = (x - mean) · gamma / sqrt(variance + epsilon) + beta`   ->   MUL and ADD with one value a channel. x: (N, C, …)."""
    if node.attributes.get("training_mode", 0):
        raise Refusal("it is in training mode; export the model for inference")
    gamma, beta, mean, variance = (out.constant(name, "statistics").astype(np.float64) for name in node.inputs[1:])
    scale = gamma / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    data, order, name = out.tensor(node.inputs[0]), out.order(node.inputs[0]), node.outputs[0]
    shape = _along_channels(order, len(scale))
    scale_constant = Tensor.constant(f"{name}/scale", scale.astype(np.float32).reshape(shape))
    shift_constant = Tensor.constant(f"{name}/shift", (beta - mean * scale).astype(np.float32).reshape(shape))
    out.alias(name, _binary(out, "ADD", _binary(out, "MUL", data, scale_constant, f"{name}/scaled"), shift_constant, name), order)


@lowers("InstanceNormalization")
def instance_normalization(node: OnnxNode, out: Lowering) -> None:
    """`y = gamma · (x - m) / sqrt(v + epsilon) + beta`, m and v of each channel of a picture   ->   as `_standardized` and `_affine` say.

    x: (N, C, …); gamma, beta: (C,).
    """
    source, name = node.inputs[0], node.outputs[0]
    order, data = out.order(source), out.tensor(source)
    axes = sorted(order.index(axis) for axis in range(2, len(order)))
    centred, inverse, _ = _standardized(out, data, axes, node.attributes.get("epsilon", 1e-5), name)
    gamma, beta = (_channelwise(out, constant, order) for constant in node.inputs[1:3])
    out.alias(name, _affine(out, centred, inverse, gamma, beta, name), order)


@lowers("LayerNormalization")
def layer_normalization(node: OnnxNode, out: Lowering) -> None:
    """`y = gamma · (x - m) / sqrt(v + epsilon) + beta`, m and v over `axis` and all behind it   ->   as `_standardized` and `_affine` say.

    The second and third output, if asked for: m and 1 / sqrt(v + epsilon).
    """
    source, name = node.inputs[0], node.outputs[0]
    order, axes = out.order(source), _axes_from(node, out)
    centred, inverse, mean = _standardized(out, out.tensor(source), axes, node.attributes.get("epsilon", 1e-5), name)
    gamma, beta = (_operand(out, node, position, order) for position in (1, 2))
    out.alias(name, _affine(out, centred, inverse, gamma, beta, name), order)
    for output, statistic in zip(node.outputs[1:], (mean, inverse), strict=False):
        if output:
            out.alias(output, statistic, order)


@lowers("RMSNormalization")
def rms_normalization(node: OnnxNode, out: Lowering) -> None:
    """`y = gamma · x / sqrt(q + epsilon)`, q the mean of squares over `axis` and all behind it   ->   MUL, MEAN, ADD, RSQRT, MUL, MUL."""
    source, name = node.inputs[0], node.outputs[0]
    order, data = out.order(source), out.tensor(source)
    inverse = _inverse_deviation(out, data, _axes_from(node, out), node.attributes.get("epsilon", 1e-5), name)
    out.alias(name, _affine(out, data, inverse, _operand(out, node, 1, order), None, name), order)


@lowers("GroupNormalization")
def group_normalization(node: OnnxNode, out: Lowering) -> None:
    """`y = gamma · (x - m) / sqrt(v + epsilon) + beta`, m and v of each group of channels   ->   as `_standardized` and `_affine` say.

    x: (N, C, …); gamma, beta: (C,), in opset 18 (groups,). What lies with its channels last is viewed as
    (N, positions, groups, C / groups), all else as (N, groups, C / groups, positions).
    """
    source, name, groups = node.inputs[0], node.outputs[0], node.attributes["num_groups"]
    batch, channels, *sizes = out.shape(source)
    last = out.order(source) == _CHANNELS_LAST.get(len(sizes) + 2)
    order = out.order(source) if last else plain(len(sizes) + 2)
    data, positions = out.tensor(source, order), math.prod(sizes)
    split = (groups, channels // groups)
    shape, axes = ((batch, positions, *split), [1, 3]) if last else ((batch, *split, positions), [2, 3])
    view = out.reshape(data, shape, f"{name}/groups")
    centred, inverse, _ = _standardized(out, view, axes, node.attributes.get("epsilon", 1e-5), name)
    gamma, beta = (_grouped(out, constant, split, last=last) for constant in node.inputs[1:3])
    out.alias(name, out.reshape(_affine(out, centred, inverse, gamma, beta, f"{name}/normalized"), data.shape, name), order)


@lowers("MeanVarianceNormalization")
def mean_variance_normalization(node: OnnxNode, out: Lowering) -> None:
    """`y = (x - m) / (sqrt(v) + 1e-9)`, m and v over `axes`   ->   as `_standardized` says, and MUL.

    The 1e-9, which only matters for v = 0, is added under the root.
    """
    source, name = node.inputs[0], node.outputs[0]
    axes = sorted(out.axis(source, axis) for axis in node.attributes.get("axes", [0, 2, 3]))
    centred, inverse, _ = _standardized(out, out.tensor(source), axes, 1e-18, name)
    out.alias(name, _affine(out, centred, inverse, None, None, name), out.order(source))


def _standardized(out: Lowering, data: Tensor, axes: list[int], epsilon: float, name: str) -> tuple[Tensor, Tensor, Tensor]:
    """(data - mean, 1 / sqrt(variance + epsilon), mean) over memory axes, which stay with size 1: MEAN, SUB, MUL, MEAN, ADD, RSQRT."""
    mean = _mean(out, data, axes, f"{name}/mean")
    centred = _binary(out, "SUB", data, mean, f"{name}/centred")
    return centred, _inverse_deviation(out, centred, axes, epsilon, name), mean


def _inverse_deviation(out: Lowering, data: Tensor, axes: list[int], epsilon: float, name: str) -> Tensor:
    """1 / sqrt(mean of squares + epsilon)."""
    variance = _mean(out, _binary(out, "MUL", data, data, f"{name}/squares"), axes, f"{name}/variance")
    raised = _binary(out, "ADD", variance, scalar(f"{name}/epsilon", epsilon), f"{name}/raised")
    return out.emit("RSQRT", [raised], f"{name}/inverse", raised.shape)


def _affine(out: Lowering, data: Tensor, inverse: Tensor, gamma: Tensor | None, beta: Tensor | None, name: str) -> Tensor:
    """`data · inverse · gamma + beta`: MUL, MUL, ADD; gamma is first joined with the inverse where that is the smaller work."""
    if gamma is not None and math.prod(np.broadcast_shapes(inverse.shape, gamma.shape)) < math.prod(data.shape):
        inverse, gamma = _binary(out, "MUL", inverse, gamma, f"{name}/gain"), None
    steps = [("MUL", operand) for operand in (inverse, gamma) if operand is not None] + [("ADD", operand) for operand in (beta,) if operand]
    for index, (kind, operand) in enumerate(steps):
        data = _binary(out, kind, data, operand, name if index == len(steps) - 1 else f"{name}/step{index}")
    return data


def _binary(out: Lowering, kind: str, first: Tensor, second: Tensor, name: str) -> Tensor:
    return out.emit(kind, [first, second], name, np.broadcast_shapes(first.shape, second.shape), dict(_PLAIN))


def _mean(out: Lowering, data: Tensor, axes: list[int], name: str) -> Tensor:
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(data.shape))
    return out.emit("MEAN", [data, Tensor.constant(f"{name}/axes", np.array(axes, np.int32))], name, shape, {"keep_dims": True})


def _axes_from(node: OnnxNode, out: Lowering) -> list[int]:
    """Memory axes of the ONNX axes from the attribute `axis` on."""
    source = node.inputs[0]
    rank = len(out.shape(source))
    return sorted(out.axis(source, axis) for axis in range(node.attributes.get("axis", -1) % rank, rank))


def _operand(out: Lowering, node: OnnxNode, position: int, order: Order) -> Tensor | None:
    """The optional input at `position`, broadcast from behind; None if it is absent."""
    if position >= len(node.inputs) or not node.inputs[position]:
        return None
    return out.broadcast(node.inputs[position], order)


def _along_channels(order: Order, channels: int) -> tuple[int, ...]:
    return tuple(channels if axis == 1 else 1 for axis in order)


def _channelwise(out: Lowering, name: str, order: Order) -> Tensor:
    """The value `name`, (C,), as an operand of a tensor (N, C, …) that lies in `order`."""
    return _viewed(out, name, _along_channels(order, *out.shape(name)))


def _grouped(out: Lowering, name: str, split: tuple[int, int], *, last: bool) -> Tensor:
    """The value `name`, one a channel or one a group, as an operand of the view in groups."""
    per_group = (split[0], 1) if out.shape(name) == split[:1] else split
    return _viewed(out, name, (1, 1, *per_group) if last else (1, *per_group, 1))


def _viewed(out: Lowering, name: str, shape: Sequence[int]) -> Tensor:
    if out.is_constant(name):
        return Tensor.constant(name, out.constant(name, "scale or shift").reshape(shape))
    return out.reshape(out.tensor(name, plain(1)), tuple(shape), f"{name}/view")
