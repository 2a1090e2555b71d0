"""Row planes: a picture as P tensors at 1/P of its size, one for each row of the P×P patches.

(N, 3, H, W) <-> P × (N, 3·P, H/P, W/P), channels ordered (column, colour). Seen as NHWC memory, plane i is every P-th row of
the picture, its bytes untouched: the converter turns both directions into RESHAPE, SPLIT and CONCATENATION, which every
target has, where SPACE_TO_DEPTH, DEPTH_TO_SPACE and rank-6 TRANSPOSE fall back to the CPU.
"""

from __future__ import annotations

from torch import Tensor

PATCH = 4
"""Unless a model.toml says otherwise."""


def space_to_depth(x: Tensor, patch: int = PATCH) -> Tensor:
    """(N, C, H, W) -> (N, P·P·C, H/P, W/P), channels ordered (row, column, colour), as TensorFlow does it."""
    n, c, h, w = x.shape
    patches = x.reshape(n, c, h // patch, patch, w // patch, patch)
    return patches.permute(0, 3, 5, 1, 2, 4).reshape(n, patch * patch * c, h // patch, w // patch)


def depth_to_space(y: Tensor, patch: int = PATCH) -> Tensor:
    """The inverse of `space_to_depth`."""
    n, k, h, w = y.shape
    c = k // (patch * patch)
    return y.reshape(n, patch, patch, c, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c, h * patch, w * patch)
