"""Replace what is decided by constants: the branch that an If takes, the positions that a Compress keeps, calls of local functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.inliner
from numpy.typing import NDArray

from redmobile.errors import InputError


def inline_functions(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """`model` with the bodies of its local functions in place of their calls. Raises InputError if these are not well formed."""
    if not model.functions:
        return model
    try:
        inlined: onnx.ModelProto = onnx.inliner.inline_local_functions(model)
    except (RuntimeError, onnx.checker.ValidationError) as error:
        raise InputError(f"{name}: its local functions cannot be put in place of their calls ({' '.join(str(error).split())}).") from error
    return inlined


def inline_decided(model: onnx.ModelProto) -> bool:
    """Rewrite `model` in place; whether anything changed.

    before   If (constant) { then: … ─ a } { else: … ─ b } ─ y          Compress x (constant) ─ y
    after    … ─ a ─ Identity ─ y                                       Gather x (positions) ─ y

    A Gather's result has a shape that can be inferred.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    changed = False
    for node in model.graph.node:
        replacement = _decided(node, model.graph, constants)
        nodes += [node] if replacement is None else replacement
        changed = changed or replacement is not None
    if changed:
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del model.graph.node[:]
        model.graph.node.extend(copies)
    return changed


def _decided(node: onnx.NodeProto, graph: onnx.GraphProto, constants: dict[str, onnx.TensorProto]) -> list[onnx.NodeProto] | None:
    """What stands in for `node`; None if it stays."""
    if node.op_type == "If" and node.input[0] in constants:
        return _branch(node, graph, taken=bool(_values(constants, node.input[0]).reshape(-1)[0]))
    if node.op_type == "Compress" and node.input[1] in constants:
        return _picked(node, graph, _values(constants, node.input[1]))
    return None


def _values(constants: dict[str, onnx.TensorProto], name: str) -> NDArray[Any]:
    return np.asarray(onnx.numpy_helper.to_array(constants[name]))


def _picked(node: onnx.NodeProto, graph: onnx.GraphProto, condition: NDArray[Any]) -> list[onnx.NodeProto]:
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), None)
    kept, source = f"{node.output[0]}/kept", node.input[0]
    graph.initializer.append(onnx.numpy_helper.from_array(np.flatnonzero(condition), kept))
    made = []
    if axis is None:
        flat, shape = f"{node.output[0]}/flat", f"{node.output[0]}/shape"
        graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1]), shape))
        made.append(onnx.helper.make_node("Reshape", [source, shape], [flat], name=f"{node.name}/flat"))
        source = flat
    return [*made, onnx.helper.make_node("Gather", [source, kept], list(node.output), name=node.name, axis=axis or 0)]


def _branch(node: onnx.NodeProto, graph: onnx.GraphProto, *, taken: bool) -> list[onnx.NodeProto]:
    wanted = "then_branch" if taken else "else_branch"
    branch = {attribute.name: attribute for attribute in node.attribute}[wanted].g
    prefix = node.name or node.output[0]
    inner = {value for part in branch.node for value in part.output if value} | {tensor.name for tensor in branch.initializer}
    names = {value: f"{prefix}/{value}" for value in inner}
    for tensor in branch.initializer:
        copy = graph.initializer.add()
        copy.CopyFrom(tensor)
        copy.name = names[tensor.name]
    made = [_renamed(part, names, prefix) for part in branch.node]
    for source, result in zip(branch.output, node.output, strict=True):
        made.append(onnx.helper.make_node("Identity", [names.get(source.name, source.name)], [result], name=f"{prefix}/{result}"))
    return made


def _renamed(node: onnx.NodeProto, names: dict[str, str], prefix: str) -> onnx.NodeProto:
    """A copy of `node` whose values, also those that its own branches read, have other names."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.name = f"{prefix}/{node.name}" if node.name else ""
    copy.input[:] = [names.get(value, value) for value in node.input]
    copy.output[:] = [names.get(value, value) for value in node.output]
    for attribute in copy.attribute:
        for graph in [attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else attribute.graphs:
            inside = [_renamed(part, names, prefix) for part in graph.node]
            del graph.node[:]
            graph.node.extend(inside)
            for value in graph.output:
                value.name = names.get(value.name, value.name)
    return copy
