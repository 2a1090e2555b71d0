"""QuantizeLinear, DequantizeLinear, where they are no pair that passes/absorb_qdq takes out."""

from __future__ import annotations

from redmobile.convert.lowering import Lowering, Refusal, lowers
from redmobile.graph.onnx_graph import OnnxNode


@lowers("QuantizeLinear")
def quantize_linear(node: OnnxNode, out: Lowering) -> None:
    """`q = round(x / scale) + zero point, saturated`   ->   nothing: a pair with constant scales is gone by now."""
    _refuse_computed(node, out)
    raise Refusal(f"what reads its codes '{node.outputs[0]}' is not a DequantizeLinear of the same scale and zero point")


@lowers("DequantizeLinear")
def dequantize_linear(node: OnnxNode, out: Lowering) -> None:
    """`x = (q - zero point) · scale`   ->   nothing: a pair with constant scales is gone by now."""
    _refuse_computed(node, out)
    raise Refusal(f"its codes '{node.inputs[0]}' come from no QuantizeLinear of the same scale and zero point, nor are they a constant")


def _refuse_computed(node: OnnxNode, out: Lowering) -> None:
    for name, what in zip(node.inputs[1:], ("scale", "zero point"), strict=False):
        if name:
            out.constant(name, what)
