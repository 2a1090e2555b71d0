"""Gather, GatherElements, GatherND: values picked by their positions."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from redmobile.convert.lowering import Lowering, Refusal, lowers, scalar
from redmobile.graph.layout import Order, plain, stored
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

Index = NDArray[np.int32]

_NEVER_NEGATIVE = frozenset({"ArgMax", "ArgMin", "TopK", "NonZero"})
"""Operators whose outputs are positions counted from the start."""


@lowers("Gather")
def gather(node: OnnxNode, out: Lowering) -> None:
    """`y[…, i, …] = x[…, index[i], …] along an axis`   ->   GATHER; STRIDED_SLICE where the index is constant and ascends in even steps."""
    source, index = node.inputs
    size = out.shape(source)[node.attributes.get("axis", 0)]
    axis = node.attributes.get("axis", 0) % len(out.shape(source))
    if out.is_constant(index):
        _pick(node, out, axis, _from_start(out.constant(index, "index"), size))
        return
    lookup = _counted_from_start(out, index, scalar(f"{index}/size", size, out.dtype(index)))
    _gather(node, out, axis, lookup, out.order(index))


@lowers("GatherElements")
def gather_elements(node: OnnxNode, out: Lowering) -> None:
    """`y[i, j] = x[index[i, j], j], along an axis`   ->   GATHER of the flattened x at index · stride + offset of the other coordinates."""
    source, index = node.inputs
    shape, name = out.shape(source), node.outputs[0]
    axis, order = node.attributes.get("axis", 0) % len(shape), out.order(source)
    flat = out.reshape(out.tensor(source), (math.prod(shape),), f"{name}/flat")
    strides = _strides(shape, order)
    others = _offsets(out.shape(index), strides, without=axis).transpose(order)
    if out.is_constant(index):
        along = _from_start(out.constant(index, "index"), shape[axis]).transpose(order)
        positions = Tensor.constant(f"{name}/positions", (along * strides[axis] + others).astype(np.int32))
    else:
        given = out.tensor(index, order)
        positive = _floor_mod(out, given, scalar(f"{name}/size", shape[axis], given.dtype), f"{name}/index")
        positions = _linear(out, positive, strides[axis], others, name)
    out.define(name, "GATHER", [flat, positions], {"axis": 0}, order=order)


@lowers("GatherND")
def gather_nd(node: OnnxNode, out: Lowering) -> None:
    """`y[i] = x[index[i, 0], index[i, 1], …]`   ->   GATHER_ND. Leading batch axes become further positions of the index."""
    source, index = node.inputs
    shape, name = out.shape(source), node.outputs[0]
    batch, depth = node.attributes.get("batch_dims", 0), out.shape(index)[-1]
    sizes = np.array(shape[batch : batch + depth], np.int64)
    where = np.stack(list(np.indices(out.shape(index)[:-1])[:batch]), -1).astype(np.int32) if batch else None
    if out.is_constant(index):
        values = _from_start(out.constant(index, "index"), sizes)
        constant = values if where is None else np.concatenate([where, values], -1)
        lookup = Tensor.constant(f"{name}/index", constant.astype(np.int32))
    else:
        lookup = out.tensor(index, plain(len(out.shape(index))))
        lookup = _floor_mod(out, lookup, Tensor.constant(f"{name}/sizes", sizes.astype(lookup.dtype)), f"{name}/index")
        if where is not None:
            joined = (*lookup.shape[:-1], batch + depth)
            options = {"axis": len(joined) - 1, "fused_activation_function": "NONE"}
            leading = Tensor.constant(f"{name}/batch", where.astype(lookup.dtype))
            lookup = out.emit("CONCATENATION", [leading, lookup], f"{name}/joined", joined, options)
    data = out.tensor(source, plain(len(shape)))
    out.define(name, "GATHER_ND", [data, lookup], order=plain(len(out.shape(name))))


def _pick(node: OnnxNode, out: Lowering, axis: int, index: Index) -> None:
    """Constant positions along one ONNX axis."""
    source, name = node.inputs[0], node.outputs[0]
    steps = np.unique(np.diff(index.reshape(-1)))
    if index.ndim > 1 or not index.size or steps.size > 1 or (steps.size and steps[0] < 1):
        _gather(node, out, axis, Tensor.constant(f"{name}/index", index), plain(index.ndim))
        return
    positions = index.reshape(-1)
    cut = slice(int(positions[0]), int(positions[-1]) + 1, int(steps[0]) if steps.size else 1)
    tensor = out.strided_slice(out.tensor(source), {out.axis(source, axis): cut}, name if index.ndim else f"{name}/kept")
    order = _order(out.order(source), axis, plain(index.ndim))
    out.alias(name, out.reshape(tensor, stored(out.shape(name), order), name), order)


def _gather(node: OnnxNode, out: Lowering, axis: int, index: Tensor, index_order: Order) -> None:
    source = node.inputs[0]
    options = {"axis": out.axis(source, axis), "batch_dims": 0}
    out.define(node.outputs[0], "GATHER", [out.tensor(source), index], options, order=_order(out.order(source), axis, index_order))


def _order(order: Order, axis: int, index_order: Order) -> Order:
    """The order in which GATHER leaves a value: the index's axes stand where the picked axis stood."""
    found: list[int] = []
    for old in order:
        if old == axis:
            found += [axis + new for new in index_order]
        else:
            found.append(old if old < axis else old - 1 + len(index_order))
    return tuple(found)


def _from_start(index: NDArray[np.integer], size: int | NDArray[np.integer]) -> Index:
    """Positions of which negative ones count from the end. Refuses what lies outside."""
    if index.dtype.kind not in "iu":
        raise Refusal(f"its constant index is {index.dtype}; whole numbers are expected")
    if ((index < -np.asarray(size)) | (index >= size)).any():
        raise Refusal("its constant index reaches outside")
    return np.where(index < 0, index + size, index).astype(np.int32)


def _counted_from_start(out: Lowering, name: str, size: Tensor) -> Tensor:
    producer = out.graph.producer(name)
    if producer is not None and producer.op in _NEVER_NEGATIVE:
        return out.tensor(name)
    return _floor_mod(out, out.tensor(name), size, f"{name}/from_start")


def _floor_mod(out: Lowering, index: Tensor, size: Tensor, name: str) -> Tensor:
    return out.emit("FLOOR_MOD", [index, size], name, index.shape)


def _strides(shape: tuple[int, ...], order: Order) -> tuple[int, ...]:
    """For each ONNX axis, how far apart its neighbours lie in memory."""
    found, step = [0] * len(shape), 1
    for axis in reversed(order):
        found[axis], step = step, step * shape[axis]
    return tuple(found)


def _offsets(shape: tuple[int, ...], strides: tuple[int, ...], *, without: int) -> NDArray[np.int64]:
    """For each position of `shape`, the sum of coordinate · stride over all axes but one."""
    return np.asarray(sum(grid * (0 if axis == without else strides[axis]) for axis, grid in enumerate(np.indices(shape))), np.int64)


def _linear(out: Lowering, index: Tensor, stride: int, offsets: NDArray[np.int64], name: str) -> Tensor:
    """The sums index · stride + offsets."""
    options = {"fused_activation_function": "NONE"}
    scaled = out.emit("MUL", [index, scalar(f"{name}/stride", stride, index.dtype)], f"{name}/scaled", index.shape, dict(options))
    return out.emit("ADD", [scaled, Tensor.constant(f"{name}/offsets", offsets.astype(index.dtype))], f"{name}/positions", index.shape, options)
