"""Small ONNX networks quantized by onnxruntime's quantize_static, and both sides' results as real values."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from redmobile.convert.onnx_to_tflite import lower
from redmobile.core.converter import Converter, LoweringChoices, load_converter
from redmobile.graph.onnx_graph import read_onnx
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.quantize_given import quantize_given
from redmobile.runtimes.litert_tensors import LitertTensors

HEIGHT, WIDTH = 12, 16
RECIPE: Converter = load_converter("litert_int8")


class Net:
    """An ONNX graph from `image` (1, 3, H, W), built node by node."""

    def __init__(self, seed=0, channels=3, opset=17):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.constants, self.opset = [], [], opset
        self.image = helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, channels, HEIGHT, WIDTH))

    def constant(self, name, values):
        """An initializer; its name."""
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def op(self, kind, *inputs, name=None, **attributes):
        """One node; the name of its output."""
        output = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=f"node_{output}", **attributes))
        return output

    def conv(self, source, inputs, outputs, kernel=3, *, group=1, gain=1.0, stride=1, name=None):
        """A convolution with random weights, as large out as in."""
        fan = inputs // group * kernel * kernel
        place = len(self.nodes)
        weights = self.rng.normal(0, gain / np.sqrt(fan), (outputs, inputs // group, kernel, kernel)).astype(np.float32)
        bias = self.rng.normal(0, 0.1, outputs).astype(np.float32)
        pad = kernel // 2
        names = self.constant(f"w{place}", weights), self.constant(f"b{place}", bias)
        return self.op("Conv", source, *names, name=name, group=group, pads=[pad] * 4, strides=[stride] * 2, kernel_shape=[kernel] * 2)

    def model(self, *outputs):
        """The whole, with these outputs."""
        ends = [helper.make_empty_tensor_value_info(name) for name in outputs]
        graph = helper.make_graph(self.nodes, "net", [self.image], ends, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=9)
        return onnx.shape_inference.infer_shapes(model, data_prop=True)


class _Pictures(CalibrationDataReader):
    def __init__(self, count, channels):
        self._left = iter([{"image": np.ascontiguousarray(picture(seed, channels).transpose(0, 3, 1, 2))} for seed in range(count)])

    def get_next(self):
        return next(self._left, None)


def picture(seed, channels=3):
    """(1, H, W, C) float32 in [0, 1]: a ramp and noise."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 1, HEIGHT)[:, None, None] * np.linspace(0.2, 1, WIDTH)[None, :, None] * rng.uniform(0.4, 1, channels)
    return np.clip(ramp + rng.normal(0, 0.05, (HEIGHT, WIDTH, channels)), 0, 1).astype(np.float32)[None]


def quantize_with_onnxruntime(model, *, activations=QuantType.QUInt8, weights=QuantType.QInt8, per_channel=True, **options):
    """The QDQ form of `model` as onnxruntime writes it."""
    channels = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "float.onnx"), Path(folder, "qdq.onnx")
        onnx.save(model, source)
        quantize_static(
            source,
            target,
            _Pictures(4, channels),
            quant_format=QuantFormat.QDQ,
            activation_type=activations,
            weight_type=weights,
            per_channel=per_channel,
            **options,
        )
        return onnx.load(target)


def run_onnx(model, seed):
    """Onnxruntime's outputs, images as NHWC."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    dims = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    found = session.run(None, {"image": np.ascontiguousarray(picture(seed, dims[1]).transpose(0, 3, 1, 2))})
    return [values.transpose(0, 2, 3, 1) if values.ndim == 4 else values for values in found]


def lowered(model, **choices):
    return lower(read_onnx(model.SerializeToString()), LoweringChoices(**choices))


def quantized(model, frames=(), **choices):
    return quantize_given(lowered(model, **choices), RECIPE.quantize, frames).model


def run_tflite(model, seed):
    """Outputs of a quantized model as real values, in the order of the model's outputs."""
    (tensor,) = model.inputs
    codes = tensor.quantization.quantize(picture(seed, tensor.shape[3]), tensor.dtype)
    found = LitertTensors(write_tflite(model)).run(codes)
    return [output.quantization.dequantize(found[output.name].copy()) for output in model.outputs]


def codes_apart(model, made, seed=100):
    """How many codes of its output the quantized file `made` is off onnxruntime's run of the QDQ `model`: the largest over the outputs."""
    pairs = zip(run_onnx(model, seed), run_tflite(made, seed), made.outputs, strict=True)
    return max(float(np.abs(expected - found).max() / tensor.quantization.scale[0]) for expected, found, tensor in pairs)
