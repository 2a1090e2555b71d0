"""Operators' times, against the classes that LiteRT and TensorFlow themselves bring along."""

import importlib

import pytest

from redmobile.android.benchmark_protos import OperatorProfile, parse_profile
from redmobile.errors import ToolError


@pytest.fixture(scope="module", params=["ai_edge_litert.profiling_info_pb2"])
def oracle(request):
    return importlib.import_module(request.param)


def add(into, name, kind, microseconds, order, called=1):
    operator = into.per_op_profiles.add(node_type=kind, name=name, run_order=order, times_called=called)
    operator.inference_microseconds.avg = microseconds
    operator.mem_kb.avg = 7


def test_operators_of_a_graph_in_the_order_of_execution(oracle):
    data = oracle.BenchmarkProfilingData(model_name="m")
    graph = data.runtime_profile.subgraph_profiles.add(subgraph_name="main", subgraph_index=0)
    add(graph, "b", "ADD", 500, 2)
    add(graph, "a", "CONV_2D", 2500, 1)
    add(graph, "loop", "CONV_2D", 100, 3, called=4)
    add(data.init_profile.subgraph_profiles.add(), "x", "ModifyGraphWithDelegate", 9000, 0)
    assert parse_profile(data.SerializeToString(), "a test") == (
        OperatorProfile("a", "CONV_2D", "CPU", 2.5),
        OperatorProfile("b", "ADD", "CPU", 0.5),
        OperatorProfile("loop", "CONV_2D", "CPU", 0.4),
    )


def test_a_delegate_that_tells_its_operators_takes_the_place_of_its_node(oracle):
    data = oracle.BenchmarkProfilingData()
    graph = data.runtime_profile.subgraph_profiles.add()
    add(graph, "before", "HARD_SWISH", 300, 1)
    add(graph, "all", "TfLiteXNNPackDelegate", 9000, 2)
    delegate = data.runtime_profile.delegate_profiles.add(delegate_name="XNNPACK")
    add(delegate, "Convolution (NHWC, QS8, QC8W)", "Convolution", 8000, 1)
    found = parse_profile(data.SerializeToString(), "a test")
    assert [(one.kind, one.unit) for one in found] == [("HARD_SWISH", "CPU"), ("Convolution", "XNNPACK")]


def test_a_delegate_that_does_not_is_one_operator(oracle):
    data = oracle.BenchmarkProfilingData()
    add(data.runtime_profile.subgraph_profiles.add(), "all", "TfLiteGpuDelegateV2", 9000, 1)
    assert parse_profile(data.SerializeToString(), "a test") == (OperatorProfile("all", "TfLiteGpuDelegateV2", "TfLiteGpuDelegateV2", 9.0),)


def test_a_file_that_is_none():
    with pytest.raises(ToolError, match="a test: is no BenchmarkProfilingData"):
        parse_profile(b"\xff\xff\xff", "a test")
