"""What quantization demands of each TFLite operator.

Source: the published TensorFlow Lite 8-bit quantization specification and the kernels' own checks; tests/quantize/test_op_rules.py runs
every row in LiteRT against the float operator.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor

Scales = Literal["free", "tied", "fixed", "weighted"]


@dataclasses.dataclass(frozen=True)
class OpRule:
    """How an operator's float tensors are quantized.

    scales: `free` (every tensor its own), `tied` (all share one scale and zero point), `fixed` (inputs free, the output as the
        specification says), `weighted` (input and output free; the second input is weights, the third a bias).
    moves: the output holds values of the inputs, untouched, so the operator commutes with a clamp.
    bits: the widths of activations for which LiteRT has the operator.
    weights_at, weights_axis, data_at, bias_at: places among the inputs, and the output channel's axis of the weights.
    """

    scales: Scales
    moves: bool = False
    bits: tuple[int, ...] = (8, 16)
    weights_at: int = 1
    weights_axis: int = 0
    data_at: int = 0
    bias_at: int = 2


WIDE = 16
"""Bits of activations that are not 8: symmetric, over 8-bit weights."""

_FREE, _FREE_8 = OpRule("free"), OpRule("free", bits=(8,))
_MOVES, _MOVES_8 = OpRule("tied", moves=True), OpRule("tied", moves=True, bits=(8,))

OP_RULES = {
    # All scales may differ: the kernel rescales.
    "ABS": _FREE,
    "ADD": _FREE,
    "ARG_MAX": _FREE_8,  # its output is positions
    "ARG_MIN": _FREE_8,
    "BATCH_MATMUL": _FREE,
    "DIV": _FREE_8,  # LiteRT has it outside of XNNPACK; a divisor whose code is its zero point gives any value
    "ELU": _FREE_8,
    "EXP": _FREE,
    "GELU": _FREE,
    "HARD_SWISH": _FREE_8,
    "LEAKY_RELU": _FREE,
    "LOG": _FREE,
    "MEAN": _FREE,
    "MUL": _FREE,
    "PRELU": _FREE_8,
    "REDUCE_PROD": _FREE,
    "RSQRT": _FREE,  # the kernel stops at a code below zero: only behind what cannot be negative
    "SQRT": _FREE,  # as RSQRT
    "SQUARED_DIFFERENCE": _FREE_8,
    "SUB": _FREE,
    "SUM": _FREE,
    # One scale, and values are copied, moved or chosen.
    "BATCH_TO_SPACE_ND": _MOVES,
    "BROADCAST_TO": _MOVES,
    "CONCATENATION": _MOVES,
    "DEPTH_TO_SPACE": _MOVES_8,
    "EXPAND_DIMS": _MOVES,
    "GATHER": _MOVES,
    "GATHER_ND": _MOVES,
    "MAXIMUM": _MOVES,
    "MAX_POOL_2D": _MOVES,
    "MINIMUM": _MOVES,
    "MIRROR_PAD": _MOVES,
    "PACK": _MOVES,
    "PAD": _MOVES,
    "PADV2": _MOVES,
    "REDUCE_MAX": _MOVES,
    "REDUCE_MIN": _MOVES,
    "RELU": _MOVES,
    "RELU6": _MOVES,
    "RELU_0_TO_1": _MOVES,  # in 16 bits only where it vanishes (ranges.py)
    "RELU_N1_TO_1": _MOVES,
    "RESHAPE": _MOVES,
    "RESIZE_NEAREST_NEIGHBOR": _MOVES,
    "REVERSE_V2": _MOVES,
    "SELECT_V2": _MOVES,
    "SLICE": _MOVES,
    "SPACE_TO_BATCH_ND": _MOVES,
    "SPACE_TO_DEPTH": _MOVES_8,
    "SPLIT": _MOVES,
    "SPLIT_V": _MOVES,
    "SQUEEZE": _MOVES,
    "STRIDED_SLICE": _MOVES,
    "TILE": _MOVES,
    "TRANSPOSE": _MOVES,
    "UNPACK": _MOVES,
    # One scale, but values are mixed, or their order is told too.
    "AVERAGE_POOL_2D": OpRule("tied"),
    "RESIZE_BILINEAR": OpRule("tied"),
    "TOPK_V2": OpRule("tied"),
    # One scale, so that codes compare as values do; the answer is no float. The int8 kernels round both sides to 1/256 first, those of
    # EQUAL and NOT_EQUAL in 16 bits too, which is too coarse there.
    "EQUAL": OpRule("tied", bits=(8,)),
    "GREATER": OpRule("tied"),
    "GREATER_EQUAL": OpRule("tied"),
    "LESS": OpRule("tied"),
    "LESS_EQUAL": OpRule("tied"),
    "NOT_EQUAL": OpRule("tied", bits=(8,)),
    # The specification fixes the output.
    "L2_NORMALIZATION": OpRule("fixed", bits=(8,)),
    "LOGISTIC": OpRule("fixed"),
    "LOG_SOFTMAX": OpRule("fixed", bits=(8,)),
    "SOFTMAX": OpRule("fixed"),
    "TANH": OpRule("fixed"),
    # Weights, and a bias at the scale of their products.
    "CONV_2D": OpRule("weighted"),
    "DEPTHWISE_CONV_2D": OpRule("weighted", weights_axis=3),
    "FULLY_CONNECTED": OpRule("weighted"),
    "TRANSPOSE_CONV": OpRule("weighted", data_at=2, bias_at=3),
}
"""Kind → rule. What is not listed cannot be quantized and is refused."""

_FIXED_8 = {
    "L2_NORMALIZATION": (1 / 128, 0),
    "LOGISTIC": (1 / 256, -128),
    "LOG_SOFTMAX": (16 / 256, 127),
    "SOFTMAX": (1 / 256, -128),
    "TANH": (1 / 128, 0),
}
_FIXED_16 = {"LOGISTIC": (1 / 32768, 0), "SOFTMAX": (1 / 32768, 0), "TANH": (1 / 32768, 0)}

FUSED_LIMITS = {"NONE": (float("-inf"), float("inf")), "RELU": (0.0, float("inf")), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}
"""Fused activation → the values it lets through."""


def fixed_output(kind: str, bits: int) -> Quantization | None:
    """The quantization that the specification gives to outputs of `kind`, or None where it leaves it to us."""
    found = (_FIXED_16 if bits == WIDE else _FIXED_8).get(kind)
    return Quantization.per_tensor(*found) if found else None


def rule_of(operator: Operator) -> OpRule | None:
    """The rule for `operator`, or None: it cannot be quantized."""
    return OP_RULES.get(operator.kind)


def is_tied(operator: Operator) -> bool:
    """Whether all of the operator's float tensors share one scale."""
    rule = rule_of(operator)
    return rule is not None and rule.scales == "tied"


def float_tensors(tensors: list[Tensor | None] | list[Tensor]) -> list[Tensor]:
    """Those that get quantized: float32; shapes, axes and the like stay what they are."""
    return [tensor for tensor in tensors if tensor is not None and tensor.dtype == "float32"]


def faults(operator: Operator, bits: int) -> str | None:
    """Why `operator` cannot be quantized with activations of `bits`, in a few words; None if it can."""
    touched = float_tensors([*operator.inputs, *operator.outputs])
    if not touched:
        return None  # works on shapes and indices
    rule = rule_of(operator)
    where = f"{operator.kind} ('{operator.outputs[0].name}')"
    if rule is None:
        return f"{where}: has no 8-bit form"
    if bits not in rule.bits:
        return f"{where}: has no {bits}-bit form in LiteRT"
    if operator.options.get("fused_activation_function", "NONE") not in FUSED_LIMITS:
        return f"{where}: the fused activation {operator.options['fused_activation_function']} cannot be quantized"
    if rule.scales == "weighted":
        return _weights_fault(operator, rule, where)
    return None


def _weights_fault(operator: Operator, rule: OpRule, where: str) -> str | None:
    weights = operator.inputs[rule.weights_at]
    bias = operator.inputs[rule.bias_at] if len(operator.inputs) > rule.bias_at else None
    if weights is None or weights.data is None or weights.dtype != "float32":
        return f"{where}: its weights are not a float32 constant"
    if bias is not None and (bias.data is None or bias.dtype != "float32"):
        return f"{where}: its bias is not a float32 constant"
    return None
