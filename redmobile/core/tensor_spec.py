"""What a runtime or a graph says of one input or output tensor."""

from __future__ import annotations

import dataclasses
from typing import Literal

from redmobile.core.quant_math import Quantization

Layout = Literal["NHWC", "NCHW", "?"]


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """Name, shape, dtype (numpy's name), layout (of rank-4 images; '?' otherwise) and quantization (None for float)."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    layout: Layout
    quantization: Quantization | None = None

    def __str__(self) -> str:
        size = "×".join(map(str, self.shape))
        return f"{self.name}: {size} {self.dtype}" + (f" {self.layout}" if self.layout != "?" else "")

    @property
    def image_size(self) -> tuple[int, int, int]:
        """(height, width, channels) of a rank-4 image tensor with a known layout."""
        _, a, b, c = self.shape
        return (a, b, c) if self.layout == "NHWC" else (b, c, a)


def guess_layout(shape: tuple[int, ...]) -> Layout:
    """The layout of an image tensor of `shape`, from where the small channel count (1, 3 or 4) stands."""
    if len(shape) != 4:  # noqa: PLR2004 - batch, two of space, channels
        return "?"
    if shape[3] in (1, 3, 4):
        return "NHWC"
    return "NCHW" if shape[1] in (1, 3, 4) else "?"
