"""One operator on values where arithmetic is hard: zeros of both signs, infinities, NaN, tiny and huge magnitudes."""

from __future__ import annotations

import numpy as np
from onnx_cases import node, onnx_model, run_onnx, run_tflite

from redmobile.convert.onnx_to_tflite import lower
from redmobile.core.converter import LoweringChoices
from redmobile.graph.onnx_graph import read_onnx

MAGNITUDES = (0.0, 1e-30, 1e-7, 1e-3, 0.3, 0.5, 1.0, 1.5, 2.5, 3.0, 6.0, 7.3, 20.0, 88.0, 100.0, 3e4, 1e20)
LADDER = np.array([*MAGNITUDES, *(-value for value in MAGNITUDES)], np.float32)
DENSE = np.linspace(-9, 9, 4001, dtype=np.float32)
EXTREMES = np.array([np.inf, -np.inf, np.nan, 1e30, -1e30, 1e37, -1e37], np.float32)
"""XNNPACK's own LOG, SQRT and RSQRT go wrong beyond 1e38."""


def both(model, arrays):
    """(what LiteRT computes, what onnxruntime computes) of a model's first output."""
    lowered = lower(read_onnx(model.SerializeToString()), LoweringChoices())
    return run_tflite(lowered, arrays)[0], run_onnx(model, arrays)[0]


def check(op, values, *, relative=2e-6, absolute=1e-7, opset=18, **attributes):
    """A unary operator on a list of values, each judged by itself: an infinity or a NaN must be one, the others close."""
    ours, theirs = both(onnx_model([node(op, "x", "y", **attributes)], {"x": values.shape}, opset=opset), {"x": values})
    np.testing.assert_allclose(ours, theirs, rtol=relative, atol=absolute, err_msg=op)
