"""Small networks as files, and a clock that only moves when told."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite

SAME = {"padding": "SAME", "stride_w": 1, "stride_h": 1}


class FakeClock:
    """Implements bench.clock.Clock. Time passes only in `pass_ms` and in sleep."""

    def __init__(self):
        self.ns = 7_000_000_000

    def now_ns(self):
        """See Clock."""
        return self.ns

    def sleep_until_ns(self, moment_ns):
        """See Clock."""
        self.ns = max(self.ns, moment_ns)

    def pass_ms(self, milliseconds):
        """Let time pass."""
        self.ns += round(milliseconds * 1e6)


@pytest.fixture
def clock():
    return FakeClock()


def write_float_tflite(path, height=32, width=48):
    """1×1 convolution that brightens; NHWC float32."""
    x, y = Tensor("image", (1, height, width, 3), "float32"), Tensor("enhanced", (1, height, width, 3), "float32")
    constants = [Tensor.constant("w", np.eye(3, dtype=np.float32).reshape(3, 1, 1, 3) * 2), Tensor.constant("b", np.zeros(3, np.float32))]
    path.write_bytes(write_tflite(TfliteModel([Operator("CONV_2D", [x, *constants], [y], SAME)], [x], [y])))
    return path


def write_int8_tflite(path, height=32, width=48):
    """The same in INT8."""
    image = Quantization.per_tensor(1 / 255, -128)
    x, y = (Tensor(name, (1, height, width, 3), "int8", quantization=image) for name in ("image", "enhanced"))
    scale = np.full(3, 2 / 127, np.float32)
    weights = Tensor.constant("w", np.eye(3, dtype=np.int8).reshape(3, 1, 1, 3) * 127, Quantization.per_channel(scale, 0))
    bias = Tensor.constant("b", np.zeros(3, np.int32), Quantization.per_channel(scale / 255, 0))
    path.write_bytes(write_tflite(TfliteModel([Operator("CONV_2D", [x, weights, bias], [y], SAME)], [x], [y])))
    return path


def write_onnx(path, height=24, width=40):
    """The same in ONNX; NCHW float32."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3, height, width)) for name in ("image", "enhanced")]
    weights = numpy_helper.from_array(np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1) * 2, "w")
    graph = helper.make_graph([helper.make_node("Conv", ["image", "w"], ["enhanced"])], "g", [values[0]], [values[1]], [weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


@pytest.fixture(scope="session")
def write_int8():
    """The writer itself, for fixtures of a wider scope."""
    return write_int8_tflite


@pytest.fixture
def int8_file(tmp_path):
    return write_int8_tflite(tmp_path / "small_int8.tflite")


@pytest.fixture
def float_file(tmp_path):
    return write_float_tflite(tmp_path / "small_float.tflite", 16, 20)


@pytest.fixture
def onnx_file(tmp_path):
    return write_onnx(tmp_path / "small.onnx")
