"""Float islands: float arithmetic in the middle of an integer graph, where the NPU hands over, waits and takes back."""

from __future__ import annotations

from collections.abc import Iterable

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

_FLOATS = frozenset({"float16", "float32"})
_CROSSINGS = frozenset({"DEQUANTIZE", "QUANTIZE"})
_INTEGERS = frozenset({"int8", "uint8", "int16"})


def float_islands(model: TfliteModel) -> list[tuple[str, ...]]:
    """The islands, each as the names of its operators' outputs in their order; operators that touch are one island.

    An operator is on an island if it computes floats, integer activations come before it and integer activations come behind it. A
    float head or tail, and a file that is float throughout, are none.
    """
    before, behind = _reached(model.operators, forwards=True), _reached(list(reversed(model.operators)), forwards=False)
    inside = [
        operator
        for operator in model.operators
        if operator.kind not in _CROSSINGS and _is_float(operator) and id(operator) in before and id(operator) in behind
    ]
    return [tuple(operator.outputs[0].name for operator in group) for group in _joined(inside)]


def _is_float(operator: Operator) -> bool:
    return any(tensor.dtype in _FLOATS for tensor in operator.outputs)


def _reached(operators: Iterable[Operator], *, forwards: bool) -> set[int]:
    """The ids of the operators that depend on an integer activation; backwards: on which one depends."""
    tensors: set[int] = set()
    reached = set()
    for operator in operators:
        sources, results = _activations(operator.inputs), _activations(operator.outputs)
        if not forwards:
            sources, results = results, sources
        if any(tensor.dtype in _INTEGERS or id(tensor) in tensors for tensor in sources):
            reached.add(id(operator))
            tensors.update(id(tensor) for tensor in results)
    return reached


def _joined(operators: list[Operator]) -> list[list[Operator]]:
    """Operators of which one writes what the other reads, together; groups in the order of their first operator."""
    groups: list[list[Operator]] = []
    for operator in operators:
        touching = [group for group in groups if any(_touch(one, operator) for one in group)]
        merged = [*(one for group in touching for one in group), operator]
        groups = [group for group in groups if not any(group is other for other in touching)] + [merged]
    return groups


def _touch(first: Operator, second: Operator) -> bool:
    read = {id(tensor) for tensor in _activations(second.inputs)}
    return any(id(tensor) in read for tensor in first.outputs)


def _activations(tensors: Iterable[Tensor | None]) -> list[Tensor]:
    return [tensor for tensor in tensors if tensor is not None and tensor.data is None]
