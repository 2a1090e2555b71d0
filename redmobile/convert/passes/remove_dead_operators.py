"""Remove what nobody reads."""

from __future__ import annotations

from redmobile.graph.tflite_model import TfliteModel


def remove_dead_operators(model: TfliteModel) -> None:
    """Operators on whose outputs nothing depends go.

    before   x ─ ADD ─ y          x ─ CONCATENATION ─ (nobody)
    after    x ─ ADD ─ y
    """
    needed = {id(tensor) for tensor in model.outputs}
    kept = []
    for operator in reversed(model.operators):
        if any(id(tensor) in needed for tensor in operator.outputs):
            kept.append(operator)
            needed.update(id(tensor) for tensor in operator.inputs if tensor is not None)
    model.operators = kept[::-1]
