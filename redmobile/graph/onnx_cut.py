"""Change which part of an ONNX model is taken, and at which sizes."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Collection, Mapping, Sequence

import onnx

from redmobile.errors import UnsupportedModelError, UsageError


@dataclasses.dataclass(frozen=True)
class Part:
    """What to take of a model, and at which sizes.

    shapes: name of an input → its shape, which also fixes the symbols that its dimensions share with other inputs; the name '' stands for
    the only input. inputs, outputs: names of any values of the graph, between which it is cut out; none: those of the model.
    """

    shapes: Mapping[str, Sequence[int]] = dataclasses.field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


def fix_shapes(model: onnx.ModelProto, part: Part, name: str) -> None:
    """Give the model's inputs the shapes of `part`, in place. Raises UsageError: no such input, another rank, symbols that contradict."""
    graph = model.graph
    inputs = {value.name: value for value in graph.input if value.name not in _constants(model)}
    shapes = {_input_name(wanted, inputs, name): tuple(shape) for wanted, shape in part.shapes.items()}
    unknown = sorted(shapes.keys() - inputs.keys() - set(part.inputs))
    if unknown:
        raise UsageError(f"{name}: --shape names {_quoted(unknown)}, which is no input. Inputs: {_quoted(inputs)}.")
    symbols: dict[str, int] = {}
    for wanted, shape in shapes.items():
        if wanted in inputs:
            _fix(inputs[wanted], shape, symbols, name)
    for value in inputs.values():
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param in symbols:
                dimension.dim_value = symbols[dimension.dim_param]
    if shapes.keys() & inputs.keys():
        _forget_shapes(graph)


def cut(model: onnx.ModelProto, part: Part, name: str) -> None:
    """Leave only what lies between the inputs and outputs of `part`, in place. The model has its shapes inferred.

    Raises UsageError: no such value; an output that needs more than the inputs; an input that leads to no output.
    UnsupportedModelError: an input whose shape is not known.
    """
    if not part.inputs and not part.outputs:
        return
    graph, constants = model.graph, _constants(model)
    own = [value.name for value in graph.input if value.name not in constants]
    known = _values(model)
    _check_names(part, known, constants, name)
    outputs = list(part.outputs) or [value.name for value in graph.output]
    nodes, reached = _between(graph, part.inputs, outputs, constants)
    inputs = list(part.inputs) or [value for value in own if value in reached]
    missing = [value for value in own if value in reached and value not in inputs]
    if missing:
        raise UsageError(f"{name}: {_quoted(outputs)} also needs the input {_quoted(missing)}: name it with --inputs too, or cut elsewhere.")
    idle = [value for value in part.inputs if value not in reached]
    if idle:
        raise UsageError(f"{name}: {_quoted(idle)} leads to none of {_quoted(outputs)}: leave it out of --inputs, or name other --outputs.")
    ports = [_port(value, known.get(value), part.shapes.get(value), name) for value in inputs]
    ends = [known.get(value) or onnx.helper.make_empty_tensor_value_info(value) for value in outputs]
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    for field, values in ((graph.input, ports), (graph.output, ends), (graph.node, kept)):
        copies = [type(value).FromString(value.SerializeToString()) for value in values]
        del field[:]
        field.extend(copies)
    if part.shapes.keys() & set(part.inputs):
        _forget_shapes(graph)


def _forget_shapes(graph: onnx.GraphProto) -> None:
    """What was inferred for other sizes is to be inferred again."""
    del graph.value_info[:]
    for value in graph.output:
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")


def _input_name(wanted: str, inputs: Mapping[str, onnx.ValueInfoProto], name: str) -> str:
    if wanted:
        return wanted
    if len(inputs) != 1:
        raise UsageError(f"{name}: has the inputs {_quoted(inputs)}: say whose shape it is, e.g. --shape {next(iter(inputs), 'NAME')}=1,3,1080,1920.")
    return next(iter(inputs))


def _fix(value: onnx.ValueInfoProto, shape: tuple[int, ...], symbols: dict[str, int], name: str) -> None:
    tensor = value.type.tensor_type
    if any(size < 1 for size in shape):
        raise UsageError(f"{name}: --shape {value.name}={_sizes(shape)}: every size is at least 1.")
    if not tensor.HasField("shape"):
        tensor.shape.SetInParent()
        for _ in shape:
            tensor.shape.dim.add()
    if len(tensor.shape.dim) != len(shape):
        found = ", ".join(dimension.dim_param or str(dimension.dim_value or "?") for dimension in tensor.shape.dim)
        raise UsageError(
            f"{name}: --shape {value.name}={_sizes(shape)} has {len(shape)} sizes, the input has {len(tensor.shape.dim)} axes ({found})."
        )
    for dimension, size in zip(tensor.shape.dim, shape, strict=True):
        symbol = dimension.dim_param
        if symbol and symbols.setdefault(symbol, size) != size:
            raise UsageError(f"{name}: --shape gives '{symbol}' both {symbols[symbol]} and {size}; inputs that share a symbol share its size.")
        dimension.dim_value = size


def _constants(model: onnx.ModelProto) -> set[str]:
    return {tensor.name for tensor in model.graph.initializer}


def _values(model: onnx.ModelProto) -> dict[str, onnx.ValueInfoProto]:
    """Every value of the graph, with what is known of its type."""
    graph = model.graph
    found = {value: onnx.helper.make_empty_tensor_value_info(value) for node in graph.node for value in node.output if value}
    found |= {value.name: value for value in (*graph.value_info, *graph.input, *graph.output)}
    return found


def _check_names(part: Part, known: Collection[str], constants: Collection[str], name: str) -> None:
    fixed = [value for value in part.inputs if value in constants]
    if fixed:
        raise UsageError(f"{name}: --inputs names {_quoted(fixed)}, which is a constant.")
    for option, wanted in (("--inputs", part.inputs), ("--outputs", part.outputs)):
        unknown = [value for value in wanted if value not in known]
        if unknown:
            near = [match for value in unknown for match in difflib.get_close_matches(value, known, 3)]
            hint = f" Near it: {_quoted(dict.fromkeys(near))}." if near else " Names of values are those of nodes' outputs, as Netron shows them."
            raise UsageError(f"{name}: {option} names {_quoted(unknown)}, which no node gives.{hint}")
        repeated = sorted({value for value in wanted if wanted.count(value) > 1})
        if repeated:
            raise UsageError(f"{name}: {option} names {_quoted(repeated)} more than once.")


def _between(
    graph: onnx.GraphProto, inputs: Sequence[str], outputs: Sequence[str], constants: Collection[str]
) -> tuple[list[onnx.NodeProto], set[str]]:
    """(nodes in order that lead from the inputs to the outputs, all values that the outputs need)."""
    needed, kept = set(outputs), []
    for node in reversed(graph.node):
        if needed.intersection(node.output) - set(inputs):
            kept.append(node)
            needed.update(value for value in (*node.input, *_read_inside(node)) if value and value not in constants)
    return kept[::-1], needed


def _read_inside(node: onnx.NodeProto) -> list[str]:
    """What the branches of a node may read from outside."""
    graphs = [graph for attribute in node.attribute for graph in (attribute.g, *attribute.graphs)]
    return [value for graph in graphs for inner in graph.node for value in (*inner.input, *_read_inside(inner))]


def _port(value: str, known: onnx.ValueInfoProto | None, shape: Sequence[int] | None, name: str) -> onnx.ValueInfoProto:
    if known is None or not known.type.tensor_type.elem_type:
        raise UnsupportedModelError(f"{name}: the type of '{value}' could not be inferred, so it cannot become an input: cut elsewhere.")
    tensor = known.type.tensor_type
    if shape is not None:
        return onnx.helper.make_tensor_value_info(value, tensor.elem_type, list(shape))
    if not tensor.HasField("shape") or not all(dimension.HasField("dim_value") for dimension in tensor.shape.dim):
        raise UnsupportedModelError(f"{name}: the shape of '{value}' could not be inferred: give it with --shape {value}=N,C,H,W.")
    return known


def _quoted(names: Collection[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _sizes(shape: Sequence[int]) -> str:
    return ",".join(map(str, shape))
