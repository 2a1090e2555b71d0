"""Concatenations of many, as XNNPACK takes them: five at a time."""

from __future__ import annotations

from collections.abc import Callable

from redmobile.core.converter import LoweringChoices
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

_MOST = 5


def nest_concatenations(model: TfliteModel, choices: LoweringChoices, explain: Callable[[str], None]) -> None:
    """The last inputs of a CONCATENATION of more than five are joined first.

        before   a, b, c, d, e, f, g, h ─ CONCATENATION
        after    a, b, c, d, (e, f, g, h ─ CONCATENATION) ─ CONCATENATION

    The same values; what is joined first is copied twice, but XNNPACK leaves what joins more than five, and there the graph falls apart.
    """
    if choices.concatenation == "any":
        return
    operators: list[Operator] = []
    for operator in model.operators:
        if operator.kind == "CONCATENATION" and len(operator.inputs) > _MOST:
            explain(f"{operator.outputs[0].name}: joins {len(operator.inputs)} tensors, five at a time at most")
            operators += _nested(operator)
        operators.append(operator)
    model.operators = operators


def _nested(operator: Operator) -> list[Operator]:
    """What has to run before `operator`, whose inputs become few enough."""
    axis, result = operator.options["axis"], operator.outputs[0]
    made: list[Operator] = []
    while len(operator.inputs) > _MOST:
        count = min(_MOST, len(operator.inputs) - _MOST + 1)
        last = operator.inputs[-count:]
        shape = list(result.shape)
        shape[axis] = sum(tensor.shape[axis] for tensor in last if tensor is not None)
        joined = Tensor(f"{result.name}/joined{len(made)}", tuple(shape), result.dtype)
        made.append(Operator("CONCATENATION", last, [joined], {**operator.options}))
        operator.inputs = [*operator.inputs[:-count], joined]
    return made
