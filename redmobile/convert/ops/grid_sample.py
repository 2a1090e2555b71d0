"""GridSample."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from redmobile.convert.lowering import Lowering, Refusal, lowers, scalar
from redmobile.graph.layout import IMAGE_RANK, NHWC, plain
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_MODES = {"bilinear": "linear", "linear": "linear", "nearest": "nearest", "bicubic": "cubic", "cubic": "cubic"}
"""Names of opset 16 and 20 → what is meant."""

_PADDINGS = ("zeros", "border", "reflection")

_A = -0.75
"""Coefficient of the cubic kernel, fixed by ONNX."""

_CUBIC = {
    -1: (0, _A, -2 * _A, _A),
    0: (1, 0, -(_A + 3), _A + 2),
    1: (0, -_A, 2 * _A + 3, -(_A + 2)),
    2: (0, 0, _A, -_A),
}
"""Offset of a neighbour → its weight as a polynomial of the fraction, the constant first."""


@lowers("GridSample")
def grid_sample(node: OnnxNode, out: Lowering) -> None:
    """`y[n, :, i, j] = x at the position grid[n, i, j]`   ->   GATHER of each neighbour, weighted; float only.

    x: (N, C, H, W); grid: (N, H', W', 2) of (across, down), -1 and 1 the outer ends. All modes and paddings. GATHER is outside of XNNPACK.
    """
    mode, padding = node.attributes.get("mode", "linear"), node.attributes.get("padding_mode", "zeros")
    if mode not in _MODES or padding not in _PADDINGS:
        raise Refusal(f"mode '{mode}' with padding_mode '{padding}' is not known; {', '.join(_MODES)} and {', '.join(_PADDINGS)} are")
    if len(out.shape(node.inputs[0])) != IMAGE_RANK:
        raise Refusal(f"its input '{node.inputs[0]}' has rank {len(out.shape(node.inputs[0]))}; only images (N, C, H, W) are sampled")
    data, name = out.tensor(node.inputs[0], NHWC), node.outputs[0]
    across, down = out.split(out.tensor(node.inputs[1], plain(IMAGE_RANK)), 3, [1, 1], [f"{name}/across", f"{name}/down"])
    aligned = bool(node.attributes.get("align_corners", 0))
    steps = _Steps(out, name)
    columns = _neighbours(steps, across, _Axis(data.shape[2], aligned=aligned, padding=padding), _MODES[mode])
    rows = _neighbours(steps, down, _Axis(data.shape[1], aligned=aligned, padding=padding), _MODES[mode])
    out.alias(name, _gathered(steps, data, rows, columns), NHWC)


@dataclasses.dataclass(frozen=True)
class _Axis:
    """size: of the picture along it; aligned: -1 and 1 are the centres of the outer pixels, not their outer edges."""

    size: int
    aligned: bool
    padding: str


@dataclasses.dataclass(frozen=True)
class _Neighbour:
    """index: int32, within the picture; weight: float32, None for 1. Both (N, H', W', 1)."""

    index: Tensor
    weight: Tensor | None


class _Steps:
    """Elementwise operators with names that count up."""

    def __init__(self, out: Lowering, name: str) -> None:
        self.out, self.name, self._count = out, name, 0

    def next(self) -> str:
        """The name of the next step."""
        self._count += 1
        return f"{self.name}/step{self._count}"

    def unary(self, kind: str, tensor: Tensor) -> Tensor:
        """`kind` of a tensor."""
        return self.out.emit(kind, [tensor], self.next(), tensor.shape, dtype=tensor.dtype)

    def binary(self, kind: str, first: Tensor, second: Tensor | float) -> Tensor:
        """`kind` of two tensors, or of one and a number."""
        name = self.next()
        if not isinstance(second, Tensor):
            second = scalar(f"{name}/constant", second, first.dtype)
        options = {} if kind in {"MAXIMUM", "MINIMUM"} else {"fused_activation_function": "NONE"}
        return self.out.emit(kind, [first, second], name, np.broadcast_shapes(first.shape, second.shape), options, dtype=first.dtype)

    def cast(self, tensor: Tensor, dtype: str) -> Tensor:
        """CAST."""
        return self.out.emit(
            "CAST", [tensor], self.next(), tensor.shape, {"in_data_type": tensor.dtype.upper(), "out_data_type": dtype.upper()}, dtype=dtype
        )

    def equal(self, first: Tensor, second: Tensor) -> Tensor:
        """1 where both are equal, 0 elsewhere, float32."""
        return self.cast(self.out.emit("EQUAL", [first, second], self.next(), first.shape, dtype="bool"), "float32")

    def clipped(self, tensor: Tensor, size: int) -> Tensor:
        """At least 0, at most size - 1."""
        return self.binary("MINIMUM", self.binary("MAXIMUM", tensor, 0.0), float(size - 1))

    def polynomial(self, tensor: Tensor, coefficients: tuple[float, ...]) -> Tensor:
        """By Horner's rule; the constant coefficient first, at least two."""
        constant, *rest = coefficients
        factor = rest[0] if len(rest) == 1 else self.polynomial(tensor, tuple(rest))
        product = self.binary("MUL", tensor, factor)
        return self.binary("ADD", product, constant) if constant else product


def _neighbours(steps: _Steps, grid: Tensor, axis: _Axis, mode: str) -> list[_Neighbour]:
    span = axis.size - 1 if axis.aligned else axis.size
    position = steps.binary("ADD", steps.binary("MUL", grid, span / 2), (axis.size - 1) / 2)
    if mode == "nearest":
        return [_neighbour(steps, steps.unary("ROUND", position), None, axis)]
    if mode == "linear" and axis.padding != "zeros":
        position = _inside(steps, position, axis)
    first = steps.unary("FLOOR", position)
    fraction = steps.binary("SUB", position, first)
    if mode == "linear":
        weights = {0: steps.polynomial(fraction, (1, -1)), 1: fraction}
    else:
        weights = {offset: steps.polynomial(fraction, coefficients) for offset, coefficients in _CUBIC.items()}
    return [_neighbour(steps, steps.binary("ADD", first, float(offset)), weight, axis) for offset, weight in weights.items()]


def _neighbour(steps: _Steps, place: Tensor, weight: Tensor | None, axis: _Axis) -> _Neighbour:
    """The pixel at the whole position `place`; one outside weighs nothing, or is another one's, as the padding says."""
    inside = _inside(steps, place, axis)
    if axis.padding == "zeros":
        counts = steps.equal(place, inside)
        weight = counts if weight is None else steps.binary("MUL", weight, counts)
    return _Neighbour(steps.cast(inside, "int32"), weight)


def _inside(steps: _Steps, position: Tensor, axis: _Axis) -> Tensor:
    """`position` within 0 … size - 1: reflected at the outer pixels' centres or edges, then clipped."""
    if axis.padding == "reflection":
        low, span = (0.0, axis.size - 1) if axis.aligned else (-0.5, axis.size)
        if span:
            distance = steps.binary("SUB", position, low)
            turns = steps.unary("FLOOR", steps.binary("MUL", distance, 1 / (2 * span)))
            rest = steps.binary("SUB", distance, steps.binary("MUL", turns, 2.0 * span))
            away = steps.unary("ABS", steps.binary("SUB", rest, float(span)))
            position = steps.binary("ADD", steps.binary("MUL", away, -1.0), span + low)
    return steps.clipped(position, axis.size)


def _gathered(steps: _Steps, data: Tensor, rows: list[_Neighbour], columns: list[_Neighbour]) -> Tensor:
    batch, height, width, channels = data.shape
    flat = steps.out.reshape(data, (batch * height * width, channels), f"{steps.name}/flat")
    starts = Tensor.constant(f"{steps.name}/pictures", (np.arange(batch, dtype=np.int32) * height * width).reshape(batch, 1, 1, 1))
    lines = [steps.binary("ADD", steps.binary("MUL", row.index, width), starts) for row in rows]
    return _sum(steps, [(_row(steps, flat, line, columns), row.weight) for line, row in zip(lines, rows, strict=True)])


def _row(steps: _Steps, flat: Tensor, start: Tensor, columns: list[_Neighbour]) -> Tensor:
    """(N, H', W', C) the weighted pixels of one row of the picture each. start: int32 index of the row's first pixel in `flat`."""
    return _sum(steps, [(_pixels(steps, flat, steps.binary("ADD", column.index, start)), column.weight) for column in columns])


def _pixels(steps: _Steps, flat: Tensor, index: Tensor) -> Tensor:
    places = steps.out.reshape(index, index.shape[:3], steps.next())
    return steps.out.emit("GATHER", [flat, places], steps.next(), (*places.shape, flat.shape[1]), {"axis": 0}, dtype=flat.dtype)


def _sum(steps: _Steps, parts: list[tuple[Tensor, Tensor | None]]) -> Tensor:
    """The sum of (values, weight) pairs."""
    weighted = [values if weight is None else steps.binary("MUL", values, weight) for values, weight in parts]
    return functools.reduce(lambda total, part: steps.binary("ADD", total, part), weighted)
