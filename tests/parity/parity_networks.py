"""Networks of other kinds than picture to picture: several inputs and outputs, logits, masks, whole numbers."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from redmobile.core.quant_math import asymmetric
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite

HEIGHT, WIDTH, CLASSES = 8, 12, 5
SAME = {"padding": "SAME", "stride_w": 1, "stride_h": 1}


def save(path, nodes, inputs, outputs, constants):
    """An ONNX file. inputs, outputs: name → shape, or (shape, ONNX dtype)."""

    def infos(values):
        typed = {name: value if isinstance(value[0], tuple) else (value, TensorProto.FLOAT) for name, value in values.items()}
        return [helper.make_tensor_value_info(name, dtype, shape) for name, (shape, dtype) in typed.items()]

    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", infos(inputs), infos(outputs), initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def weights(seed=0):
    """A 3×3 convolution to four channels, and a matrix to the classes."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.3, (4, 3, 3, 3)).astype(np.float32), rng.normal(0, 1, (4, CLASSES)).astype(np.float32)


def classifier_onnx(path):
    """Image (NCHW) → logits, and mask (NCHW, one channel) = sigmoid of the mean over channels."""
    kernel, matrix = weights()
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["features"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["features"], ["rectified"]),
        helper.make_node("ReduceMean", ["rectified"], ["pooled"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["pooled", "matrix"], ["logits"]),
        helper.make_node("ReduceMean", ["features"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Sigmoid", ["grey"], ["mask"]),
    ]
    outputs = {"logits": (1, CLASSES), "mask": (1, 1, HEIGHT, WIDTH)}
    return save(path, nodes, {"image": (1, 3, HEIGHT, WIDTH)}, outputs, {"kernel": kernel, "matrix": matrix})


def classifier_tflite(path, *, off=0.0, names=("image", "logits", "mask")):
    """The same as a float .tflite, NHWC. off: added to one weight of the convolution."""
    kernel, matrix = weights()
    kernel = kernel.transpose(0, 2, 3, 1).copy()
    kernel[1, 1, 1, 1] += off
    image = Tensor(names[0], (1, HEIGHT, WIDTH, 3), "float32")
    features = Tensor("features", (1, HEIGHT, WIDTH, 4), "float32")
    rectified, pooled = Tensor("rectified", (1, HEIGHT, WIDTH, 4), "float32"), Tensor("pooled", (1, 4), "float32")
    logits, grey, mask = (
        Tensor(name, shape, "float32")
        for name, shape in ((names[1], (1, CLASSES)), ("grey", (1, HEIGHT, WIDTH, 1)), (names[2], (1, HEIGHT, WIDTH, 1)))
    )
    bias = Tensor.constant("bias", np.zeros(4, np.float32))
    operators = [
        Operator("CONV_2D", [image, Tensor.constant("kernel", kernel), bias], [features], SAME),
        Operator("RELU", [features], [rectified]),
        Operator("MEAN", [rectified, Tensor.constant("axes", np.array([1, 2], np.int32))], [pooled], {"keep_dims": False}),
        Operator("FULLY_CONNECTED", [pooled, Tensor.constant("matrix", matrix.T.copy()), None], [logits]),
        Operator("MEAN", [features, Tensor.constant("channel", np.array([3], np.int32))], [grey], {"keep_dims": True}),
        Operator("LOGISTIC", [grey], [mask]),
    ]
    path.write_bytes(write_tflite(TfliteModel(operators, [image], [logits, mask])))
    return path


def two_inputs_onnx(path, dtype=TensorProto.FLOAT):
    """Sum = image · strength, largest = ArgMax of the image over channels, a whole number."""
    nodes = [
        helper.make_node("Mul", ["image", "strength"], ["sum"]),
        helper.make_node("Greater", ["image", "half"], ["light"]),
    ]
    shape = (1, 3, HEIGHT, WIDTH)
    outputs = {"sum": (shape, dtype), "light": (shape, TensorProto.BOOL)}
    half = np.array(0.5, helper.tensor_dtype_to_np_dtype(dtype))
    return save(path, nodes, {"image": (shape, dtype), "strength": ((1, 1, 1, 1), dtype)}, outputs, {"half": half})


def two_inputs_tflite(path):
    """The same in TFLite with its inputs the other way round, the image quantized to int8."""
    quantization = asymmetric(0.0, 1.0, "int8")
    image = Tensor("image", (1, HEIGHT, WIDTH, 3), "int8", quantization=quantization)
    real = Tensor("real", (1, HEIGHT, WIDTH, 3), "float32")
    strength = Tensor("strength", (1, 1, 1, 1), "float32")
    total, light = Tensor("sum", (1, HEIGHT, WIDTH, 3), "float32"), Tensor("light", (1, HEIGHT, WIDTH, 3), "bool")
    operators = [
        Operator("DEQUANTIZE", [image], [real]),
        Operator("MUL", [real, strength], [total]),
        Operator("GREATER", [real, Tensor.constant("half", np.full(1, 0.5, np.float32))], [light]),
    ]
    path.write_bytes(write_tflite(TfliteModel(operators, [strength, image], [total, light])))
    return path
