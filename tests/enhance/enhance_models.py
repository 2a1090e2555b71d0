"""Small networks for the tests of this room, built in code: ONNX in onnxruntime, TFLite in LiteRT."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from redmobile.core.quant_math import Quantization
from redmobile.enhance.image_model import ImageModel
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.runtimes.base import open_runtime


def constant(name, values):
    return numpy_helper.from_array(np.asarray(values, np.float32), name)


def onnx_file(path, nodes, constants=(), *, size=(64, 96), channels=3, out_size=None, properties=None):
    """An ONNX network from `image` to `enhanced`, (1, channels, *size) float32."""
    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, channels, *size))
    made = helper.make_tensor_value_info("enhanced", TensorProto.FLOAT, (1, channels, *(out_size or size)))
    graph = helper.make_graph(nodes, "g", [given], [made], list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, properties or {})
    onnx.save(model, path)
    return path


def gain_file(path, gain=2.0, **options):
    """The network out = clip(gain · x): looks at one pixel."""
    nodes = [helper.make_node("Mul", ["image", "gain"], ["y"]), helper.make_node("Clip", ["y", "zero", "one"], ["enhanced"])]
    return onnx_file(path, nodes, [constant("gain", gain), constant("zero", 0), constant("one", 1)], **options)


def global_file(path, target=0.5, **options):
    """The network out = clip(x · target / mean(x)): looks at the whole picture, more than any real network does."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["means"]),
        helper.make_node("ReduceMean", ["means"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Div", ["target", "mean"], ["gain"]),
        helper.make_node("Mul", ["image", "gain"], ["y"]),
        helper.make_node("Clip", ["y", "zero", "one"], ["enhanced"]),
    ]
    return onnx_file(path, nodes, [constant("target", target), constant("zero", 0), constant("one", 1)], **options)


def local_file(path, **options):
    """The network out = a 5×5 mean: looks at a neighbourhood, and sees black outside its input, as convolutions do."""
    kernel = np.zeros((3, 3, 5, 5))
    kernel[range(3), range(3)] = 1 / 25
    nodes = [helper.make_node("Conv", ["image", "w"], ["enhanced"], pads=[2, 2, 2, 2])]
    return onnx_file(path, nodes, [constant("w", kernel)], **options)


def tflite_file(path, dtype="int8", *, size=(64, 96), scale=1 / 255, zero_point=-128, factor=1.0):
    """The network out = factor · x as a 1×1 convolution, with quantized input and output."""
    quantization = None if dtype == "float32" else Quantization.per_tensor(scale, zero_point)
    x = Tensor("image", (1, *size, 3), dtype, quantization=quantization)
    y = Tensor("enhanced", (1, *size, 3), dtype, quantization=quantization)
    kernel = np.eye(3, dtype=np.float32).reshape(3, 1, 1, 3)
    if dtype == "float32":
        weights, bias = Tensor.constant("w", kernel * factor), Tensor.constant("b", np.zeros(3, np.float32))
    else:
        steps = np.full(3, factor / 127, np.float32)
        weights = Tensor.constant("w", (kernel * 127).astype(np.int8), Quantization.per_channel(steps, 0))
        bias = Tensor.constant("b", np.zeros(3, np.int32), Quantization.per_channel(steps * np.float32(scale), 0))
    options = {"padding": "SAME", "stride_w": 1, "stride_h": 1}
    path.write_bytes(write_tflite(TfliteModel([Operator("CONV_2D", [x, weights, bias], [y], options)], [x], [y])))
    return path


def load(path):
    return ImageModel(open_runtime(path, threads=1))


def photo_like(height, width, seed=0):
    """Dark on one side and bright on the other, with shapes and texture at all scales, (H, W, 3) uint8."""
    import cv2

    rng = np.random.default_rng(seed)
    image = np.zeros((height, width, 3), np.float32)
    for cells in (2, 5, 11, 31, 97):
        image += cv2.resize(rng.random((cells, cells, 3), np.float32), (width, height), interpolation=cv2.INTER_CUBIC) / np.sqrt(cells)
    image = (image - image.min()) / (image.max() - image.min())
    image *= np.linspace(0.08, 0.8, width, dtype=np.float32)[None, :, None]
    return (image * 255).astype(np.uint8)
