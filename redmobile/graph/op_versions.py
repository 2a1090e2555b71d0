"""Which version of an operator a model must ask for.

A runtime registers an operator for a span of versions and refuses what lies outside: an int8 ADD that asks for version 1 is refused.
The table says which version brought which ability; the facts are those of TensorFlow's op_version.cc (TensorFlow 2.21). One
difference: an int16 convolution over int8 weights asks for the version that brought int16 (4, depthwise 5), where TensorFlow
leaves 1, so that a runtime too old for it says so instead of failing on the types.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from redmobile.graph.tflite_model import Operator, Tensor

_BY_DTYPE = {
    "ABS": {"int8": 2, "uint8": 2, "int16": 3, "int32": 5},
    "ADD": {"int8": 2, "int16": 3, "int64": 4, "float16": 6},
    "ARG_MAX": {"int8": 2, "bool": 3},
    "ARG_MIN": {"int8": 2, "bool": 3},
    "AVERAGE_POOL_2D": {"int8": 2, "int16": 3},
    "BATCH_TO_SPACE_ND": {"int8": 2, "int16": 4},
    "BATCH_MATMUL": {"int8": 2, "int16": 3},
    "CONCATENATION": {"int8": 2, "int16": 3},
    "CONV_2D": {"int8": 3, "int16": 4},
    "DEPTHWISE_CONV_2D": {"int8": 3, "int16": 5},
    "DEPTH_TO_SPACE": {"int8": 2},
    "DEQUANTIZE": {"int8": 2, "int16": 3, "float16": 3},
    "EQUAL": {"int8": 2, "int16": 4},
    "EXP": {"int8": 2, "int16": 2},
    "FILL": {"int8": 3, "int16": 3, "bool": 2},
    "FLOOR_DIV": {"int8": 3, "int16": 3, "float32": 2},
    "FLOOR_MOD": {"int8": 2, "int16": 2},
    "FULLY_CONNECTED": {"int8": 4, "int16": 7},
    "GATHER": {"int8": 2, "int16": 4, "bool": 3},
    "GATHER_ND": {"int16": 3, "bool": 5},
    "GELU": {"int8": 2, "uint8": 2},
    "GREATER": {"int8": 2},
    "GREATER_EQUAL": {"int8": 2, "int16": 3},
    "LEAKY_RELU": {"int16": 2},
    "LESS": {"int8": 2, "int16": 3},
    "LESS_EQUAL": {"int8": 2},
    "LOG": {"int8": 2, "int16": 2},
    "LOGISTIC": {"int8": 2, "int16": 3},
    "LOG_SOFTMAX": {"int8": 2},
    "L2_NORMALIZATION": {"int8": 2},
    "MAXIMUM": {"int8": 2, "int16": 4},
    "MAX_POOL_2D": {"int8": 2, "int16": 3},
    "MEAN": {"int8": 2, "int16": 3},
    "MINIMUM": {"int8": 2, "int16": 4},
    "MIRROR_PAD": {"int8": 2, "int16": 3},
    "MUL": {"int8": 2, "int16": 4, "int64": 5},
    "NOT_EQUAL": {"int8": 2},
    "PACK": {"int8": 2, "int16": 3},
    "PAD": {"int8": 2, "int16": 3},
    "PADV2": {"int8": 2, "int16": 3},
    "RANGE": {"int64": 2},
    "REDUCE_MAX": {"int8": 2, "int16": 3},
    "REDUCE_MIN": {"int8": 2, "int16": 3},
    "REDUCE_PROD": {"int8": 2, "int16": 2},
    "RELU": {"int8": 2, "uint8": 2, "int16": 3},
    "RELU6": {"int8": 2, "int16": 3},
    "RESIZE_BILINEAR": {"int8": 2, "int16": 4},
    "RESIZE_NEAREST_NEIGHBOR": {"int8": 2, "int16": 4},
    "REVERSE_V2": {"int8": 3, "bool": 2},
    "RSQRT": {"int8": 2, "int16": 3},
    "SIGN": {"int32": 2},
    "SLICE": {"int8": 2, "int16": 4},
    "SOFTMAX": {"int8": 2, "int16": 3},
    "SPACE_TO_BATCH_ND": {"int8": 2, "int16": 4},
    "SPACE_TO_DEPTH": {"int8": 2},
    "SPLIT": {"int8": 2, "int16": 4, "int32": 3},
    "SPLIT_V": {"int8": 2},
    "SQRT": {"int8": 2, "int16": 2},
    "SQUARED_DIFFERENCE": {"int8": 2},
    "STRIDED_SLICE": {"int8": 2, "bool": 3},
    "SUB": {"int8": 2, "int16": 5, "int64": 4},
    "SUM": {"int8": 2},
    "TANH": {"int8": 2, "int16": 3},
    "TILE": {"int8": 3},
    "TOPK_V2": {"int8": 2, "int16": 3},
    "TRANSPOSE": {"int8": 2, "int16": 5, "bool": 3},
    "TRANSPOSE_CONV": {"int8": 2, "int16": 2},
    "UNPACK": {"int8": 2, "uint8": 2, "bool": 3, "int16": 4, "float16": 5},
}
"""Kind → dtype of the data input → version. What is not listed is version 1."""

_DATA_INPUT = {"FILL": 1, "SPLIT": 1, "TRANSPOSE_CONV": 2}
"""Kinds whose data is not their first input (FILL begins with the shape, SPLIT with the axis, TRANSPOSE_CONV with shape and weights)."""


def _shape(operator: Operator, index: int) -> tuple[int, ...]:
    tensor = operator.inputs[index]
    return tensor.shape if tensor is not None else ()


def _dtypes(operator: Operator) -> set[str]:
    return {tensor.dtype for tensor in (*operator.inputs, *operator.outputs) if tensor is not None}


def _hybrid(operator: Operator, *, per_channel: bool) -> bool:
    """Float data over int8 weights."""
    data, weights = operator.inputs[:2]
    return data is not None and weights is not None and (data.dtype, weights.dtype) == ("float32", "int8") and _per_channel(weights) == per_channel


def _chooses_bias_type(operator: Operator) -> bool:
    return operator.outputs[0].dtype == "int16" and operator.options.get("quantized_bias_type", "FLOAT32") != "FLOAT32"


def _per_channel(tensor: Tensor | None) -> bool:
    return tensor is not None and tensor.quantization is not None and len(tensor.quantization.scale) > 1


def _plain_int16(operator: Operator) -> bool:
    """int16 values that are integers, not codes."""
    data = operator.inputs[0]
    return data is not None and data.dtype == "int16" and data.quantization is None


def _rescales_up(operator: Operator) -> bool:
    """Quantized MUL whose product of input scales is at least the output's scale."""
    tensors = [*operator.inputs, *operator.outputs]
    if any(tensor is None or tensor.quantization is None for tensor in tensors):
        return False
    first, second, output = (float(tensor.quantization.scale[0]) for tensor in tensors if tensor is not None and tensor.quantization is not None)
    return first * second / output >= 1.0


def _broadcasts_beyond_4d(operator: Operator) -> bool:
    first, second = _shape(operator, 0), _shape(operator, 1)
    return first != second and max(len(first), len(second)) > 4  # noqa: PLR2004


@dataclasses.dataclass(frozen=True)
class _Ability:
    kinds: tuple[str, ...]
    version: int
    needed: Callable[[Operator], bool]


_BINARY = ("SUB", "MAXIMUM", "MINIMUM")
_RESIZES = ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")

_ABILITIES = (
    _Ability(("CONV_2D",), 6, lambda op: _shape(op, 0)[-1] != _shape(op, 1)[-1]),  # groups
    _Ability(("CONV_2D",), 5, lambda op: _hybrid(op, per_channel=True)),
    _Ability(("CONV_2D",), 2, lambda op: _hybrid(op, per_channel=False)),
    _Ability(("CONV_2D",), 8, _chooses_bias_type),
    _Ability(("DEPTHWISE_CONV_2D",), 2, lambda op: max(op.options.get("dilation_w_factor", 1), op.options.get("dilation_h_factor", 1)) > 1),
    _Ability(("DEPTHWISE_CONV_2D",), 6, lambda op: _hybrid(op, per_channel=True)),
    _Ability(("DEPTHWISE_CONV_2D",), 4, lambda op: _hybrid(op, per_channel=False)),
    _Ability(("FULLY_CONNECTED",), 3, lambda op: _hybrid(op, per_channel=False)),
    _Ability(("FULLY_CONNECTED",), 5, lambda op: bool(op.options.get("keep_num_dims", False))),
    _Ability(("FULLY_CONNECTED",), 6, lambda op: len(op.inputs) == 2),  # noqa: PLR2004  without a bias
    _Ability(("FULLY_CONNECTED",), 11, _chooses_bias_type),
    _Ability(("TRANSPOSE_CONV",), 3, lambda op: len(op.inputs) == 4 and op.inputs[3] is not None),  # noqa: PLR2004  with a bias
    _Ability(("TRANSPOSE_CONV",), 4, lambda op: op.options.get("fused_activation_function", "NONE") != "NONE"),
    _Ability(("TRANSPOSE_CONV",), 5, _chooses_bias_type),
    _Ability(_RESIZES, 3, lambda op: bool(op.options.get("half_pixel_centers", False))),
    _Ability(("RESIZE_NEAREST_NEIGHBOR",), 3, lambda op: bool(op.options.get("align_corners", False))),
    _Ability(("MUL",), 3, _rescales_up),
    _Ability(("ADD",), 5, _plain_int16),
    _Ability(("ABS",), 4, _plain_int16),
    _Ability(("MUL",), 7, _plain_int16),
    _Ability(("GATHER",), 5, lambda op: op.options.get("batch_dims", 0) != 0),
    _Ability(("SELECT",), 3, lambda op: any(len(_shape(op, index)) == 5 for index in range(3))),  # noqa: PLR2004
    _Ability(("BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND"), 3, lambda op: len(_shape(op, 0)) != 4),  # noqa: PLR2004
    _Ability(("STRIDED_SLICE",), 6, lambda op: bool(op.options.get("ellipsis_mask", 0) or op.options.get("new_axis_mask", 0))),
    _Ability(("QUANTIZE",), 2, lambda op: op.outputs[0].dtype == "int16"),
    _Ability(("QUANTIZE",), 3, lambda op: _per_channel(op.outputs[0])),
    _Ability(("DEQUANTIZE",), 5, lambda op: _per_channel(op.inputs[0])),
    _Ability(_BINARY, 3, _broadcasts_beyond_4d),
    _Ability(("DIV",), 2, _broadcasts_beyond_4d),
    _Ability(("PAD", "PADV2", "STRIDED_SLICE", "TRANSPOSE"), 4, lambda op: len(_shape(op, 0)) > 4),  # noqa: PLR2004
    _Ability(("TRANSPOSE",), 6, lambda op: len(_shape(op, 0)) > 5),  # noqa: PLR2004
    _Ability(("SLICE",), 5, lambda op: len(_shape(op, 0)) > 4),  # noqa: PLR2004
    _Ability(("BROADCAST_TO",), 2, lambda _: True),  # version 1 was withdrawn
    _Ability(("BROADCAST_TO",), 3, lambda op: op.outputs[0].dtype in {"int8", "int16"}),
    _Ability(("CAST",), 3, lambda op: "int8" in _dtypes(op)),
    _Ability(("CAST",), 5, lambda op: "float16" in _dtypes(op)),
)
"""What is not told by the data's dtype alone. The highest version that anything asks for is taken."""


def version_of(operator: Operator) -> int:
    """The lowest version of `operator`'s kind that can do what it asks for. Raises IndexError or ValueError if it lacks tensors."""
    index = _DATA_INPUT.get(operator.kind, 0)
    data = operator.inputs[index] if index < len(operator.inputs) else None
    versions = [1, _BY_DTYPE.get(operator.kind, {}).get(data.dtype if data else "", 1)]
    versions += [ability.version for ability in _ABILITIES if operator.kind in ability.kinds and ability.needed(operator)]
    return max(versions)
