"""Relu, LeakyRelu, PRelu, ThresholdedRelu, Clip, Shrink, HardSigmoid, HardSwish: activations made of straight lines."""

from __future__ import annotations

import numpy as np

from redmobile.convert.formula import Formula, lower_unary
from redmobile.convert.lowering import Lowering, lowers
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_CLAMPS: dict[tuple[float | None, float | None], str] = {
    (0.0, None): "RELU",
    (0.0, 6.0): "RELU6",
    (-1.0, 1.0): "RELU_N1_TO_1",
    (0.0, 1.0): "RELU_0_TO_1",
}
_UNBOUNDED = float(np.finfo(np.float32).max)


@lowers("Relu")
def relu(node: OnnxNode, out: Lowering) -> None:
    """`y = max(x, 0)`   ->   RELU; MAXIMUM for integers."""
    formula = Formula(node, out)
    (x,) = formula.operands
    formula.finish(formula.apply("RELU", x) if x.dtype == "float32" else formula.apply("MAXIMUM", x, 0))


@lowers("LeakyRelu")
def leaky_relu(node: OnnxNode, out: Lowering) -> None:
    """`y = max(x, 0) + alpha · min(x, 0)`   ->   LEAKY_RELU."""
    lower_unary(node, out, "LEAKY_RELU", alpha=node.attributes.get("alpha", 0.01))


@lowers("PRelu")
def prelu(node: OnnxNode, out: Lowering) -> None:
    """`y = max(x, 0) + slope · min(x, 0), slope broadcast`   ->   LEAKY_RELU for one constant slope, which XNNPACK takes in INT8 too; else PRELU."""
    formula = Formula(node, out)
    x, slope = formula.operands
    if slope.data is None:
        formula.finish(formula.apply("PRELU", x, slope))
    elif slope.data.size == 1:
        formula.finish(formula.apply("LEAKY_RELU", x, alpha=float(slope.data.item())))
    else:
        formula.finish(formula.apply("PRELU", x, _without_batch(slope)))


@lowers("ThresholdedRelu")
def thresholded_relu(node: OnnxNode, out: Lowering) -> None:
    """`y = x where x > alpha, else 0`   ->   GREATER - SELECT_V2."""
    formula = Formula(node, out)
    (x,) = formula.operands
    formula.finish(formula.apply("SELECT_V2", formula.apply("GREATER", x, node.attributes.get("alpha", 1.0)), x, 0.0))


@lowers("Clip")
def clip(node: OnnxNode, out: Lowering) -> None:
    """`y = min(max(x, low), high)`   ->   RELU, RELU6, RELU_N1_TO_1, RELU_0_TO_1, or MAXIMUM and MINIMUM.

    low, high: scalars, constant or computed (attributes before opset 11). A lower bound of 0 is a RELU, which others can fuse.
    """
    names = [node.inputs[0], *(name for name in node.inputs[1:3] if name and not out.is_constant(name))]
    formula = Formula(node, out, names)
    operands = dict(zip(names, formula.operands, strict=True))
    x = operands[names[0]]
    low, high = _bound(node, out, operands, "min", 1), _bound(node, out, operands, "max", 2)
    kind = _clamp(low, high) if x.dtype == "float32" else None
    if kind:
        formula.finish(formula.apply(kind, x))
        return
    if low is not None:
        x = formula.apply("RELU", x) if x.dtype == "float32" and low == 0 else formula.apply("MAXIMUM", x, low)
    if high is not None:
        x = formula.apply("MINIMUM", x, high)
    formula.finish(x)


@lowers("Shrink")
def shrink(node: OnnxNode, out: Lowering) -> None:
    """`y = x + bias where x < -lambd, x - bias where x > lambd, else 0`   ->   comparisons and SELECT_V2, twice."""
    formula = Formula(node, out)
    (x,) = formula.operands
    bias, edge = node.attributes.get("bias", 0.0), node.attributes.get("lambd", 0.5)
    above, below = (x, x) if bias == 0.0 else (formula.apply("SUB", x, bias), formula.apply("ADD", x, bias))
    positive = formula.apply("SELECT_V2", formula.apply("GREATER", x, edge), above, 0.0)
    formula.finish(formula.apply("SELECT_V2", formula.apply("LESS", x, -edge), below, positive))


@lowers("HardSigmoid")
def hard_sigmoid(node: OnnxNode, out: Lowering) -> None:
    """`y = min(max(alpha · x + beta, 0), 1)`   ->   ADD with fused RELU6, times 1/6: in INT8 these stay inside XNNPACK."""
    formula = Formula(node, out)
    (x,) = formula.operands
    slope, shift = 6 * node.attributes.get("alpha", 0.2), 6 * node.attributes.get("beta", 0.5)
    scaled = x if np.float32(slope) == 1 else formula.apply("MUL", x, slope)
    clamped = formula.apply("ADD", scaled, shift, fused_activation_function="RELU6")
    formula.finish(formula.apply("MUL", clamped, 1 / 6))


@lowers("HardSwish")
def hard_swish(node: OnnxNode, out: Lowering) -> None:
    """`y = x · relu6(x + 3) / 6`   ->   HARD_SWISH, or ADD with fused RELU6 and two MULs, as LoweringChoices.hard_swish says."""
    out.explain(f"{node.outputs[0]}: hard-swish as {out.choices.hard_swish}")
    formula = Formula(node, out)
    (x,) = formula.operands
    if out.choices.hard_swish == "hard_swish":
        formula.finish(formula.apply("HARD_SWISH", x))
        return
    clamped = formula.apply("ADD", x, 3.0, fused_activation_function="RELU6")
    formula.finish(formula.apply("MUL", formula.apply("MUL", x, clamped), 1 / 6))


def _without_batch(slope: Tensor) -> Tensor:
    """TFLite's own shape for slopes: that of one sample."""
    assert slope.data is not None  # noqa: S101  for the type checker
    return slope if slope.shape[0] != 1 or len(slope.shape) == 1 else Tensor.constant(slope.name, slope.data[0])


def _bound(node: OnnxNode, out: Lowering, operands: dict[str, Tensor], which: str, position: int) -> Tensor | float | None:
    if position < len(node.inputs) and node.inputs[position] in operands:
        return operands[node.inputs[position]]
    found = out.parameter(node, which, position)
    # Exporters write "no bound" as the largest float.
    return found[0] if found is not None and abs(found[0]) < _UNBOUNDED else None


def _clamp(low: Tensor | float | None, high: Tensor | float | None) -> str | None:
    return None if isinstance(low, Tensor) or isinstance(high, Tensor) else _CLAMPS.get((low, high))
