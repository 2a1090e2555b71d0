"""Walk an ONNX graph, lower each node, rewrite: a TFLite model in NHWC, its floats float32."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable

from redmobile.convert.lowering import LOWERINGS, Lowering, Refusal
from redmobile.convert.metadata import attach, describe, input_range
from redmobile.convert.pass_order import AT_THE_END, FOR_TARGET, ON_FLOAT, ON_ONNX, ON_TFLITE
from redmobile.convert.passes.float16_weights import store_weights_as_float16
from redmobile.convert.passes.remove_dead_operators import remove_dead_operators
from redmobile.convert.pixels import Pixels, adapt_channels, add_normalization, explain_normalization
from redmobile.core.converter import Converter, LoweringChoices
from redmobile.errors import UnsupportedModelError
from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode
from redmobile.graph.tflite_model import Tensor, TfliteModel

_MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError)
"""What a lowering or rewrite raises that meets a missing input, an attribute of the wrong type or length, or a size beyond TFLite's int32."""


def convert(
    graph: OnnxGraph,
    converter_name: str,
    converter: Converter,
    explained: list[str] | None = None,
    *,
    pixels: Pixels | None = None,
    remarks: list[str] | None = None,
) -> TfliteModel:
    """`graph` as the float model that `converter` asks for, with its metadata; what the converter's [quantize] says is not done here.

    explained: takes a line for every decision that the recipe's LoweringChoices had a say in. pixels: what the file takes and gives, if that
    is something else than the network does; remarks: takes a sentence for what became of them. Raises UnsupportedModelError, InputError.
    """
    pixels = dataclasses.replace(pixels or Pixels(), span=input_range(graph))
    model = lower(graph, converter.lowering, explained, pixels=pixels, remarks=remarks)
    if converter.quantize is None:
        _finish_float(model, converter)
    attach(model, describe(graph, converter_name, model, pixels.order, pixels.adapted))
    return model


def lower(
    graph: OnnxGraph,
    choices: LoweringChoices,
    explained: list[str] | None = None,
    *,
    pixels: Pixels | None = None,
    remarks: list[str] | None = None,
) -> TfliteModel:
    """`graph` as a TFLite model: images NHWC, constants transposed, names of inputs, outputs and values kept.

    Dtypes are kept, except that float16, bfloat16 and float64 are computed in float32: inputs and outputs of these are float32 too.
    explained, pixels, remarks: as for `convert`. `graph` itself is left as it is. Raises UnsupportedModelError that names every node without
    a lowering, all at once.
    """
    graph = graph.copy()
    pixels, remarks = pixels or Pixels(), [] if remarks is None else remarks
    add_normalization(graph, pixels)
    for rewrite in ON_ONNX:
        _rewrite(rewrite, graph)
    graph.drop_unused()
    remarks += explain_normalization(graph, pixels)
    adapt_channels(graph, pixels, remarks)
    out = Lowering(graph, choices)
    faults = _Faults()
    for node in graph.nodes:
        _lower_node(node, out, faults)
    faults.raise_if_any()
    model = TfliteModel(out.operators, out.inputs, [], description="Converted by redmobile")
    model.outputs = [_output(name, out) for name in graph.outputs]
    for tensor in model.tensors():
        tensor.given = tensor.given or graph.given.get(tensor.name)  # inputs and constants; lowering has seen to all others
    for rewrite_tflite in ON_TFLITE:
        rewrite_tflite(model)
    for rewrite_for_target in FOR_TARGET:
        rewrite_for_target(model, choices, out.explain)
    remove_dead_operators(model)
    if explained is not None:
        explained.extend(out.explained)
    _make_names_unique(model)
    return model


def finish(model: TfliteModel, choices: LoweringChoices, explained: list[str]) -> None:
    """The rewrites that come last of all, behind quantization where there is one; a line for each to `explained`."""
    for rewrite in AT_THE_END:
        rewrite(model, choices, explained.append)
    remove_dead_operators(model)


def _rewrite(rewrite: Callable[[OnnxGraph], None], graph: OnnxGraph) -> None:
    try:
        rewrite(graph)
    except _MALFORMED as error:
        raise UnsupportedModelError(f"The graph is not formed as ONNX says: {rewrite.__name__} met {_said(error)}.") from error


def _output(name: str, out: Lowering) -> Tensor:
    try:
        return out.output(name)
    except Refusal as refusal:
        raise UnsupportedModelError(f"Output '{name}': {refusal}.") from refusal
    except _MALFORMED as error:
        raise UnsupportedModelError(f"Output '{name}' is not formed as ONNX says ({_said(error)}).") from error


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _finish_float(model: TfliteModel, converter: Converter) -> None:
    for rewrite in ON_FLOAT:
        rewrite(model)
    if converter.weights == "float16":
        store_weights_as_float16(model)


_CONTROL_FLOW = "a .tflite file of one graph has no control flow: export without it"
_RECURRENT = "export it unrolled over its steps"
_BY_DATA = "how many values it gives depends on the data, and sizes are static: cut before it with --outputs and compute it in the application"
_HINTS = {
    "If": f"its condition depends on the input, and {_CONTROL_FLOW}",
    "Loop": _CONTROL_FLOW,
    "Scan": _CONTROL_FLOW,
    "GRU": _RECURRENT,
    "LSTM": _RECURRENT,
    "RNN": _RECURRENT,
    "NonMaxSuppression": _BY_DATA,
    "NonZero": _BY_DATA,
    "Compress": _BY_DATA,
    "Unique": _BY_DATA,
    "RandomNormal": "it is random: give the noise as an input",
    "RandomNormalLike": "it is random: give the noise as an input",
    "RandomUniform": "it is random: give the noise as an input",
    "RandomUniformLike": "it is random: give the noise as an input",
    "Bernoulli": "it is random: give the noise as an input",
    "Range": "its bounds depend on the input, and sizes are static",
    "ConstantOfShape": "its shape depends on the input, and sizes are static: fix them with --shape",
    "Shape": "the shape it reads could not be inferred: fix sizes with --shape",
}
"""ONNX operator without a lowering → what could be done."""


class _Faults:
    """Everything about a graph that cannot be lowered."""

    def __init__(self) -> None:
        self._unknown: dict[str, list[str]] = {}
        self._refused: list[str] = []

    def unknown(self, node: OnnxNode) -> None:
        self._unknown.setdefault(node.op, []).append(node.name)

    def refused(self, node: OnnxNode, reason: str) -> None:
        self._refused.append(f"{node}: {' '.join(reason.split())}.")

    def raise_if_any(self) -> None:
        messages = list(self._refused)
        if self._unknown:
            found = ", ".join(f"'{op}' (node{'s' if len(nodes) > 1 else ''} {_quoted(nodes)})" for op, nodes in self._unknown.items())
            hints = [hint for op in self._unknown if (hint := _hint(op))]
            messages.insert(0, " ".join([f"No lowering for ONNX op {found}.", *hints, f"Known ops: {', '.join(LOWERINGS)}."]))
        if messages:
            raise UnsupportedModelError(" ".join(messages))


def _hint(op: str) -> str:
    """What could be done about an operator without a lowering: a known way, or the known operators that its name is nearest to."""
    if op in _HINTS:
        return f"{op}: {_HINTS[op]}."
    near = difflib.get_close_matches(op.rpartition(".")[2], list(LOWERINGS), 2)
    return f"{op}: nearest known: {', '.join(near)}." if near else ""


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _lower_node(node: OnnxNode, out: Lowering, faults: _Faults) -> None:
    lowering = LOWERINGS.get(node.op)
    readable = all(out.knows(name) for name in node.inputs)
    if lowering is None:
        faults.unknown(node)
    elif readable:
        try:
            lowering(node, out)
        except Refusal as refusal:
            faults.refused(node, str(refusal))
        except _MALFORMED as error:
            faults.refused(node, f"it is not formed as ONNX says ({_said(error)})")
    for name in node.outputs:
        if not out.knows(name):
            out.stand_in(name)


def _make_names_unique(model: TfliteModel) -> None:
    """Number tensors that would share a name: a constant that several operators read has a copy for each."""
    taken = {tensor.name for tensor in (*model.inputs, *model.outputs)}
    outer = {id(tensor) for tensor in (*model.inputs, *model.outputs)}
    for tensor in model.tensors():
        if id(tensor) in outer:
            continue
        name, number = tensor.name, 1
        while name in taken:
            name, number = f"{tensor.name}_{number}", number + 1
        tensor.name = name
        taken.add(name)
