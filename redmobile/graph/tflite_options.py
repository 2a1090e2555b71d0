"""An operator's options table: the schema's object ↔ a plain dict with the schema's field names and enums as their names."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from redmobile.errors import UnsupportedModelError

_SHARED_TABLES = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions",
    "CONV_3D": "Conv3DOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "PADV2": "PadV2Options",
    "REDUCE_ALL": "ReducerOptions",
    "REDUCE_ANY": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "REDUCE_PROD": "ReducerOptions",
    "SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions",
    "SUM": "ReducerOptions",
    "TOPK_V2": "TopKV2Options",
}
"""Kinds whose options table is not called after them. CONV_2D has Conv2DOptions, ADD has AddOptions, and so on."""

_ENUMS = {
    "fused_activation_function": schema.ActivationFunctionType,
    "padding": schema.Padding,
    "mode": schema.MirrorPadMode,
    "in_data_type": schema.TensorType,
    "out_data_type": schema.TensorType,
    "out_type": schema.TensorType,
    "output_type": schema.TensorType,
    "quantized_bias_type": schema.TensorType,
}
"""Fields that hold an enum."""


def enum_names(enum: type) -> dict[int, str]:
    """Number → name of a schema enum."""
    return {value: name for name, value in vars(enum).items() if not name.startswith("_")}


def table_of(kind: str) -> str | None:
    """The name of the options table of operators of `kind`, None for kinds without one."""
    name = _SHARED_TABLES.get(kind) or "".join(word.capitalize() for word in kind.split("_")).replace("2d", "2D") + "Options"
    return name if hasattr(schema.BuiltinOptions, name) else None


def to_schema(kind: str, options: dict[str, Any]) -> tuple[int, Any]:
    """(union type, options object) for an operator of `kind`. Raises UnsupportedModelError for a field or value the schema lacks."""
    name = table_of(kind)
    if name is None:
        if options:
            raise UnsupportedModelError(f"{kind}: has no options in TFLite's schema, found {', '.join(options)}.")
        return 0, None
    table = getattr(schema, f"{name}T")()
    for field, value in options.items():
        attribute = _camel(field)
        if not hasattr(table, attribute):
            known = ", ".join(_snake(known) for known in vars(table))
            raise UnsupportedModelError(f"{kind}: unknown option '{field}'. Known options: {known}.")
        setattr(table, attribute, _enum_value(kind, field, value))
    return getattr(schema.BuiltinOptions, name), table


def from_schema(table: Any) -> dict[str, Any]:
    """Every field of an options object; an empty dict for an operator without options."""
    if table is None:
        return {}
    fields = {_snake(attribute): value for attribute, value in vars(table).items()}
    return {field: _plain(field, value) for field, value in fields.items()}


def _plain(field: str, value: Any) -> Any:
    if field in _ENUMS:
        return enum_names(_ENUMS[field])[value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.decode() if isinstance(value, bytes) else value


def _enum_value(kind: str, field: str, value: Any) -> Any:
    if field not in _ENUMS:
        return value
    number = vars(_ENUMS[field]).get(value)
    if number is None:
        known = ", ".join(enum_names(_ENUMS[field]).values())
        raise UnsupportedModelError(f"{kind}: option '{field}' cannot be '{value}'. Known: {known}.")
    return number


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
