"""Small ONNX models built in code, and the comparison of their conversion with onnxruntime."""

from __future__ import annotations

import collections

import numpy as np
import onnx
import onnxruntime
from ai_edge_litert.interpreter import Interpreter

from redmobile.convert.onnx_to_tflite import lower
from redmobile.core.converter import LoweringChoices
from redmobile.graph.layout import NHWC
from redmobile.graph.onnx_graph import OnnxGraph, read_onnx
from redmobile.graph.tflite_model import TfliteModel
from redmobile.graph.tflite_write import write_tflite

PLAIN_CHOICES = LoweringChoices(pixel_shuffle="depth_to_space", space_to_depth="space_to_depth", hard_swish="hard_swish")


def node(op, inputs, outputs, **attributes):
    """One node; inputs and outputs as lists, or as words in a string."""
    words = [names.split() if isinstance(names, str) else names for names in (inputs, outputs)]
    return onnx.helper.make_node(op, *words, name=f"{op}_{words[1][0]}", **attributes)


def onnx_model(nodes, inputs, constants=None, outputs=("y",), opset=18) -> onnx.ModelProto:
    """inputs: name → shape; constants: name → array; all float32 unless the array says otherwise."""
    ports = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    ends = [onnx.helper.make_empty_tensor_value_info(name) for name in outputs]
    tensors = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()]
    graph = onnx.helper.make_graph(list(nodes), "case", ports, ends, tensors)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


def onnx_graph(*args, **kwargs) -> OnnxGraph:
    """The same, as our graph."""
    return read_onnx(onnx_model(*args, **kwargs).SerializeToString())


def random(shape, seed=0):
    """Values in [-2, 2)."""
    return np.asarray((np.random.default_rng(seed).random(shape, np.float32) - 0.5) * 4)


def run_onnx(model, arrays):
    """The outputs of onnxruntime."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, arrays)


def run_tflite(model: TfliteModel, arrays):
    """LiteRT's outputs, by the names of the model's outputs."""
    interpreter = Interpreter(model_content=write_tflite(model))
    results = interpreter.get_signature_runner("serving_default")(**arrays)
    return [results[tensor.name] for tensor in model.outputs]


def convert_and_compare(model, choices=None, *, tolerance=1e-5) -> TfliteModel:
    """Lower, run both on random inputs, compare; returns the lowered model."""
    graph = read_onnx(model.SerializeToString())
    lowered = lower(graph, choices or LoweringChoices())
    arrays = {name: random(graph.shapes[name], seed) for seed, name in enumerate(graph.inputs)}
    expected = run_onnx(model, arrays)
    inputs = {tensor.name: _as_stored(arrays[tensor.name], tensor.shape) for tensor in lowered.inputs}
    for theirs, ours, name in zip(expected, run_tflite(lowered, inputs), graph.outputs, strict=True):
        wanted = _as_stored(theirs, ours.shape)
        np.testing.assert_allclose(ours, wanted, rtol=tolerance, atol=tolerance * max(float(np.abs(wanted).max(initial=0)), 1e-3), err_msg=name)
    return lowered


def _as_stored(array, shape):
    """Images as NHWC. Ambiguous shapes are images: tests avoid 1, 3 and 4 as a width of outer tensors."""
    return array.transpose(NHWC) if array.ndim == 4 and array.transpose(NHWC).shape == tuple(shape) else array


def kinds(model: TfliteModel):
    """How many operators of each kind."""
    return dict(collections.Counter(operator.kind for operator in model.operators))
