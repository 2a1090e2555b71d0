"""Sigmoid, Tanh, Elu, Selu, Celu, Gelu, Softplus, Softsign, Mish, Swish: activations made of exponentials.

Each is a kernel of TFLite, or is composed of kernels that have INT8 forms, of which XNNPACK takes all but LOG and RSQRT; none overflows
where the function itself does not. XNNPACK's LOGISTIC gives NaN for finite values beyond 1e27.
"""

from __future__ import annotations

from redmobile.convert.formula import Formula, lower_unary
from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.graph.onnx_graph import OnnxNode
from redmobile.graph.tflite_model import Tensor

_SELU_ALPHA = 1.67326319217681884765625
_SELU_GAMMA = 1.05070102214813232421875
"""ONNX's defaults: float32 roundings of what Klambauer et al., NIPS 2017, give."""


@lowers("Sigmoid")
def sigmoid(node: OnnxNode, out: Lowering) -> None:
    """`y = 1 / (1 + exp(-x))`   ->   LOGISTIC."""
    lower_unary(node, out, "LOGISTIC")


@lowers("Tanh")
def tanh(node: OnnxNode, out: Lowering) -> None:
    """`y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))`   ->   TANH."""
    lower_unary(node, out, "TANH")


@lowers("Elu")
def elu(node: OnnxNode, out: Lowering) -> None:
    """`y = x where x >= 0, else alpha · (exp(x) - 1)`   ->   ELU; for alpha other than 1, LEAKY_RELU behind it multiplies what is negative."""
    formula = Formula(node, out)
    (x,) = formula.operands
    formula.finish(_elu(formula, x, node.attributes.get("alpha", 1.0)))


@lowers("Selu")
def selu(node: OnnxNode, out: Lowering) -> None:
    """`y = gamma · x where x > 0, else gamma · alpha · (exp(x) - 1)`   ->   ELU - LEAKY_RELU - MUL."""
    formula = Formula(node, out)
    (x,) = formula.operands
    curve = _elu(formula, x, node.attributes.get("alpha", _SELU_ALPHA))
    formula.finish(formula.apply("MUL", curve, node.attributes.get("gamma", _SELU_GAMMA)))


@lowers("Celu")
def celu(node: OnnxNode, out: Lowering) -> None:
    """`y = max(x, 0) + min(alpha · (exp(x / alpha) - 1), 0)`   ->   alpha times ELU of x / alpha. alpha > 0, else refused."""
    formula = Formula(node, out)
    (x,) = formula.operands
    alpha = node.attributes.get("alpha", 1.0)
    if alpha <= 0:
        raise Refusal(f"its alpha is {alpha:g}, which makes it grow on both sides; an alpha above 0 is supported")
    if alpha == 1:
        formula.finish(formula.apply("ELU", x))
        return
    formula.finish(formula.apply("MUL", formula.apply("ELU", formula.apply("MUL", x, 1 / alpha)), alpha))


@lowers("Gelu")
def gelu(node: OnnxNode, out: Lowering) -> None:
    """`y = x · (1 + erf(x / √2)) / 2, or its approximation by tanh`   ->   GELU."""
    lower_unary(node, out, "GELU", approximate=node.attributes.get("approximate", "none") == "tanh")


@lowers("Softplus")
def softplus(node: OnnxNode, out: Lowering) -> None:
    """`y = log(1 + exp(x))`   ->   max(x, 0) - log(sigmoid(|x|)): MUL by 1 with fused RELU, LEAKY_RELU, LOGISTIC, LOG, SUB."""
    formula = Formula(node, out)
    (x,) = formula.operands
    # XNNPACK takes an int8 RELU only where it is fused.
    raised = formula.apply("MUL", x, 1.0, fused_activation_function="RELU")
    formula.finish(formula.apply("SUB", raised, formula.apply("LOG", formula.apply("LOGISTIC", _magnitude(formula, x)))))


@lowers("Mish")
def mish(node: OnnxNode, out: Lowering) -> None:
    """`y = x · tanh(log(1 + exp(x)))`   ->   x · n / (2 - n) with n = s · (2 - s), s = sigmoid(x): LOGISTIC, SUB, MUL, RSQRT.

    With e = exp(x) the factor is (e² + 2e) / (e² + 2e + 2), and e = s / (1 - s). 2 - n lies in [1, 2]; its reciprocal is RSQRT squared.
    """
    formula = Formula(node, out)
    (x,) = formula.operands
    gate = formula.apply("LOGISTIC", x)
    numerator = formula.apply("MUL", gate, formula.apply("SUB", 2.0, gate))
    root = formula.apply("RSQRT", formula.apply("SUB", 2.0, numerator))
    factor = formula.apply("MUL", numerator, formula.apply("MUL", root, root))
    formula.finish(formula.apply("MUL", x, factor))


@lowers("Softsign")
def softsign(node: OnnxNode, out: Lowering) -> None:
    """`y = x / (1 + |x|)`   ->   x · r · r with r = 1 / √(1 + |x|): LEAKY_RELU, ADD, RSQRT, MUL, MUL.

    TFLite's int8 DIV stops at a divisor whose code means 0.
    """
    formula = Formula(node, out)
    (x,) = formula.operands
    root = formula.apply("RSQRT", formula.apply("ADD", _magnitude(formula, x), 1.0))
    formula.finish(formula.apply("MUL", formula.apply("MUL", x, root), root))


@lowers("Swish")
def swish(node: OnnxNode, out: Lowering) -> None:
    """`y = x · sigmoid(alpha · x)`   ->   LOGISTIC - MUL; alpha other than 1 by a MUL before."""
    formula = Formula(node, out)
    (x,) = formula.operands
    alpha = node.attributes.get("alpha", 1.0)
    gate = formula.apply("LOGISTIC", x if alpha == 1 else formula.apply("MUL", x, alpha))
    formula.finish(formula.apply("MUL", x, gate))


def _elu(formula: Formula, x: Tensor, alpha: float) -> Tensor:
    curve = formula.apply("ELU", x)
    return curve if alpha == 1 else formula.apply("LEAKY_RELU", curve, alpha=alpha)


def _magnitude(formula: Formula, x: Tensor) -> Tensor:
    """|x| as LEAKY_RELU of slope -1, which XNNPACK takes in INT8 where it leaves ABS."""
    return formula.apply("LEAKY_RELU", x, alpha=-1.0)
