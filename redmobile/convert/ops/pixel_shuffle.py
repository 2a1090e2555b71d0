"""DepthToSpace, SpaceToDepth: patches of an image as channels, and back.

Row planes: in NHWC memory, row r of every r-th block of rows is contiguous, and a piece of b · C values in it is one pixel row of a
patch. So patches need no shuffling: a view, a cut along the rows of a block, and a view again; the mirror image on the way back.
No target lacks these operators, where SPACE_TO_DEPTH and DEPTH_TO_SPACE fall back to the CPU on many.
"""

from __future__ import annotations

from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.graph.layout import NHWC
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor


@lowers("SpaceToDepth")
def space_to_depth(node: OnnxNode, out: Lowering) -> None:
    """`y (N, b·b·C, H / b, W / b), channels ordered (row, column, colour), of x (N, C, H, W)`   ->   as LoweringChoices.space_to_depth says.

    SPACE_TO_DEPTH, or row planes: RESHAPE (N·H/b, b, W·C) - SPLIT by rows - RESHAPE (N, H/b, W/b, b·C) each - CONCATENATION.
    """
    block, (_, _, *sides) = node.attributes["blocksize"], out.shape(node.inputs[0])
    if block < 1 or any(side % block for side in sides):
        raise Refusal(f"its block of {block} does not divide height and width {tuple(sides)}")
    if out.choices.space_to_depth == "space_to_depth":
        out.define(node.outputs[0], "SPACE_TO_DEPTH", [out.image(node.inputs[0])], {"block_size": block}, order=NHWC)
        return
    x, name = out.image(node.inputs[0]), node.outputs[0]
    batch, height, width, channels = x.shape
    rows = out.reshape(x, (batch, height // block, block, width * channels), f"{name}/rows")
    pieces = out.split(rows, 2, [1] * block, [f"{name}/row{row}" for row in range(block)])
    shape = (batch, height // block, width // block, block * channels)
    planes: list[Tensor | None] = [out.reshape(piece, shape, f"{name}/plane{row}") for row, piece in enumerate(pieces)]
    out.define(name, "CONCATENATION", planes, {"axis": 3, "fused_activation_function": "NONE"}, order=NHWC)


@lowers("DepthToSpace")
def depth_to_space(node: OnnxNode, out: Lowering) -> None:
    """`y (N, C, H·b, W·b) of x (N, b·b·C, H, W), channels ordered (row, column, colour)`   ->   as LoweringChoices.pixel_shuffle says.

    DEPTH_TO_SPACE, or row planes: SPLIT - RESHAPE (N, H, 1, W·b·C) each - CONCATENATION by rows - RESHAPE (N, H·b, W·b, C).
    The order (colour, row, column) is rewritten before (passes/channel_order).
    """
    block, channels_in = node.attributes["blocksize"], out.shape(node.inputs[0])[1]
    if block < 1 or channels_in % block**2:
        raise Refusal(f"the square of its block of {block} does not divide the {channels_in} channels")
    if node.attributes.get("mode", "DCR") != "DCR":
        raise Refusal(f"mode '{node.attributes['mode']}' should have been rewritten to DCR")
    if out.choices.pixel_shuffle == "depth_to_space":
        out.define(node.outputs[0], "DEPTH_TO_SPACE", [out.image(node.inputs[0])], {"block_size": block}, order=NHWC)
        return
    x, name = out.image(node.inputs[0]), node.outputs[0]
    batch, height, width, channels = x.shape
    planes = out.split(x, 3, [channels // block] * block, [f"{name}/plane{row}" for row in range(block)])
    length = width * channels // block
    rows: list[Tensor | None] = [out.reshape(plane, (batch, height, 1, length), f"{name}/row{row}") for row, plane in enumerate(planes)]
    options = {"axis": 2, "fused_activation_function": "NONE"}
    joined = out.emit("CONCATENATION", rows, f"{name}/rows", (batch, height, block, length), options)
    shape = (batch, height * block, width * block, channels // block // block)
    out.alias(name, out.reshape(joined, shape, name), NHWC)
