"""Feature maps as TFLite's windows want them, (N, H, W, C): a signal (N, C, L) is an image of height 1."""

from __future__ import annotations

from redmobile.convert.lowering import Lowering, Refusal
from redmobile.graph.layout import IMAGE_RANK, NHWC, Order
from redmobile.graph.tflite_model import Tensor

NLC: Order = (0, 2, 1)
"""Order of a signal (N, C, L) that is stored as (N, L, C)."""

SIGNAL_RANK = 3


def image_of(out: Lowering, name: str) -> Tensor:
    """The value `name`, (N, C, H, W) or (N, C, L), as (N, H, W, C) or (N, 1, L, C). Refuses other ranks."""
    rank = len(out.shape(name))
    if rank == IMAGE_RANK:
        return out.tensor(name, NHWC)
    if rank != SIGNAL_RANK:
        raise Refusal(f"its input '{name}' has rank {rank}; signals (N, C, L) and images (N, C, H, W) are supported: {_advice(rank)}")
    batch, channels, length = out.shape(name)
    return out.reshape(out.tensor(name, NLC), (batch, 1, length, channels), f"{name}/image")


def define_image(out: Lowering, name: str, tensor: Tensor) -> None:
    """Let `tensor`, (N, H, W, C), be the ONNX value `name`, (N, C, H, W) or, where the height is 1, (N, C, L)."""
    if len(out.shape(name)) == IMAGE_RANK:
        out.alias(name, tensor, NHWC)
        return
    batch, channels, length = out.shape(name)
    out.alias(name, out.reshape(tensor, (batch, length, channels), name), NLC)


def _advice(rank: int) -> str:
    if rank > IMAGE_RANK:
        return "move what the kernel does not span into the batch by a Reshape"
    return "add the missing axes by a Reshape"
