"""Small sound ONNX models, built in code, that use many operators: what the fuzzing mutates."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class _Net:
    """A graph while it grows; values are named by their node."""

    def __init__(self, **inputs):
        self.inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
        self.nodes, self.constants = [], []
        self._random = np.random.default_rng(len(inputs))

    def constant(self, values, dtype=np.int64):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weights(self, *shape):
        return self.constant(self._random.normal(0, 0.3, shape), np.float32)

    def add(self, op, *inputs, outputs=1, **attributes):
        names = [f"{op.lower()}_{len(self.nodes)}{'abcdef'[index] if outputs > 1 else ''}" for index in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=f"n{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    def model(self, *outputs, opset=18):
        ends = [helper.make_empty_tensor_value_info(name) for name in outputs]
        graph = helper.make_graph(self.nodes, "seed", self.inputs, ends, self.constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
        return onnx.shape_inference.infer_shapes(made, data_prop=True)


def classifier():
    """Strided, depthwise and pointwise convolutions, pooling, a dense layer."""
    net = _Net(image=(1, 3, 16, 24))
    x = net.add("Conv", "image", net.weights(8, 3, 3, 3), net.weights(8), pads=[1, 1, 1, 1], strides=[2, 2])
    x = net.add("BatchNormalization", x, *(net.constant(np.full(8, value), np.float32) for value in (1, 0, 0.1, 0.9)))
    x = net.add("Clip", x, net.constant(0, np.float32), net.constant(6, np.float32))
    x = net.add("Conv", x, net.weights(8, 1, 3, 3), group=8, auto_pad="SAME_UPPER", dilations=[2, 2])
    x = net.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = net.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    x = net.add("Flatten", net.add("GlobalAveragePool", x))
    x = net.add("Gemm", x, net.weights(5, 8), net.weights(5), transB=1)
    return net.model(net.add("Softmax", x, axis=-1))


def decoder():
    """Upsampling in three ways, padding, cutting, joining: what image networks end with."""
    net = _Net(image=(1, 4, 6, 10))
    x = net.add("Relu", net.add("Conv", "image", net.weights(16, 4, 1, 1)))
    up = net.add("Resize", x, "", net.constant([1, 1, 2, 2], np.float32), mode="linear", coordinate_transformation_mode="half_pixel")
    deep = net.add("ConvTranspose", x, net.weights(16, 4, 2, 2), strides=[2, 2])
    wide = net.add("Pad", deep, net.constant([0, 0, 1, 1, 0, 0, 1, 1]), mode="reflect")
    cut = net.add("Slice", wide, net.constant([1, 1]), net.constant([-1, -1]), net.constant([2, 3]))
    joined = net.add("Concat", up, cut, axis=1)
    mixed = net.add("Conv", joined, net.weights(12, 20, 3, 3), pads=[1, 1, 1, 1])
    shuffled = net.add("DepthToSpace", mixed, blocksize=2, mode="CRD")
    return net.model(net.add("Sigmoid", shuffled), cut)


def pixel_shuffle():
    """The pattern that PyTorch exports, and its mirror image."""
    net = _Net(image=(1, 3, 8, 12))
    x = net.add("SpaceToDepth", "image", blocksize=4)
    x = net.add("Conv", x, net.weights(12, 48, 1, 1))
    x = net.add("Reshape", x, net.constant([1, 3, 2, 2, 2, 3]))
    x = net.add("Transpose", x, perm=[0, 1, 4, 2, 5, 3])
    return net.model(net.add("Reshape", x, net.constant([1, 3, 4, 6])))


def attention():
    """Matrix products over tokens, and the shape arithmetic that exporters leave around them."""
    net = _Net(tokens=(1, 6, 8))
    shape = net.add("Shape", "tokens")
    length = net.add("Gather", shape, net.constant(1), axis=0)
    heads = net.add("Concat", net.constant([1]), net.add("Unsqueeze", length, net.constant([0])), net.constant([2, 4]), axis=0)
    q = net.add("Transpose", net.add("Reshape", net.add("MatMul", "tokens", net.weights(8, 8)), heads), perm=[0, 2, 1, 3])
    k = net.add("Transpose", net.add("Reshape", net.add("MatMul", "tokens", net.weights(8, 8)), heads), perm=[0, 2, 3, 1])
    scores = net.add("Softmax", net.add("Div", net.add("MatMul", q, k), net.constant(2, np.float32)), axis=-1)
    mask = net.add("ConstantOfShape", net.constant([1, 1, 6, 6]), value=numpy_helper.from_array(np.array([0.5], np.float32)))
    mixed = net.add("Add", net.add("MatMul", net.add("Mul", scores, mask), q), net.add("Expand", net.weights(1, 1, 1, 4), net.constant([1, 2, 6, 4])))
    y = net.add("LayerNormalization", net.add("Squeeze", mixed, net.constant([0])), net.weights(4), net.weights(4), axis=-1)
    return net.model(y)


def activations():
    """A chain of everything that works on one element."""
    net = _Net(image=(1, 3, 5, 7))
    x = "image"
    for op in ("Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "HardSwish", "Softplus", "Softsign", "Tanh", "Mish"):
        x = net.add(op, x)
    x = net.add("PRelu", x, net.weights(3, 1, 1))
    for op in ("Abs", "Sqrt", "Exp", "Neg", "Floor", "Ceil", "Round", "Sign", "Sin", "Cos", "Erf"):
        x = net.add(op, x)
    x = net.add("Add", x, net.add("Pow", "image", net.constant(2, np.float32)))
    return net.model(net.add("Max", x, net.add("Min", "image", net.constant(0.5, np.float32))))


def reductions():
    """Reductions, choices of the largest, comparisons."""
    net = _Net(a=(2, 3, 4), b=(2, 3, 4))
    mean = net.add("ReduceMean", "a", net.constant([1]), keepdims=1)
    top = net.add("ReduceMax", "a", net.constant([-1]), keepdims=0)
    total = net.add("ReduceSum", net.add("Sub", "a", mean), net.constant([0, 1]), keepdims=0)
    chosen = net.add("Where", net.add("Greater", "a", "b"), "a", "b")
    best = net.add("ArgMax", "a", axis=1, keepdims=0)
    values, places = net.add("TopK", "b", net.constant([2]), outputs=2)
    parts = net.add("Split", chosen, net.constant([1, 3]), outputs=2, axis=2)
    tiled = net.add("Tile", parts[0], net.constant([1, 2, 1]))
    summed = net.add("CumSum", parts[1], net.constant(1))
    picked = net.add("GatherND", "a", net.constant([[0, 1], [1, 2]]))
    return net.model(top, total, best, values, places, tiled, summed, picked)


def quantized():
    """Fake quantization, as training with it exports."""
    net = _Net(image=(1, 2, 4, 6))
    scale, zero = net.constant(0.1, np.float32), net.constant(-3, np.int8)
    x = net.add("DequantizeLinear", net.add("QuantizeLinear", "image", scale, zero), scale, zero)
    x = net.add("Cast", net.add("Conv", x, net.weights(3, 2, 1, 1)), to=TensorProto.FLOAT)
    x = net.add("InstanceNormalization", x, net.weights(3), net.weights(3))
    return net.model(net.add("LRN", x, size=3))


def branches():
    """If with a constant condition, Identity, Dropout, an older opset."""
    net = _Net(image=(1, 3, 4, 6))

    def branch(op):
        node = helper.make_node(op, ["image"], [f"{op}_out"])
        return helper.make_graph([node], op, [], [helper.make_tensor_value_info(f"{op}_out", TensorProto.FLOAT, (1, 3, 4, 6))])

    x = net.add("If", net.constant(True, np.bool_), then_branch=branch("Relu"), else_branch=branch("Tanh"))
    x = net.add("Dropout", net.add("Identity", x))
    return net.model(net.add("Mul", x, net.constant(0.5, np.float32)), opset=13)


SEEDS = (classifier, decoder, pixel_shuffle, attention, activations, reductions, quantized, branches)
"""Functions without arguments: each makes one model, every time the same."""
