"""Windows that slide over an image: which padding of TFLite's says the same as ONNX's pads.

TFLite knows VALID (none) and SAME: with effective kernel k, stride s and size n there are ceil(n / s) windows, which need
max((ceil(n / s) - 1) · s + k - n, 0) padded positions, the smaller half of them before. Source: TensorFlow's documentation of
`tf.nn.convolution`; ONNX's operator documentation for auto_pad and ceil_mode. A signal is an image of height 1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from redmobile.convert.lowering import Refusal
from redmobile.graph.onnx_graph import OnnxNode

Pads = tuple[tuple[int, int], tuple[int, int]]
"""((top, bottom), (left, right))."""

NO_PADS: Pads = ((0, 0), (0, 0))


@dataclasses.dataclass(frozen=True)
class Window:
    """kernel, stride, dilation: (vertical, horizontal); pads: what ONNX adds around an image of `size` (height, width).

    rounds_up: windows that begin on the padded image but reach beyond it count too (ONNX's ceil_mode).
    """

    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: Pads
    rounds_up: bool = False

    @property
    def span(self) -> tuple[int, int]:
        """How many positions the kernel reaches over, dilation included."""
        return (self.kernel[0] - 1) * self.dilation[0] + 1, (self.kernel[1] - 1) * self.dilation[1] + 1

    @property
    def outputs(self) -> tuple[int, int]:
        """How many windows there are down and across."""
        axes = zip(self.size, self.span, self.stride, self.pads, strict=True)
        down, across = (_count(*axis, rounds_up=self.rounds_up) for axis in axes)
        return down, across

    @property
    def same_pads(self) -> Pads:
        """What SAME adds."""
        return _both(_same(*axis) for axis in zip(self.size, self.span, self.stride, strict=True))

    @property
    def padding(self) -> str | None:
        """'VALID' or 'SAME' where it says what ONNX's pads say, otherwise None."""
        if self.used_pads == NO_PADS:
            return "VALID"
        return "SAME" if self.used_pads == self.same_pads and self.outputs == self._same_outputs else None

    @property
    def used_pads(self) -> Pads:
        """The pads that the windows reach: without what lies unused at the bottom and the right, with what rounding up adds."""
        axes = zip(self.size, self.span, self.stride, self.pads, self.outputs, strict=True)
        return _both((before, max((count - 1) * stride + span - size - before, 0)) for size, span, stride, (before, _), count in axes)

    @property
    def _same_outputs(self) -> tuple[int, int]:
        return -(-self.size[0] // self.stride[0]), -(-self.size[1] // self.stride[1])

    @property
    def covers_all(self) -> bool:
        """Whether there is one window, and it is the whole image."""
        return self.kernel == self.size and self.outputs == (1, 1) and self.used_pads == NO_PADS

    def positions(self, axis: int) -> NDArray[np.intp]:
        """(outputs, kernel) positions on the image, along axis 0 (down) or 1 (across), that each window reads; outside ones too."""
        starts = np.arange(self.outputs[axis]) * self.stride[axis] - self.pads[axis][0]
        return np.asarray(starts[:, None] + np.arange(self.kernel[axis]) * self.dilation[axis])


def window_of(node: OnnxNode, size: tuple[int, int], kernel: Sequence[int]) -> Window:
    """The window of a Conv or a pooling node over an image of `size` (height, width). Refuses what has more than two axes."""
    axes = len(kernel)
    if axes not in {1, 2}:
        raise Refusal(f"its kernel has {axes} axes; signals (one) and images (two) are supported")
    stride = _pair(node.attributes.get("strides", [1] * axes))
    dilation = _pair(node.attributes.get("dilations", [1] * axes))
    window = Window(size, _pair(kernel), stride, dilation, NO_PADS, rounds_up=bool(node.attributes.get("ceil_mode", 0)))
    window = dataclasses.replace(window, pads=_pads(node, window, axes))
    if min(window.outputs) < 1:
        raise Refusal(f"its kernel spans {window.span}, more than the padded image {size} has")
    return window


def _pads(node: OnnxNode, window: Window, axes: int) -> Pads:
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if automatic == "SAME_UPPER":
        return window.same_pads
    if automatic == "SAME_LOWER":
        return _both((after, before) for before, after in window.same_pads)
    if automatic == "VALID":
        return NO_PADS
    pads = node.attributes.get("pads", [0, 0] * axes)
    if len(pads) != 2 * axes:
        raise Refusal(f"pads {pads} for a kernel of {axes} axes: expected {2 * axes} amounts")
    if min(pads) < 0:
        raise Refusal(f"its pads {pads} are negative: put a Slice before it instead")
    sides = list(zip(pads[:axes], pads[axes:], strict=True))
    return _both([(0, 0)] * (2 - axes) + sides)


def _count(size: int, span: int, stride: int, pads: tuple[int, int], *, rounds_up: bool) -> int:
    room = size + sum(pads) - span
    count = -(-room // stride) + 1 if rounds_up else room // stride + 1
    # A window that begins behind the image reads nothing; it is left out.
    return count - 1 if rounds_up and (count - 1) * stride >= size + pads[0] else count


def _same(size: int, span: int, stride: int) -> tuple[int, int]:
    needed = max((-(-size // stride) - 1) * stride + span - size, 0)
    return needed // 2, needed - needed // 2


def _pair(values: Sequence[int]) -> tuple[int, int]:
    vertical, horizontal = values if len(values) > 1 else (1, *values)
    return vertical, horizontal


def _both(values: Iterable[tuple[int, int]]) -> Pads:
    vertical, horizontal = values
    return vertical, horizontal
