"""DepthToSpace, SpaceToDepth: patches of an image as channels, and back.

Row planes: in NHWC memory, row r of every r-th block of rows is contiguous, and a piece of b · C values in it is one pixel row of a
patch. So patches need no shuffling: a view and a cut along the rows of a block; the mirror image on the way back.
No target lacks these operators, where SPACE_TO_DEPTH and DEPTH_TO_SPACE fall back to the CPU on many.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.graph.layout import NHWC
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_SHUFFLE_ROWS = (0, 2, 1, 3)
"""Swaps the rows of a block with the blocks of a row."""


@lowers("SpaceToDepth")
def space_to_depth(node: OnnxNode, out: Lowering) -> None:
    """`y (N, b·b·C, H / b, W / b), channels ordered (row, column, colour), of x (N, C, H, W)`   ->   as LoweringChoices.space_to_depth says.

    SPACE_TO_DEPTH; row planes: RESHAPE (N, H/b, W, b·C) - SPLIT by rows of a block into planes (N, H/b, W/b, b·C) - CONCATENATION;
    a transpose: RESHAPE (N·H/b, b, W/b, b·C) - TRANSPOSE (0, 2, 1, 3) - RESHAPE; or, for blocks that are powers of two, CONV_2D 2×2/2 that
    only moves values, once for each factor of two.
    """
    block, name, choice = node.attributes["blocksize"], node.outputs[0], out.choices.space_to_depth
    _, _, *sides = out.shape(node.inputs[0])
    if block < 1 or any(side % block for side in sides):
        raise Refusal(f"its block of {block} does not divide height and width {tuple(sides)}")
    if choice == "strided_conv" and not _is_power_of_two(block):
        out.explain(f"{name}: space-to-depth by {block} as row planes; strided convolutions need a power of two")
        choice = "row_planes"
    else:
        out.explain(f"{name}: space-to-depth by {block} as {choice}")
    _TO_DEPTH[choice](out, out.image(node.inputs[0]), block, name)


@lowers("DepthToSpace")
def depth_to_space(node: OnnxNode, out: Lowering) -> None:
    """`y (N, C, H·b, W·b) of x (N, b·b·C, H, W), channels ordered (row, column, colour)`   ->   as LoweringChoices.pixel_shuffle says.

    DEPTH_TO_SPACE; row planes: SPLIT into planes (N, H, W, b·C) - CONCATENATION by rows - RESHAPE (N, H·b, W·b, C); a transpose:
    RESHAPE (N·H, W, b, b·C) - TRANSPOSE (0, 2, 1, 3) - RESHAPE; or, for blocks that are powers of two, TRANSPOSE_CONV 2×2/2 that only moves
    values, once for each factor of two. The order (colour, row, column) is rewritten before (passes/channel_order).
    """
    block, name, choice = node.attributes["blocksize"], node.outputs[0], out.choices.pixel_shuffle
    channels = out.shape(node.inputs[0])[1]
    if block < 1 or channels % block**2:
        raise Refusal(f"the square of its block of {block} does not divide the {channels} channels")
    if node.attributes.get("mode", "DCR") != "DCR":
        raise Refusal(f"mode '{node.attributes['mode']}' should have been rewritten to DCR")
    if choice == "transposed_conv" and not _is_power_of_two(block):
        out.explain(f"{name}: pixel shuffle by {block} as row planes; transposed convolutions need a power of two")
        choice = "row_planes"
    else:
        out.explain(f"{name}: pixel shuffle by {block} as {choice}")
    _TO_SPACE[choice](out, out.image(node.inputs[0]), block, name)


_Shuffle = Callable[[Lowering, Tensor, int, str], None]


def _by_space_to_depth(out: Lowering, x: Tensor, block: int, name: str) -> None:
    out.define(name, "SPACE_TO_DEPTH", [x], {"block_size": block}, order=NHWC)


def _by_depth_to_space(out: Lowering, x: Tensor, block: int, name: str) -> None:
    out.define(name, "DEPTH_TO_SPACE", [x], {"block_size": block}, order=NHWC)


def _planes_of(out: Lowering, x: Tensor, block: int, name: str) -> None:
    batch, height, width, channels = x.shape
    shape = (batch, height // block, width // block, block * channels)
    rows = out.reshape(x, _rows_shape(out, shape, block), f"{name}/rows")
    pieces = out.split(rows, 2, [rows.shape[2] // block] * block, [f"{name}/row{row}" for row in range(block)])
    planes: list[Tensor | None] = [out.reshape(piece, shape, f"{name}/plane{row}") for row, piece in enumerate(pieces)]
    out.define(name, "CONCATENATION", planes, {"axis": 3, "fused_activation_function": "NONE"}, order=NHWC)


def _from_planes(out: Lowering, x: Tensor, block: int, name: str) -> None:
    batch, height, width, channels = x.shape
    planes = out.split(x, 3, [channels // block] * block, [f"{name}/plane{row}" for row in range(block)])
    whole = _rows_shape(out, planes[0].shape, block)
    shape = (batch, height, whole[2] // block, whole[3])
    rows: list[Tensor | None] = [out.reshape(plane, shape, f"{name}/row{row}") for row, plane in enumerate(planes)]
    joined = out.emit("CONCATENATION", rows, f"{name}/rows", whole, {"axis": 2, "fused_activation_function": "NONE"})
    shape = (batch, height * block, width * block, channels // block // block)
    out.alias(name, out.reshape(joined, shape, name), NHWC)


def _rows_shape(out: Lowering, plane: tuple[int, ...], block: int) -> tuple[int, int, int, int]:
    """In which shape the rows of a block, each a `plane` row (N, H, W, C), lie side by side.

    As one run a row; or as pixels of the planes, whose pieces are planes without a view (XNNPACK copies what it views).
    """
    batch, height, width, channels = plane
    if out.choices.row_arithmetic == "in_planes":
        return batch, height, block * width, channels
    return batch, height, block, width * channels


def _to_depth_by_transpose(out: Lowering, x: Tensor, block: int, name: str) -> None:
    batch, height, width, channels = x.shape
    blocks = (batch * height // block, block, width // block, block * channels)
    _transpose_rows(out, x, blocks, (batch, height // block, width // block, block * block * channels), name)


def _to_space_by_transpose(out: Lowering, x: Tensor, block: int, name: str) -> None:
    batch, height, width, channels = x.shape
    blocks = (batch * height, width, block, channels // block)
    _transpose_rows(out, x, blocks, (batch, height * block, width * block, channels // block // block), name)


def _transpose_rows(out: Lowering, x: Tensor, blocks: tuple[int, int, int, int], result: tuple[int, ...], name: str) -> None:
    perm = Tensor.constant(f"{name}/perm", np.array(_SHUFFLE_ROWS, np.int32))
    shape = tuple(blocks[axis] for axis in _SHUFFLE_ROWS)
    moved = out.emit("TRANSPOSE", [out.reshape(x, blocks, f"{name}/blocks"), perm], f"{name}/moved", shape)
    out.alias(name, out.reshape(moved, result, name), NHWC)


def _by_strided_conv(out: Lowering, x: Tensor, block: int, name: str) -> None:
    """After a step the channels are patches of `inner` pixels a side; the first step joins the pixels that lie closest."""
    colours, inner = x.shape[3], 1
    while inner < block:
        batch, height, width, channels = x.shape
        weights = np.zeros((4 * channels, 2, 2, channels), np.float32)
        for row, column in np.ndindex(2, 2):
            for y, x_in, colour in np.ndindex(inner, inner, colours):
                target = ((row * inner + y) * 2 * inner + column * inner + x_in) * colours + colour
                weights[target, row, column, (y * inner + x_in) * colours + colour] = 1
        inner *= 2
        label = name if inner == block else f"{name}/by{inner}"
        options = {"padding": "VALID", "stride_h": 2, "stride_w": 2, "fused_activation_function": "NONE"}
        constants = [Tensor.constant(f"{label}/weights", weights), Tensor.constant(f"{label}/bias", np.zeros(4 * channels, np.float32))]
        x = out.emit("CONV_2D", [x, *constants], label, (batch, height // 2, width // 2, 4 * channels), options)
    out.alias(name, x, NHWC)


def _by_transposed_conv(out: Lowering, x: Tensor, block: int, name: str) -> None:
    """Before a step the channels are patches of `outer` pixels a side; the first step parts the halves that lie farthest apart."""
    colours, outer = x.shape[3] // (block * block), block
    while outer > 1:
        batch, height, width, channels = x.shape
        half = outer // 2
        weights = np.zeros((channels // 4, 2, 2, channels), np.float32)
        for row, column in np.ndindex(2, 2):
            for y, x_in, colour in np.ndindex(half, half, colours):
                source = ((row * half + y) * outer + column * half + x_in) * colours + colour
                weights[(y * half + x_in) * colours + colour, row, column, source] = 1
        outer = half
        label = name if outer == 1 else f"{name}/by{outer}"
        shape = (batch, height * 2, width * 2, channels // 4)
        constants = [Tensor.constant(f"{label}/shape", np.array(shape, np.int32)), Tensor.constant(f"{label}/weights", weights)]
        bias = Tensor.constant(f"{label}/bias", np.zeros(channels // 4, np.float32))
        options = {"padding": "SAME", "stride_h": 2, "stride_w": 2, "fused_activation_function": "NONE"}
        x = out.emit("TRANSPOSE_CONV", [*constants, x, bias], label, shape, options)
    out.alias(name, x, NHWC)


def _is_power_of_two(block: int) -> bool:
    return block > 1 and block & (block - 1) == 0


_TO_DEPTH: dict[str, _Shuffle] = {
    "row_planes": _planes_of,
    "space_to_depth": _by_space_to_depth,
    "strided_conv": _by_strided_conv,
    "transpose": _to_depth_by_transpose,
}
_TO_SPACE: dict[str, _Shuffle] = {
    "depth_to_space": _by_depth_to_space,
    "row_planes": _from_planes,
    "transpose": _to_space_by_transpose,
    "transposed_conv": _by_transposed_conv,
}
