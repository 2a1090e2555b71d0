"""BitShift, BitwiseXor, BitwiseNot: integers as bits. Computed in int32; for int64 there are no kernels."""

from __future__ import annotations

from redmobile.convert.formula import Formula, lower_binary
from redmobile.convert.lowering import Lowering, lowers
from redmobile.graph.onnx_graph import OnnxNode


@lowers("BitShift")
def bit_shift(node: OnnxNode, out: Lowering) -> None:
    """`y = a shifted by b bits`   ->   RIGHT_SHIFT; to the left, MUL by POW of 2."""
    formula = Formula(node, out)
    value, amount = formula.operands
    if node.attributes["direction"] == "RIGHT":
        formula.finish(formula.apply("RIGHT_SHIFT", value, amount))
    else:
        formula.finish(formula.apply("MUL", value, formula.apply("POW", 2, amount)))


@lowers("BitwiseXor")
def bitwise_xor(node: OnnxNode, out: Lowering) -> None:
    """`y = bits that differ in a and b`   ->   BITWISE_XOR."""
    lower_binary(node, out, "BITWISE_XOR")


@lowers("BitwiseNot")
def bitwise_not(node: OnnxNode, out: Lowering) -> None:
    """`y = all bits of x the other way round`   ->   BITWISE_XOR with -1."""
    formula = Formula(node, out)
    formula.finish(formula.apply("BITWISE_XOR", formula.operands[0], -1))
