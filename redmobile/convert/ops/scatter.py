"""ScatterND, ScatterElements: a copy in which some positions hold other values.

Both are brought to rows: x as (n, w), for each update the row it goes to, updates as (m, w). Where the rows are constant, what results
is picked from x and the updates laid one after the other, which loses nothing in INT8; where they are computed, SCATTER_ND writes
updates into zeros and a mask says where.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from redmobile.convert.lowering import Lowering, Refusal, lowers, scalar
from redmobile.graph.layout import plain
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_REDUCTIONS = {"add": "ADD", "mul": "MUL", "max": "MAXIMUM", "min": "MINIMUM"}
_FUSING = frozenset({"ADD", "MUL"})
_MOST_ROUNDS = 8
"""How many updates of one row are combined one after the other."""


@lowers("ScatterND")
def scatter_nd(node: OnnxNode, out: Lowering) -> None:
    """`y = x; y[index[i]] = update[i]`   ->   GATHER of x and updates for a constant index, otherwise SCATTER_ND and SELECT_V2.

    reduction add, mul, min, max: combined with what stood there, for a constant index that hits no row more than a few times; add in any
    case.
    """
    source, index, updates = node.inputs
    shape, depth = out.shape(source), out.shape(node.inputs[1])[-1]
    strides = np.array([math.prod(shape[axis + 1 : depth]) for axis in range(depth)], np.int64)
    sizes = np.array(shape[:depth], np.int64)
    if out.is_constant(index):
        rows: NDArray[np.int64] | Tensor = (_from_start(out.constant(index, "index"), sizes) * strides).sum(-1).reshape(-1)
    else:
        given = _flat(out, index, (math.prod(out.shape(index)[:-1]), depth))
        rows = _row_numbers(out, given, sizes, strides, node.outputs[0])
    width = math.prod(shape[depth:])
    _scatter(node, out, _flat(out, source, (math.prod(shape[:depth]), width)), rows, _flat(out, updates, (-1, width)))


@lowers("ScatterElements", "Scatter")
def scatter_elements(node: OnnxNode, out: Lowering) -> None:
    """`y = x; y[index[i, j], j] = update[i, j], along an axis`   ->   as ScatterND, of single values."""
    source, index, updates = node.inputs
    shape = out.shape(source)
    axis = node.attributes.get("axis", 0) % len(shape)
    strides = [math.prod(shape[after + 1 :]) for after in range(len(shape))]
    others = [0 if other == axis else stride for other, stride in enumerate(strides)]
    offsets = np.tensordot(others, np.indices(out.shape(index)), 1).reshape(-1)
    size = np.array([shape[axis]], np.int64)
    if out.is_constant(index):
        along = _from_start(out.constant(index, "index").reshape(-1), size)
        rows: NDArray[np.int64] | Tensor = along * strides[axis] + offsets
    else:
        given = _flat(out, index, (offsets.size, 1))
        rows = _row_numbers(out, given, size, np.array([strides[axis]]), node.outputs[0], offsets.reshape(-1, 1))
    _scatter(node, out, _flat(out, source, (math.prod(shape), 1)), rows, _flat(out, updates, (-1, 1)))


def _scatter(node: OnnxNode, out: Lowering, data: Tensor, rows: NDArray[np.int64] | Tensor, updates: Tensor) -> None:
    """data: (n, w); rows: (m,) constant or (m, 1) computed; updates: (m, w)."""
    reduction, name = node.attributes.get("reduction", "none"), node.outputs[0]
    if isinstance(rows, Tensor):
        result = _write(out, data, rows, updates, reduction, name)
    elif reduction == "none":
        result = _choose(out, data, rows, updates, reduction, name)
    elif len(rounds := _rounds(rows)) <= _MOST_ROUNDS:
        result = data
        for number, places in enumerate(rounds):
            part = _rows_of(out, updates, places, f"{name}/updates{number}")
            result = _choose(out, result, rows[places], part, reduction, f"{name}/round{number}")
    else:
        constant = Tensor.constant(f"{name}/rows", rows.astype(np.int32).reshape(-1, 1))
        result = _write(out, data, constant, updates, reduction, name)
    out.alias(name, out.reshape(result, out.shape(name), name), plain(len(out.shape(name))))


def _rounds(rows: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Places in `rows` in groups of which none has a row twice: where each row comes up first, where it does again, and so on."""
    order = np.argsort(rows, kind="stable")
    earlier = np.empty(rows.size, np.intp)  # how often a place's row came up before it
    earlier[order] = np.arange(rows.size) - np.searchsorted(rows[order], rows[order])
    return [np.flatnonzero(earlier == number) for number in range(int(earlier.max()) + 1)]


def _rows_of(out: Lowering, updates: Tensor, places: NDArray[np.intp], name: str) -> Tensor:
    if places.size == updates.shape[0]:
        return updates
    if updates.data is not None:
        return Tensor.constant(updates.name, updates.data[places])
    index = Tensor.constant(f"{name}/places", places.astype(np.int32))
    return out.emit("GATHER", [updates, index], name, (places.size, updates.shape[1]), {"axis": 0}, dtype=updates.dtype)


def _choose(out: Lowering, data: Tensor, rows: NDArray[np.int64], updates: Tensor, reduction: str, name: str) -> Tensor:
    if reduction != "none":
        kind = _REDUCTIONS[reduction]
        there = Tensor.constant(f"{name}/rows", rows.astype(np.int32))
        current = out.emit("GATHER", [data, there], f"{name}/current", updates.shape, {"axis": 0}, dtype=data.dtype)
        fused = {"fused_activation_function": "NONE"} if kind in _FUSING else {}
        updates = out.emit(kind, [current, updates], f"{name}/combined", updates.shape, fused, dtype=data.dtype)
    count = data.shape[0]
    origin = np.arange(count, dtype=np.int32)
    origin[rows] = count + np.arange(rows.size, dtype=np.int32)  # of several updates for one row, the last one stays
    both = (count + rows.size, data.shape[1])
    options = {"axis": 0, "fused_activation_function": "NONE"}
    joined = out.emit("CONCATENATION", [data, updates], f"{name}/both", both, options, dtype=data.dtype)
    return out.emit("GATHER", [joined, Tensor.constant(f"{name}/origin", origin)], f"{name}/rows", data.shape, {"axis": 0}, dtype=data.dtype)


def _write(out: Lowering, data: Tensor, rows: Tensor, updates: Tensor, reduction: str, name: str) -> Tensor:
    if reduction not in {"none", "add"}:
        raise Refusal(
            f"reduction '{reduction}' over an index that is computed, or that hits a row more than {_MOST_ROUNDS} times, "
            "has no counterpart in TFLite; add has"
        )
    size = Tensor.constant(f"{name}/size", np.array(data.shape, np.int32))
    written = out.emit("SCATTER_ND", [rows, updates, size], f"{name}/written", data.shape, dtype=data.dtype)
    if reduction == "add":
        return out.emit("ADD", [data, written], f"{name}/added", data.shape, {"fused_activation_function": "NONE"}, dtype=data.dtype)
    ones = Tensor.constant(f"{name}/ones", np.ones((updates.shape[0], 1), np.int32))
    column = Tensor.constant(f"{name}/column", np.array((data.shape[0], 1), np.int32))
    times = out.emit("SCATTER_ND", [rows, ones, column], f"{name}/times", (data.shape[0], 1), dtype="int32")
    mask = out.emit("GREATER", [times, scalar(f"{name}/never", 0, "int32")], f"{name}/mask", times.shape, dtype="bool")
    return out.emit("SELECT_V2", [mask, written, data], f"{name}/chosen", data.shape, dtype=data.dtype)


def _flat(out: Lowering, name: str, shape: tuple[int, int]) -> Tensor:
    """The value `name` in ONNX's order as a matrix; -1 rows: as many as there are."""
    rows = shape[0] if shape[0] >= 0 else math.prod(out.shape(name)) // shape[1]
    tensor = out.tensor(name, plain(len(out.shape(name))))
    if tensor.data is not None:
        return Tensor.constant(name, tensor.data.reshape(rows, shape[1]))
    return out.reshape(tensor, (rows, shape[1]), f"{name}/rows")


def _row_numbers(
    out: Lowering, index: Tensor, sizes: NDArray[np.int64], strides: NDArray[np.int64], name: str, offsets: NDArray[np.int64] | None = None
) -> Tensor:
    """(m, 1) int32 rows of a computed index (m, depth): Σ (index mod size) · stride, plus offsets."""
    options = {"fused_activation_function": "NONE"}
    rows = out.emit("CAST", [index], f"{name}/int32", index.shape, {"in_data_type": index.dtype.upper(), "out_data_type": "INT32"}, dtype="int32")
    rows = out.emit("FLOOR_MOD", [rows, Tensor.constant(f"{name}/sizes", sizes.astype(np.int32))], f"{name}/positive", rows.shape)
    rows = out.emit("MUL", [rows, Tensor.constant(f"{name}/strides", strides.astype(np.int32))], f"{name}/scaled", rows.shape, dict(options))
    if index.shape[1] > 1:
        last = Tensor.constant(f"{name}/last", np.array([1], np.int32))
        rows = out.emit("SUM", [rows, last], f"{name}/index", (index.shape[0], 1), {"keep_dims": True})
    if offsets is not None:
        rows = out.emit("ADD", [rows, Tensor.constant(f"{name}/offsets", offsets.astype(np.int32))], f"{name}/index", rows.shape, dict(options))
    return rows


def _from_start(index: NDArray[np.integer], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    if index.dtype.kind not in "iu":
        raise Refusal(f"its constant index is {index.dtype}; whole numbers are expected")
    if ((index < -sizes) | (index >= sizes)).any():
        raise Refusal("its constant index reaches outside")
    return np.asarray(np.where(index < 0, index + sizes, index), np.int64)
