"""Which tensors must share one scale and zero point: sets joined by union-find."""

from __future__ import annotations

import math
from collections.abc import Iterable

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.quantize.op_rules import float_tensors, is_tied


class Ties:
    """Disjoint sets of tensors. Every float tensor of the model belongs to one; operators of `tied` kinds have joined theirs."""

    def __init__(self, operators: Iterable[Operator]) -> None:
        self._parents: dict[int, int] = {}
        for operator in operators:
            tensors = float_tensors([*operator.inputs, *operator.outputs])
            for tensor in tensors:
                self._parents.setdefault(id(tensor), id(tensor))
            if is_tied(operator):
                for tensor in tensors[1:]:
                    self.join(tensors[0], tensor)

    def of(self, tensor: Tensor) -> int:
        """The key of the set that `tensor` belongs to."""
        key = self._parents.setdefault(id(tensor), id(tensor))
        while self._parents[key] != key:
            self._parents[key] = self._parents[self._parents[key]]
            key = self._parents[key]
        return key

    def join(self, one: Tensor, other: Tensor) -> None:
        """Let the sets of two tensors be one."""
        self._parents[self.of(other)] = self.of(one)


FEW_POSITIONS = 16
"""A tensor with fewer values a channel and frame than this is a summary of the whole picture, like the output of a global average.
Calibration sees only a handful of them, so neither their extremes nor their percentiles say much about other pictures."""


def is_summary(tensor: Tensor) -> bool:
    """Whether calibration sees too few values of `tensor` to trust their spread."""
    return math.prod(tensor.shape[:-1]) < FEW_POSITIONS


def activations(model: TfliteModel) -> list[Tensor]:
    """Float tensors that are computed or fed, in the order in which they come up."""
    return [tensor for tensor in model.tensors() if tensor.data is None and tensor.dtype == "float32"]


def roots(model: TfliteModel) -> list[Tensor]:
    """Activations whose values are not just passed on by a tied operator: the inputs, and what all other operators compute.

    A tied operator's output lies within the hull of its inputs, so the roots' ranges bound all others.
    """
    passed_on = {id(tensor) for operator in model.operators if is_tied(operator) for tensor in operator.outputs}
    return [tensor for tensor in activations(model) if id(tensor) not in passed_on]
