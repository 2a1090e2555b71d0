"""Take pairs of QuantizeLinear and DequantizeLinear out of the graph; what they say stays with the tensors."""

from __future__ import annotations

from redmobile.core.quant_math import Given, widest
from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode
from redmobile.graph.onnx_quantization import QDQ, given_of

_NEVER_NEGATIVE = frozenset({"Abs", "Exp", "HardSigmoid", "ReduceL1", "ReduceL2", "ReduceSumSquare", "Relu", "Sigmoid", "Softmax", "Softplus"})
_SIGN_OF_ALL = frozenset({"Add", "Concat", "Max", "Mul"})
"""Not negative where no input is."""

_SIGN_OF_FIRST = frozenset(
    {
        *("AveragePool", "DepthToSpace", "Expand", "Flatten", "Gather", "GlobalAveragePool", "GlobalMaxPool", "Identity", "MaxPool", "ReduceMax"),
        *("ReduceMean", "ReduceSum", "Reshape", "Resize", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze", "Upsample"),
    }
)
"""Not negative where their first input is not. A cubic Resize overshoots."""

_SIX = 6.0


def absorb_qdq(graph: OnnxGraph) -> None:
    """A pair with constant scales goes, as does what converts a graph's integer inputs and outputs; `graph.given` keeps the scales.

        before   x ─ Conv ─ c ─ QuantizeLinear s, z ─ DequantizeLinear s, z ─ d ─ Conv
        after    x ─ Conv ─ c (given: s, z) ─ Conv;   or, where z is the lowest code,   x ─ Conv ─ c ─ Relu ─ d (given: s, z) ─ Conv

    onnxruntime's quantize_static leaves out a Relu or Clip behind which it quantizes, because the codes end there too. So a pair whose
    lowest code is zero becomes a Relu, or Clip(0, 6) where the codes end at 6, unless the values cannot be negative anyhow. Nothing else
    clamps: codes that end elsewhere do so because calibration saw no more. Of several pairs on one tensor the widest counts. What is
    not such a pair stays, and lowering refuses it.
    """
    signs = _Signs(graph)
    for node in list(graph.nodes):
        if node.op == "QuantizeLinear":
            _absorb(graph, node, signs)
        elif node.op == "DequantizeLinear" and node.inputs[0] in graph.inputs:
            _open_input(graph, node)


def _absorb(graph: OnnxGraph, node: OnnxNode, signs: _Signs) -> None:
    given, readers = _given(graph, node), graph.consumers(node.outputs[0])
    if given is None or any(not _undoes(graph, reader, given) for reader in readers):
        return
    source, codes = node.inputs[0], node.outputs[0]
    value, position = source, graph.nodes.index(node)
    graph.nodes.remove(node)
    if _starts_at_zero(given) and not signs.never_negative(source):
        value = readers[0].outputs[0] if readers else f"{codes}/clamped"
        graph.nodes.insert(position, _clamp(node.name, source, value, given))
        position += 1
    ends = [reader.outputs[0] for reader in readers] + [codes]
    for reader in readers:
        graph.nodes.remove(reader)
    for end in {value, *ends}:
        graph.given[end] = widest(graph.given.get(end), given) or given
        graph.shapes[end], graph.dtypes[end] = graph.shapes[source], "float32"
        if end in graph.outputs and end != value:
            graph.nodes.insert(position, OnnxNode(f"{end}/given", "Identity", [value], [end]))
    _replace(graph, ends, value)


def _open_input(graph: OnnxGraph, node: OnnxNode) -> None:
    """Codes come in: the input becomes the real values that they stand for."""
    given, name = _given(graph, node), node.inputs[0]
    if given is None or any(not _undoes(graph, reader, given) for reader in graph.consumers(name)):
        return
    for reader in graph.consumers(name):
        graph.nodes.remove(reader)
        if reader.outputs[0] in graph.outputs:
            graph.nodes.insert(0, OnnxNode(f"{reader.name}/given", "Identity", [name], [reader.outputs[0]]))
        _replace(graph, reader.outputs, name)
    graph.given[name] = given
    graph.dtypes[name] = "float32"


def _replace(graph: OnnxGraph, olds: list[str], new: str) -> None:
    """Let all that reads one of `olds` read `new`; who writes the graph's outputs goes on doing so."""
    for node in graph.nodes:
        node.inputs = [new if name in olds else name for name in node.inputs]


def _undoes(graph: OnnxGraph, reader: OnnxNode, given: Given) -> bool:
    back = _given(graph, reader) if reader.op == "DequantizeLinear" else None
    return back is not None and back.dtype == given.dtype and back.quantization == given.quantization


def _given(graph: OnnxGraph, node: OnnxNode) -> Given | None:
    names = [name for name in node.inputs[1:] if name]
    if node.op not in QDQ or any(name not in graph.initializers for name in names):
        return None
    return given_of([graph.initializers[name] for name in names], node.attributes)


def _starts_at_zero(given: Given) -> bool:
    quantization = given.int8()
    return quantization is not None and int(quantization.zero_point[0]) == -128  # noqa: PLR2004  the lowest int8


def _clamp(name: str, source: str, value: str, given: Given) -> OnnxNode:
    step = float(given.quantization.scale[0])
    if abs(given.width - _SIX) < step / 2:
        return OnnxNode(name, "Clip", [source], [value], {"min": 0.0, "max": _SIX})
    return OnnxNode(name, "Relu", [source], [value])


class _Signs:
    """Which values cannot be negative. A graph's inputs are taken to be pixels, unless their own codes reach below zero."""

    def __init__(self, graph: OnnxGraph) -> None:
        self._graph = graph
        self._producers = {value: node for node in graph.nodes for value in node.outputs}
        self._known: dict[str, bool] = {}

    def never_negative(self, value: str) -> bool:
        if value not in self._known:
            self._known[value] = False  # a damaged graph may have a ring
            self._known[value] = self._look(value)
        return self._known[value]

    def _look(self, value: str) -> bool:
        graph, node = self._graph, self._producers.get(value)
        if value in graph.initializers:
            return bool((graph.initializers[value] >= 0).all())
        if node is None or node.op in QDQ:
            given = graph.given.get(value) if node is None else _given(graph, node)
            return node is None if given is None else _starts_at_zero(given)
        if node.op == "Clip":
            low = graph.initializers.get(node.inputs[1]) if len(node.inputs) > 1 else None
            return self.never_negative(node.inputs[0]) or float(node.attributes.get("min", -1.0) if low is None else low) >= 0
        if node.op in _SIGN_OF_ALL:
            return all(map(self.never_negative, node.inputs))
        return node.op in _NEVER_NEGATIVE or (
            node.op in _SIGN_OF_FIRST and node.attributes.get("mode") != "cubic" and self.never_negative(node.inputs[0])
        )
