"""Into how many pieces a delegate's operators fall."""

from __future__ import annotations

from collections.abc import Sequence

from redmobile.graph.tflite_model import Operator, TfliteModel


def count_partitions(model: TfliteModel, taken: Sequence[bool]) -> int:
    """How many pieces TFLite makes of the operators that a delegate takes. taken: one flag an operator, in their order.

    TFLite's way (tensorflow/lite/graph_info.cc): a piece begins with the first operator whose inputs are there and takes in every operator
    of its side, delegated or not, that can then run; the next piece begins with what is left.
    """
    ready = {id(tensor) for tensor in model.tensors()} - {id(tensor) for operator in model.operators for tensor in operator.outputs}
    left = list(range(len(model.operators)))
    pieces = 0
    while left:
        first = next((position for position in left if _runs(model.operators[position], ready)), None)
        if first is None:
            break  # operators that wait for each other: no runtime runs them either
        side = taken[first]
        pieces += side
        left = _without_piece(model, taken, left, ready, side=side)
    return pieces


def _without_piece(model: TfliteModel, taken: Sequence[bool], left: list[int], ready: set[int], *, side: bool) -> list[int]:
    """What is left of `left` when a piece has taken all it can; `ready` gains the piece's outputs."""
    while True:
        rest = []
        for position in left:
            if taken[position] == side and _runs(model.operators[position], ready):
                ready.update(id(tensor) for tensor in model.operators[position].outputs)
            else:
                rest.append(position)
        if len(rest) == len(left):
            return rest
        left = rest


def _runs(operator: Operator, ready: set[int]) -> bool:
    return all(tensor is None or id(tensor) in ready for tensor in operator.inputs)
