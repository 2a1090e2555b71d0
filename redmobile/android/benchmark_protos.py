"""The protobuf files that TFLite's and LiteRT's benchmark tools leave.

Field numbers as in their .proto files:
tensorflow/lite/profiling/proto/profiling_info.proto (`benchmark_model --op_profiling_output_mode=proto`) and
tflite/tools/benchmark/proto/benchmark_result.proto (`benchmark_litert_model --result_file_path=…`).
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from redmobile.errors import ToolError

_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "BenchmarkProfilingData": {"init_profile": (2, "ModelProfilingData"), "runtime_profile": (3, "ModelProfilingData")},
    "ModelProfilingData": {"subgraph_profiles": (1, "*SubGraphProfilingData"), "delegate_profiles": (2, "*DelegateProfilingData")},
    "SubGraphProfilingData": {"subgraph_name": (1, "string"), "subgraph_index": (2, "int32"), "per_op_profiles": (3, "*OpProfileData")},
    "DelegateProfilingData": {"delegate_name": (1, "string"), "per_op_profiles": (2, "*OpProfileData")},
    "OpProfilingStat": {"avg": (3, "int64"), "sum": (8, "int64"), "count": (9, "int64")},
    "OpProfileData": {
        "node_type": (1, "string"),
        "inference_microseconds": (2, "OpProfilingStat"),
        "times_called": (4, "int64"),
        "name": (5, "string"),
        "run_order": (6, "int64"),
    },
    "BenchmarkResult": {"latency_metrics": (2, "LatencyMetrics"), "memory_metrics": (3, "MemoryMetrics"), "misc_metrics": (4, "MiscMetrics")},
    "LatencyMetrics": {
        "avg_ms": (1, "float"),
        "min_ms": (2, "float"),
        "max_ms": (3, "float"),
        "stddev_ms": (4, "float"),
        "median_ms": (5, "float"),
        "p5_ms": (6, "float"),
        "p95_ms": (7, "float"),
        "init_ms": (8, "float"),
        "first_inference_ms": (9, "float"),
        "average_warm_up_ms": (10, "float"),
    },
    "MemoryMetrics": {"init_footprint_kb": (1, "int64"), "overall_footprint_kb": (2, "int64"), "peak_mem_mb": (3, "float")},
    "MiscMetrics": {"model_size_mb": (1, "float"), "num_runs": (2, "int32"), "num_warmup_runs": (3, "int32")},
}
"""Message → field → (number, type); '*': repeated. Fields that are not used here are left out: protobuf passes over them."""

_TYPES = {"string": 9, "int32": 5, "int64": 3, "float": 2}
_MESSAGE, _OPTIONAL, _REPEATED = 11, 1, 3
_PACKAGE = "redmobile.benchmark_tools"
_US_PER_MS = 1000.0


@dataclasses.dataclass(frozen=True)
class OperatorProfile:
    """One operator, in the order of execution. unit: the delegate that it ran in, 'CPU' if in none; mean_ms: of one run of the network."""

    name: str
    kind: str
    unit: str
    mean_ms: float


def parse_profile(data: bytes, name: str) -> tuple[OperatorProfile, ...]:
    """The operators of a BenchmarkProfilingData. A delegate that tells its operators takes the place of its own node. Raises ToolError."""
    runtime = _decode("BenchmarkProfilingData", data, name).runtime_profile
    inside = [
        _operator(operator, delegate.delegate_name or "delegate") for delegate in runtime.delegate_profiles for operator in delegate.per_op_profiles
    ]
    found: list[OperatorProfile] = []
    for graph in runtime.subgraph_profiles:
        for operator in sorted(graph.per_op_profiles, key=lambda one: one.run_order):
            is_delegate = "delegate" in operator.node_type.lower()
            if is_delegate and inside:
                found += inside
                inside = []
            elif not is_delegate:
                found.append(_operator(operator, "CPU"))
            elif not runtime.delegate_profiles:
                found.append(_operator(operator, operator.node_type))
    return (*found, *inside)


def parse_result(data: bytes, name: str) -> Any:
    """A BenchmarkResult, with its fields as attributes. Raises ToolError."""
    return _decode("BenchmarkResult", data, name)


def _operator(operator: Any, unit: str) -> OperatorProfile:
    time = operator.inference_microseconds
    return OperatorProfile(operator.name, operator.node_type, unit, time.avg * max(1, operator.times_called) / _US_PER_MS)


def _decode(kind: str, data: bytes, name: str) -> Any:
    try:
        return _classes()[kind].FromString(data)
    except DecodeError as error:
        raise ToolError(f"{name}: is no {kind} as the benchmark tools write them ({error}). Another version of the tool?") from error


@functools.cache
def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name=f"{_PACKAGE}.proto", package=_PACKAGE, syntax="proto2")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for field, (number, kind) in fields.items():
            base = kind.removeprefix("*")
            added = described.field.add(name=field, number=number, label=_REPEATED if kind.startswith("*") else _OPTIONAL)
            added.type = _TYPES.get(base, _MESSAGE)
            if base not in _TYPES:
                added.type_name = f".{_PACKAGE}.{base}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {message: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{message}")) for message in _MESSAGES}
