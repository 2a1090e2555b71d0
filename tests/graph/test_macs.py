"""Multiply-accumulates, counted by LiteRT: with data and weights of ones, the results add up to how many products there were."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from redmobile.graph.macs import macs_of, total_macs
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite

VALID = {"padding": "VALID", "stride_w": 1, "stride_h": 1, "fused_activation_function": "NONE"}


def ones(*shape):
    return Tensor.constant("w", np.ones(shape, np.float32))


def zeros(channels):
    return Tensor.constant("b", np.zeros(channels, np.float32))


def image(*shape):
    return Tensor("x", shape, "float32")


def result(*shape):
    return [Tensor("y", shape, "float32")]


X = (1, 7, 9, 4)
CASES = {
    "convolution": (X, lambda x: Operator("CONV_2D", [x, ones(6, 3, 2, 4), zeros(6)], result(1, 5, 8, 6), dict(VALID))),
    "convolution in groups": (X, lambda x: Operator("CONV_2D", [x, ones(6, 3, 2, 2), zeros(6)], result(1, 5, 8, 6), dict(VALID))),
    "convolution with stride": (
        X,
        lambda x: Operator("CONV_2D", [x, ones(6, 3, 3, 4), zeros(6)], result(1, 3, 4, 6), VALID | {"stride_w": 2, "stride_h": 2}),
    ),
    "depthwise": (X, lambda x: Operator("DEPTHWISE_CONV_2D", [x, ones(1, 3, 2, 8), zeros(8)], result(1, 5, 8, 8), VALID | {"depth_multiplier": 2})),
    "transposed": (
        X,
        lambda x: Operator(
            "TRANSPOSE_CONV",
            [Tensor.constant("s", np.array([1, 15, 19, 5], np.int32)), ones(5, 3, 3, 4), x],
            result(1, 15, 19, 5),
            VALID | {"stride_w": 2, "stride_h": 2},
        ),
    ),
    "dense": ((3, 8), lambda x: Operator("FULLY_CONNECTED", [x, ones(5, 8), zeros(5)], result(3, 5))),
    "product": ((2, 3, 8), lambda x: Operator("BATCH_MATMUL", [x, ones(2, 8, 5)], result(2, 3, 5))),
    "product of a transposed": ((2, 8, 3), lambda x: Operator("BATCH_MATMUL", [x, ones(2, 8, 5)], result(2, 3, 5), {"adj_x": True})),
    "volume": (
        (1, 4, 5, 6, 2),
        lambda x: Operator(
            "CONV_3D", [x, ones(2, 3, 2, 2, 7), zeros(7)], result(1, 3, 3, 5, 7), {"padding": "VALID", "stride_d": 1, "stride_w": 1, "stride_h": 1}
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_count_is_what_ones_add_up_to(name):
    shape, make = CASES[name]
    x = image(*shape)
    operator = make(x)
    model = TfliteModel([operator], [x], operator.outputs)
    interpreter = Interpreter(model_content=write_tflite(model))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ones(shape, np.float32))
    interpreter.invoke()
    assert macs_of(operator) == int(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).sum())
    assert total_macs(model) == macs_of(operator) > 0


@pytest.mark.parametrize("kind", ["BATCH_MATMUL", "CONV_2D", "CONV_3D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"])
def test_an_operator_of_a_damaged_file_is_counted_without_a_crash(kind):
    assert macs_of(Operator(kind, [Tensor("x", (), "float32")], result(2, 2))) >= 0


def test_what_only_adds_or_moves_counts_nothing():
    x = image(*X)
    assert macs_of(Operator("ADD", [x, x], result(*X))) == 0
    assert macs_of(Operator("RESHAPE", [x], result(252))) == 0
