"""Pick rows of a tensor, repeat them, put pieces in between each other: with slices and concatenations, which every target has.

GATHER is cut out of XNNPACK's graph (LiteRT 2.3) and runs on the CPU on NPUs; MIRROR_PAD too, and it takes 8 to 16 times as long as
the slices that do the same (INT8 and float32, 136×240×16 and 68×120×48, one pixel on each side). GATHER is what is left where
slices would be too many.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from redmobile.convert.lowering import Lowering
from redmobile.graph.tflite_model import Tensor

Indices = NDArray[np.intp]

_JOINED = 5
"""XNNPACK takes a CONCATENATION of up to five inputs; more are joined in several steps."""

_SLICES = 33
"""More pieces than that are left to one GATHER: a border of 16 on each side still is slices."""


def take(out: Lowering, tensor: Tensor, axis: int, indices: Indices, name: str) -> Tensor:
    """`tensor` with, along its memory axis `axis`, the rows that `indices` (count,) name, all of them within 0 … size - 1."""
    size = tensor.shape[axis]
    if _is_all(size, indices):
        return tensor
    if _is_repeated(size, indices):
        return interleave(out, [tensor] * (len(indices) // size), axis, name)
    step = _step(indices)
    if step is not None and step > 1:
        return _every(out, tensor, axis, int(indices[0]), step, len(indices), name)
    runs = _runs(indices)
    if len(runs) <= _SLICES:
        return _slices(out, tensor, axis, runs, name)
    chosen = Tensor.constant(f"{name}/indices", indices.astype(np.int32))
    return out.emit("GATHER", [tensor, chosen], name, _resized(tensor.shape, axis, len(indices)), {"axis": axis})


def is_regular(size: int, indices: Indices) -> bool:
    """Whether `indices` takes each of `size` rows equally often in order, or every n-th: what `take` does with views."""
    return _is_all(size, indices) or _is_repeated(size, indices) or _step(indices) is not None


def join(out: Lowering, pieces: Sequence[Tensor], axis: int, name: str) -> Tensor:
    """The pieces side by side along `axis`: CONCATENATION, in several steps where they are many."""
    while len(pieces) > _JOINED:
        groups = [pieces[start : start + _JOINED] for start in range(0, len(pieces), _JOINED)]
        pieces = [_concatenation(out, group, axis, f"{name}/part{index}") for index, group in enumerate(groups)]
    return _concatenation(out, pieces, axis, name)


def interleave(out: Lowering, phases: Sequence[Tensor], axis: int, name: str) -> Tensor:
    """y[…, p · i + r, …] = phases[r][…, i, …] for p phases of one shape: views and CONCATENATION, since memory is one long row."""
    if len(phases) == 1:
        return phases[0]
    shape = phases[0].shape
    outer, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    viewed: dict[int, Tensor] = {}
    for index, phase in enumerate(phases):
        if id(phase) not in viewed:
            viewed[id(phase)] = out.reshape(phase, (outer, shape[axis], 1, inner), f"{name}/phase{index}")
    joined = join(out, [viewed[id(phase)] for phase in phases], 2, f"{name}/phases")
    return out.reshape(joined, _resized(shape, axis, shape[axis] * len(phases)), name)


def _is_all(size: int, indices: Indices) -> bool:
    return np.array_equal(indices, np.arange(size))


def _is_repeated(size: int, indices: Indices) -> bool:
    repeat = len(indices) // size
    return repeat > 1 and np.array_equal(indices, np.repeat(np.arange(size), repeat))


def _step(indices: Indices) -> int | None:
    """The one step from each index to the next, if it is one and forward."""
    steps = np.unique(np.diff(indices))
    return int(steps[0]) if len(steps) == 1 and steps[0] > 0 else None


def _every(out: Lowering, tensor: Tensor, axis: int, start: int, step: int, count: int, name: str) -> Tensor:
    """Every step-th row: as a view of blocks of `step` rows, of which one row is cut out, because XNNPACK takes no slice with steps."""
    shape = tensor.shape
    place = next((place for place in range(step) if 0 <= start - place <= shape[axis] - count * step), None)
    if place is None:
        return out.strided_slice(tensor, {axis: slice(start, start + (count - 1) * step + 1, step)}, name)
    blocks = _cut(out, tensor, axis, start - place, count * step, f"{name}/blocks")
    view = out.reshape(blocks, (math.prod(shape[:axis]), count, step, math.prod(shape[axis + 1 :])), f"{name}/view")
    return out.reshape(_cut(out, view, 2, place, 1, f"{name}/rows"), _resized(shape, axis, count), name)


def _slices(out: Lowering, tensor: Tensor, axis: int, runs: list[tuple[int, int]], name: str) -> Tensor:
    made: dict[tuple[int, int], Tensor] = {}
    for start, length in runs:
        if (start, length) not in made:
            made[start, length] = _cut(out, tensor, axis, start, length, name if len(runs) == 1 else f"{name}/from{start}")
    pieces = [made[run] for run in runs]
    longest = max(range(len(runs)), key=lambda index: runs[index][1])
    # The thin pieces of each border first, so that the bulk is copied once.
    borders = [pieces[:longest], pieces[longest + 1 :]]
    before, after = ([join(out, border, axis, f"{name}/border{index}")] if border else [] for index, border in enumerate(borders))
    return join(out, [*before, pieces[longest], *after], axis, name)


def _runs(indices: Indices) -> list[tuple[int, int]]:
    """(first, length) of each stretch of consecutive indices."""
    breaks = np.flatnonzero(np.diff(indices) != 1) + 1
    return [(int(piece[0]), len(piece)) for piece in np.split(indices, breaks)]


def _cut(out: Lowering, tensor: Tensor, axis: int, start: int, length: int, name: str) -> Tensor:
    if length == tensor.shape[axis]:
        return tensor
    return out.strided_slice(tensor, {axis: slice(start, start + length, 1)}, name)


def _concatenation(out: Lowering, pieces: Sequence[Tensor], axis: int, name: str) -> Tensor:
    if len(pieces) == 1:
        return pieces[0]
    shape = _resized(pieces[0].shape, axis, sum(piece.shape[axis] for piece in pieces))
    return out.emit("CONCATENATION", list(pieces), name, shape, {"axis": axis, "fused_activation_function": "NONE"})


def _resized(shape: tuple[int, ...], axis: int, size: int) -> tuple[int, ...]:
    return (*shape[:axis], size, *shape[axis + 1 :])
