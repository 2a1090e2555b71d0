"""One small network as ONNX and as INT8 .tflite, and real-looking pictures."""

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite

HEIGHT, WIDTH = 32, 48
GAIN = 1.6


def write_onnx(path, *, gain=GAIN, height=HEIGHT, width=WIDTH, tail="Clip", channels=3):
    """Clip(1×1 convolution that brightens); NCHW float32, values in [0, 1]. tail 'Log' gives NaN for black."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, channels, height, width)) for name in ("image", "enhanced")]
    weights = np.eye(channels, dtype=np.float32).reshape(channels, channels, 1, 1) * gain
    constants = [numpy_helper.from_array(array, name) for name, array in (("w", weights), ("low", np.float32(0)), ("high", np.float32(1)))]
    bounds = ["low", "high"] if tail == "Clip" else []
    nodes = [helper.make_node("Conv", ["image", "w"], ["y"]), helper.make_node(tail, ["y", *bounds], ["enhanced"])]
    graph = helper.make_graph(nodes, "g", [values[0]], [values[1]], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def write_int8(path, *, gain=GAIN + 0.01, height=HEIGHT, width=WIDTH, metadata=None):
    """The same in INT8, a little brighter: the output's range [0, 1] clips by itself."""
    image = Quantization.per_tensor(1 / 255, -128)
    x, y = (Tensor(name, (1, height, width, 3), "int8", quantization=image) for name in ("image", "enhanced"))
    scale = np.full(3, gain / 127, np.float32)
    weights = Tensor.constant("w", np.eye(3, dtype=np.int8).reshape(3, 1, 1, 3) * 127, Quantization.per_channel(scale, 0))
    bias = Tensor.constant("b", np.zeros(3, np.int32), Quantization.per_channel(scale / 255, 0))
    options = {"padding": "SAME", "stride_w": 1, "stride_h": 1}
    model = TfliteModel([Operator("CONV_2D", [x, weights, bias], [y], options)], [x], [y], metadata=metadata or {})
    path.write_bytes(write_tflite(model))
    return path


@pytest.fixture
def network(tmp_path):
    """The folder of net.onnx and net_int8.tflite."""
    write_onnx(tmp_path / "net.onnx")
    write_int8(tmp_path / "net_int8.tflite")
    return tmp_path


@pytest.fixture
def writers():
    """(write_onnx, write_int8)."""
    return write_onnx, write_int8


@pytest.fixture
def photos(tmp_path):
    """Three dark pictures: larger than the network, smaller, and of its size."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(2)
    for name, (height, width) in {"large.png": (50, 60), "small.png": (20, 30), "whole.png": (HEIGHT, WIDTH)}.items():
        coarse = rng.integers(0, 90, (5, 6, 3), np.uint8)
        cv2.imwrite(str(folder / name), cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
    return folder
