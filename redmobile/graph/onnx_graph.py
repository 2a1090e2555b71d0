"""An ONNX file as a plain list of nodes: static shapes everywhere, constants folded."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray

from redmobile.core.artifact import read_bytes, sha256_bytes
from redmobile.core.quant_math import Given
from redmobile.errors import InputError, UnsupportedModelError
from redmobile.graph.onnx_cut import Part, cut, fix_shapes
from redmobile.graph.onnx_fold import fold_constants
from redmobile.graph.onnx_inline import inline_functions
from redmobile.graph.onnx_opset import OLDEST, ONNX_DOMAINS, opset_of, with_known_opset
from redmobile.graph.onnx_quantization import QDQ, adopt_contrib, dequantize_constants, take_advice
from redmobile.graph.onnx_soundness import check_sound

WHOLE = Part()
"""A model as it is."""

_DAMAGED = (ValueError, TypeError, KeyError, IndexError, OverflowError)
"""What the onnx library raises for values that contradict each other."""


@dataclasses.dataclass(eq=False)
class OnnxNode:
    """One node. inputs: value names, '' where an optional input is absent; attributes: strings as str, tensors as numpy."""

    name: str
    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        """Op and name, as errors say it."""
        return f"ONNX op '{self.op}' (node '{self.name}')"


@dataclasses.dataclass(eq=False)
class OnnxGraph:
    """A graph in execution order. shapes, dtypes: of every value whose shape could be inferred (numpy's dtype names).

    inputs: without the initializers; metadata: the file's metadata_props; sha256: of the file. given: value → how the file
    quantizes it, or advises to.
    """

    nodes: list[OnnxNode]
    inputs: list[str]
    outputs: list[str]
    initializers: dict[str, NDArray[Any]]
    shapes: dict[str, tuple[int, ...]]
    dtypes: dict[str, str]
    opset: int
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)
    sha256: str = ""
    given: dict[str, Given] = dataclasses.field(default_factory=dict)

    def copy(self) -> OnnxGraph:
        """A graph that can be rewritten without touching this one; the constants' arrays are shared."""
        nodes = [
            dataclasses.replace(node, inputs=list(node.inputs), outputs=list(node.outputs), attributes=dict(node.attributes)) for node in self.nodes
        ]
        return dataclasses.replace(
            self, nodes=nodes, initializers=dict(self.initializers), shapes=dict(self.shapes), dtypes=dict(self.dtypes), given=dict(self.given)
        )

    def producer(self, value: str) -> OnnxNode | None:
        """The node that computes `value`; None for inputs and constants."""
        return next((node for node in self.nodes if value in node.outputs), None)

    def consumers(self, value: str) -> list[OnnxNode]:
        """The nodes that read `value`, each once, in order."""
        return [node for node in self.nodes if value in node.inputs]

    def only_consumer(self, value: str) -> OnnxNode | None:
        """The one node that reads `value`; None if there are several, or none, or if `value` leaves the graph."""
        consumers = self.consumers(value)
        return consumers[0] if len(consumers) == 1 and value not in self.outputs else None

    def drop_unused(self) -> None:
        """Remove nodes on whose outputs nothing depends."""
        needed = set(self.outputs)
        kept = []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                kept.append(node)
                needed.update(node.inputs)
        self.nodes = kept[::-1]

    def add_constant(self, name: str, values: NDArray[Any]) -> str:
        """Enter a constant under `name`, or a name near it if that is taken; returns the name."""
        free, number = name, 1
        while free in self.shapes:
            free, number = f"{name}_{number}", number + 1
        self.initializers[free] = values
        self.shapes[free], self.dtypes[free] = values.shape, values.dtype.name
        return free


def load_onnx(path: Path, part: Part = WHOLE) -> OnnxGraph:
    """Read `part` of the ONNX file at `path`, infer all shapes and fold what is constant.

    Opsets 11 to 23 are read as they are, others converted first. Raises InputError (missing, truncated, not ONNX, external data missing),
    UnsupportedModelError (dynamic input shapes, a constant part that cannot be computed, an opset that cannot be converted), or UsageError
    (a part that does not fit the model).
    """
    return read_onnx(read_bytes(path), str(path), path.parent, part)


def read_onnx(data: bytes, name: str = "ONNX model", folder: Path = Path(), part: Part = WHOLE, *, for_int8: bool = False) -> OnnxGraph:
    """The same for a file's bytes. name: names it in errors; folder: where external weights lie. Raises as `load_onnx`.

    for_int8: take the weights and scales that quantization-aware training left in the file, if it did.
    """
    model = _parse(data, name, folder)
    check_sound(model, opset_of(model) or OLDEST, name)
    try:
        model = with_known_opset(inline_functions(model, name), name)
        fix_shapes(model, part, name)
        if part.inputs or part.outputs:
            model = fold_constants(model, name)
            cut(model, part, name)
        _check_static(model, name)
        advised = take_advice(model, name) if for_int8 else {}
        folded, given = _fold(model, name)
        graph = _graph(folded, sha256_bytes(data), given | advised)
    except _DAMAGED as error:
        raise InputError(f"{name}: is a damaged ONNX file ({type(error).__name__}: {' '.join(str(error).split())}).") from error
    _check_connected(graph, name)
    return graph


def _fold(model: onnx.ModelProto, name: str) -> tuple[onnx.ModelProto, dict[str, Given]]:
    """The folded model, and how constants that come as codes are quantized: once folded they are plain float32."""
    adopt_contrib(model)
    if all(node.op_type not in QDQ for node in model.graph.node):
        return fold_constants(model, name), {}
    folded = fold_constants(model, name, keep=QDQ)
    given = dequantize_constants(folded)
    return fold_constants(folded, name), given


def _parse(data: bytes, name: str, folder: Path) -> onnx.ModelProto:
    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise InputError(f"{name}: is not a whole ONNX file ({error}).") from error
    if not model.ir_version or not model.graph.node or not model.graph.output:
        raise InputError(f"{name}: is not an ONNX model, or it holds an empty graph.")
    try:
        onnx.external_data_helper.load_external_data_for_model(model, str(folder))
    except (OSError, onnx.checker.ValidationError) as error:
        raise InputError(f"{name}: its external weights cannot be read ({_printable(error)}).") from error
    return model


def _printable(error: Exception) -> str:
    """What it says in one line; names that onnx_soundness is still to see may stand in it."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(str(error).split()))


def _check_connected(graph: OnnxGraph, name: str) -> None:
    known = {"", *graph.inputs, *graph.initializers}
    for node in graph.nodes:
        for value in node.inputs:
            if value not in known:
                raise InputError(f"{name}: {node} reads '{value}', which no node before it gives: the file is damaged.")
        known.update(node.outputs)
    for value in graph.outputs:
        if value not in known:
            raise InputError(f"{name}: nothing gives its output '{value}': the file is damaged.")


def _check_static(model: onnx.ModelProto, name: str) -> None:
    constants = {initializer.name for initializer in model.graph.initializer}
    for value in model.graph.input:
        if value.name in constants:
            continue
        if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
            raise UnsupportedModelError(
                f"{name}: input '{value.name}' has no shape; give it one with --shape {value.name}=N,C,H,W, or export it with one."
            )
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            if dimension.HasField("dim_value") and dimension.dim_value == 0:
                raise UnsupportedModelError(
                    f"{name}: input '{value.name}' is empty (axis {axis} has the size 0); TFLite has no tensors without values."
                )
            if dimension.dim_value <= 0:
                raise UnsupportedModelError(_dynamic(name, value.name, axis, dimension.dim_param))


def _dynamic(name: str, value: str, axis: int, symbol: str) -> str:
    found = f"the dynamic dimension '{symbol}'" if symbol else "an unknown dimension"
    return (
        f"{name}: input '{value}' has {found} (axis {axis}); static shapes are needed: "
        f"give them with --shape {value}=N,C,H,W, or export with a fixed size."
    )


def _graph(model: onnx.ModelProto, sha256: str, given: dict[str, Given]) -> OnnxGraph:
    initializers = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    shapes, dtypes = {}, {}
    for value in (*model.graph.input, *model.graph.value_info, *model.graph.output):
        tensor = value.type.tensor_type
        if tensor.HasField("shape") and all(dimension.HasField("dim_value") for dimension in tensor.shape.dim):
            shapes[value.name] = tuple(dimension.dim_value for dimension in tensor.shape.dim)
            dtypes[value.name] = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)).name
    for name, values in initializers.items():
        shapes[name], dtypes[name] = values.shape, values.dtype.name
    return OnnxGraph(
        nodes=[_node(node, index) for index, node in enumerate(model.graph.node)],
        inputs=[value.name for value in model.graph.input if value.name not in initializers],
        outputs=[value.name for value in model.graph.output],
        initializers=initializers,
        shapes=shapes,
        dtypes=dtypes,
        opset=opset_of(model) or OLDEST,
        metadata={entry.key: entry.value for entry in model.metadata_props},
        sha256=sha256,
        given=given,
    )


def _node(node: onnx.NodeProto, index: int) -> OnnxNode:
    op = node.op_type if node.domain in ONNX_DOMAINS else f"{node.domain}.{node.op_type}"
    attributes = {attribute.name: _attribute(attribute) for attribute in node.attribute}
    return OnnxNode(node.name or f"{op}_{index}", op, list(node.input), list(node.output), attributes)


def _attribute(attribute: onnx.AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    return list(value) if attribute.type in {onnx.AttributeProto.INTS, onnx.AttributeProto.FLOATS, onnx.AttributeProto.STRINGS} else value
