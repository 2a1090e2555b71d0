"""What a .tflite's graph is made of, whoever made it."""

from __future__ import annotations

import collections

from redmobile.core.documents import Document
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

CLAMPS = frozenset({"RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "MINIMUM", "MAXIMUM"})
"""Operators that cost a pass over memory and that a convolution, or an output's scale, does for nothing."""

_BORDERS = frozenset({"QUANTIZE", "DEQUANTIZE"})
_FLOATS = frozenset({"float16", "float32"})


class GraphFacts(Document):
    """operators: kind → how many. count: all of them; transposes, clamps: of those kinds (CLAMPS).

    float_islands: connected groups of operators that compute on floats, in a graph that has integer activations too; 0 in a float graph.
    """

    operators: dict[str, int]
    count: int
    transposes: int
    clamps: int
    float_islands: int


def graph_facts(model: TfliteModel) -> GraphFacts:
    """The facts of `model`."""
    kinds = collections.Counter(operator.kind for operator in model.operators)
    return GraphFacts(
        operators=dict(kinds.most_common()),
        count=len(model.operators),
        transposes=kinds["TRANSPOSE"],
        clamps=sum(kinds[kind] for kind in CLAMPS),
        float_islands=_float_islands(model.operators) if _borders_or_integers(model) else 0,
    )


def _borders_or_integers(model: TfliteModel) -> bool:
    """Whether the graph is quantized at all."""
    return any(tensor.data is None and tensor.quantization is not None for tensor in model.tensors())


def _float_islands(operators: list[Operator]) -> int:
    """Groups of float operators, two in one group where a float tensor leads from one to the other."""
    leaders: dict[int, int] = {}

    def leader(tensor: int) -> int:
        while leaders.setdefault(tensor, tensor) != tensor:
            tensor = leaders[tensor]
        return tensor

    for operator in operators:
        floats = [] if operator.kind in _BORDERS else _float_activations(operator)
        for tensor in floats:
            leaders[leader(id(tensor))] = leader(id(floats[0]))
    return len({leader(tensor) for tensor in list(leaders)})


def _float_activations(operator: Operator) -> list[Tensor]:
    return [tensor for tensor in (*operator.inputs, *operator.outputs) if tensor is not None and tensor.data is None and tensor.dtype in _FLOATS]
