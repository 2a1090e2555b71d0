"""What QuantizeLinear and DequantizeLinear say of a tensor: scales, zero points, dtype of the codes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from redmobile.core.quant_math import INTEGER_RANGES, Given, Quantization
from redmobile.errors import InputError

QDQ = frozenset({"QuantizeLinear", "DequantizeLinear"})
"""Quantization-aware training and onnxruntime's quantize_static write these in pairs."""

SCALE, ZERO_POINT = "SCALE_TENSOR", "ZERO_POINT_TENSOR"
"""ONNX's keys in an annotation (TensorAnnotation in onnx.proto): the value of each is the name of an initializer."""

TRAINED = "redmobile.TRAINED_TENSOR"
"""Ours: the initializer that holds what quantization-aware training made of a weight or a bias, of its shape and dtype."""

_CONTRIB = "com.microsoft"
_MOVING = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
"""What may stand between a weight's DequantizeLinear and the operator that reads it."""


def adopt_contrib(model: onnx.ModelProto) -> None:
    """Let onnxruntime's own QuantizeLinear and DequantizeLinear, which mean the same, be ONNX's: shape inference knows those only."""
    for node in model.graph.node:
        if node.domain == _CONTRIB and node.op_type in QDQ:
            node.domain = ""


def take_advice(model: onnx.ModelProto, name: str) -> dict[str, Given]:
    """Follow the graph's `quantization_annotation`, a float network's advice to those who quantize it: value → scale and zero point.

    Weights and biases that were trained for INT8 take the place of the float network's. Raises InputError that names what is missing.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    found: dict[str, Given] = {}
    for annotation in model.graph.quantization_annotation:
        said = {entry.key: entry.value for entry in annotation.quant_parameter_tensor_names if entry.key in (SCALE, ZERO_POINT, TRAINED)}
        for tensor in (tensor for tensor in said.values() if tensor not in constants):
            raise InputError(f"{name}: the annotation of '{annotation.tensor_name}' names the initializer '{tensor}', which is missing.")
        if TRAINED in said:
            _replace(constants, annotation.tensor_name, said[TRAINED], name)
        parameters = [onnx.numpy_helper.to_array(constants[said[key]]) for key in (SCALE, ZERO_POINT) if key in said]
        given = given_of(parameters, {}) if SCALE in said else None
        if given:
            found[annotation.tensor_name] = given
    return found


def _replace(constants: Mapping[str, onnx.TensorProto], old: str, new: str, name: str) -> None:
    """Let the initializer `old` hold the values of `new`."""
    if old not in constants or (constants[old].dims, constants[old].data_type) != (constants[new].dims, constants[new].data_type):
        raise InputError(f"{name}: '{new}' should take the place of '{old}', but that is no initializer of its shape and dtype.")
    constants[old].CopyFrom(constants[new])
    constants[old].name = old


def dequantize_constants(model: onnx.ModelProto) -> dict[str, Given]:
    """Let constants that come as codes (weights, biases) be float32 initializers; returns value → its quantization, for those.

    onnx's reference implementation, which folds all else, knows DequantizeLinear from opset 19 on only.
    """
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    given: dict[str, Given] = {}
    kept = []
    for node in model.graph.node:
        found = _given_of_constant(node, constants)
        if found is not None:
            constants[node.output[0]] = values = _computed(node, constants, found)
            if node.op_type == "DequantizeLinear":
                given[node.output[0]] = found
                model.graph.initializer.append(onnx.numpy_helper.from_array(values, node.output[0]))
            continue
        if node.op_type in _MOVING and node.input[0] in given:
            given |= _moved(node, given[node.input[0]])
        kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return given


def _given_of_constant(node: onnx.NodeProto, constants: Mapping[str, NDArray[Any]]) -> Given | None:
    """What a QuantizeLinear or DequantizeLinear of constants says; None for all other nodes, and for codes that are not computed here."""
    if node.op_type not in QDQ or not all(name in constants for name in node.input if name):
        return None
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    given = given_of([constants[name] for name in node.input[1:] if name], attributes)
    return given if given and (node.op_type == "DequantizeLinear" or given.dtype in INTEGER_RANGES) else None


def _moved(node: onnx.NodeProto, given: Given) -> dict[str, Given]:
    """What a constant's quantization is behind a node that moves its values; nothing where its slices are no longer slices."""
    axis = given.quantization.axis
    if len(given.quantization.scale) > 1:
        perm = next((list(attribute.ints) for attribute in node.attribute if attribute.name == "perm"), None)
        if node.op_type not in ("Identity", "Transpose") or (node.op_type == "Transpose" and perm is None):
            return {}
        axis = perm.index(axis) if perm else axis
    return {node.output[0]: Given(dataclasses.replace(given.quantization, axis=axis), given.dtype)}


def _computed(node: onnx.NodeProto, constants: Mapping[str, NDArray[Any]], given: Given) -> NDArray[Any]:
    values = constants[node.input[0]]
    return given.quantization.dequantize(values) if node.op_type == "DequantizeLinear" else given.quantization.quantize(values, given.dtype)


def given_of(parameters: list[NDArray[Any]], attributes: Mapping[str, Any]) -> Given | None:
    """parameters: [scale] or [scale, zero point]; attributes: the node's. None for blocks of scales, which nothing here can hold."""
    scale = np.asarray(parameters[0])
    if scale.ndim > 1 or attributes.get("block_size", 0):
        return None
    dtype, zero_point = "uint8", np.zeros(scale.size, np.int64)
    if len(parameters) > 1:
        dtype, zero_point = parameters[1].dtype.name, parameters[1].astype(np.int64).reshape(-1)
    elif "output_dtype" in attributes:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(attributes["output_dtype"])).name
    axis = int(attributes.get("axis", 1)) if scale.size > 1 else 0
    return Given(Quantization(scale.astype(np.float32).reshape(-1), zero_point, axis), dtype)
