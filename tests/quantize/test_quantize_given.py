"""Networks that bring their own scales: what onnxruntime computes of them, in codes; what is asked for, what is refused."""

import collections

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from onnxruntime.quantization import QuantType
from qdq_models import HEIGHT, RECIPE, WIDTH, Net, codes_apart, lowered, picture, quantize_with_onnxruntime, quantized, run_onnx, run_tflite

from redmobile.core.converter import load_converter
from redmobile.errors import UnsupportedModelError, UsageError
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.op_rules import is_tied
from redmobile.quantize.quantize_given import quantize_given
from redmobile.runtimes.litert_tensors import LitertTensors


@pytest.fixture(autouse=True)
def _quiet(caplog):
    """Onnxruntime advises by logging.warning to preprocess each model."""
    caplog.set_level("ERROR")


def f32(*values):
    return np.array(values, np.float32)


def i64(*values):
    return np.array(values, np.int64)


def depthwise(net):
    a = net.op("Relu", net.conv("image", 3, 8))
    return net.conv(net.op("Relu", net.conv(a, 8, 8, group=8)), 8, 3, 1)


def relu6(net):
    bounds = net.constant("zero", np.float32(0)), net.constant("six", np.float32(6))
    return net.conv(net.op("Clip", net.conv("image", 3, 8, gain=12), *bounds), 8, 3, 1)


def residual(net):
    a = net.op("Relu", net.conv("image", 3, 8))
    return net.conv(net.op("Relu", net.op("Add", a, net.conv(net.op("Relu", net.conv(a, 8, 8)), 8, 8))), 8, 3, 1)


def squeeze_excite(net):
    a = net.op("Relu", net.conv("image", 3, 8))
    gate = net.op("Relu", net.conv(net.op("GlobalAveragePool", a), 8, 4, 1))
    return net.conv(net.op("Mul", a, net.op("Sigmoid", net.conv(gate, 4, 8, 1))), 8, 3, 1)


def concat(net):
    a, b = net.op("Relu", net.conv("image", 3, 8)), net.conv("image", 3, 4)
    return net.conv(net.op("Concat", a, b, "image", axis=1), 15, 3, 1)


def concat_of_sigmoid(net):
    a, b = net.op("Sigmoid", net.conv("image", 3, 8)), net.conv("image", 3, 4, gain=3)
    return net.conv(net.op("Concat", a, b, axis=1), 12, 3, 1)


def pool_and_resize(net):
    a = net.op("MaxPool", net.op("Relu", net.conv("image", 3, 8)), kernel_shape=[2, 2], strides=[2, 2])
    scales = net.constant("scales", f32(1, 1, 2, 2))
    a = net.op("Resize", net.conv(a, 8, 8), "", scales, mode="linear", coordinate_transformation_mode="half_pixel")
    return net.conv(a, 8, 3, 1)


def sigmoid_out(net):
    return net.op("Sigmoid", net.conv("image", 3, 3))


def silu(net):
    a = net.conv("image", 3, 8)
    return net.conv(net.op("Mul", a, net.op("Sigmoid", a)), 8, 3, 1)


def hard_swish(net):
    return net.conv(net.op("HardSwish", net.conv("image", 3, 8, gain=4)), 8, 3, 1)


def image_plus_residual(net):
    bounds = net.constant("zero", np.float32(0)), net.constant("one", np.float32(1))
    return net.op("Clip", net.op("Add", net.conv(net.op("Relu", net.conv("image", 3, 8)), 8, 3, gain=0.3), "image"), *bounds)


def times_constant(net):
    return net.conv(net.op("Mul", "image", net.constant("k", f32(0.3, 1, 2).reshape(1, 3, 1, 1))), 3, 4)


def transposed(net):
    a = net.op("Relu", net.conv("image", 3, 6, stride=2))
    weights = net.constant("tw", net.rng.normal(0, 0.3, (6, 3, 2, 2)).astype(np.float32))
    return net.op("ConvTranspose", a, weights, net.constant("tb", f32(0.1, 0, -0.1)), strides=[2, 2])


def shuffle(net):
    shapes = net.constant("inner", i64(1, 3, 2, 2, HEIGHT, WIDTH)), net.constant("outer", i64(1, 3, 2 * HEIGHT, 2 * WIDTH))
    a = net.op("Reshape", net.conv(net.op("Relu", net.conv("image", 3, 8)), 8, 12, 1), shapes[0])
    return net.op("Reshape", net.op("Transpose", a, perm=[0, 1, 4, 2, 5, 3]), shapes[1])


def depth_to_space(net):
    return net.op("DepthToSpace", net.conv(net.op("Relu", net.conv("image", 3, 8)), 8, 12, 1), blocksize=2, mode="CRD")


NETS = {
    depthwise: {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 1},
    relu6: {"CONV_2D": 2},
    residual: {"CONV_2D": 4, "ADD": 1},
    squeeze_excite: {"CONV_2D": 4, "MEAN": 1, "LOGISTIC": 1, "MUL": 1},
    concat: {"CONV_2D": 3, "QUANTIZE": 2, "CONCATENATION": 1},
    concat_of_sigmoid: {"CONV_2D": 3, "LOGISTIC": 1, "QUANTIZE": 1, "CONCATENATION": 1},
    pool_and_resize: {"CONV_2D": 3, "MAX_POOL_2D": 1, "RESIZE_BILINEAR": 1},
    sigmoid_out: {"CONV_2D": 1, "LOGISTIC": 1},
    silu: {"CONV_2D": 2, "LOGISTIC": 1, "MUL": 1},
    hard_swish: {"CONV_2D": 2, "ADD": 1, "MUL": 2},
    image_plus_residual: {"CONV_2D": 2, "ADD": 1},
    times_constant: {"MUL": 1, "CONV_2D": 1},
    transposed: {"PAD": 1, "CONV_2D": 1, "TRANSPOSE_CONV": 1},
    shuffle: {"CONV_2D": 4, "RESHAPE": 3, "CONCATENATION": 1},
    depth_to_space: {"CONV_2D": 3, "RESHAPE": 3, "CONCATENATION": 1},
}


@pytest.mark.parametrize("kind", [QuantType.QUInt8, QuantType.QInt8], ids=["uint8", "int8"])
@pytest.mark.parametrize("make", NETS, ids=lambda make: make.__name__)
def test_static_quantization_of_onnxruntime_goes_through_within_two_codes(make, kind):
    net = Net(3)
    qdq = quantize_with_onnxruntime(net.model(make(net)), activations=kind, per_channel=kind == QuantType.QInt8)
    made = quantized(qdq)
    assert {tensor.dtype for tensor in made.tensors() if tensor.data is None} == {"int8"}
    assert dict(collections.Counter(operator.kind for operator in made.operators)) == NETS[make]
    assert max(codes_apart(qdq, made, seed) for seed in (100, 101)) <= 2.01
    for operator in filter(is_tied, made.operators):
        scales = [tensor.quantization for tensor in (*operator.inputs, *operator.outputs) if tensor is not None and tensor.dtype == "int8"]
        assert all(scale == scales[0] for scale in scales), operator.kind


def test_scales_of_weights_activations_and_biases_are_the_models_own():
    net = Net()
    qdq = quantize_with_onnxruntime(net.model(net.conv("image", 3, 4, name="y")))
    made = quantized(qdq)
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in qdq.graph.initializer}
    _, weights, bias = made.operators[0].inputs
    np.testing.assert_array_equal(weights.data, constants["w0_quantized"].transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(weights.quantization.scale, constants["w0_scale"])
    np.testing.assert_array_equal(bias.data, constants["b0_quantized"])
    assert made.inputs[0].quantization.scale == constants["image_scale"]
    assert made.outputs[0].quantization.scale == constants["y_scale"]
    assert made.outputs[0].quantization.zero_point == int(constants["y_zero_point"]) - 128


class Qat(Net):
    """A network as an exporter of fake-quantized modules writes it: codes of weights are computed in the graph, biases are float."""

    def pair(self, source, scale, zero_point, dtype=np.uint8, **attributes):
        """QuantizeLinear and DequantizeLinear; the name of what comes out."""
        names = self.constant(f"s_{source}", np.asarray(scale, np.float32)), self.constant(f"z_{source}", np.asarray(zero_point, dtype))
        return self.op("DequantizeLinear", self.op("QuantizeLinear", source, *names, **attributes), *names, **attributes)

    def fake_conv(self, source, inputs, outputs, kernel=3):
        """A convolution whose weights go through a pair, in codes of -128 to 127 a channel."""
        place = len(self.nodes)
        weights = self.rng.normal(0, 1 / (kernel * inputs**0.5), (outputs, inputs, kernel, kernel)).astype(np.float32)
        scale = np.abs(weights).max(axis=(1, 2, 3)) / 127.5
        codes = self.pair(self.constant(f"w{place}", weights), scale, np.zeros(outputs), np.int8, axis=0)
        bias = self.constant(f"b{place}", self.rng.normal(0, 0.1, outputs).astype(np.float32))
        return self.op("Conv", source, codes, bias, pads=[kernel // 2] * 4, kernel_shape=[kernel] * 2)


def test_fake_quantized_modules_go_through():
    net = Qat(5)
    a = net.pair("image", 1 / 255, 0)
    a = net.pair(net.op("Relu", net.fake_conv(a, 3, 8)), 0.011, 0)
    qdq = net.model(net.pair(net.fake_conv(a, 8, 3, 1), 0.013, 120))
    made = quantized(qdq)
    assert [operator.kind for operator in made.operators] == ["CONV_2D", "CONV_2D"]
    assert codes_apart(qdq, made) <= 1.01


def test_integer_inputs_and_outputs_of_the_network_are_its_ports():
    net = Qat(6)
    net.image.type.tensor_type.elem_type = onnx.TensorProto.UINT8
    scale, zero = net.constant("s", np.float32(1 / 255)), net.constant("z", np.uint8(0))
    a = net.op("DequantizeLinear", "image", scale, zero)
    last = net.constant("s2", np.float32(0.02)), net.constant("z2", np.uint8(128))
    qdq = net.model(net.op("QuantizeLinear", net.fake_conv(a, 3, 3), *last, name="codes"))
    made = quantized(qdq)
    assert [tensor.name for tensor in made.inputs + made.outputs] == ["image", "codes"]
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, HEIGHT, WIDTH), np.uint8)
    (expected,) = onnxruntime.InferenceSession(qdq.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"image": pixels})
    assert made.inputs[0].quantization.zero_point == -128
    found = _run_codes(made, (pixels ^ 0x80).view(np.int8).transpose(0, 2, 3, 1))
    assert np.abs(found.astype(int) + 128 - expected.transpose(0, 2, 3, 1)).max() <= 1


def _run_codes(model, codes):
    return LitertTensors(write_tflite(model)).run(np.ascontiguousarray(codes))[model.outputs[0].name].copy()


def partly():
    """The last convolution's output has no scale, nor has a tensor that two read."""
    net = Qat(7)
    a = net.op("Relu", net.fake_conv(net.pair("image", 1 / 255, 0), 3, 8))
    return net.model(net.op("Add", net.fake_conv(net.pair(a, 0.01, 0), 8, 3, 1), "image", name="y"))


def test_tensors_without_a_scale_are_named_and_then_measured():
    with pytest.raises(UnsupportedModelError, match=r"not for 2 tensors: 'conv_\d+', 'y'\. Give --calibrate DIR"):
        quantized(partly())
    frames = [np.round(picture(seed)[0] * 255).astype(np.uint8) for seed in range(4)]
    result = quantize_given(lowered(partly()), RECIPE.quantize, frames)
    assert result.report.stages["measured"] == 2
    assert result.report.stages["psnr_db"] > 30
    by_name = {tensor.name: tensor.observer for tensor in result.report.tensors}
    assert by_name["image"] == "given"
    assert by_name["y"] == "percentile_99_99"
    expected, found = run_onnx(partly(), 2)[0], run_tflite(result.model, 2)[0]
    assert np.abs(expected - found).max() < 0.05


def test_one_scale_a_channel_of_an_activation_is_refused_by_name():
    net = Qat(8)
    a = net.pair("image", np.full(3, 1 / 255), np.zeros(3), axis=1)
    with pytest.raises(UnsupportedModelError, match=r"'image' \(uint8\)"):
        quantized(net.model(net.pair(net.fake_conv(a, 3, 4), 0.02, 128)))


def test_16_bit_codes_are_refused_for_int8_and_dropped_for_float():
    net = Qat(9, opset=21)
    a = net.pair("image", 1 / 65535, 0, np.uint16)
    model = net.model(net.pair(net.fake_conv(a, 3, 4), 0.02, 128))
    with pytest.raises(UnsupportedModelError, match=r"'image' \(uint16\)"):
        quantized(model)
    assert [operator.kind for operator in lowered(model).operators] == ["CONV_2D"]


def test_a_16_bit_recipe_is_refused():
    net = Qat(10)
    model = lowered(net.model(net.pair(net.fake_conv(net.pair("image", 1 / 255, 0), 3, 4), 0.02, 128)))
    with pytest.raises(UsageError, match="8-bit scales"):
        quantize_given(model, load_converter("litert_int16x8").quantize)


def test_computed_scales_are_refused_by_name():
    net = Net(11)
    scale = net.op("ReduceMax", "image", keepdims=0)
    codes = net.op("QuantizeLinear", "image", scale, net.constant("z", np.uint8(0)))
    with pytest.raises(UnsupportedModelError, match=r"QuantizeLinear.*its scale \('reducemax_0'\) is computed"):
        lowered(net.model(net.op("DequantizeLinear", codes, scale, "z")))


def test_two_scales_for_one_tensor_become_the_wider_one():
    net = Qat(12)
    a = net.op("Relu", net.fake_conv(net.pair("image", 1 / 255, 0), 3, 4))
    narrow = net.pair(a, 0.005, 0)
    wide = net.pair(net.op("Identity", a), 0.01, 0)
    qdq = net.model(net.pair(net.op("Add", narrow, wide), 0.02, 0))
    made = quantized(qdq)
    by_name = {tensor.name: tensor for tensor in made.tensors()}
    assert by_name[a].quantization.scale[0] == pytest.approx(0.01)


def test_contrib_domain_means_the_same():
    net = Qat(13)
    plain = net.model(net.pair(net.fake_conv(net.pair("image", 1 / 255, 0), 3, 4), 0.02, 128))
    contrib = onnx.ModelProto.FromString(plain.SerializeToString())
    for node in contrib.graph.node:
        if node.op_type.endswith("Linear"):
            node.domain = "com.microsoft"
    contrib.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    del contrib.graph.value_info[:]
    np.testing.assert_array_equal(run_tflite(quantized(contrib), 1)[0], run_tflite(quantized(plain), 1)[0])


@pytest.mark.slow
@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "torchscript"])
@pytest.mark.filterwarnings("ignore")  # the exporters' own
def test_a_network_trained_for_quantization_comes_from_pytorch(tmp_path, dynamo):
    torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

    class FakeQuantized(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.ModuleList([torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Conv2d(8, 3, 1)])
            for place, layer in enumerate(self.layers):
                self.register_buffer(f"scale{place}", layer.weight.detach().abs().amax((1, 2, 3)) / 127.5)
                self.register_buffer(f"zero{place}", torch.zeros(layer.out_channels, dtype=torch.int32))

        def convolve(self, x, place):
            layer = self.layers[place]
            scales = getattr(self, f"scale{place}"), getattr(self, f"zero{place}")
            weights = torch.fake_quantize_per_channel_affine(layer.weight, *scales, 0, -128, 127)
            return torch.nn.functional.conv2d(x, weights, layer.bias, padding=layer.padding)

        def forward(self, x):
            x = torch.fake_quantize_per_tensor_affine(x, 1 / 255, 0, 0, 255)
            x = torch.fake_quantize_per_tensor_affine(self.convolve(x, 0).relu(), 0.005, 0, 0, 255)
            return torch.fake_quantize_per_tensor_affine(self.convolve(x, 1), 0.005, 128, 0, 255)

    torch.manual_seed(0)
    file, names = tmp_path / "qat.onnx", {"input_names": ["image"], "output_names": ["y"]}
    torch.onnx.export(FakeQuantized().eval(), (torch.rand(1, 3, HEIGHT, WIDTH),), file, opset_version=18, dynamo=dynamo, verbose=False, **names)
    qdq = onnx.load(file)
    made = quantized(qdq)
    assert [operator.kind for operator in made.operators] == ["CONV_2D", "CONV_2D"]
    assert codes_apart(qdq, made) <= 1.01
