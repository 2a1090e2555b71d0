"""Sums, means, extremes, products and norms over axes."""

from __future__ import annotations

import dataclasses

import numpy as np

from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.graph.layout import Order, after_reduction
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_NONE = {"fused_activation_function": "NONE"}
_EXTREMES_OF_TRUTH = {"REDUCE_MAX": "REDUCE_ANY", "REDUCE_MIN": "REDUCE_ALL"}


@lowers("ReduceMean")
def reduce_mean(node: OnnxNode, out: Lowering) -> None:
    """`y = mean of x over axes`   ->   MEAN."""
    _plain(node, out, "MEAN")


@lowers("ReduceSum")
def reduce_sum(node: OnnxNode, out: Lowering) -> None:
    """`y = sum of x over axes`   ->   SUM."""
    _plain(node, out, "SUM")


@lowers("ReduceMax")
def reduce_max(node: OnnxNode, out: Lowering) -> None:
    """`y = maximum of x over axes`   ->   REDUCE_MAX; REDUCE_ANY for bool."""
    _plain(node, out, "REDUCE_MAX")


@lowers("ReduceMin")
def reduce_min(node: OnnxNode, out: Lowering) -> None:
    """`y = minimum of x over axes`   ->   REDUCE_MIN; REDUCE_ALL for bool."""
    _plain(node, out, "REDUCE_MIN")


@lowers("ReduceProd")
def reduce_prod(node: OnnxNode, out: Lowering) -> None:
    """`y = product of x over axes`   ->   REDUCE_PROD."""
    _plain(node, out, "REDUCE_PROD")


@lowers("ReduceL1")
def reduce_l1(node: OnnxNode, out: Lowering) -> None:
    """`y = Σ |x| over axes`   ->   ABS, SUM."""
    reduction = _Reduction.of(node, out)
    _finish(node, out, reduction, reduction.run("SUM", _unary(out, "ABS", reduction.source, f"{node.outputs[0]}/abs")))


@lowers("ReduceL2")
def reduce_l2(node: OnnxNode, out: Lowering) -> None:
    """`y = √ Σ x² over axes`   ->   MUL, SUM, SQRT."""
    reduction = _Reduction.of(node, out)
    total = reduction.run("SUM", _square(out, reduction.source, node.outputs[0]))
    _finish(node, out, reduction, _unary(out, "SQRT", total, f"{node.outputs[0]}/root"))


@lowers("ReduceSumSquare")
def reduce_sum_square(node: OnnxNode, out: Lowering) -> None:
    """`y = Σ x² over axes`   ->   MUL, SUM."""
    reduction = _Reduction.of(node, out)
    _finish(node, out, reduction, reduction.run("SUM", _square(out, reduction.source, node.outputs[0])))


@lowers("ReduceLogSum")
def reduce_log_sum(node: OnnxNode, out: Lowering) -> None:
    """`y = log Σ x over axes`   ->   SUM, LOG."""
    reduction = _Reduction.of(node, out)
    _finish(node, out, reduction, _unary(out, "LOG", reduction.run("SUM", reduction.source), f"{node.outputs[0]}/log"))


@lowers("ReduceLogSumExp")
def reduce_log_sum_exp(node: OnnxNode, out: Lowering) -> None:
    """`y = log Σ eˣ over axes`   ->   m + LOG SUM EXP (x - m) with m = REDUCE_MAX, so that nothing overflows."""
    reduction, name = _Reduction.of(node, out), node.outputs[0]
    if not reduction.axes:
        _finish(node, out, reduction, reduction.source)
        return
    source = reduction.source
    highest = reduction.run("REDUCE_MAX", source, keeps=True)
    shifted = out.emit("SUB", [source, highest], f"{name}/shifted", source.shape, dict(_NONE))
    total = reduction.run("SUM", _unary(out, "EXP", shifted, f"{name}/exp"))
    log = _unary(out, "LOG", total, f"{name}/log")
    highest = out.reshape(highest, log.shape, f"{name}/highest")
    _finish(node, out, reduction, out.emit("ADD", [log, highest], f"{name}/unshifted", log.shape, dict(_NONE)))


@dataclasses.dataclass(frozen=True)
class _Reduction:
    """What a node reduces. source: its input; axes: those of memory, none if nothing is reduced; order: the output's."""

    out: Lowering
    name: str
    source: Tensor
    axes: tuple[int, ...]
    keeps: bool
    order: Order

    @classmethod
    def of(cls, node: OnnxNode, out: Lowering) -> _Reduction:
        source = node.inputs[0]
        rank = len(out.shape(source))
        given = out.parameter(node, "axes", 1)
        every = [] if node.attributes.get("noop_with_empty_axes", 0) else list(range(rank))
        axes = [axis % rank for axis in given] if given else every
        keeps = bool(node.attributes.get("keepdims", 1))
        order = out.order(source) if keeps else after_reduction(out.order(source), axes)
        memory_axes = tuple(sorted(out.axis(source, axis) for axis in axes))
        return cls(out, node.outputs[0], out.tensor(source), memory_axes, keeps, order)

    def run(self, kind: str, tensor: Tensor, *, keeps: bool | None = None) -> Tensor:
        """The reduction of `tensor`; `tensor` itself if nothing is reduced."""
        if not self.axes:
            return tensor
        keeps = self.keeps if keeps is None else keeps
        shape = tuple(1 if axis in self.axes else size for axis, size in enumerate(tensor.shape) if keeps or axis not in self.axes)
        axes = Tensor.constant(f"{self.name}/axes", np.array(self.axes, np.int32))
        return self.out.emit(kind, [tensor, axes], f"{self.name}/{kind.lower()}", shape, {"keep_dims": keeps}, dtype=tensor.dtype)


def _plain(node: OnnxNode, out: Lowering, kind: str) -> None:
    reduction = _Reduction.of(node, out)
    if reduction.source.dtype == "bool":
        if kind not in _EXTREMES_OF_TRUTH:
            raise Refusal("it reduces truth values, of which there is a maximum and a minimum only")
        kind = _EXTREMES_OF_TRUTH[kind]
    _finish(node, out, reduction, reduction.run(kind, reduction.source))


def _finish(node: OnnxNode, out: Lowering, reduction: _Reduction, tensor: Tensor) -> None:
    """Let `tensor` be the node's output, under its name if it was made for it."""
    if tensor is not reduction.source:
        tensor.name = node.outputs[0]
    out.alias(node.outputs[0], tensor, reduction.order)


def _unary(out: Lowering, kind: str, tensor: Tensor, name: str) -> Tensor:
    return out.emit(kind, [tensor], name, tensor.shape, dtype=tensor.dtype)


def _square(out: Lowering, tensor: Tensor, name: str) -> Tensor:
    return out.emit("MUL", [tensor, tensor], f"{name}/squares", tensor.shape, dict(_NONE), dtype=tensor.dtype)
