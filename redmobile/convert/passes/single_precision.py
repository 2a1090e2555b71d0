"""Compute in float32 what the ONNX model computes in float16, bfloat16 or float64."""

from __future__ import annotations

import numpy as np
import onnx

from redmobile.graph.onnx_graph import OnnxGraph

_WIDTHS = frozenset({"float16", "bfloat16", "float64"})
_TYPES = frozenset({onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE})


def compute_in_single_precision(graph: OnnxGraph) -> None:
    """Inputs, outputs, constants and all between become float32; a Cast from one float to another becomes nothing.

        before   x float16 ─ Conv w float16 ─ c float16 ─ Cast to float32 ─ y
        after    x float32 ─ Conv w float32 ─ c float32 ─ Identity ─ y

    A file with float16 weights is made by the recipe (passes/float16_weights), not by the type of the ONNX model. Roundings that a
    Cast to float16 would do are left out. Constants beyond float32's range become infinite.
    """
    for name, dtype in graph.dtypes.items():
        if dtype in _WIDTHS:
            graph.dtypes[name] = "float32"
    for name, values in graph.initializers.items():
        if values.dtype.name in _WIDTHS:
            with np.errstate(over="ignore"):  # an infinite bound of a clamp is meant so
                graph.initializers[name] = values.astype(np.float32)
    for node in graph.nodes:
        if node.attributes.get("to") in _TYPES:
            node.attributes["to"] = int(onnx.TensorProto.FLOAT)
        if node.op == "Cast" and graph.dtypes.get(node.inputs[0]) == graph.dtypes.get(node.outputs[0]) == "float32":
            node.op, node.attributes = "Identity", {}
