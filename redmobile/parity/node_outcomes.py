"""What becomes of ONNX's node tests: each is converted to a float .tflite, run in LiteRT and compared, or listed with the reason."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from redmobile.convert.lowering import LOWERINGS
from redmobile.convert.onnx_to_tflite import convert
from redmobile.core.converter import load_converter
from redmobile.core.documents import Document
from redmobile.core.isolated import Ended, Limits, call_apart
from redmobile.errors import ParityError, RedmobileError
from redmobile.graph.layout import IMAGE_RANK, NHWC, Order, plain, stored
from redmobile.graph.onnx_graph import OnnxGraph, read_onnx
from redmobile.graph.onnx_opset import NEWEST
from redmobile.graph.tflite_model import TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.parity.node_tests import NodeTest, node_tests
from redmobile.quantize.op_rules import faults
from redmobile.runtimes.base import open_runtime

TOLERANCE = 1e-4
"""Largest |a - b| / max(|b|, 1) that passes, a: LiteRT's value, b: ONNX's. NaN equals NaN, an infinity itself; integers and booleans are equal."""

HALF_TOLERANCE = 2.0**-10
"""The same where the test's values are float16: one step of that type at 1."""

_CONVERTER = "litert_fp32"
_INT8 = 8
_LIMITS = Limits(seconds=120, memory_bytes=8 << 30)

_NAMED = """
    Conv ConvTranspose BatchNormalization InstanceNormalization LayerNormalization GroupNormalization LRN Gemm MatMul Einsum
    MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool Resize Upsample Pad Slice Split Concat Gather GatherND ScatterND Reshape
    Flatten Squeeze Unsqueeze Expand Tile Transpose DepthToSpace SpaceToDepth Identity Dropout
    ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare ArgMax ArgMin TopK
    Add Sub Mul Div Neg Abs Reciprocal Floor Ceil Round Sign Mod Min Max Mean Sum Pow Sqrt Exp Log Erf Sin Cos
    Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor Not Where Cast Clip
    Relu LeakyRelu PRelu Elu Selu Celu Gelu Sigmoid HardSigmoid HardSwish Softplus Softsign Tanh Mish Swish Softmax LogSoftmax
    CumSum Shape Size Constant ConstantOfShape If QuantizeLinear DequantizeLinear
"""
NAMED = frozenset(_NAMED.split())
"""The operators that convolutional networks for pictures use: a test of one of these either passes, or fails, or has a reason of its own."""

_NO_KERNELS = {
    "float64": "TFLite computes nothing in float64",
    "bfloat16": "TFLite has no bfloat16 kernels",
    "uint64": "TFLite has no kernels for unsigned integers of 16 bits and more",
    "uint32": "TFLite has no kernels for unsigned integers of 16 bits and more",
    "uint16": "TFLite has no kernels for unsigned integers of 16 bits and more",
    "object": "strings",
    "int8": "TFLite's kernels of 8 and 16 bits are those of quantized values",
    "uint8": "TFLite's kernels of 8 and 16 bits are those of quantized values",
    "int16": "TFLite's kernels of 8 and 16 bits are those of quantized values",
}
"""numpy's dtype → why a test in it is listed."""

_CODES = frozenset({"QuantizeLinear", "DequantizeLinear", "Cast"})
"""Operators that take or give 8-bit codes as they are."""

_WINDOWED = frozenset({"Conv", "ConvTranspose", "AveragePool", "MaxPool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "GridSample"})

_RANDOM = frozenset({"Bernoulli", "RandomUniformLike", "Multinomial"})


class NodeOutcome(Document):
    """What became of one test.

    op: what it is a test of; opset: of its model; floats: all that goes in or comes out is float (indices and truth values may come out);
    constants: inputs of the test that were given to the converter as initializers; reason: why it failed or is listed;
    error: the largest |a - b| / max(|b|, 1), None if there was nothing to compare; int8: every operator of the converted graph has an
    8-bit form.
    """

    name: str
    op: str
    opset: int
    outcome: Literal["passed", "failed", "listed"]
    floats: bool
    constants: tuple[str, ...] = ()
    reason: str = ""
    error: float | None = None
    int8: bool = False


def run_node_tests(
    names: Iterable[str] | None = None, *, workers: int = 2, on_progress: Callable[[int, int], None] | None = None
) -> list[NodeOutcome]:
    """The outcome of the tests called `names` (default: all), sorted by name, each in a process that may crash. on_progress: (done, total)."""
    chosen = sorted(node_tests() if names is None else names)
    found = call_apart(outcome_of, chosen, _LIMITS, workers=workers, on_progress=on_progress and (lambda done: on_progress(done, len(chosen))))
    return [_of_ended(name, ended) for name, ended in zip(chosen, found, strict=True)]


def _of_ended(name: str, ended: Ended[NodeOutcome]) -> NodeOutcome:
    return ended.value if ended.value is not None else _outcome(node_tests()[name], "failed", ended.died)


def outcome_of(name: str) -> NodeOutcome:
    """Convert, run and compare the test called `name` in this process. What passes is passed, whatever could be said against it."""
    test = node_tests()[name]
    reason = _unsuitable_values(test) or _unsuitable_node(test)
    if len(test.tensors()) != len(test.values):
        return _outcome(test, "listed", reason)
    try:
        graph = read_onnx(test.model.SerializeToString(), test.name)
    except RedmobileError as error:
        return _refused(test, reason or _outside(test.kinds) or _beyond(test), error)
    try:
        return _compare(test, graph)
    except RedmobileError as error:
        return _refused(test, reason or _outside({node.op for node in graph.nodes}) or _unsuitable_shapes(test, graph), error)


def _refused(test: NodeTest, reason: str, error: RedmobileError) -> NodeOutcome:
    """Listed if there is a reason for it, else failed with the error."""
    return _outcome(test, "listed", reason) if reason else _outcome(test, "failed", f"{type(error).__name__}: {error}")


def _beyond(test: NodeTest) -> str:
    return f"opset {test.opset}, which onnx does not convert to {NEWEST}" if test.opset > NEWEST else ""


def _unsuitable_shapes(test: NodeTest, graph: OnnxGraph) -> str:
    """Why TFLite cannot express the values in between; '' if it can."""
    inner = [name for node in graph.nodes for name in node.outputs if name]
    if any(0 in graph.shapes.get(name, ()) for name in inner):
        return "tensors that hold no values"
    if test.op not in NAMED and any(name not in graph.shapes for name in inner):
        return "shapes that follow from values"
    return ""


def _outside(kinds: set[str]) -> str:
    """Why operators of these kinds are not expected to be lowered; '' if all are named or have a lowering."""
    outside = sorted(kind for kind in kinds if kind not in NAMED and LOWERINGS.get(kind) is None)
    return f"no lowering: {', '.join(outside)}" if outside else ""


def _unsuitable_values(test: NodeTest) -> str:
    """Why TFLite cannot express what goes in and comes out; '' if it can."""
    if len(test.tensors()) != len(test.values):
        return "sequences, optional values, or types of less than 8 bits"
    dtypes = {array.dtype.name for array in test.tensors()}
    for dtype, reason in _NO_KERNELS.items():
        if dtype in dtypes and not (dtype in {"int8", "uint8", "int16"} and test.kinds & _CODES):
            return reason
    if any(array.size == 0 for array in test.tensors()):
        return "tensors that hold no values"
    return ""


def _unsuitable_node(test: NodeTest) -> str:
    """Why TFLite cannot express the operator as the test has it; '' if it can."""
    if test.domain:
        return f"operators of the domain {test.domain}"
    if test.kinds & _RANDOM or "training" in test.name:
        return "training"
    if test.op in _WINDOWED and any(array.ndim > IMAGE_RANK for array in test.tensors()):
        return "volumes: TFLite's windows lie in two dimensions"
    if test.op == "MaxPool" and len(test.expected) > 1:
        return "TFLite's own operators tell no indices of maxima"
    return ""


def _outcome(test: NodeTest, outcome: Literal["passed", "failed", "listed"], reason: str = "", **more: Any) -> NodeOutcome:
    given = [value.dtype.kind if isinstance(value, np.ndarray) else "O" for value in test.inputs.values()]
    floats = bool(given) and all(kind == "f" for kind in given)
    return NodeOutcome(name=test.name, op=test.op, opset=test.opset, outcome=outcome, floats=floats, constants=test.constants, reason=reason, **more)


def _compare(test: NodeTest, graph: OnnxGraph) -> NodeOutcome:
    model = convert(graph, _CONVERTER, load_converter(_CONVERTER))
    error = _error(test, model, write_tflite(model))
    halves = any(array.dtype == np.float16 for array in test.tensors())
    int8 = not any(faults(operator, _INT8) for operator in model.operators)
    if error > (HALF_TOLERANCE if halves else TOLERANCE):
        raise ParityError(f"differs by {error:.2g}")
    return _outcome(test, "passed", error=error, int8=int8)


def _error(test: NodeTest, model: TfliteModel, data: bytes) -> float:
    """The largest difference of any output.

    Images are NHWC in the file. Where axes of equal size hide whether an input or output is one, both ways are tried.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test.tflite"
        path.write_bytes(data)
        runtime = open_runtime(path, threads=1)
        ways = [_orders(test.inputs[tensor.name].shape, tensor.shape) for tensor in model.inputs]
        errors = []
        for orders in itertools.product(*ways):
            arrays = [
                np.array(test.inputs[tensor.name].transpose(order), tensor.dtype, order="C")
                for tensor, order in zip(model.inputs, orders, strict=True)
            ]
            found = runtime.run(*arrays)
            errors.append(
                max(_difference(tensor.name, array, test.expected[tensor.name]) for tensor, array in zip(model.outputs, found, strict=True))
            )
    return min(errors)


def _orders(shape: tuple[int, ...], found: tuple[int, ...]) -> list[Order]:
    orders = [plain(len(shape)), *([NHWC] if len(shape) == IMAGE_RANK else [])]
    fitting = [order for order in orders if stored(shape, order) == tuple(found)]
    if not fitting:
        raise ParityError(f"a tensor has the shape {found}, ONNX says {shape}")
    return fitting


def _difference(name: str, found: NDArray[Any], expected: NDArray[Any]) -> float:
    """The largest |a - b| / max(|b|, 1); infinite if kinds of values, signs of infinities or places of NaN differ."""
    if (found.dtype.kind == "f") != (expected.dtype.kind == "f"):
        raise ParityError(f"output '{name}' is {found.dtype}, ONNX says {expected.dtype}")
    return min(_largest(found, expected.transpose(order)) for order in _orders(expected.shape, found.shape))


def _largest(found: NDArray[Any], expected: NDArray[Any]) -> float:
    a, b = found.astype(np.float64), expected.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    if expected.dtype.kind != "f" or not np.isfinite(a[~same]).all() or not np.isfinite(b[~same]).all():
        return float("inf")
    return float((np.abs(a - b)[~same] / np.maximum(np.abs(b[~same]), 1)).max())
