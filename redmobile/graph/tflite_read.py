"""Read a TFLite flatbuffer."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from redmobile.core.quant_math import Quantization
from redmobile.errors import InputError, UnsupportedModelError
from redmobile.graph.op_versions import version_of
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_options import enum_names, from_schema
from redmobile.graph.tflite_soundness import check_sound

IDENTIFIER = b"TFL3"
"""File identifier of TFLite, at bytes 4 to 8."""

NO_TENSOR = -1
"""Index of an optional input that is absent."""

_DTYPES = {
    name: name.lower() for name in ("FLOAT32", "FLOAT16", "FLOAT64", "INT8", "UINT8", "INT16", "UINT16", "INT32", "UINT32", "INT64", "UINT64", "BOOL")
}
_BROKEN = (struct.error, IndexError, ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What the flatbuffers library raises when offsets lead out of the file or to something else."""


def read_tflite(data: bytes, name: str = "TFLite model") -> TfliteModel:
    """The model in `data`; `name` names it in errors. Options hold every field. Signatures are not kept: `write_tflite` makes one from names.

    Raises InputError (not a TFLite file, truncated, damaged) or UnsupportedModelError (several subgraphs, custom operators, sparse
    tensors, 4-bit or string tensors).
    """
    _check_identifier(data, name)
    try:
        packed = schema.ModelT.InitFromPackedBuf(data)
        for buffer in packed.buffers:
            _fetch(buffer, data)
        model = _model(packed, name)
    except _BROKEN as error:
        raise _damaged(name, error) from error
    check_sound(model, name)
    return model


def read_metadata_entries(data: bytes, name: str = "TFLite model") -> dict[str, bytes]:
    """The metadata entries alone (name → bytes), without unpacking tensors and operators. Raises InputError as `read_tflite`."""
    _check_identifier(data, name)
    try:
        model = schema.Model.GetRootAs(data)
        entries = [model.Metadata(index) for index in range(model.MetadataLength())]
        return {_text(entry.Name()): _raw_bytes(model.Buffers(entry.Buffer())) for entry in entries}
    except _BROKEN as error:
        raise _damaged(name, error) from error


def _check_identifier(data: bytes, name: str) -> None:
    if data[4:8] != IDENTIFIER:
        raise InputError(f"{name}: is not a TFLite file (its bytes 4 to 8 should read {IDENTIFIER.decode()}, found {data[4:8]!r}).")


def _damaged(name: str, error: Exception) -> InputError:
    return InputError(f"{name}: is a damaged or truncated TFLite file ({type(error).__name__}: {error}).")


def _fetch(buffer: Any, data: bytes) -> None:
    """Put into the buffer what lies behind the flatbuffer: there large files keep their constants, and the buffer says where."""
    if buffer.offset > 1:  # 0 and 1 say that there is none
        if buffer.offset + buffer.size > len(data):
            raise ValueError(f"a constant lies at bytes {buffer.offset} to {buffer.offset + buffer.size} of a file of {len(data)}")
        buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)


def _raw_bytes(buffer: Any) -> bytes:
    return b"" if buffer.DataIsNone() else bytes(buffer.DataAsNumpy())


def _model(model: Any, name: str) -> TfliteModel:
    if len(model.subgraphs) != 1:
        raise UnsupportedModelError(f"{name}: has {len(model.subgraphs)} subgraphs, expected one (control flow is not supported).")
    graph = model.subgraphs[0]
    tensors = [_tensor(tensor, model.buffers, name) for tensor in graph.tensors]
    codes = [_kind(code, name) for code in model.operatorCodes]
    return TfliteModel(
        operators=[_operator(operator, codes, tensors, name) for operator in graph.operators],
        inputs=[_required(tensors, index) for index in graph.inputs],
        outputs=[_required(tensors, index) for index in graph.outputs],
        description=_text(model.description),
        metadata={_text(entry.name): _bytes(model.buffers[entry.buffer]) for entry in model.metadata or []},
    )


def _kind(code: Any, name: str) -> str:
    # Files from before 2020 have the code in the deprecated field alone.
    kind = enum_names(schema.BuiltinOperator)[max(code.builtinCode, code.deprecatedBuiltinCode)]
    if kind == "CUSTOM":
        raise UnsupportedModelError(f"{name}: holds the custom operator '{_text(code.customCode)}'; only TFLite's built-in operators are supported.")
    return kind


def _tensor(tensor: Any, buffers: list[Any], name: str) -> Tensor:
    label = _text(tensor.name)
    if tensor.sparsity is not None:
        raise UnsupportedModelError(f"{name}: tensor '{label}' is sparse; only dense tensors are supported.")
    type_name = enum_names(schema.TensorType)[tensor.type]
    if type_name not in _DTYPES:
        raise UnsupportedModelError(f"{name}: tensor '{label}' has type {type_name}. Supported: {', '.join(_DTYPES)}.")
    shape = tuple(int(size) for size in tensor.shape) if tensor.shape is not None else ()
    dtype = _DTYPES[type_name]
    return Tensor(
        label, shape, dtype, _constant(_bytes(buffers[tensor.buffer]), shape, dtype, label), _quantization(tensor.quantization, label, name)
    )


def _constant(data: bytes, shape: tuple[int, ...], dtype: str, label: str) -> Any:
    if not data:
        return None
    values = np.frombuffer(data, np.dtype(dtype).newbyteorder("<"))
    if values.size != math.prod(shape):
        raise ValueError(f"constant '{label}' holds {values.size} values, its shape {shape} needs {math.prod(shape)}")
    return values.astype(dtype).reshape(shape)


def _quantization(parameters: Any, label: str, name: str) -> Quantization | None:
    if parameters is None or parameters.scale is None or len(parameters.scale) == 0:
        return None
    if parameters.details is not None:
        raise UnsupportedModelError(f"{name}: tensor '{label}' is quantized block by block; only one scale a tensor or a channel is supported.")
    scale = np.array(parameters.scale, np.float32)
    zero_point = np.zeros(len(scale), np.int64) if parameters.zeroPoint is None else np.array(parameters.zeroPoint, np.int64)
    # TFLite allows one zero point for all channels.
    return Quantization(scale, np.broadcast_to(zero_point, scale.shape).copy(), int(parameters.quantizedDimension))


def _operator(operator: Any, codes: list[str], tensors: list[Tensor], name: str) -> Operator:
    kind = codes[operator.opcodeIndex]
    if operator.builtinOptions2 is not None:
        raise UnsupportedModelError(f"{name}: operator {kind} has options of the schema's second table, which are not supported.")
    inputs = [None if index == NO_TENSOR else _required(tensors, index) for index in operator.inputs]
    made = Operator(kind, inputs, [_required(tensors, index) for index in operator.outputs], from_schema(operator.builtinOptions))
    version_of(made)  # looks at all that its kind must have: an operator with too few tensors is found here, not when it is written
    return made


def _required(tensors: list[Tensor], index: int) -> Tensor:
    if not 0 <= index < len(tensors):
        raise IndexError(f"tensor {index} of {len(tensors)}")
    return tensors[index]


def _bytes(buffer: Any) -> bytes:
    return b"" if buffer.data is None else np.asarray(buffer.data, np.uint8).tobytes()


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
