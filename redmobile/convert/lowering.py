"""What a lowering is: a function that reads one ONNX node and writes TFLite operators.

    @lowers("Relu")
    def relu(node: OnnxNode, out: Lowering) -> None:
        out.define(node.outputs[0], "RELU", [out.tensor(node.inputs[0])], order=out.order(node.inputs[0]))

A node that cannot be lowered as it stands raises `Refusal` with the reason: that is also how one asks whether it is supported.

Axes: operator functions think in ONNX's axes. Memory may lie in another order (images are NHWC); `order` and `axis` translate.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.core.converter import LoweringChoices
from redmobile.core.quant_math import widest
from redmobile.core.registry import Registry
from redmobile.errors import UnsupportedModelError
from redmobile.graph.layout import IMAGE_RANK, NHWC, Order, moves_data, permutation, plain, stored
from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode
from redmobile.graph.tflite_model import Operator, Tensor

_SPLIT_OUTPUTS = 4
"""XNNPACK takes a SPLIT of up to four outputs; more are cut out one by one."""

_IMAGE_CHANNELS = (1, 3, 4)
"""What tells the axis of an outer image's channels from its width: grey, colour, colour and alpha."""


class Refusal(UnsupportedModelError):  # noqa: N818  what it is, not that it is an error
    """Why one node cannot be lowered: a clause without the node's name, which the caller adds."""


LowersOp = Callable[[OnnxNode, "Lowering"], None]

LOWERINGS: Registry[LowersOp] = Registry("ONNX op", "redmobile.convert.ops")
"""ONNX operator → the function that lowers it."""

lowers = LOWERINGS.register
"""Decorator: `@lowers("Conv")`."""


@dataclasses.dataclass(frozen=True)
class _Value:
    tensor: Tensor
    order: Order


class Lowering:
    """The TFLite graph while it grows. All tensors are float32.

    choices: which of several ways the target prefers; graph: what is being lowered.
    """

    def __init__(self, graph: OnnxGraph, choices: LoweringChoices) -> None:
        """Begin with the graph's inputs. Raises UnsupportedModelError if one is not float32."""
        self.graph = graph
        self.choices = choices
        self.operators: list[Operator] = []
        self.inputs = [self._input(name) for name in graph.inputs]
        self._values = {name: _Value(tensor, _outer_order(graph.shapes[name])) for name, tensor in zip(graph.inputs, self.inputs, strict=True)}
        self._reordered: dict[tuple[str, Order], Tensor] = {}
        self._outputs: list[Tensor] = []

    # Reading ------------------------------------------------------------------------------------------------------

    def shape(self, name: str) -> tuple[int, ...]:
        """The ONNX shape of a value. Refuses a value whose shape could not be inferred."""
        if name not in self.graph.shapes:
            raise Refusal(f"the shape of '{name}' could not be inferred")
        return self.graph.shapes[name]

    def knows(self, name: str) -> bool:
        """Whether `name` is a constant, was defined, or stands for an absent optional input."""
        return name == "" or name in self._values or name in self.graph.initializers

    def constant(self, name: str, what: str) -> NDArray[Any]:
        """The values of a constant; refuses one that is computed. `what` names it in the refusal."""
        if name not in self.graph.initializers:
            raise Refusal(f"its {what} ('{name}') is computed in the graph; only a constant is supported")
        return self.graph.initializers[name]

    def parameter(self, node: OnnxNode, attribute: str, position: int) -> list[Any] | None:
        """A parameter that is an attribute in old opsets and a constant input in new ones, as a list; None if absent."""
        if attribute in node.attributes:
            value = node.attributes[attribute]
            return list(value) if isinstance(value, list) else [value]
        if position >= len(node.inputs) or not node.inputs[position]:
            return None
        return list(self.constant(node.inputs[position], attribute).reshape(-1).tolist())

    def is_constant(self, name: str) -> bool:
        """Whether `name` is a constant of the graph."""
        return name in self.graph.initializers

    def order(self, name: str) -> Order:
        """The order in which the value `name` is stored; ONNX's own for a constant."""
        return self._values[name].order if name in self._values else plain(len(self.shape(name)))

    def axis(self, name: str, onnx_axis: int) -> int:
        """Where the ONNX axis of the value `name` (negative counts from the end) lies in memory."""
        rank = len(self.shape(name))
        if not -rank <= onnx_axis < rank:
            raise Refusal(f"axis {onnx_axis} lies outside of a tensor of rank {rank}")
        return self.order(name).index(onnx_axis % rank)

    # Tensors ------------------------------------------------------------------------------------------------------

    def tensor(self, name: str, order: Order | None = None) -> Tensor:
        """The tensor of the value `name`, stored in `order` (default: as it lies). A TRANSPOSE arises only if data must move."""
        if name in self.graph.initializers:
            values = self._float(name)
            return Tensor.constant(name, values.transpose(order if order is not None else plain(values.ndim)))
        value = self._values[name]
        if order is None or order == value.order:
            return value.tensor
        if (name, order) not in self._reordered:
            self._reordered[name, order] = self._reorder(name, value, order)
        return self._reordered[name, order]

    def image(self, name: str) -> Tensor:
        """The rank-4 value `name` as NHWC."""
        if len(self.shape(name)) != IMAGE_RANK:
            raise Refusal(f"its input '{name}' has rank {len(self.shape(name))}; only images (N, C, H, W) are supported")
        return self.tensor(name, NHWC)

    def broadcast(self, name: str, order: Order) -> Tensor:
        """The value `name` as an operand of a tensor of `order`: missing leading axes are added with size 1."""
        missing = len(order) - len(self.shape(name))
        if missing == 0:
            return self.tensor(name, order)
        shape = (1,) * missing + self.shape(name)
        if name in self.graph.initializers:
            return Tensor.constant(name, self._float(name).reshape(shape).transpose(order))
        wide = f"{name}/rank{len(order)}"
        if wide not in self._values:
            self.graph.shapes[wide] = shape
            self._define_reshape(wide, self.tensor(name, plain(len(self.shape(name)))))
        return self.tensor(wide, order)

    def _float(self, name: str) -> NDArray[np.float32]:
        values = self.graph.initializers[name]
        if values.dtype != np.float32:
            raise Refusal(f"its constant '{name}' is {values.dtype}; only float32 is supported")
        return values

    def _reorder(self, name: str, value: _Value, order: Order) -> Tensor:
        shape = self.shape(name)
        label = f"{name}/{'nhwc' if order == NHWC else 'onnx' if order == plain(len(order)) else 'order' + ''.join(map(str, order))}"
        if not moves_data(shape, value.order, order):
            return self.reshape(value.tensor, stored(shape, order), label)
        perm = np.array(permutation(value.order, order), np.int32)
        return self.emit("TRANSPOSE", [value.tensor, Tensor.constant(f"{label}/perm", perm)], label, stored(shape, order))

    # Writing ------------------------------------------------------------------------------------------------------

    def emit(self, kind: str, inputs: Sequence[Tensor | None], name: str, shape: tuple[int, ...], options: dict[str, Any] | None = None) -> Tensor:
        """Append an operator with one float32 output of `shape`; returns that output. For steps that ONNX has no name for."""
        output = Tensor(name, shape, "float32")
        self.operators.append(Operator(kind, list(inputs), [output], options or {}))
        return output

    def define(self, name: str, kind: str, inputs: Sequence[Tensor | None], options: dict[str, Any] | None = None, *, order: Order) -> None:
        """Append the operator that computes the ONNX value `name`, stored in `order`."""
        self.alias(name, self.emit(kind, inputs, name, stored(self.shape(name), order), options), order)

    def alias(self, name: str, tensor: Tensor, order: Order) -> None:
        """Let `tensor`, which lies in `order`, be the ONNX value `name`. Refuses if the shapes disagree."""
        if tensor.shape != stored(self.shape(name), order):
            raise Refusal(f"'{name}' should have the shape {stored(self.shape(name), order)}, its lowering gives {tensor.shape}")
        tensor.given = widest(tensor.given, self.graph.given.get(name))
        self._values[name] = _Value(tensor, order)

    def stand_in(self, name: str) -> None:
        """Pretend that a refused node's output exists, so that the nodes behind it can be looked at too."""
        if name in self.graph.shapes:
            shape = self.graph.shapes[name]
            self._values[name] = _Value(Tensor(name, stored(shape, _outer_order(shape)), "float32"), _outer_order(shape))

    def reshape(self, tensor: Tensor, shape: tuple[int, ...], name: str) -> Tensor:
        """A view of `tensor` with another shape: RESHAPE, which moves nothing."""
        if tensor.shape == shape:
            return tensor
        return self.emit("RESHAPE", [tensor, _shape_constant(name, shape)], name, shape, {"new_shape": list(shape)})

    def _define_reshape(self, name: str, tensor: Tensor) -> None:
        self.alias(name, self.reshape(tensor, self.shape(name), name), plain(len(self.shape(name))))

    def define_reshape(self, name: str, source: str) -> None:
        """Let `name` be `source` with another shape, both in ONNX's order."""
        self._define_reshape(name, self.tensor(source, plain(len(self.shape(source)))))

    def split(self, tensor: Tensor, axis: int, sizes: Sequence[int], names: Sequence[str]) -> list[Tensor]:
        """Cut `tensor` along its memory axis `axis` into pieces of `sizes`: one SPLIT where that stays in XNNPACK, else STRIDED_SLICE."""
        shapes = [(*tensor.shape[:axis], size, *tensor.shape[axis + 1 :]) for size in sizes]
        if len(set(sizes)) == 1 and 1 < len(sizes) <= _SPLIT_OUTPUTS:
            pieces = [Tensor(name, shape, "float32") for name, shape in zip(names, shapes, strict=True)]
            axis_constant = Tensor(f"{names[0]}/axis", (), "int32", np.array(axis, np.int32))
            self.operators.append(Operator("SPLIT", [axis_constant, tensor], pieces, {"num_splits": len(sizes)}))
            return pieces
        starts = [sum(sizes[:index]) for index in range(len(sizes))]
        return [
            self.strided_slice(tensor, {axis: slice(start, start + size, 1)}, name) for start, size, name in zip(starts, sizes, names, strict=True)
        ]

    def strided_slice(self, tensor: Tensor, cuts: dict[int, slice], name: str) -> Tensor:
        """STRIDED_SLICE along memory axes; cuts: axis → slice with 0 <= start <= stop <= size and step >= 1."""
        full = [cuts.get(axis, slice(0, size, 1)) for axis, size in enumerate(tensor.shape)]
        begin, end, strides = ([getattr(cut, field) for cut in full] for field in ("start", "stop", "step"))
        shape = tuple(math.ceil((cut.stop - cut.start) / cut.step) for cut in full)
        constants = [
            Tensor.constant(f"{name}/{what}", np.array(values, np.int32)) for what, values in (("begin", begin), ("end", end), ("strides", strides))
        ]
        return self.emit("STRIDED_SLICE", [tensor, *constants], name, shape)

    def pad(self, tensor: Tensor, pads: Sequence[tuple[int, int]], name: str, value: float = 0.0) -> Tensor:
        """PAD (PADV2 for another value than 0) with (before, after) for each memory axis; nothing if there is nothing to add."""
        if not any(map(any, pads)):
            return tensor
        amounts = Tensor.constant(f"{name}/pads", np.array(pads, np.int32))
        shape = tuple(size + before + after for size, (before, after) in zip(tensor.shape, pads, strict=True))
        if value == 0.0:
            return self.emit("PAD", [tensor, amounts], name, shape)
        return self.emit("PADV2", [tensor, amounts, scalar(f"{name}/value", value)], name, shape)

    def mirror_pad(self, tensor: Tensor, pads: Sequence[tuple[int, int]], name: str) -> Tensor:
        """MIRROR_PAD by reflection (the edge itself is not repeated) with (before, after) for each memory axis."""
        amounts = Tensor.constant(f"{name}/pads", np.array(pads, np.int32))
        shape = tuple(size + before + after for size, (before, after) in zip(tensor.shape, pads, strict=True))
        return self.emit("MIRROR_PAD", [tensor, amounts], name, shape, {"mode": "REFLECT"})

    # Ends ---------------------------------------------------------------------------------------------------------

    def _input(self, name: str) -> Tensor:
        if self.graph.dtypes[name] != "float32":
            raise UnsupportedModelError(f"Input '{name}' is {self.graph.dtypes[name]}; only float32 is supported.")
        shape = self.graph.shapes[name]
        return Tensor(name, stored(shape, _outer_order(shape)), "float32")

    def output(self, name: str) -> Tensor:
        """The tensor that leaves the graph as `name`: images as NHWC; a copy if the tensor is an input or another output too.

        An ONNX model that itself transposes its output to NHWC has it so.
        """
        is_image = len(self.shape(name)) == IMAGE_RANK and self.order(name) != plain(IMAGE_RANK)
        tensor = self.tensor(name, NHWC if is_image else _outer_order(self.shape(name)))
        if tensor in self.inputs or tensor in self._outputs or tensor.data is not None:
            tensor = self.emit("RESHAPE", [tensor, _shape_constant(name, tensor.shape)], name, tensor.shape, {"new_shape": list(tensor.shape)})
        tensor.name = name
        self._outputs.append(tensor)
        return tensor


def scalar(name: str, value: float) -> Tensor:
    """A float32 constant of shape ()."""
    return Tensor(name, (), "float32", np.array(value, np.float32))


def _shape_constant(name: str, shape: tuple[int, ...]) -> Tensor:
    return Tensor.constant(f"{name}/shape", np.array(shape, np.int32))


def _outer_order(shape: tuple[int, ...]) -> Order:
    """The order of an input or output: an image as NHWC, unless by its shape the ONNX model itself has it so."""
    if len(shape) != IMAGE_RANK or (shape[3] in _IMAGE_CHANNELS and shape[1] not in _IMAGE_CHANNELS):
        return plain(len(shape))
    return NHWC
