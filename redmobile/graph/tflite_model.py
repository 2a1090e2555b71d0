"""A TFLite model as plain Python objects that can be read, edited and written.

Tensors are objects, and operators point at them directly: editing needs no renumbering. One subgraph.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.core.quant_math import Given, Quantization


@dataclasses.dataclass(eq=False)
class Tensor:
    """One tensor. shape: ints; dtype: numpy's name ('float32', 'int8', …); data: the constant's values, None for an activation.

    given: how the model that this one was made from, or its conversion, wants it quantized; for the quantizer, no file holds it.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    data: NDArray[Any] | None = None
    quantization: Quantization | None = None
    given: Given | None = None

    @classmethod
    def constant(cls, name: str, data: NDArray[Any], quantization: Quantization | None = None) -> Tensor:
        """A constant with the shape and dtype of `data`."""
        data = np.asarray(data, order="C")  # ascontiguousarray would give a scalar an axis
        return cls(name, data.shape, data.dtype.name, data, quantization)


@dataclasses.dataclass(eq=False)
class Operator:
    """One operator. kind: the schema's BuiltinOperator name ('CONV_2D').

    options: fields of its options table by the schema's names, with enums as their names, e.g.
    {"padding": "SAME", "stride_w": 2, "stride_h": 2, "fused_activation_function": "RELU6"}.
    An optional input that is absent is None. Fields not named in `options` take the schema's defaults.
    """

    kind: str
    inputs: list[Tensor | None]
    outputs: list[Tensor]
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(eq=False)
class TfliteModel:
    """A model of one subgraph. operators: in execution order; metadata: name → bytes, written as TFLite metadata entries."""

    operators: list[Operator]
    inputs: list[Tensor]
    outputs: list[Tensor]
    description: str = ""
    metadata: dict[str, bytes] = dataclasses.field(default_factory=dict)

    def tensors(self) -> Iterator[Tensor]:
        """Every tensor once: the inputs, then as the operators mention them."""
        seen: set[int] = set()
        mentioned: list[Sequence[Tensor | None]] = [
            self.inputs,
            *([*operator.inputs, *operator.outputs] for operator in self.operators),
            self.outputs,
        ]
        for tensor in (tensor for group in mentioned for tensor in group):
            if tensor is not None and id(tensor) not in seen:
                seen.add(id(tensor))
                yield tensor

    def producers(self) -> dict[int, Operator]:
        """id(tensor) → the operator that writes it."""
        return {id(tensor): operator for operator in self.operators for tensor in operator.outputs}

    def consumers(self) -> dict[int, list[Operator]]:
        """id(tensor) → the operators that read it, in order."""
        found: dict[int, list[Operator]] = {}
        for operator in self.operators:
            for tensor in operator.inputs:
                if tensor is not None:
                    found.setdefault(id(tensor), []).append(operator)
        return found

    def replace_uses(self, old: Tensor, new: Tensor) -> None:
        """Let every operator that reads `old`, and the model's outputs, take `new` instead."""
        for operator in self.operators:
            operator.inputs = [new if tensor is old else tensor for tensor in operator.inputs]
        self.outputs = [new if tensor is old else tensor for tensor in self.outputs]

    def only_consumer(self, tensor: Tensor) -> Operator | None:
        """The one operator that reads `tensor`; None if there are several, or none, or if `tensor` leaves the model."""
        consumers = [operator for operator in self.operators for used in operator.inputs if used is tensor]
        leaves = any(output is tensor for output in self.outputs)
        return consumers[0] if len(consumers) == 1 and not leaves else None
