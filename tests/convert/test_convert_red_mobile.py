"""The real network, as PyTorch exports it."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx_cases import convert_and_compare, kinds, write_tflite

from redmobile.convert.onnx_to_tflite import convert
from redmobile.core.converter import Converter
from redmobile.graph.onnx_graph import read_onnx


@pytest.mark.slow
def test_default_network_has_no_transpose_and_one_partition():
    torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
    from ai_edge_litert.interpreter import Interpreter

    from redmobile.export.torch_to_onnx import trace
    from redmobile.nets.checkpoint import build_network
    from redmobile.nets.model_document import load_model_document
    from redmobile.runtimes.tflite_interpreter import InterpreterRuntime

    torch.manual_seed(0)
    _, document = load_model_document("red_mobile")
    model = trace(build_network(document), (1, 3, 128, 192), ["image"], ["enhanced"])
    lowered = convert_and_compare(model)
    assert not kinds(lowered).keys() & {"TRANSPOSE", "PAD", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "STRIDED_SLICE", "RELU6", "RELU"}
    final = convert(read_onnx(model.SerializeToString()), "litert_fp32", Converter(says="test"))
    runtime = InterpreterRuntime("litert", Path("model.tflite"), Interpreter(model_content=write_tflite(final)), {})
    assert (runtime.delegate_coverage().partitions, runtime.delegate_coverage().left) == (1, {})
