"""Row planes: a picture as P tensors at 1/P of its size, one for each row of the P×P patches.

(N, 3, H, W) <-> P × (N, 3·P, H/P, W/P), channels ordered (column, colour). Seen as NHWC memory, plane i is every P-th row of
the picture, its bytes untouched: the converter turns both directions into RESHAPE, SPLIT and CONCATENATION, which every
target has, where SPACE_TO_DEPTH, DEPTH_TO_SPACE and rank-6 TRANSPOSE fall back to the CPU.
"""

from __future__ import annotations

from torch import Tensor

PATCH = 4


def space_to_depth(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, P·P·C, H/P, W/P), channels ordered (row, column, colour), as TensorFlow does it."""
    n, c, h, w = x.shape
    patches = x.reshape(n, c, h // PATCH, PATCH, w // PATCH, PATCH)
    return patches.permute(0, 3, 5, 1, 2, 4).reshape(n, PATCH * PATCH * c, h // PATCH, w // PATCH)


def depth_to_space(y: Tensor) -> Tensor:
    """The inverse of `space_to_depth`."""
    n, k, h, w = y.shape
    c = k // (PATCH * PATCH)
    return y.reshape(n, PATCH, PATCH, c, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c, h * PATCH, w * PATCH)
