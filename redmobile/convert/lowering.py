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

from redmobile.convert.outer_layout import outer_order
from redmobile.core.converter import LoweringChoices
from redmobile.core.quant_math import widest
from redmobile.core.registry import Registry
from redmobile.errors import UnsupportedModelError
from redmobile.graph.layout import IMAGE_RANK, NHWC, Order, joined, moves_data, permutation, plain, reshaped, stored
from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode
from redmobile.graph.tflite_model import Operator, Tensor

_TRANSPOSE_RANK = 6
"""The most axes that TFLite's TRANSPOSE takes."""

_SPLIT_OUTPUTS = 4
"""XNNPACK takes a SPLIT of up to four outputs; more are cut out one by one."""

DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float32")
"""Dtypes that values can have here. float16, bfloat16 and float64 were made float32 before (passes/single_precision)."""


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
    """The TFLite graph while it grows. Tensors have the dtypes of their ONNX values, which are of DTYPES.

    choices: which of several ways the target prefers; graph: what is being lowered.
    """

    def __init__(self, graph: OnnxGraph, choices: LoweringChoices) -> None:
        """Begin with the graph's inputs. Raises UnsupportedModelError if the dtype of one is not of DTYPES."""
        self.graph = graph
        self.choices = choices
        self.operators: list[Operator] = []
        self.inputs = [self._input(name) for name in graph.inputs]
        self._values = {name: _Value(tensor, outer_order(graph.shapes[name])) for name, tensor in zip(graph.inputs, self.inputs, strict=True)}
        self._reordered: dict[tuple[str, Order], Tensor] = {}
        self._outputs: list[Tensor] = []
        self.explained: list[str] = []

    def explain(self, sentence: str) -> None:
        """Keep a sentence about a decision that a lowering took for the target: what `redmobile convert --explain` shows."""
        self.explained.append(sentence)

    # Reading ------------------------------------------------------------------------------------------------------

    def shape(self, name: str) -> tuple[int, ...]:
        """The ONNX shape of a value. Refuses a value whose shape could not be inferred."""
        if name not in self.graph.shapes:
            raise Refusal(f"the shape of '{name}' could not be inferred")
        return self.graph.shapes[name]

    def dtype(self, name: str) -> str:
        """The dtype of a value, one of DTYPES. Refuses a value whose dtype is unknown or another one."""
        found = self.graph.dtypes.get(name)
        if found is None:
            raise Refusal(f"the dtype of '{name}' could not be inferred")
        if found not in DTYPES:
            raise Refusal(f"'{name}' is {found}, for which TFLite has no operators; {', '.join(DTYPES)} are supported")
        return found

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
            values = self._constant(name)
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
            return Tensor.constant(name, self._constant(name).reshape(shape).transpose(order))
        wide = f"{name}/rank{len(order)}"
        if wide not in self._values:
            self.graph.shapes[wide], self.graph.dtypes[wide] = shape, self.dtype(name)
            self.define_reshape(wide, name)
        return self.tensor(wide, order)

    def _constant(self, name: str) -> NDArray[Any]:
        self.dtype(name)  # refuses what TFLite cannot hold
        return self.graph.initializers[name]

    def _reorder(self, name: str, value: _Value, order: Order) -> Tensor:
        shape = self.shape(name)
        label = f"{name}/{'nhwc' if order == NHWC else 'onnx' if order == plain(len(order)) else 'order' + ''.join(map(str, order))}"
        if not moves_data(shape, value.order, order):
            return self.reshape(value.tensor, stored(shape, order), label)
        return self.transpose(value.tensor, permutation(value.order, order), label)

    # Writing ------------------------------------------------------------------------------------------------------

    def emit(
        self,
        kind: str,
        inputs: Sequence[Tensor | None],
        name: str,
        shape: tuple[int, ...],
        options: dict[str, Any] | None = None,
        *,
        dtype: str | None = None,
    ) -> Tensor:
        """Append an operator with one output of `shape`; returns that output. For steps that ONNX has no name for.

        dtype: by default that of the ONNX value `name`, or for another name that of the first input that is not a constant.
        """
        output = Tensor(name, shape, dtype or self.graph.dtypes.get(name) or _dtype_of(inputs))
        self.operators.append(Operator(kind, list(inputs), [output], options or {}))
        return output

    def define(self, name: str, kind: str, inputs: Sequence[Tensor | None], options: dict[str, Any] | None = None, *, order: Order) -> None:
        """Append the operator that computes the ONNX value `name`, of its dtype and stored in `order`."""
        self.alias(name, self.emit(kind, inputs, name, stored(self.shape(name), order), options, dtype=self.dtype(name)), order)

    def alias(self, name: str, tensor: Tensor, order: Order) -> None:
        """Let `tensor`, which lies in `order`, be the ONNX value `name`. Refuses if shapes or dtypes disagree, and a value that is empty."""
        if len(order) != len(self.shape(name)) or tensor.shape != stored(self.shape(name), order):
            raise Refusal(f"'{name}' should have the shape {self.shape(name)}, its lowering gives {tensor.shape}")
        if 0 in tensor.shape:
            raise Refusal(f"'{name}' has the shape {self.shape(name)}; TFLite has no tensors without values")
        if tensor.dtype != self.dtype(name):
            raise Refusal(f"'{name}' should be {self.dtype(name)}, its lowering gives {tensor.dtype}")
        tensor.given = widest(tensor.given, self.graph.given.get(name))
        self._values[name] = _Value(tensor, order)

    def stand_in(self, name: str) -> None:
        """Pretend that a refused node's output exists, so that the nodes behind it can be looked at too."""
        if name in self.graph.shapes:
            shape = self.graph.shapes[name]
            self._values[name] = _Value(Tensor(name, stored(shape, outer_order(shape)), self.graph.dtypes[name]), outer_order(shape))

    def reshape(self, tensor: Tensor, shape: tuple[int, ...], name: str) -> Tensor:
        """A view of `tensor` with another shape: RESHAPE, which moves nothing."""
        if tensor.shape == shape:
            return tensor
        if math.prod(tensor.shape) != math.prod(shape):
            raise Refusal(f"'{name}' should have the shape {shape}, its lowering gives {tensor.shape}")
        return self.emit("RESHAPE", [tensor, _shape_constant(name, shape)], name, shape, {"new_shape": list(shape)})

    def define_reshape(self, name: str, source: str) -> None:
        """Let `name` be `source` with another shape. Its order is the one that costs the least (graph/layout.reshaped)."""
        if math.prod(self.shape(source)) != math.prod(self.shape(name)):
            raise Refusal(f"it makes the shape {self.shape(name)} of {self.shape(source)}, which holds another number of values")
        before, after = reshaped(self.shape(source), self.shape(name), self.order(source))
        self.alias(name, self.reshape(self.tensor(source, before), stored(self.shape(name), after), name), after)

    def transpose(self, tensor: Tensor, perm: Order, name: str) -> Tensor:
        """TRANSPOSE of memory axes. From rank 5 on, axes that stay side by side are joined for it: what knows high ranks is rare."""
        shape = stored(tensor.shape, perm)
        if len(perm) > IMAGE_RANK:
            sizes, perm = joined(tensor.shape, perm)
            tensor = self.reshape(tensor, sizes, f"{name}/joined")
        if len(perm) > _TRANSPOSE_RANK:
            raise Refusal(f"it needs a transpose of {len(perm)} axes that all move; TFLite has it up to {_TRANSPOSE_RANK}")
        moved = stored(tensor.shape, perm)
        constant = Tensor.constant(f"{name}/perm", np.array(perm, np.int32))
        return self.reshape(self.emit("TRANSPOSE", [tensor, constant], name if moved == shape else f"{name}/moved", moved), shape, name)

    def split(self, tensor: Tensor, axis: int, sizes: Sequence[int], names: Sequence[str]) -> list[Tensor]:
        """Cut `tensor` along its memory axis `axis` into pieces of `sizes`: one SPLIT where that stays in XNNPACK, else STRIDED_SLICE.

        SPLIT has no form for bool.
        """
        shapes = [(*tensor.shape[:axis], size, *tensor.shape[axis + 1 :]) for size in sizes]
        if len(set(sizes)) == 1 and 1 < len(sizes) <= _SPLIT_OUTPUTS and tensor.dtype != "bool":
            pieces = [Tensor(name, shape, tensor.dtype) for name, shape in zip(names, shapes, strict=True)]
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
        return self.emit("PADV2", [tensor, amounts, scalar(f"{name}/value", value, tensor.dtype)], name, shape)

    # Ends ---------------------------------------------------------------------------------------------------------

    def _input(self, name: str) -> Tensor:
        dtype, shape = self.graph.dtypes[name], self.graph.shapes[name]
        if dtype not in DTYPES:
            raise UnsupportedModelError(f"Input '{name}' is {dtype}, for which TFLite has no operators; {', '.join(DTYPES)} are supported.")
        return Tensor(name, stored(shape, outer_order(shape)), dtype)

    def output(self, name: str) -> Tensor:
        """The tensor that leaves the graph as `name`: images as NHWC; a copy if the tensor is an input or another output too.

        An ONNX model that itself transposes its output to NHWC has it so.
        """
        if 0 in self.shape(name):
            raise UnsupportedModelError(f"Output '{name}' has the shape {self.shape(name)}; TFLite has no tensors without values.")
        is_image = len(self.shape(name)) == IMAGE_RANK and self.order(name) != plain(IMAGE_RANK)
        tensor = self.tensor(name, NHWC if is_image else outer_order(self.shape(name)))
        if tensor in self.inputs or tensor in self._outputs or tensor.data is not None:
            tensor = self.emit("RESHAPE", [tensor, _shape_constant(name, tensor.shape)], name, tensor.shape, {"new_shape": list(tensor.shape)})
        tensor.name = name
        self._outputs.append(tensor)
        return tensor


def scalar(name: str, value: float, dtype: str = "float32") -> Tensor:
    """A constant of shape ()."""
    return Tensor(name, (), dtype, np.array(value, dtype))


def _dtype_of(inputs: Sequence[Tensor | None]) -> str:
    given = [tensor for tensor in inputs if tensor is not None]
    return next((tensor for tensor in given if tensor.data is None), given[0]).dtype


def _shape_constant(name: str, shape: tuple[int, ...]) -> Tensor:
    return Tensor.constant(f"{name}/shape", np.array(shape, np.int32))
