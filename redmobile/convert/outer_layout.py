"""How images lie at the ends of a converted file: NHWC, as lowering leaves them, or NCHW, as the ONNX model has them."""

from __future__ import annotations

import dataclasses

import numpy as np

from redmobile.core.tensor_spec import Layout
from redmobile.graph.layout import IMAGE_RANK, NHWC, Order, moves_data, permutation, plain, stored
from redmobile.graph.onnx_graph import OnnxGraph
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

_IMAGE_CHANNELS = (1, 3, 4)
"""What tells the axis of an outer image's channels from its width: grey, colour, colour and alpha."""

_TO_NHWC = permutation(plain(IMAGE_RANK), NHWC)
_TO_NCHW = permutation(NHWC, plain(IMAGE_RANK))


def outer_order(shape: tuple[int, ...]) -> Order:
    """The order of an input or output of ONNX shape `shape`: an image as NHWC, unless by its shape the ONNX model itself has it so."""
    if len(shape) != IMAGE_RANK or _looks_like_nhwc(shape):
        return plain(len(shape))
    return NHWC


def outer_layout(onnx_shape: tuple[int, ...], shape: tuple[int, ...]) -> Layout:
    """The layout of an input or output that the file has as `shape`; '?' for what is not of rank 4."""
    if len(shape) != IMAGE_RANK:
        return "?"
    return "NHWC" if shape == stored(onnx_shape, NHWC) or _looks_like_nhwc(onnx_shape) else "NCHW"


def keep_nchw(model: TfliteModel, graph: OnnxGraph) -> None:
    """Images that lowering turned to NHWC lie as in the ONNX `graph` at the ends of `model`, whatever their dtype.

    before   x NHWC ─ CONV_2D ─ y NHWC
    after    x NCHW ─ TRANSPOSE ─ CONV_2D ─ TRANSPOSE ─ y NCHW

    A transpose that stands there already the other way round is taken away instead.
    """
    for index, tensor in enumerate(model.inputs):
        if _was_turned(tensor, graph):
            model.inputs[index] = _turn_input(model, tensor)
    for index, tensor in enumerate(model.outputs):
        if _was_turned(tensor, graph):
            model.outputs[index] = _turn_output(model, tensor)


def _looks_like_nhwc(shape: tuple[int, ...]) -> bool:
    return len(shape) == IMAGE_RANK and shape[3] in _IMAGE_CHANNELS and shape[1] not in _IMAGE_CHANNELS


def _was_turned(tensor: Tensor, graph: OnnxGraph) -> bool:
    shape = graph.shapes[tensor.name]
    return len(shape) == IMAGE_RANK and tensor.shape == stored(shape, NHWC)


def _turn_input(model: TfliteModel, tensor: Tensor) -> Tensor:
    outer = dataclasses.replace(tensor, shape=stored(tensor.shape, _TO_NCHW))
    reader = model.only_consumer(tensor)
    if reader is not None and _transposes(reader, _TO_NCHW) and _is_inner(model, reader.outputs[0]):
        model.replace_uses(reader.outputs[0], outer)
        model.operators.remove(reader)
        return outer
    tensor.name = f"{outer.name}/nhwc"
    model.operators.insert(0, _moving(outer, tensor, _TO_NHWC))
    return outer


def _turn_output(model: TfliteModel, tensor: Tensor) -> Tensor:
    outer = dataclasses.replace(tensor, shape=stored(tensor.shape, _TO_NCHW))
    producer = model.producers().get(id(tensor))
    source = producer.inputs[0] if producer is not None else None
    only_leaves = not model.consumers().get(id(tensor))
    if producer is not None and source is not None and only_leaves and _transposes(producer, _TO_NHWC) and _is_inner(model, source):
        source.name = outer.name
        model.operators.remove(producer)
        return source
    tensor.name = f"{outer.name}/nhwc"
    model.operators.append(_moving(tensor, outer, _TO_NCHW))
    return outer


def _is_inner(model: TfliteModel, tensor: Tensor) -> bool:
    return tensor.data is None and not any(outer is tensor for outer in (*model.inputs, *model.outputs))


def _transposes(operator: Operator, perm: Order) -> bool:
    if operator.kind != "TRANSPOSE" or operator.inputs[1] is None or operator.inputs[1].data is None:
        return False
    return tuple(operator.inputs[1].data.tolist()) == perm


def _moving(source: Tensor, result: Tensor, perm: Order) -> Operator:
    """TRANSPOSE; RESHAPE where nothing moves, as for one channel."""
    if moves_data(source.shape, plain(IMAGE_RANK), perm):
        return Operator("TRANSPOSE", [source, Tensor.constant(f"{result.name}/perm", np.array(perm, np.int32))], [result])
    shape = Tensor.constant(f"{result.name}/shape", np.array(result.shape, np.int32))
    return Operator("RESHAPE", [source, shape], [result], {"new_shape": list(result.shape)})
