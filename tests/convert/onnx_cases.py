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


def onnx_model(nodes, inputs, constants=None, outputs=("y",), opset=18, dtypes=None) -> onnx.ModelProto:
    """inputs: name → shape; constants: name → array; dtypes: name of an input → dtype, float32 where it says nothing."""
    types = {name: onnx.helper.np_dtype_to_tensor_dtype(np.dtype((dtypes or {}).get(name, np.float32))) for name in inputs}
    ports = [onnx.helper.make_tensor_value_info(name, types[name], shape) for name, shape in inputs.items()]
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


def random_of(shape, dtype, seed=0):
    """Values of any dtype: floats in [-2, 2), integers in [-9, 9] or [0, 9], both truth values."""
    kind = np.dtype(dtype).kind
    if kind == "f":
        return random(shape, seed).astype(dtype)
    low, high = {"b": (0, 1), "u": (0, 9), "i": (-9, 9)}[kind]
    return np.asarray(np.random.default_rng(seed).integers(low, high, shape, endpoint=True)).astype(dtype)


def run_onnx(model, arrays):
    """The outputs of onnxruntime."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, arrays)


def run_tflite(model: TfliteModel, arrays):
    """LiteRT's outputs, by the names of the model's outputs."""
    interpreter = Interpreter(model_content=write_tflite(model))
    results = interpreter.get_signature_runner("serving_default")(**arrays)
    return [results[tensor.name] for tensor in model.outputs]


def convert_and_compare(model, choices=None, *, tolerance=1e-5, arrays=None) -> TfliteModel:
    """Lower, run both on random inputs or on `arrays`, compare; returns the lowered model. Integers and truth values must be equal."""
    graph = read_onnx(model.SerializeToString())
    lowered = lower(graph, choices or LoweringChoices())
    arrays = arrays or {name: random_of(graph.shapes[name], graph.dtypes[name], seed) for seed, name in enumerate(graph.inputs)}
    expected = run_onnx(model, arrays)
    inputs = {tensor.name: _as_stored(arrays[tensor.name], tensor.shape).astype(tensor.dtype) for tensor in lowered.inputs}
    for theirs, ours, name in zip(expected, run_tflite(lowered, inputs), graph.outputs, strict=True):
        wanted = _as_stored(theirs, ours.shape)
        assert ours.dtype == (np.float32 if theirs.dtype.kind == "f" else theirs.dtype), name
        if theirs.dtype.kind != "f":
            np.testing.assert_array_equal(ours, wanted, err_msg=name)
            continue
        np.testing.assert_allclose(
            ours, wanted, rtol=tolerance, atol=tolerance * max(float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0)), 1e-3), err_msg=name
        )
    return lowered


def _as_stored(array, shape):
    """Images as NHWC. Ambiguous shapes are images: tests avoid 1, 3 and 4 as a width of outer tensors."""
    return array.transpose(NHWC) if array.ndim == 4 and array.transpose(NHWC).shape == tuple(shape) else array


def kinds(model: TfliteModel):
    """How many operators of each kind."""
    return dict(collections.Counter(operator.kind for operator in model.operators))
