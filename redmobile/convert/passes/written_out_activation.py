"""Recognise activations that exporters write out in smaller operators."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode

_TOLERANCE = 2e-3
"""How far, relatively, a constant may be off: those of float16 networks are rounded."""

_LEVELS = 3
"""How many products may stand behind the curve."""


def recognise_activation(graph: OnnxGraph) -> None:
    """Activations that are x times a curve become one node each, whatever the order of the factors and operands.

        before   x · 0.5 · (1 + Erf(x / √2))                                after   Gelu(x)
                 x · 0.5 · (1 + Tanh(√(2/π) · (x + 0.044715 · x³)))                 Gelu(x), approximate
                 x · Tanh(Softplus(x))                                              Mish(x)
                 x · Sigmoid(x)                                                     Swish(x)
                 x · HardSigmoid(x; 1/6, 1/2),  x · Clip(x + 3; 0, 6) / 6           HardSwish(x)

    What others read of the steps stays; what is left without a reader is removed, so that x has the readers that it seems to have.
    """
    for node in graph.nodes:
        for activation in _CURVES.get(node.op, _nothing)(graph, node):
            _replace(graph, activation)
    graph.drop_unused()


@dataclasses.dataclass(frozen=True)
class _Activation:
    """op: factor · x · curve, the last two by their names."""

    op: str
    x: str
    curve: str
    factor: float = 1.0
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)


def _replace(graph: OnnxGraph, activation: _Activation) -> None:
    wanted = sorted([activation.x, activation.curve])
    for top in _products_behind(graph, activation.curve):
        factor, values = _product(graph, top.outputs[0], wanted)
        if _near(factor, activation.factor) and sorted(values) == wanted:
            top.op, top.inputs, top.attributes = activation.op, [activation.x], dict(activation.attributes)
            return


def _nothing(_: OnnxGraph, __: OnnxNode) -> Iterator[_Activation]:
    return iter(())


def _from_erf(graph: OnnxGraph, node: OnnxNode) -> Iterator[_Activation]:
    for x in _of_scaled(graph, node.inputs[0], math.sqrt(0.5)):
        for raised in _raised(graph, node, 1.0):
            yield _Activation("Gelu", x, raised, 0.5, {"approximate": "none"})


def _from_tanh(graph: OnnxGraph, node: OnnxNode) -> Iterator[_Activation]:
    for x in _of_cubic(graph, node.inputs[0]):
        for raised in _raised(graph, node, 1.0):
            yield _Activation("Gelu", x, raised, 0.5, {"approximate": "tanh"})
    source = graph.producer(node.inputs[0])
    if source is not None and source.op == "Softplus":
        yield _Activation("Mish", source.inputs[0], node.outputs[0])


def _from_sigmoid(_: OnnxGraph, node: OnnxNode) -> Iterator[_Activation]:
    yield _Activation("Swish", node.inputs[0], node.outputs[0])


def _from_hard_sigmoid(_: OnnxGraph, node: OnnxNode) -> Iterator[_Activation]:
    if _near(node.attributes.get("alpha", 0.2), 1 / 6) and _near(node.attributes.get("beta", 0.5), 0.5):
        yield _Activation("HardSwish", node.inputs[0], node.outputs[0])


def _from_clip(graph: OnnxGraph, node: OnnxNode) -> Iterator[_Activation]:
    low, high = (node.attributes.get(which, _number(graph, name)) for which, name in zip(("min", "max"), [*node.inputs[1:], "", ""], strict=False))
    source = graph.producer(node.inputs[0])
    if low == 0 and high == 6 and source is not None and source.op == "Add":  # noqa: PLR2004  relu6
        x = _other(graph, source, 3.0)
        if x is not None:
            yield _Activation("HardSwish", x, node.outputs[0], 1 / 6)


_CURVES = {
    "Erf": _from_erf,
    "Tanh": _from_tanh,
    "Sigmoid": _from_sigmoid,
    "HardSigmoid": _from_hard_sigmoid,
    "Clip": _from_clip,
}
"""Op of a step that tells an activation → what it may belong to."""


def _raised(graph: OnnxGraph, node: OnnxNode, amount: float) -> Iterator[str]:
    """What adds `amount` to the output of `node`."""
    for consumer in graph.consumers(node.outputs[0]):
        if consumer.op == "Add" and _other(graph, consumer, amount) == node.outputs[0]:
            yield consumer.outputs[0]


def _products_behind(graph: OnnxGraph, value: str) -> Iterator[OnnxNode]:
    """The products that hold `value` as a factor, from the nearest on."""
    pending = [(value, 0)]
    while pending:
        value, level = pending.pop(0)
        for node in graph.consumers(value):
            if level < _LEVELS and (node.op == "Mul" or (node.op == "Div" and node.inputs[0] == value)):
                yield node
                pending.append((node.outputs[0], level + 1))


def _product(graph: OnnxGraph, value: str, whole: list[str]) -> tuple[float, list[str]]:
    """(constant factor, other factors) of `value`, seen through products; those in `whole` are not taken apart."""
    node = graph.producer(value)
    constant = _number(graph, value)
    if constant is not None:
        return constant, []
    if value in whole or node is None or node.op not in {"Mul", "Div"}:
        return 1.0, [value]
    first, second = (_product(graph, name, whole) for name in node.inputs)
    if node.op == "Mul":
        return first[0] * second[0], first[1] + second[1]
    return (1.0, [value]) if second[1] or second[0] == 0 else (first[0] / second[0], first[1])


def _of_scaled(graph: OnnxGraph, value: str, factor: float) -> Iterator[str]:
    """The x for which `value` is factor · x."""
    node = graph.producer(value)
    if node is None:
        return
    if node.op == "Mul":
        other = _other(graph, node, factor)
        if other is not None:
            yield other
    elif node.op == "Div" and _near(_number(graph, node.inputs[1]), 1 / factor):
        yield node.inputs[0]


def _of_cubic(graph: OnnxGraph, value: str) -> Iterator[str]:
    """The x for which `value` is √(2/π) · (x + 0.044715 · x³)."""
    for bracket in _of_scaled(graph, value, math.sqrt(2 / math.pi)):
        node = graph.producer(bracket)
        if node is not None and node.op == "Add":
            for x, term in (node.inputs, node.inputs[::-1]):
                factor, values = _product(graph, term, [x])
                if _near(factor, 0.044715) and (values == [x] * 3 or (len(values) == 1 and _is_cube(graph, values[0], x))):
                    yield x


def _is_cube(graph: OnnxGraph, value: str, x: str) -> bool:
    node = graph.producer(value)
    return node is not None and node.op == "Pow" and node.inputs[0] == x and _near(_number(graph, node.inputs[1]), 3.0)


def _other(graph: OnnxGraph, node: OnnxNode, constant: float) -> str | None:
    """The operand beside `constant`."""
    for first, second in (node.inputs, node.inputs[::-1]):
        if _near(_number(graph, first), constant):
            return second
    return None


def _number(graph: OnnxGraph, value: str) -> float | None:
    values = graph.initializers.get(value)
    return float(values.item()) if values is not None and values.size == 1 else None


def _near(found: float | None, wanted: float) -> bool:
    return found is not None and math.isclose(found, wanted, rel_tol=_TOLERANCE)
