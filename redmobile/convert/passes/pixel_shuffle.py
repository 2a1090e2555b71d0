"""Recognise patches written out as reshapes and a transpose of rank 6."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class _Pattern:
    """op, mode: what it is; block: index of the block size in the rank-6 shape; result: rank-6 shape → shapes before and after."""

    op: str
    mode: str
    block: int
    result: Callable[[Shape], tuple[Shape, Shape]]


_PATTERNS = {
    (0, 3, 4, 1, 5, 2): _Pattern(
        "DepthToSpace", "DCR", 1, lambda s: ((s[0], s[1] * s[1] * s[3], s[4], s[5]), (s[0], s[3], s[4] * s[1], s[5] * s[1]))
    ),
    (0, 1, 4, 2, 5, 3): _Pattern(
        "DepthToSpace", "CRD", 2, lambda s: ((s[0], s[1] * s[2] * s[2], s[4], s[5]), (s[0], s[1], s[4] * s[2], s[5] * s[2]))
    ),
    (0, 3, 5, 1, 2, 4): _Pattern(
        "SpaceToDepth", "DCR", 3, lambda s: ((s[0], s[1], s[2] * s[3], s[4] * s[3]), (s[0], s[3] * s[3] * s[1], s[2], s[4]))
    ),
    (0, 1, 3, 5, 2, 4): _Pattern(
        "SpaceToDepth", "CRD", 3, lambda s: ((s[0], s[1], s[2] * s[3], s[4] * s[3]), (s[0], s[1] * s[3] * s[3], s[2], s[4]))
    ),
}
"""Permutation → what it does, with the rank-6 shapes (N, b, b, C, H, W), (N, C, b, b, H, W) and (N, C, H, b, W, b)."""

_SECOND_BLOCK = {"DepthToSpace": 1, "SpaceToDepth": 2}
"""How far behind the first block size in the rank-6 shape the second one stands."""


def recognise_pixel_shuffle(graph: OnnxGraph) -> None:
    """Four patterns of three nodes become one node.

        before   x (N, b·b·C, H, W) ─ Reshape (N, b, b, C, H, W) ─ Transpose (0,3,4,1,5,2) ─ Reshape (N, C, H·b, W·b) ─ y
        after    x ─ DepthToSpace(b, DCR) ─ y

    (N, C, b, b, H, W) with (0,1,4,2,5,3) is mode CRD (PyTorch's PixelShuffle); (N, C, H/b, b, W/b, b) with (0,3,5,1,2,4) is
    SpaceToDepth, and with (0,1,3,5,2,4) SpaceToDepth in CRD order (PyTorch's PixelUnshuffle; not an ONNX mode, `channel_order`
    rewrites it). What is left without a reader is removed later.
    """
    for node in graph.nodes:
        if node.op == "Reshape":
            _rewrite(graph, node)


def _rewrite(graph: OnnxGraph, last: OnnxNode) -> None:
    transpose = graph.producer(last.inputs[0])
    first = graph.producer(transpose.inputs[0]) if transpose and transpose.op == "Transpose" else None
    if transpose is None or first is None or first.op != "Reshape":
        return
    pattern = _PATTERNS.get(tuple(transpose.attributes.get("perm", ())))
    inner = graph.shapes.get(first.outputs[0], ())
    if pattern is None or len(inner) != 6 or inner[pattern.block] != inner[pattern.block + _SECOND_BLOCK[pattern.op]]:  # noqa: PLR2004
        return
    if pattern.result(inner) != (graph.shapes.get(first.inputs[0]), graph.shapes.get(last.outputs[0])):
        return
    last.op, last.inputs = pattern.op, [first.inputs[0]]
    last.attributes = {"blocksize": inner[pattern.block], "mode": pattern.mode}
