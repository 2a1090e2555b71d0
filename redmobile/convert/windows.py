"""Windows that slide over an image: which padding of TFLite's says the same as ONNX's pads.

TFLite knows VALID (none) and SAME: with effective kernel k, stride s and size n there are ceil(n / s) windows, which need
max((ceil(n / s) - 1) · s + k - n, 0) padded positions, the smaller half of them before. Source: TensorFlow's documentation of
`tf.nn.convolution`; ONNX's operator documentation for auto_pad.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from redmobile.convert.lowering import Refusal
from redmobile.graph.onnx_graph import OnnxNode

Pads = tuple[tuple[int, int], tuple[int, int]]
"""((top, bottom), (left, right))."""

NO_PADS: Pads = ((0, 0), (0, 0))


@dataclasses.dataclass(frozen=True)
class Window:
    """kernel, stride, dilation: (vertical, horizontal); pads: what ONNX adds around an image of `size` (height, width)."""

    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: Pads

    @property
    def same_pads(self) -> Pads:
        """What SAME adds."""
        return _both(_same(*axis) for axis in zip(self.size, _effective(self.kernel, self.dilation), self.stride, strict=True))

    @property
    def padding(self) -> str | None:
        """'VALID' or 'SAME' where it says what ONNX's pads say, otherwise None."""
        if self.pads == NO_PADS:
            return "VALID"
        return "SAME" if self.pads == self.same_pads else None

    @property
    def used_pads(self) -> Pads:
        """The pads without what no window reaches at the bottom and the right."""
        axes = zip(self.size, _effective(self.kernel, self.dilation), self.stride, self.pads, strict=True)
        return _both(_reached(*axis) for axis in axes)


def window_of(node: OnnxNode, size: tuple[int, int], kernel: Sequence[int]) -> Window:
    """The window of a Conv or a pooling node over an image of `size` (height, width). Refuses what is not two-dimensional."""
    if len(kernel) != 2:  # noqa: PLR2004  two axes
        raise Refusal(f"its kernel has {len(kernel)} axes; only images (two axes) are supported")
    stride = _pair(node.attributes.get("strides", [1, 1]))
    dilation = _pair(node.attributes.get("dilations", [1, 1]))
    window = Window(size, _pair(kernel), stride, dilation, NO_PADS)
    return dataclasses.replace(window, pads=_pads(node, window))


def _pads(node: OnnxNode, window: Window) -> Pads:
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if automatic == "SAME_UPPER":
        return window.same_pads
    if automatic == "SAME_LOWER":
        return _both((after, before) for before, after in window.same_pads)
    if automatic == "VALID":
        return NO_PADS
    top, left, bottom, right = node.attributes.get("pads", [0, 0, 0, 0])
    if min(top, left, bottom, right) < 0:
        raise Refusal("its pads are negative")
    return (top, bottom), (left, right)


def _effective(kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    return (kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    needed = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return needed // 2, needed - needed // 2


def _reached(size: int, kernel: int, stride: int, pads: tuple[int, int]) -> tuple[int, int]:
    before, after = pads
    unused = (size + before + after - kernel) % stride
    return before, max(after - unused, 0)


def _pair(values: Sequence[int]) -> tuple[int, int]:
    vertical, horizontal = values
    return vertical, horizontal


def _both(values: Iterable[tuple[int, int]]) -> Pads:
    vertical, horizontal = values
    return vertical, horizontal
