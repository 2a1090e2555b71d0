"""What must hold of a TFLite graph before an engine may look at it: engines follow what is written there, and crash."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from redmobile.errors import InputError
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

_LARGEST_TENSOR = 1 << 31
"""Bytes: engines count them in int32 here and there."""

_COUNTED_OUTPUTS = {"SPLIT": "num_splits", "SPLIT_V": "num_splits", "UNPACK": "num"}
_COUNTED_INPUTS = {"PACK": "values_count"}
_LEAST_INPUTS = {
    2: "ADD SUB MUL DIV MAXIMUM MINIMUM POW PRELU SQUARED_DIFFERENCE EQUAL NOT_EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL "
    "CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED BATCH_MATMUL PAD MIRROR_PAD TRANSPOSE TILE GATHER GATHER_ND TOPK_V2 SPLIT CUMSUM "
    "BROADCAST_TO EXPAND_DIMS RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD ARG_MAX ARG_MIN",
    3: "SLICE SPLIT_V PADV2 SELECT SELECT_V2 SCATTER_ND TRANSPOSE_CONV BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND",
    4: "STRIDED_SLICE ONE_HOT",
}
"""How many inputs kinds have at least: not every kernel counts them."""

_SAME_SHAPE = frozenset({"QUANTIZE", "DEQUANTIZE", "CAST"})
_MANY = 5


def check_sound(model: TfliteModel, name: str) -> None:
    """Raise one InputError for everything in `model` that contradicts itself. `name` names the model."""
    faults = [*_order_faults(model), *(fault for tensor in model.tensors() for fault in _tensor_faults(tensor))]
    faults += [fault for operator in model.operators for fault in _operator_faults(operator)]
    if faults:
        more = f"; and {len(faults) - _MANY} more" if len(faults) > _MANY else ""
        raise InputError(f"{name}: is a damaged TFLite file ({'; '.join(faults[:_MANY])}{more}).")


def _order_faults(model: TfliteModel) -> Iterator[str]:
    """Values that are read before something gives them, or given twice. A constant without values has no bytes in the file either."""
    known = {id(tensor) for tensor in model.inputs}
    for operator in model.operators:
        for tensor in operator.inputs:
            if tensor is not None and tensor.data is None and id(tensor) not in known and 0 not in tensor.shape:
                yield f"{operator.kind} reads {tensor.name!r}, which nothing before it gives"
        for tensor in operator.outputs:
            if id(tensor) in known or tensor.data is not None:
                yield f"{operator.kind} gives {tensor.name!r}, which is there already"
            known.add(id(tensor))
    yield from (f"nothing gives the output {tensor.name!r}" for tensor in model.outputs if tensor.data is None and id(tensor) not in known)


def _tensor_faults(tensor: Tensor) -> Iterator[str]:
    if any(size < 0 for size in tensor.shape):
        yield f"the tensor {tensor.name!r} has the shape {tensor.shape}"
    elif math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize > _LARGEST_TENSOR:
        yield f"the tensor {tensor.name!r} with the shape {tensor.shape} takes more than {_LARGEST_TENSOR:,} bytes"


def _operator_faults(operator: Operator) -> Iterator[str]:
    """Counts and shapes that XNNPACK takes as they are written, without looking at the others."""
    for table, tensors in ((_COUNTED_OUTPUTS, operator.outputs), (_COUNTED_INPUTS, operator.inputs)):
        field = table.get(operator.kind)
        if field and operator.options.get(field) != len(tensors):
            yield f"{operator.kind} says {field} {operator.options.get(field)}, it has {len(tensors)}"
    for least, kinds in _LEAST_INPUTS.items():
        if operator.kind in kinds.split() and len(operator.inputs) < least:
            yield f"{operator.kind} has {len(operator.inputs)} inputs, at least {least} expected"
    shapes = [tensor.shape for tensor in operator.inputs if tensor is not None]
    if not shapes or not operator.outputs:
        return
    made = operator.outputs[0].shape
    if operator.kind in _SAME_SHAPE and shapes[0] != made:
        yield f"{operator.kind} makes {made} of {shapes[0]}"
    if operator.kind == "RESHAPE" and math.prod(shapes[0]) != math.prod(made):
        yield f"{operator.kind} makes {made} of {shapes[0]}"
    if operator.kind == "CONCATENATION" and not _joins(shapes, made, operator.options.get("axis", 0)):
        yield f"{operator.kind} makes {made} of {', '.join(map(str, shapes))}"


def _joins(shapes: list[tuple[int, ...]], made: tuple[int, ...], axis: int) -> bool:
    if not -len(made) <= axis < len(made) or any(len(shape) != len(made) for shape in shapes):
        return False
    along = axis % len(made)
    others = {shape[:along] + shape[along + 1 :] for shape in (*shapes, made)}
    return len(others) == 1 and sum(shape[along] for shape in shapes) == made[along]
