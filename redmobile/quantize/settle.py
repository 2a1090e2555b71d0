"""Scales that are known before anything is measured, and the ties between tensors: who takes whose, and where two meet.

c ─ RESHAPE ─ r (given q)              →    c takes q: nothing else reads it
a (given p), b (given q) ─ CONCATENATION ─ y (given q)      →    a ─ QUANTIZE to q ─ CONCATENATION
x (given p) ─ AVERAGE_POOL_2D ─ y (given q)                 →    AVERAGE_POOL_2D in p ─ QUANTIZE to q ─ y
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.quantize.clamps import bounds
from redmobile.quantize.op_rules import float_tensors, is_tied
from redmobile.quantize.precision import CONVERSION, FLOAT, Precision

Known = dict[int, Quantization]
"""id of a tensor → its scale and zero point."""


def settle(model: TfliteModel, known: Known, precision: Precision) -> tuple[Known, Precision]:
    """`known`, spread over the operators that tie tensors; QUANTIZE is put into `model` wherever two scales that are known meet in a tie.

    Also returns `precision` with the widths of the tensors that came in between. Operators that stay float tie nothing.

    An operator of one input works in that input's scale and is followed by QUANTIZE. A clamp and an operator of several inputs work in
    their output's scale, or else, if all are known, in the widest of their inputs', or in one that is still to be found; QUANTIZE stands
    before them. An input takes the scale that is known behind it only if nothing else reads it: others may need values that this scale
    does not reach.
    """
    settling = _Settling(model, known, precision)
    settling.spread()
    settling.separate()
    return settling.known, dataclasses.replace(precision, tensors={**precision.tensors, **settling.widths})


class _Settling:
    def __init__(self, model: TfliteModel, known: Known, precision: Precision) -> None:
        self.known = dict(known)
        self.widths: dict[int, int] = {}
        self._precision = precision
        self._model = model
        self._readers = {key: len(operators) for key, operators in model.consumers().items()}
        self._outputs = {id(tensor) for tensor in model.outputs}
        self._rescaled: dict[str, int] = {}

    def spread(self) -> None:
        """Until nothing changes: backwards, then forwards."""
        before = -1
        while before < len(self.known):
            before = len(self.known)
            for operator in (*reversed(self._model.operators), *self._model.operators):
                self._spread(operator)

    def separate(self) -> None:
        """Put a QUANTIZE on every edge of a tied operator that works in another scale than the tensor has."""
        operators: list[Operator] = []
        for operator in self._model.operators:
            wanted = self._scale_of(operator)
            operators += [*self._before(operator, wanted), operator, *self._after(operator, wanted)]
        self._model.operators = operators

    def _spread(self, operator: Operator) -> None:
        if operator.kind == "MUL" and self._precision.of_operator(operator) != FLOAT:
            self._spread_through_factor(operator)
        wanted = self._scale_of(operator)
        if wanted is None:
            return
        for tensor in operator.outputs:
            self.known.setdefault(id(tensor), wanted)
        for tensor in _data(operator):
            if self._is_read_once(tensor):
                self.known.setdefault(id(tensor), wanted)

    def _spread_through_factor(self, operator: Operator) -> None:
        """A product with one positive constant has the codes of its other factor: the scale is divided by the constant."""
        constants = [tensor.data for tensor in float_tensors(operator.inputs) if tensor.data is not None]
        target = self.known.get(id(operator.outputs[0]))
        if target is None or len(constants) != 1 or constants[0].size != 1 or float(constants[0].reshape(-1)[0]) <= 0:
            return
        (source,) = _data(operator)
        if self._is_read_once(source):
            factor = float(constants[0].reshape(-1)[0])
            self.known.setdefault(id(source), Quantization(target.scale / target.scale.dtype.type(factor), target.zero_point))

    def _scale_of(self, operator: Operator) -> Quantization | None:
        """The scale that a tied operator works in, as far as it is known."""
        if not self._ties(operator):
            return None
        sources, results = self._all_known(_data(operator)), self._all_known(operator.outputs)
        ends_first = len(_data(operator)) > 1 or bounds(operator) is not None
        if not ends_first:
            return _widest(sources) or _widest(results)
        return _widest(results) or (_widest(sources) if len(sources) == len(_data(operator)) else None)

    def _ties(self, operator: Operator) -> bool:
        return is_tied(operator) and self._precision.of_operator(operator) != FLOAT

    def _all_known(self, tensors: Iterable[Tensor]) -> list[Quantization]:
        return [self.known[id(tensor)] for tensor in tensors if id(tensor) in self.known]

    def _is_read_once(self, tensor: Tensor) -> bool:
        return self._readers.get(id(tensor), 0) == 1 and id(tensor) not in self._outputs

    def _before(self, operator: Operator, wanted: Quantization | None) -> list[Operator]:
        made = []
        for source in _data(operator) if self._ties(operator) else []:
            if self.known.get(id(source)) != wanted:
                self._rescaled[source.name] = number = self._rescaled.get(source.name, 0) + 1
                rescaled = Tensor(f"{source.name}/rescaled{number if number > 1 else ''}", source.shape, source.dtype)
                operator.inputs = [rescaled if tensor is source else tensor for tensor in operator.inputs]
                if wanted is not None:
                    self.known[id(rescaled)] = wanted
                self.widths[id(rescaled)] = self._precision.of_operator(operator)
                made.append(Operator(CONVERSION, [source], [rescaled]))
        return made

    def _after(self, operator: Operator, wanted: Quantization | None) -> list[Operator]:
        made = []
        for place, result in enumerate(operator.outputs):
            if wanted is not None and self.known[id(result)] != wanted:
                unscaled = Tensor(f"{result.name}/unscaled", result.shape, result.dtype)
                operator.outputs[place] = unscaled
                self.known[id(unscaled)] = wanted
                self.widths[id(unscaled)] = self._precision.of_operator(operator)
                made.append(Operator(CONVERSION, [unscaled], [result]))
        return made


def _data(operator: Operator) -> list[Tensor]:
    """The inputs that are no constants, each once."""
    return list({id(tensor): tensor for tensor in float_tensors(operator.inputs) if tensor.data is None}.values())


def _widest(found: list[Quantization]) -> Quantization | None:
    return max(found, key=lambda each: float(each.scale[0]), default=None)
