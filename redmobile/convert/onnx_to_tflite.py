"""Walk an ONNX graph, lower each node, rewrite: a float32 TFLite model in NHWC."""

from __future__ import annotations

import dataclasses

from redmobile.convert.lowering import LOWERINGS, Lowering, Refusal
from redmobile.convert.metadata import attach, describe
from redmobile.convert.pass_order import ON_FLOAT, ON_ONNX, ON_TFLITE
from redmobile.convert.passes.float16_weights import store_weights_as_float16
from redmobile.convert.pixels import Pixels, adapt_channels, add_normalization, explain_normalization
from redmobile.core.converter import Converter, LoweringChoices
from redmobile.errors import UnsupportedModelError
from redmobile.graph.onnx_graph import OnnxGraph, OnnxNode
from redmobile.graph.tflite_model import TfliteModel

_MALFORMED = (ValueError, TypeError, KeyError, IndexError)
"""What a lowering raises that meets a missing attribute or input, or one of the wrong length."""


def convert(
    graph: OnnxGraph, converter_name: str, converter: Converter, pixels: Pixels | None = None, explain: list[str] | None = None
) -> TfliteModel:
    """`graph` as the float model that `converter` asks for, with its metadata; what the converter's [quantize] says is not done here.

    pixels: what the file takes and gives, if that is something else than the network does. explain: takes a sentence for each decision.

    Raises UnsupportedModelError, InputError.
    """
    pixels = pixels or Pixels()
    metadata = describe(graph, converter_name, pixels.order, pixels.adapted)
    if metadata.inputs:
        pixels = dataclasses.replace(pixels, span=metadata.inputs[0].range)
    model = lower(graph, converter.lowering, pixels, explain)
    if converter.quantize is None:
        _finish_float(model, converter)
    attach(model, metadata)
    return model


def lower(graph: OnnxGraph, choices: LoweringChoices, pixels: Pixels | None = None, explain: list[str] | None = None) -> TfliteModel:
    """`graph` as a float32 TFLite model: images NHWC, constants transposed, names of inputs, outputs and values kept.

    pixels, explain: see `convert`.

    `graph` itself is left as it is. Raises UnsupportedModelError that names every node without a lowering, all at once.
    """
    graph = graph.copy()
    pixels, explain = pixels or Pixels(), [] if explain is None else explain
    add_normalization(graph, pixels)
    for rewrite in ON_ONNX:
        rewrite(graph)
    graph.drop_unused()
    explain += explain_normalization(graph, pixels)
    adapt_channels(graph, pixels, explain)
    out = Lowering(graph, choices)
    faults = _Faults()
    for node in graph.nodes:
        _lower_node(node, out, faults)
    faults.raise_if_any()
    model = TfliteModel(out.operators, out.inputs, [], description="Converted by redmobile")
    model.outputs = [out.output(name) for name in graph.outputs]
    for tensor in model.tensors():
        tensor.given = tensor.given or graph.given.get(tensor.name)  # inputs and constants; lowering has seen to all others
    for rewrite_tflite in ON_TFLITE:
        rewrite_tflite(model)
    _make_names_unique(model)
    return model


def _finish_float(model: TfliteModel, converter: Converter) -> None:
    for rewrite in ON_FLOAT:
        rewrite(model)
    if converter.weights == "float16":
        store_weights_as_float16(model)


class _Faults:
    """Everything about a graph that cannot be lowered."""

    def __init__(self) -> None:
        self._unknown: dict[str, list[str]] = {}
        self._refused: list[str] = []

    def unknown(self, node: OnnxNode) -> None:
        self._unknown.setdefault(node.op, []).append(node.name)

    def refused(self, node: OnnxNode, reason: str) -> None:
        self._refused.append(f"{node}: {reason}.")

    def raise_if_any(self) -> None:
        messages = list(self._refused)
        if self._unknown:
            found = ", ".join(f"'{op}' (node{'s' if len(nodes) > 1 else ''} {_quoted(nodes)})" for op, nodes in self._unknown.items())
            messages.insert(0, f"No lowering for ONNX op {found}. Known ops: {', '.join(LOWERINGS)}.")
        if messages:
            raise UnsupportedModelError(" ".join(messages))


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
            faults.refused(node, f"it is not formed as ONNX says ({type(error).__name__}: {error})")
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
