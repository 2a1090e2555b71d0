"""In which order the axes of an ONNX value lie in memory.

An order says it: axis i in memory is axis order[i] of the ONNX value. ONNX itself is the identity; images become NHWC.
A transpose then needs no work, only another order; work arises where an operator needs a certain order.
"""

from __future__ import annotations

from collections.abc import Sequence

Order = tuple[int, ...]

NHWC: Order = (0, 2, 3, 1)
"""Order of an NCHW image that is stored as NHWC."""

IMAGE_RANK = 4


def plain(rank: int) -> Order:
    """The order of a value stored as ONNX says."""
    return tuple(range(rank))


def stored(shape: Sequence[int], order: Order) -> tuple[int, ...]:
    """The shape in memory of an ONNX value of `shape`."""
    return tuple(shape[axis] for axis in order)


def permutation(current: Order, wanted: Order) -> Order:
    """What a TRANSPOSE needs to bring memory from the order `current` to `wanted`."""
    return tuple(current.index(axis) for axis in wanted)


def after_transpose(order: Order, perm: Sequence[int]) -> Order:
    """The order of an ONNX Transpose's output, if its input of order `order` is left where it lies."""
    return tuple(list(perm).index(axis) for axis in order)


def after_reduction(order: Order, axes: Sequence[int]) -> Order:
    """The order that is left when the ONNX axes `axes` are dropped."""
    left = [axis for axis in order if axis not in axes]
    return tuple(sorted(left).index(axis) for axis in left)


def moves_data(shape: Sequence[int], current: Order, wanted: Order) -> bool:
    """Whether going from `current` to `wanted` moves anything: axes of size 1 may go anywhere for free."""
    return [axis for axis in current if shape[axis] != 1] != [axis for axis in wanted if shape[axis] != 1]
