"""A model in memory, its outputs by name."""

import numpy as np
import pytest

from redmobile.errors import DeviceError, InputError, UsageError
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.runtimes.litert_tensors import LitertTensors


def two_outputs():
    x, y, z = (Tensor(name, (1, 4, 6, 3), "float32") for name in "xyz")
    return write_tflite(TfliteModel([Operator("RELU", [x], [y]), Operator("LOGISTIC", [y], [z])], [x], [z, y]))


def test_outputs_are_found_by_name():
    engine = LitertTensors(two_outputs(), threads=1)
    assert engine.input_shape == (1, 4, 6, 3)
    values = np.random.default_rng(0).normal(size=(1, 4, 6, 3)).astype(np.float32)
    for given in (values, -values):
        found = {name: array.copy() for name, array in engine.run(given).items()}
        np.testing.assert_array_equal(found["y"], np.maximum(given, 0))
        np.testing.assert_allclose(found["z"], 1 / (1 + np.exp(-np.maximum(given, 0))), atol=1e-6)


@pytest.mark.parametrize("array", [np.zeros((1, 4, 6, 4), np.float32), np.zeros((1, 4, 6, 3), np.uint8)])
def test_another_shape_or_type_is_refused(array):
    with pytest.raises(UsageError, match="1×4×6×3 float32"):
        LitertTensors(two_outputs()).run(array)


def unary(kind, dtype):
    x, y = Tensor("x", (1, 4), dtype), Tensor("y", (1, 4), dtype)
    return write_tflite(TfliteModel([Operator(kind, [x], [y])], [x], [y]))


def test_a_model_that_litert_refuses_is_an_input_error():
    with pytest.raises(InputError, match="LiteRT cannot load the model"):
        LitertTensors(unary("ROUND", "int8"))


def test_an_operator_that_litert_cannot_run_is_a_device_error():
    engine = LitertTensors(unary("RELU_0_TO_1", "int16"))
    with pytest.raises(DeviceError, match="LiteRT failed while running"):
        engine.run(np.zeros((1, 4), np.int16))


def test_nothing_is_said_on_stderr(capfd):
    LitertTensors(two_outputs())
    assert capfd.readouterr().err == ""
