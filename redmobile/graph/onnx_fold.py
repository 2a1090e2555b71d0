"""Compute what is constant in an ONNX graph: shape arithmetic, transposed weights, Constant nodes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from redmobile.errors import InputError, UnsupportedModelError
from redmobile.graph.onnx_inline import inline_decided

_NEVER_FOLDED = frozenset({"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"})
_OF_SHAPE = frozenset({"Shape", "Size", "EyeLike"})
"""Operators whose result follows from the shape of their input alone."""
_SHAPED_AS_INPUT = frozenset({"GroupNormalization", "MeanVarianceNormalization"})
"""Operators whose output has the shape of their first input, of which onnx infers none because it knows them as functions."""

_FAILURES = (RuntimeError, NotImplementedError, ValueError, TypeError, IndexError, KeyError, AttributeError, ArithmeticError, MemoryError)
"""What onnx's reference implementation raises for a node that it cannot compute."""

_LARGEST_CONSTANT = 1 << 31
"""Bytes of one computed constant: a shape that went wrong asks for more."""


def fold_constants(model: onnx.ModelProto, name: str, keep: frozenset[str] = frozenset()) -> onnx.ModelProto:
    """A model with inferred shapes whose constant nodes are initializers; computed by onnx's own reference implementation.

    An If whose condition turns out constant is replaced by the branch it takes, a Compress by what it keeps. `name` names the model in
    errors; nodes of the kinds `keep` are left. Raises UnsupportedModelError if a constant node cannot be computed, InputError if shapes or
    operator sets contradict each other.
    """
    while True:
        model = _infer_shapes(model, name)
        _settle_types(model)
        constant = _constant_nodes(model, _NEVER_FOLDED | keep)
        if not constant and not inline_decided(model):
            return model
        _replace(model, constant, _compute(model, constant, name))


def _infer_shapes(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    while True:
        _forget_vague(model)
        try:
            model = onnx.shape_inference.infer_shapes(model, data_prop=True)
        except onnx.shape_inference.InferenceError as error:
            raise InputError(f"{name}: is not a consistent ONNX graph ({' '.join(str(error).split())}).") from error
        if not _shape_as_input(model):
            return model


def _shape_as_input(model: onnx.ModelProto) -> bool:
    """Enter the shapes that onnx leaves out of operators whose input's is known by now; whether there were any."""
    values = {value.name: value for value in (*model.graph.input, *model.graph.value_info, *model.graph.output)}
    shapes, entered = _static_shapes(model), False
    for node in model.graph.node:
        if node.op_type in _SHAPED_AS_INPUT and node.input[0] in shapes and node.output[0] not in shapes:
            shape, kind = shapes[node.input[0]], values[node.input[0]].type.tensor_type.elem_type
            known = values.get(node.output[0]) or model.graph.value_info.add()
            known.CopyFrom(onnx.helper.make_tensor_value_info(node.output[0], kind, shape))
            entered = True
    return entered


def _settle_types(model: onnx.ModelProto) -> None:
    """Make each CastLike a Cast, where the type of what it looks at is known: the other's values, computed or not, do not matter."""
    types = _types(model) | {initializer.name: initializer.data_type for initializer in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "CastLike" and len(node.input) > 1 and types.get(node.input[1], 0):
            node.op_type = "Cast"
            node.attribute.append(onnx.helper.make_attribute("to", types[node.input[1]]))
            del node.input[1:]


def _forget_vague(model: onnx.ModelProto) -> None:
    """Drop what the file says of values whose shape it does not know, and of constants: inference would believe it."""
    constants = {tensor.name for tensor in model.graph.initializer}
    static = _static_shapes(model).keys() - constants
    kept = [value for value in model.graph.value_info if value.name in static]
    copies = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in kept]
    del model.graph.value_info[:]
    model.graph.value_info.extend(copies)


def _constant_nodes(model: onnx.ModelProto, kept: frozenset[str]) -> list[onnx.NodeProto]:
    """Nodes without inputs that vary: all inputs constant, or what depends on the shape of a tensor whose shape is known."""
    known = {initializer.name for initializer in model.graph.initializer} | {""}
    shaped = set(_static_shapes(model))
    found = []
    for node in model.graph.node:
        if node.op_type in kept or not onnx.defs.has(node.op_type, node.domain) or _has_subgraph(node):
            continue
        if known.issuperset(node.input) or (node.op_type in _OF_SHAPE and node.input[0] in shaped):
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


def _types(model: onnx.ModelProto) -> dict[str, int]:
    return {value.name: value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.value_info, *model.graph.output)}


def _dtype(element_type: int) -> np.dtype[Any]:
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(element_type))


def _compute(model: onnx.ModelProto, nodes: list[onnx.NodeProto], name: str) -> dict[str, NDArray[Any]]:
    from onnx.reference import ReferenceEvaluator

    used = {value for node in nodes for value in node.input if value}
    made = [value for node in nodes for value in node.output if value]
    shapes, types = _static_shapes(model), _types(model)
    _check_sizes(made, shapes, name)
    # A Shape node reads a tensor that is not constant; only its shape matters, so it gets one that takes no memory.
    stand_ins = {value: np.broadcast_to(np.zeros((), _dtype(types[value])), shapes[value]) for value in used & shapes.keys()}
    constants = [initializer for initializer in model.graph.initializer if initializer.name in used]
    for value in (*made, *(constant.name for constant in constants)):
        stand_ins.pop(value, None)
    inputs = [onnx.helper.make_tensor_value_info(value, types[value], shapes[value]) for value in stand_ins]
    outputs = [onnx.helper.make_empty_tensor_value_info(value) for value in made]
    graph = onnx.helper.make_graph(nodes, "constant", inputs, outputs, constants)
    part = onnx.helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)
    try:
        results = ReferenceEvaluator(part).run(None, stand_ins)
    except _FAILURES as error:
        kinds = ", ".join(sorted({node.op_type for node in nodes}))
        raise UnsupportedModelError(f"{name}: its constant part ({kinds}) cannot be computed ({' '.join(str(error).split())}).") from error
    return dict(zip(made, results, strict=True))


def _check_sizes(made: list[str], shapes: dict[str, tuple[int, ...]], name: str) -> None:
    for value in made:
        size = math.prod(shapes.get(value, ())) * np.dtype(np.float32).itemsize
        if size > _LARGEST_CONSTANT:
            raise UnsupportedModelError(f"{name}: its constant '{value}' would take {size:,} bytes, at most {_LARGEST_CONSTANT:,} are taken.")


def _replace(model: onnx.ModelProto, nodes: list[onnx.NodeProto], values: dict[str, NDArray[Any]]) -> None:
    gone = {output for node in nodes for output in node.output}
    kept = [node for node in model.graph.node if gone.isdisjoint(node.output)]
    needed = {value for node in kept for value in node.input} | {value.name for value in model.graph.output}
    del model.graph.node[:]
    model.graph.node.extend(kept)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in values.items() if name in needed)
