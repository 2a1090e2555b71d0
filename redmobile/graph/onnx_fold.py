"""Compute what is constant in an ONNX graph: shape arithmetic, transposed weights, Constant nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from redmobile.errors import InputError, UnsupportedModelError

_NEVER_FOLDED = frozenset({"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"})
_FAILURES = (RuntimeError, NotImplementedError, ValueError, TypeError, IndexError, KeyError)
"""What onnx's reference implementation raises for a node that it cannot compute."""


def fold_constants(model: onnx.ModelProto, name: str, keep: frozenset[str] = frozenset()) -> onnx.ModelProto:
    """A model with inferred shapes whose constant nodes are initializers; computed by onnx's own reference implementation.

    `name` names the model in errors; nodes of the kinds `keep` are left. Raises UnsupportedModelError if a constant node cannot be
    computed, InputError if shapes or operator sets contradict each other.
    """
    while True:
        model = _infer_shapes(model, name)
        constant = _constant_nodes(model, _NEVER_FOLDED | keep)
        if not constant:
            return model
        _replace(model, constant, _compute(model, constant, name))


def _infer_shapes(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    try:
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        raise InputError(f"{name}: is not a consistent ONNX graph ({' '.join(str(error).split())}).") from error


def _constant_nodes(model: onnx.ModelProto, kept: frozenset[str]) -> list[onnx.NodeProto]:
    """Nodes without inputs that vary: all inputs constant, or a Shape of a tensor whose shape is known."""
    known = {initializer.name for initializer in model.graph.initializer} | {""}
    shaped = set(_static_shapes(model))
    found = []
    for node in model.graph.node:
        if node.op_type in kept or not onnx.defs.has(node.op_type, node.domain) or _has_subgraph(node):
            continue
        if known.issuperset(node.input) or (node.op_type == "Shape" and node.input[0] in shaped):
            found.append(node)
            known.update(node.output)
    return found


def _has_subgraph(node: onnx.NodeProto) -> bool:
    return any(attribute.type in {onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS} for attribute in node.attribute)


def _static_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for value in (*model.graph.input, *model.graph.value_info, *model.graph.output):
        tensor = value.type.tensor_type
        if tensor.HasField("shape") and all(dimension.HasField("dim_value") for dimension in tensor.shape.dim):
            shapes[value.name] = tuple(dimension.dim_value for dimension in tensor.shape.dim)
    return shapes


def _compute(model: onnx.ModelProto, nodes: list[onnx.NodeProto], name: str) -> dict[str, NDArray[Any]]:
    from onnx.reference import ReferenceEvaluator

    used = {value for node in nodes for value in node.input if value}
    made = [value for node in nodes for value in node.output if value]
    shapes = _static_shapes(model)
    # A Shape node reads a tensor that is not constant; only its shape matters, so it gets one that takes no memory.
    stand_ins = {value: np.broadcast_to(np.float32(0), shapes[value]) for value in used & shapes.keys()}
    constants = [initializer for initializer in model.graph.initializer if initializer.name in used]
    for value in (*made, *(constant.name for constant in constants)):
        stand_ins.pop(value, None)
    inputs = [onnx.helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, shapes[value]) for value in stand_ins]
    outputs = [onnx.helper.make_empty_tensor_value_info(value) for value in made]
    graph = onnx.helper.make_graph(nodes, "constant", inputs, outputs, constants)
    part = onnx.helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)
    try:
        results = ReferenceEvaluator(part).run(None, stand_ins)
    except _FAILURES as error:
        kinds = ", ".join(sorted({node.op_type for node in nodes}))
        raise UnsupportedModelError(f"{name}: its constant part ({kinds}) cannot be computed ({' '.join(str(error).split())}).") from error
    return dict(zip(made, results, strict=True))


def _replace(model: onnx.ModelProto, nodes: list[onnx.NodeProto], values: dict[str, NDArray[Any]]) -> None:
    gone = {output for node in nodes for output in node.output}
    kept = [node for node in model.graph.node if gone.isdisjoint(node.output)]
    needed = {value for node in kept for value in node.input} | {value.name for value in model.graph.output}
    del model.graph.node[:]
    model.graph.node.extend(kept)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in values.items() if name in needed)
