"""Gemm, MatMul, Einsum: products of matrices.

Where one side is constant it becomes the weights of a FULLY_CONNECTED, which every target has in INT8, one scale an output; otherwise the
product is a BATCH_MATMUL.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.convert.lowering import Lowering, Refusal, lowers, scalar
from redmobile.graph.layout import Order, after_reduction, moves_data, plain
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_NONE = {"fused_activation_function": "NONE"}
_MATRIX = 2
_MOST_AXES = 5
"""The most axes that BATCH_MATMUL takes."""


@lowers("Gemm")
def gemm(node: OnnxNode, out: Lowering) -> None:
    """`y = alpha · a · b + beta · c, a and b transposed as transA and transB say`   ->   FULLY_CONNECTED, or BATCH_MATMUL, MUL and ADD.

    a (M, K), b (K, N); c: broadcast to (M, N), taken as the bias if it is constant and the same for all rows.
    """
    _check_float(node, out)
    (a, b), name = node.inputs[:2], node.outputs[0]
    alpha, beta = node.attributes.get("alpha", 1.0), node.attributes.get("beta", 1.0)
    rows: Order = (1, 0) if node.attributes.get("transA", 0) else (0, 1)
    columns: Order = (0, 1) if node.attributes.get("transB", 0) else (1, 0)  # b as (N, K)
    added = node.inputs[2] if len(node.inputs) > _MATRIX and node.inputs[2] else None
    order: Order = (0, 1)
    if out.is_constant(b):
        bias = _row_bias(out, added, beta, out.shape(name)[1])
        added = added if bias is None else None
        weights = alpha * out.constant(b, "matrix").transpose(columns)
        result = _dense(out, out.tensor(a, rows), weights, f"{name}/product", weights_name=b, bias=bias)
    elif out.is_constant(a):
        order = (1, 0)
        result = _dense(out, out.tensor(b, columns), alpha * out.constant(a, "matrix").transpose(rows), f"{name}/product", weights_name=a)
    else:
        result = _batch_matmul(out, out.tensor(a, rows), out.tensor(b, columns), f"{name}/product", adj_y=True)
        if alpha != 1.0:
            result = out.emit("MUL", [result, scalar(f"{name}/alpha", alpha)], f"{name}/scaled", result.shape, dict(_NONE))
    if added is not None and beta != 0.0:
        result = out.emit("ADD", [result, _times(out, out.broadcast(added, order), beta, f"{name}/beta")], name, result.shape, dict(_NONE))
    result.name = name
    out.alias(name, result, order)


@lowers("MatMul")
def matmul(node: OnnxNode, out: Lowering) -> None:
    """`y = a · b, leading axes broadcast`   ->   FULLY_CONNECTED if one side is a constant matrix, otherwise BATCH_MATMUL."""
    _check_float(node, out)
    (a, b), name = node.inputs, node.outputs[0]
    if out.is_constant(b) and len(out.shape(b)) <= _MATRIX:
        _times_constant(out, a, b, out.constant(b, "matrix").T, name)
    elif out.is_constant(a) and len(out.shape(a)) <= _MATRIX and len(out.shape(b)) == 1:
        _times_constant(out, b, a, out.constant(a, "matrix"), name)
    elif out.is_constant(a) and len(out.shape(a)) <= _MATRIX:
        _constant_times(out, a, b, name)
    else:
        _computed_product(out, a, b, name)


@lowers("Einsum")
def einsum(node: OnnxNode, out: Lowering) -> None:
    """`y = products summed over the labels that the output lacks`   ->   SUM, MUL, FULLY_CONNECTED or BATCH_MATMUL; transposes are names only.

    Any number of operands, two at a time; ellipsis; a label twice in one operand is a diagonal, picked by GATHER.
    """
    labels, result = _parse(node.attributes["equation"], [len(out.shape(name)) for name in node.inputs])
    if out.dtype(node.outputs[0]) != "float32":
        raise Refusal(f"TFLite multiplies matrices of floats only, these are {out.dtype(node.outputs[0])}")
    terms = [_Term.of(out, name, names) for name, names in zip(node.inputs, labels, strict=True)]
    label = node.outputs[0]
    term = terms.pop(0)
    while terms:
        needed = {name for other in terms[1:] for name in other.labels} | set(result)
        term = _contract(out, term, terms.pop(0), needed, f"{label}/{len(terms)}")
    term = _summed(out, term, set(result), label)
    if set(term.labels) != set(result):
        raise Refusal(f"'{node.attributes['equation']}' names an output label that no operand has")
    out.alias(label, term.tensor, tuple(result.index(name) for name in term.labels))


# One side constant ------------------------------------------------------------------------------------------------


def _times_constant(out: Lowering, data: str, constant: str, weights: NDArray[Any], name: str) -> None:
    """(…, K) by weights (N, K) or (K,). The leading axes stay in the order in which they lie."""
    last = len(out.shape(data)) - 1
    order = (*(axis for axis in out.order(data) if axis != last), last)
    result = _dense(out, _at_least_matrix(out, out.tensor(data, order), name), np.atleast_2d(weights), name, weights_name=constant)
    kept = order[: len(out.shape(name))]  # without the last axis, if the weights are a vector
    out.alias(name, out.reshape(result, tuple(out.shape(name)[axis] for axis in kept), name), kept)


def _constant_times(out: Lowering, a: str, b: str, name: str) -> None:
    """(M, K) or (K,) · (…, K, N), at least a matrix: the same with K last in memory, so M comes last."""
    inner = len(out.shape(b)) - _MATRIX
    order = (*(axis for axis in out.order(b) if axis != inner), inner)
    matrix = out.constant(a, "matrix")
    result = _dense(out, out.tensor(b, order), matrix.reshape(-1, matrix.shape[-1]), name, weights_name=a)
    if matrix.ndim < _MATRIX:
        order = after_reduction(order, [inner])
    out.alias(name, out.reshape(result, tuple(out.shape(name)[axis] for axis in order), name), order)


def _dense(out: Lowering, data: Tensor, weights: NDArray[Any], name: str, *, weights_name: str, bias: NDArray[np.float32] | None = None) -> Tensor:
    """Product of data (…, K) and transposed weights (N, K) → (…, N)."""
    weights = np.asarray(weights, np.float32)
    values = np.zeros(len(weights), np.float32) if bias is None else bias
    constants = [Tensor.constant(weights_name, weights), Tensor.constant(f"{name}/bias", values)]
    options = {**_NONE, "keep_num_dims": len(data.shape) > _MATRIX}
    return out.emit("FULLY_CONNECTED", [data, *constants], name, (*data.shape[:-1], len(weights)), options, dtype="float32")


def _row_bias(out: Lowering, name: str | None, beta: float, columns: int) -> NDArray[np.float32] | None:
    """`name` as a bias of `columns` values; None if it is computed or differs from row to row. Without one, zeros."""
    if name is None or beta == 0.0:
        return np.zeros(columns, np.float32)
    if not out.is_constant(name):
        return None
    values = out.constant(name, "bias")
    if math.prod(values.shape[:-1]) != 1:
        return None
    return np.asarray(np.broadcast_to(beta * values.reshape(-1), (columns,)), np.float32)


# Both computed ----------------------------------------------------------------------------------------------------


def _computed_product(out: Lowering, a: str, b: str, name: str) -> None:
    left = _at_least_matrix(out, out.tensor(a, plain(len(out.shape(a)))), f"{name}/left")
    turned = _lies_turned(out, b)
    order = (*plain(len(out.shape(b)) - _MATRIX), *_last_two(len(out.shape(b)), turned=turned))
    right = out.tensor(b, order)
    if len(right.shape) < _MATRIX:
        right = out.reshape(right, (right.shape[0], 1), f"{name}/right")
    result = _batch_matmul(out, left, right, f"{name}/product", adj_y=turned)
    out.alias(name, out.reshape(result, out.shape(name), name), plain(len(out.shape(name))))


def _lies_turned(out: Lowering, name: str) -> bool:
    """Whether the rows of the matrices `name` lie innermost in memory: then they are read with their axes exchanged, so that runs stay whole."""
    shape = out.shape(name)
    innermost = next((axis for axis in reversed(out.order(name)) if shape[axis] != 1), -1)
    return len(shape) >= _MATRIX and innermost == len(shape) - _MATRIX


def _last_two(rank: int, *, turned: bool) -> Order:
    if rank < _MATRIX:
        return plain(rank)
    return (rank - 1, rank - 2) if turned else (rank - 2, rank - 1)


def _batch_matmul(out: Lowering, a: Tensor, b: Tensor, name: str, *, adj_y: bool) -> Tensor:
    """(…, M, K) · (…, K, N), or (…, N, K) with adj_y → (…, M, N); leading axes broadcast."""
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*batch, a.shape[-2], b.shape[-2 if adj_y else -1])
    if len(shape) > _MOST_AXES:
        a, b = (_one_batch_axis(out, tensor, batch, f"{name}/{side}") for tensor, side in ((a, "left"), (b, "right")))
    else:
        a, b = (_of_rank(out, tensor, len(shape), f"{name}/{side}") for tensor, side in ((a, "left"), (b, "right")))
    joined = shape if len(shape) <= _MOST_AXES else (math.prod(batch), *shape[-2:])
    result = out.emit("BATCH_MATMUL", [a, b], name, joined, {"adj_x": False, "adj_y": adj_y}, dtype="float32")
    return out.reshape(result, shape, f"{name}/split")  # nothing, unless the leading axes were joined


def _of_rank(out: Lowering, tensor: Tensor, rank: int, name: str) -> Tensor:
    shape = (1,) * (rank - len(tensor.shape)) + tensor.shape
    if tensor.data is not None:
        return Tensor.constant(tensor.name, tensor.data.reshape(shape))
    return out.reshape(tensor, shape, name)


def _one_batch_axis(out: Lowering, tensor: Tensor, batch: tuple[int, ...], name: str) -> Tensor:
    target = (*batch, *tensor.shape[-2:])
    if tensor.data is not None:
        return Tensor.constant(tensor.name, np.broadcast_to(tensor.data, target).reshape(-1, *target[-2:]))
    if math.prod(tensor.shape) != math.prod(target):
        sizes = Tensor.constant(f"{name}/shape", np.array(target, np.int32))
        tensor = out.emit("BROADCAST_TO", [_of_rank(out, tensor, len(target), f"{name}/wide"), sizes], f"{name}/all", target)
    return out.reshape(tensor, (math.prod(batch), *target[-2:]), f"{name}/batch")


def _at_least_matrix(out: Lowering, tensor: Tensor, name: str) -> Tensor:
    return tensor if len(tensor.shape) >= _MATRIX else out.reshape(tensor, (1, *tensor.shape), f"{name}/row")


def _times(out: Lowering, tensor: Tensor, factor: float, name: str) -> Tensor:
    if factor == 1.0:
        return tensor
    if tensor.data is not None:
        return Tensor.constant(tensor.name, (factor * tensor.data).astype(np.float32))
    return out.emit("MUL", [tensor, scalar(name, factor)], f"{name}/times", tensor.shape, dict(_NONE))


def _check_float(node: OnnxNode, out: Lowering) -> None:
    dtype = out.dtype(node.outputs[0])
    if dtype != "float32":
        raise Refusal(f"TFLite multiplies matrices of floats only, these are {dtype}")


# Einsum -----------------------------------------------------------------------------------------------------------


def _parse(equation: str, ranks: Sequence[int]) -> tuple[list[list[str]], list[str]]:
    """(labels of each operand, labels of the output); an ellipsis becomes labels of its own, counted from the end."""
    text = "".join(equation.split())
    given, arrow, wanted = text.partition("->")
    terms = given.split(",")
    if len(terms) != len(ranks):
        raise Refusal(f"'{equation}' names {len(terms)} operands, it has {len(ranks)}")
    labels = [_labels(term, rank, equation) for term, rank in zip(terms, ranks, strict=True)]
    hidden = max((name for names in labels for name in names if name.startswith("…")), default="", key=lambda name: int(name[1:]))
    ellipsis = [f"…{place}" for place in range(int(hidden[1:]) if hidden else 0, 0, -1)]
    if not arrow:
        letters = sorted(name for name in set(given) if name.isalpha() and given.count(name) == 1)
        return labels, [*ellipsis, *letters]
    before, dots, after = wanted.partition("...")
    return labels, [*before, *(ellipsis if dots else []), *after]


def _labels(term: str, rank: int, equation: str) -> list[str]:
    before, dots, after = term.partition("...")
    hidden = rank - len(before) - len(after)
    names = [*before, *(f"…{place}" for place in range(hidden, 0, -1)), *after]
    if hidden < 0 or (hidden and not dots):
        raise Refusal(f"'{term}' in '{equation}' does not name the {rank} axes of its operand")
    return names


@dataclasses.dataclass(frozen=True)
class _Term:
    """An operand. labels: of its axes as they lie in memory."""

    tensor: Tensor
    labels: tuple[str, ...]

    @classmethod
    def of(cls, out: Lowering, name: str, labels: Sequence[str]) -> _Term:
        term = cls(out.tensor(name), tuple(labels[axis] for axis in out.order(name)))
        return _diagonal(out, term, f"{name}/diagonal") if len(set(labels)) < len(labels) else term

    def size(self, label: str) -> int:
        return self.tensor.shape[self.labels.index(label)] if label in self.labels else 1

    def is_constant(self) -> bool:
        return self.tensor.data is not None


def _diagonal(out: Lowering, term: _Term, name: str) -> _Term:
    """`term` where axes of the same label have the same coordinate."""
    left = tuple(dict.fromkeys(term.labels))
    shape, whole = tuple(term.size(label) for label in left), term.tensor.shape
    steps = [math.prod(whole[axis + 1 :]) for axis in range(len(whole))]
    strides = [sum(step for step, other in zip(steps, term.labels, strict=True) if other == label) for label in left]
    places = np.tensordot(strides, np.indices(shape), 1).astype(np.int32)
    if term.tensor.data is not None:
        return _Term(Tensor.constant(term.tensor.name, term.tensor.data.reshape(-1)[places]), left)
    flat = out.reshape(term.tensor, (math.prod(whole),), f"{name}/flat")
    index = Tensor.constant(f"{name}/places", places)
    return _Term(out.emit("GATHER", [flat, index], name, shape, {"axis": 0}, dtype=term.tensor.dtype), left)


def _contract(out: Lowering, a: _Term, b: _Term, needed: Collection[str], name: str) -> _Term:
    """The product of two operands, summed over the labels that nobody needs any more."""
    a = _summed(out, _without_single(out, a, b, f"{name}/left"), {*needed, *b.labels}, f"{name}/left")
    b = _summed(out, _without_single(out, b, a, f"{name}/right"), {*needed, *a.labels}, f"{name}/right")
    shared = [label for label in a.labels if label in b.labels]
    batch, inner = [label for label in shared if label in needed], [label for label in shared if label not in needed]
    left, right = [label for label in a.labels if label not in shared], [label for label in b.labels if label not in shared]
    result = (*batch, *left, *right)
    sizes = {label: max(a.size(label), b.size(label)) for label in (*result, *inner)}
    counts = [math.prod(sizes[label] for label in labels) for labels in (batch, left, right, inner)]
    full = tuple(sizes[label] for label in result)
    if not inner:
        ones = (1,) * len(right)
        first = _arranged(out, a, (*batch, *left), (*(sizes[label] for label in (*batch, *left)), *ones), f"{name}/left")
        spread = (*(sizes[label] for label in batch), *((1,) * len(left)), *(sizes[label] for label in right))
        second = _arranged(out, b, (*batch, *right), spread, f"{name}/right")
        return _Term(out.emit("MUL", [first, second], name, full, dict(_NONE), dtype="float32"), result)
    if not batch and a.is_constant():
        return _contract(out, b, a, needed, name) if not b.is_constant() else _folded(a, b, needed)
    if not batch and b.is_constant():
        data = _arranged(out, a, (*left, *inner), (counts[1], counts[3]), f"{name}/left")
        weights = _arranged(out, b, (*right, *inner), (counts[2], counts[3]), f"{name}/right")
        made = _dense(out, data, np.asarray(weights.data), f"{name}/product", weights_name=weights.name)
        return _Term(out.reshape(made, full, name), result)
    first = _arranged(out, a, (*batch, *left, *inner), (counts[0], counts[1], counts[3]), f"{name}/left")
    upright = b.labels == (*batch, *inner, *right)
    labels, shape = ((*batch, *inner, *right), (counts[0], counts[3], counts[2])) if upright else ((*batch, *right, *inner), (counts[0], *counts[2:]))
    second = _arranged(out, b, labels, shape, f"{name}/right")
    return _Term(out.reshape(_batch_matmul(out, first, second, f"{name}/product", adj_y=not upright), full, name), result)


def _folded(a: _Term, b: _Term, needed: Collection[str]) -> _Term:
    """The product of two constants."""
    names = sorted({*a.labels, *b.labels})
    result = [name for name in names if name in needed]
    numbers = [[names.index(label) for label in labels] for labels in (a.labels, b.labels, result)]
    values = np.einsum(np.asarray(a.tensor.data), numbers[0], np.asarray(b.tensor.data), numbers[1], numbers[2])
    return _Term(Tensor.constant(f"{a.tensor.name}/{b.tensor.name}", values.astype(np.float32)), tuple(result))


def _without_single(out: Lowering, term: _Term, other: _Term, name: str) -> _Term:
    """`term` without the axes of size 1 that `other` has in full: they broadcast."""
    left = [label for label in term.labels if not (term.size(label) == 1 and other.size(label) > 1)]
    if len(left) == len(term.labels):
        return term
    shape = tuple(term.size(label) for label in left)
    if term.tensor.data is not None:
        return _Term(Tensor.constant(term.tensor.name, term.tensor.data.reshape(shape)), tuple(left))
    return _Term(out.reshape(term.tensor, shape, f"{name}/single"), tuple(left))


def _summed(out: Lowering, term: _Term, kept: Collection[str], name: str) -> _Term:
    """`term` summed over all labels but `kept`."""
    axes = [axis for axis, label in enumerate(term.labels) if label not in kept]
    if not axes:
        return term
    left = tuple(label for label in term.labels if label in kept)
    shape = tuple(term.size(label) for label in left)
    if term.tensor.data is not None:
        return _Term(Tensor.constant(term.tensor.name, term.tensor.data.sum(axis=tuple(axes), dtype=np.float32)), left)
    constant = Tensor.constant(f"{name}/axes", np.array(axes, np.int32))
    return _Term(out.emit("SUM", [term.tensor, constant], f"{name}/sum", shape, {"keep_dims": False}, dtype="float32"), left)


def _arranged(out: Lowering, term: _Term, labels: Sequence[str], shape: tuple[int, ...], name: str) -> Tensor:
    """The tensor of `term` with its axes in the order of `labels`, viewed as `shape`."""
    perm = tuple(term.labels.index(label) for label in labels)
    if term.tensor.data is not None:
        return Tensor.constant(term.tensor.name, term.tensor.data.transpose(perm).reshape(shape))
    tensor = out.transpose(term.tensor, perm, f"{name}/order") if moves_data(term.tensor.shape, plain(len(perm)), perm) else term.tensor
    return out.reshape(tensor, shape, name)
