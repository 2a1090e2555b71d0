"""Write a TFLite flatbuffer: the same model always gives the same bytes."""

from __future__ import annotations

from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from redmobile.core.quant_math import Quantization
from redmobile.errors import UnsupportedModelError
from redmobile.graph.op_versions import version_of
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_options import to_schema
from redmobile.graph.tflite_read import IDENTIFIER, NO_TENSOR

SIGNATURE = "serving_default"
"""The signature that every written file has; its names are those of the input and output tensors."""

_SCHEMA_VERSION = 3
_ALIGNMENT = 16
_LARGEST_SIZE = 2**31 - 1
_LAST_CODE_OF_OLD_FIELD = 127


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]  # the schema module has no types
    """A buffer whose bytes lie at a multiple of 16 in the file, as the schema asks; the generated code aligns to 1."""

    def Pack(self, builder: Any) -> Any:  # noqa: N802  the schema's name
        if not self.data:
            return super().Pack(builder)
        builder.StartVector(1, len(self.data), _ALIGNMENT)
        builder.head -= len(self.data)
        builder.Bytes[builder.head : builder.head + len(self.data)] = self.data
        vector = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


def write_tflite(model: TfliteModel) -> bytes:
    """The file's bytes, with the version that each operator needs and a signature `serving_default`.

    Raises UnsupportedModelError for an operator kind, option or dtype that TFLite's schema does not know.
    """
    builder = flatbuffers.Builder(1024)
    builder.Finish(_model(model).Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _model(model: TfliteModel) -> Any:
    buffers = [_AlignedBuffer()]  # buffer 0 is empty: activations point to it
    tensors = list(model.tensors())
    indices = {id(tensor): index for index, tensor in enumerate(tensors)}
    codes = list(dict.fromkeys((operator.kind, version_of(operator)) for operator in model.operators))
    graph = schema.SubGraphT(
        tensors=[_tensor(tensor, buffers) for tensor in tensors],
        inputs=[indices[id(tensor)] for tensor in model.inputs],
        outputs=[indices[id(tensor)] for tensor in model.outputs],
        operators=[_operator(operator, codes, indices) for operator in model.operators],
        name="main",
    )
    return schema.ModelT(
        version=_SCHEMA_VERSION,
        operatorCodes=[_code(kind, version) for kind, version in codes],
        subgraphs=[graph],
        description=model.description,
        metadata=[schema.MetadataT(name=name, buffer=_add_buffer(buffers, value)) for name, value in model.metadata.items()],
        signatureDefs=[_signature(model, indices)],
        buffers=buffers,
    )


def _code(kind: str, version: int) -> Any:
    number = vars(schema.BuiltinOperator).get(kind)
    if number is None:
        raise UnsupportedModelError(f"'{kind}' is not an operator of TFLite's schema.")
    return schema.OperatorCodeT(builtinCode=number, deprecatedBuiltinCode=min(number, _LAST_CODE_OF_OLD_FIELD), version=version)


def _tensor(tensor: Tensor, buffers: list[_AlignedBuffer]) -> Any:
    number = vars(schema.TensorType).get(tensor.dtype.upper())
    if number is None:
        raise UnsupportedModelError(f"Tensor '{tensor.name}': TFLite has no dtype '{tensor.dtype}'.")
    if max(tensor.shape, default=0) > _LARGEST_SIZE:
        raise UnsupportedModelError(f"Tensor '{tensor.name}' has the shape {tensor.shape}; TFLite counts with 32 bits.")
    return schema.TensorT(
        shape=list(tensor.shape),
        type=number,
        buffer=0 if tensor.data is None else _add_buffer(buffers, _little_endian(tensor)),
        name=tensor.name,
        quantization=_quantization(tensor.quantization),
        hasRank=True,
    )


def _little_endian(tensor: Tensor) -> bytes:
    data = np.asarray(tensor.data)
    if (data.shape, data.dtype.name) != (tensor.shape, tensor.dtype):
        raise UnsupportedModelError(f"Tensor '{tensor.name}' says {tensor.dtype} {tensor.shape}, its values are {data.dtype} {data.shape}.")
    return data.astype(data.dtype.newbyteorder("<")).tobytes()


def _quantization(quantization: Quantization | None) -> Any:
    if quantization is None:
        return None
    return schema.QuantizationParametersT(
        scale=quantization.scale.tolist(), zeroPoint=quantization.zero_point.tolist(), quantizedDimension=quantization.axis
    )


def _add_buffer(buffers: list[_AlignedBuffer], data: bytes) -> int:
    buffers.append(_AlignedBuffer(data=data))
    return len(buffers) - 1


def _operator(operator: Operator, codes: list[tuple[str, int]], indices: dict[int, int]) -> Any:
    union, options = to_schema(operator.kind, operator.options)
    return schema.OperatorT(
        opcodeIndex=codes.index((operator.kind, version_of(operator))),
        inputs=[NO_TENSOR if tensor is None else indices[id(tensor)] for tensor in operator.inputs],
        outputs=[indices[id(tensor)] for tensor in operator.outputs],
        builtinOptionsType=union,
        builtinOptions=options,
    )


def _signature(model: TfliteModel, indices: dict[int, int]) -> Any:
    def named(tensors: list[Tensor]) -> list[Any]:
        return [schema.TensorMapT(name=tensor.name, tensorIndex=indices[id(tensor)]) for tensor in tensors]

    return schema.SignatureDefT(inputs=named(model.inputs), outputs=named(model.outputs), signatureKey=SIGNATURE, subgraphIndex=0)
