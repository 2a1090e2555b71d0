"""CumSum."""

from __future__ import annotations

from redmobile.convert.lowering import Lowering, Refusal, lowers, scalar
from redmobile.graph.onnx_graph import OnnxNode

_DTYPES = ("float32", "int32", "int64")


@lowers("CumSum")
def cum_sum(node: OnnxNode, out: Lowering) -> None:
    """`y = sum of all x up to here along an axis`   ->   CUMSUM. exclusive: without x here; reverse: from the end. The axis is constant."""
    source = node.inputs[0]
    if out.dtype(source) not in _DTYPES:
        raise Refusal(f"TFLite has no CUMSUM for {out.dtype(source)}; Cast to {' or '.join(_DTYPES)} before it")
    axis = out.axis(source, int(out.constant(node.inputs[1], "axis").item()))
    options = {which: bool(node.attributes.get(which, 0)) for which in ("exclusive", "reverse")}
    inputs = [out.tensor(source), scalar(f"{node.outputs[0]}/axis", axis, "int32")]
    out.define(node.outputs[0], "CUMSUM", inputs, options, order=out.order(source))
