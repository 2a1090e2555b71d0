"""What must hold of an ONNX file before onnx's native code may look at it: that follows what is written there, and crashes or eats all memory."""

from __future__ import annotations

import math
from collections.abc import Iterator

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from redmobile.errors import InputError

_LARGEST_SIZE = 2**31 - 1
"""Of one axis: TFLite counts in int32."""

_LONGEST_SHAPE = 1_000_000
"""Of a vector of integers that a graph declares: onnx follows the single values of those, as if they were shapes."""

_MANY = 5


def check_sound(model: ModelProto, opset: int, name: str) -> None:
    """Raise one InputError for everything in `model` that contradicts itself or the operators' definitions in `opset`.

    Sizes of tensors, arity and attributes of nodes, values that are given twice. `name` names the model.
    """
    faults = list(dict.fromkeys(_graph_faults(model.graph, opset)))
    if faults:
        more = f"; and {len(faults) - _MANY} more" if len(faults) > _MANY else ""
        raise InputError(f"{name}: is a damaged ONNX file ({'; '.join(faults[:_MANY])}{more}).")


def _graph_faults(graph: GraphProto, opset: int) -> Iterator[str]:
    strange = [name for name in _names(graph) if isinstance(name, bytes) or not name.isprintable()]
    if strange:
        yield f"a name that is not printable text: {strange[0]!r}"
        return
    for tensor in graph.initializer:
        yield from _tensor_faults(tensor, f"the constant {tensor.name!r}")
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield from _declaration_faults(value)
    if any(not value.name for value in graph.output):
        yield "an output without a name"
    given: set[str] = set()
    for index, node in enumerate(graph.node):
        label = f"node {node.name or index!r} ({node.op_type!r})"
        yield from (f"{label} {fault}" for fault in _node_faults(node, opset))
        for value_name in node.output:
            if value_name and value_name in given:
                yield f"{label} gives {value_name!r}, which a node before it gives already"
            given.add(value_name)
        for attribute in node.attribute:
            yield from _attribute_faults(attribute, label, opset)


def _names(graph: GraphProto) -> Iterator[str | bytes]:
    """Every name; as bytes where it is not UTF-8."""
    yield from (tensor.name for tensor in graph.initializer)
    yield from (value.name for value in (*graph.input, *graph.output, *graph.value_info))
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def _attribute_faults(attribute: AttributeProto, label: str, opset: int) -> Iterator[str]:
    for tensor in (attribute.t, *attribute.tensors):
        yield from _tensor_faults(tensor, f"{label}: the attribute {attribute.name!r}")
    for graph in (attribute.g, *attribute.graphs):
        yield from _graph_faults(graph, opset)


def _tensor_faults(tensor: TensorProto, label: str) -> Iterator[str]:
    if any(not 0 <= size <= _LARGEST_SIZE for size in tensor.dims):
        yield f"{label} has the shape {tuple(tensor.dims)}"
        return
    if not tensor.HasField("data_type") or tensor.data_type == TensorProto.UNDEFINED:
        if tensor.dims or tensor.raw_data:
            yield f"{label} has no type"
        return
    if tensor.data_type not in TensorProto.DataType.values():
        yield f"{label} has the unknown type {tensor.data_type}"
        return
    count = math.prod(tensor.dims)
    if tensor.HasField("raw_data") and tensor.data_type != TensorProto.STRING:
        needed = math.ceil(count * _bits(tensor.data_type) / 8)
        if len(tensor.raw_data) != needed:
            yield f"{label} has the shape {tuple(tensor.dims)}, which takes {needed} bytes; it holds {len(tensor.raw_data)}"
    elif tensor.data_location != TensorProto.EXTERNAL and count > _listed(tensor):
        yield f"{label} has the shape {tuple(tensor.dims)}; it holds fewer values"


def _bits(data_type: int) -> int:
    name = TensorProto.DataType.Name(data_type)
    if name in {"INT2", "UINT2"}:
        return 2
    if name in {"INT4", "UINT4", "FLOAT4E2M1"}:
        return 4
    return int(onnx.helper.tensor_dtype_to_np_dtype(data_type).itemsize) * 8


def _listed(tensor: TensorProto) -> int:
    """How many values at most stand in the fields that are no bytes; eight-bit and smaller types put several into one."""
    lists = (tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data, tensor.uint64_data, tensor.string_data)
    return 16 * max(map(len, lists)) if tensor.data_type != TensorProto.STRING else len(tensor.string_data)


def _declaration_faults(value: ValueInfoProto) -> Iterator[str]:
    tensor = value.type.tensor_type
    sizes = [dimension.dim_value for dimension in tensor.shape.dim if dimension.HasField("dim_value")]
    if any(not -1 <= size <= _LARGEST_SIZE for size in sizes):
        yield f"{value.name!r} is declared with the shape {tuple(sizes)}"
    elif len(sizes) == 1 and sizes[0] > _LONGEST_SHAPE and tensor.elem_type in {TensorProto.INT64, TensorProto.INT32}:
        yield f"{value.name!r} is declared as a vector of {sizes[0]} integers, at most {_LONGEST_SHAPE} are taken"


def _node_faults(node: NodeProto, opset: int) -> Iterator[str]:
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, node.domain)
    except onnx.defs.SchemaError:
        return  # nothing is known of it; whoever lowers it will say so
    if len(node.input) > schema.max_input:  # too few are the lowering's to refuse, which has more to say of the operator
        yield f"has {len(node.input)} inputs, {_span(schema.min_input, schema.max_input)} expected"
    if not schema.min_output <= len(node.output) <= schema.max_output:
        yield f"has {len(node.output)} outputs, {_span(schema.min_output, schema.max_output)} expected"
    for attribute in node.attribute:
        known = schema.attributes.get(attribute.name)
        expected = str(known.type).rpartition(".")[2] if known else None
        if expected is not None and _type_name(attribute.type) != expected and not attribute.ref_attr_name:
            yield f"has the attribute {attribute.name!r} of type {_type_name(attribute.type)}, {expected} expected"
    missing = [name for name, known in schema.attributes.items() if known.required and name not in {given.name for given in node.attribute}]
    if missing:
        yield f"lacks the attribute {missing[0]!r}"


def _span(least: int, most: int) -> str:
    return str(least) if least == most else f"{least} or more" if most > _LONGEST_SHAPE else f"{least} to {most}"


def _type_name(number: int) -> str:
    return AttributeProto.AttributeType.Name(number) if number in AttributeProto.AttributeType.values() else str(number)
