"""Which operators work in which width, and what stands between two widths.

Widths are bits of activations: 8, 16 (over 8-bit weights), or 32 for an operator that stays float32. Where a tensor goes from an operator of
one width to one of another, a conversion is put in between:

    conv (8 bits) ─ x ─ conv (16 bits) ─ y      →      conv ─ x int8 ─ QUANTIZE ─ x/int16 ─ conv ─ y int16
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from redmobile.errors import UsageError
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

FLOAT = 32
"""The width of an operator that is not quantized."""

DTYPES = {8: "int8", 16: "int16", FLOAT: "float32"}
"""Width → dtype of activations."""

CONVERSION = "QUANTIZE"
"""Kind of the operator between two widths while the graph is float; in the file it is QUANTIZE or DEQUANTIZE."""


@dataclasses.dataclass(frozen=True)
class Precision:
    """base: the width of all that is not named, and of the graph's inputs and outputs; operators, tensors: id → width where it is another one."""

    base: int
    operators: Mapping[int, int] = dataclasses.field(default_factory=dict)
    tensors: Mapping[int, int] = dataclasses.field(default_factory=dict)

    def of_operator(self, operator: Operator) -> int:
        """Bits of what the operator reads and writes."""
        return self.operators.get(id(operator), self.base)

    def of_tensor(self, tensor: Tensor) -> int:
        """Bits of an activation."""
        return self.tensors.get(id(tensor), self.base)


def set_precision(model: TfliteModel, base: int, wide: Collection[str], kept_float: Collection[str]) -> Precision:
    """Put conversions into the float `model` (it is changed) so that each operator meets one width only.

    wide, kept_float: names of layers, which are those of their first outputs. Raises UsageError for names that no layer has.
    """
    named = dict.fromkeys(wide, 16) | dict.fromkeys(kept_float, FLOAT)
    known = {operator.outputs[0].name for operator in model.operators}
    if unknown := sorted(named.keys() - known):
        raise UsageError(f"The network has no layers called {', '.join(unknown)}; a layer's name is that of its first output.")
    operators = {id(operator): named[operator.outputs[0].name] for operator in model.operators if operator.outputs[0].name in named}
    return _Separation(model, Precision(base, operators)).done()


class _Separation:
    def __init__(self, model: TfliteModel, precision: Precision) -> None:
        self._model = model
        self._precision = precision
        self._tensors = {
            id(tensor): width
            for operator in model.operators
            if (width := precision.of_operator(operator)) != precision.base
            for tensor in operator.outputs
        }
        self._converted: dict[tuple[int, int], Tensor] = {}
        self._operators: list[Operator] = []

    def done(self) -> Precision:
        base = self._precision.base
        if not self._tensors:
            return self._precision
        for operator in self._model.operators:
            width = self._precision.of_operator(operator)
            operator.inputs = [self._at(tensor, width) for tensor in operator.inputs]
            self._operators.append(operator)
        self._model.outputs = [self._at(tensor, base) or tensor for tensor in self._model.outputs]
        self._model.operators = self._operators
        return Precision(base, self._precision.operators, self._tensors)

    def _at(self, tensor: Tensor | None, width: int) -> Tensor | None:
        """`tensor`, or its conversion to `width`."""
        if tensor is None or tensor.data is not None or tensor.dtype != "float32" or self._tensors.get(id(tensor), self._precision.base) == width:
            return tensor
        key = id(tensor), width
        if key not in self._converted:
            converted = Tensor(f"{tensor.name}/{DTYPES[width]}", tensor.shape, tensor.dtype)
            self._operators.append(Operator(CONVERSION, [tensor], [converted]))
            self._tensors[id(converted)] = width
            self._converted[key] = converted
        return self._converted[key]
