"""In which order the axes of an ONNX value lie in memory.

An order says it: axis i in memory is axis order[i] of the ONNX value. ONNX itself is the identity; images become NHWC.
A transpose then needs no work, only another order; work arises where an operator needs a certain order.
"""

from __future__ import annotations

import math
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


def reshaped(old: Sequence[int], new: Sequence[int], order: Order) -> tuple[Order, Order]:
    """How to view a value of shape `old`, stored in `order`, as one of shape `new` with the least moved: (order to bring it to, order it then has).

    Axes that a reshape splits or joins form groups: (N, C, H, W) → (N, C, H · W) has the groups N, C and H, W. A group whose axes lie
    side by side in memory, ascending, needs no move wherever it lies. The new value has its groups in memory where the old one had them;
    of a group that is scattered the first axis counts, but the last one, if that lies last of all in memory, so that whole runs move.
    """
    groups = _groups(old, new)
    place = {axis: position for position, axis in enumerate(order)}
    innermost = max((axis for before, _ in groups for axis in before), key=place.__getitem__, default=0)
    groups.sort(key=lambda group: place[innermost] if group[0][-1] == innermost else min(place[axis] for axis in group[0]))
    source = _with_single_axes([axis for before, _ in groups for axis in before], old)
    if not moves_data(old, order, source):
        source = order
    return source, _with_single_axes([axis for _, after in groups for axis in after], new)


def _groups(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """The smallest runs of axes (old, new) that hold equally many values, without axes of size 1."""
    left = [axis for axis, size in enumerate(old) if size != 1]
    right = [axis for axis, size in enumerate(new) if size != 1]
    groups = []
    while left and right:
        before, after = [left.pop(0)], [right.pop(0)]
        sizes = old[before[0]], new[after[0]]
        while sizes[0] != sizes[1]:
            if sizes[0] < sizes[1]:
                before.append(left.pop(0))
                sizes = sizes[0] * old[before[-1]], sizes[1]
            else:
                after.append(right.pop(0))
                sizes = sizes[0], sizes[1] * new[after[-1]]
        groups.append((before, after))
    return groups


def _with_single_axes(axes: list[int], shape: Sequence[int]) -> Order:
    """`axes`, those of `shape` that are not of size 1 as they lie in memory, joined by the others: as in a usual order, where that fits."""
    usual = (NHWC, plain(IMAGE_RANK)) if len(shape) == IMAGE_RANK else (plain(len(shape)),)
    for order in usual:
        if [axis for axis in order if shape[axis] != 1] == axes:
            return order
    return (*(axis for axis, size in enumerate(shape) if size == 1), *axes)


def joined(shape: Sequence[int], perm: Order) -> tuple[tuple[int, ...], Order]:
    """A transpose of fewer axes that moves the same: (shape, permutation) without axes of size 1, axes that stay side by side joined."""
    runs: list[list[int]] = []
    for axis in (axis for axis in perm if shape[axis] != 1):
        if runs and all(shape[between] == 1 for between in range(runs[-1][-1] + 1, axis)) and axis > runs[-1][-1]:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    ascending = sorted(runs)
    sizes = tuple(math.prod(shape[axis] for axis in run) for run in ascending)
    return sizes, tuple(ascending.index(run) for run in runs)
