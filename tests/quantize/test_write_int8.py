"""What is written runs in LiteRT as the integer arithmetic says; weights, biases and edges in detail."""

import numpy as np
import pytest
from quantize_models import SAME, Build, frames, mini_red, run_codes, run_float

from redmobile.core.converter import ActivationQuantization, Quantize, WeightQuantization
from redmobile.errors import UsageError
from redmobile.graph.tflite_model import Tensor
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.quantize import quantize
from redmobile.runtimes.litert_tensors import LitertTensors


def recipe(bits=8, io=None, granularity="channel", **options):
    activations = ActivationQuantization(bits=bits, symmetric=bits == 16, search=0, observer="min_max")
    io = io or ("int8" if bits == 8 else "int16")
    return Quantize(
        activations=activations, io=io, weights=WeightQuantization(granularity=granularity), equalize=False, bias_correction=False, **options
    )


def convolved(codes, weights, bias, kind):
    """Sums of an integer 3×3 or 1×1 convolution, SAME padding, stride 1; codes without their zero point."""
    kernel = weights.shape[1]
    side = kernel // 2
    padded = np.pad(codes, ((side, side), (side, side), (0, 0)))
    height, width, _ = codes.shape
    sums = np.zeros((height, width, len(bias)), np.int64) + bias
    for row in range(kernel):
        for column in range(kernel):
            window = padded[row : row + height, column : column + width]
            sums += window @ weights[:, row, column].T if kind == "CONV_2D" else window * weights[0, row, column]
    return sums


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D"])
@pytest.mark.parametrize("activation", ["NONE", "RELU", "RELU6"])
@pytest.mark.parametrize("bits", [8, 16])
def test_convolutions_are_the_integer_arithmetic_of_the_specification(kind, activation, bits):
    build = Build(1)
    out = build.conv(build.image, 5, 3, "out", activation) if kind == "CONV_2D" else build.depthwise(build.image, 3, "out", activation)
    quantized = quantize(build.model(out), recipe(bits), frames()).model
    image, weights, bias = quantized.operators[0].inputs
    assert (weights.dtype, bias.dtype) == ("int8", "int32" if bits == 8 else "int64")
    assert np.abs(weights.data.astype(int)).max() == 127
    picture = frames()[1]
    codes = image.quantization.quantize(picture / 255.0, image.dtype).astype(np.int64)
    sums = convolved(codes - image.quantization.zero_point[0], weights.data.astype(np.int64), bias.data, kind)
    final = quantized.outputs[0].quantization
    real = sums * (float(image.quantization.scale[0]) * weights.quantization.scale.astype(np.float64))
    real = np.maximum(real, 0) if activation != "NONE" else real
    real = np.minimum(real, 6) if activation == "RELU6" else real
    expected = final.quantize(real, quantized.outputs[0].dtype).astype(int)
    found = LitertTensors(write_tflite(quantized)).run(codes.astype(image.dtype)[None])["out"].astype(int)[0]
    assert np.abs(expected - found).max() <= 1


def test_bias_codes_are_the_bias_at_the_scale_of_the_products():
    build = Build(1)
    source = build.conv(build.image, 4)
    float_bias = build.operators[0].inputs[2].data
    operator = quantize(build.model(source), recipe(), frames()).model.operators[0]
    image, weights, bias = operator.inputs
    np.testing.assert_allclose(bias.quantization.scale, image.quantization.scale * weights.quantization.scale, rtol=1e-6)
    np.testing.assert_array_equal(bias.data, np.round(float_bias / (float(image.quantization.scale[0]) * weights.quantization.scale.astype(float))))


def test_operators_that_shared_a_bias_and_weights_get_their_own():
    build = Build(1)
    weights, bias = Tensor.constant("w", np.ones((3, 1, 1, 3), np.float32)), Tensor.constant("b", np.array([1, 2, 3], np.float32))
    first = build.op("CONV_2D", [build.image, weights, bias], (1, 16, 24, 3), "first", **SAME)
    second = build.op("CONV_2D", [first, weights, bias], (1, 16, 24, 3), "second", **SAME)
    model = build.model(second)
    quantized = quantize(model, recipe(), frames()).model
    one, two = (operator.inputs[2] for operator in quantized.operators)
    assert one is not two
    assert not np.array_equal(one.data, two.data)
    assert one.quantization != two.quantization
    assert np.abs(run_float(model, frames()[0])["second"] - run_codes(quantized, frames()[0])["second"]).max() < 0.3


def test_a_channel_of_zeros_and_a_dead_channel_keep_their_bias():
    build = Build(1)
    out = build.conv(build.image, 4, name="out")
    operator = build.operators[0]
    operator.inputs[1].data[0] = 0
    operator.inputs[1].data[1] = 1e-25
    operator.inputs[2].data[:2] = 0.5, -0.3
    model = build.model(out)
    quantized = quantize(model, recipe(), frames()).model
    assert (quantized.operators[0].inputs[1].quantization.scale > 0).all()
    found = run_codes(quantized, frames()[0])["out"]
    scale = quantized.outputs[0].quantization.scale[0]
    assert np.abs(run_float(model, frames()[0])["out"] - found).max() < 2 * scale
    assert np.ptp(found[..., :2], axis=(0, 1, 2)).max() == 0


def test_a_bias_far_larger_than_its_products_still_fits():
    build = Build(1)
    out = build.conv(build.image, 2, name="out")
    build.operators[0].inputs[1].data *= 1e-7
    build.operators[0].inputs[2].data[:] = 900.0, -900.0
    model = build.model(out)
    quantized = quantize(model, recipe(), frames()).model
    assert np.abs(quantized.operators[0].inputs[2].data).max() <= 2**30 * 1.001  # the float32 scale is rounded
    assert np.abs(run_float(model, frames()[0])["out"] - run_codes(quantized, frames()[0])["out"]).max() < 15


def test_a_layer_without_bias_gets_one_of_zeros():
    build = Build(1)
    weights = Tensor.constant("w", build.rng.normal(size=(4, 3)).astype(np.float32))
    out = build.op("FULLY_CONNECTED", [build.image, weights, None], (1, 16, 24, 4), "out", keep_num_dims=True)
    quantized = quantize(build.model(out), recipe(), frames()).model
    assert (quantized.operators[0].inputs[2].data == 0).all()
    assert quantized.operators[0].inputs[2].shape == (4,)


def test_one_scale_a_tensor_if_asked():
    quantized = quantize(mini_red(), recipe(granularity="tensor"), frames()).model
    weights = [operator.inputs[1] for operator in quantized.operators if operator.kind == "CONV_2D"]
    assert all(tensor.quantization.scale.shape == (1,) for tensor in weights)
    assert LitertTensors(write_tflite(quantized)).input_shape == (1, 16, 24, 3)


def test_constants_of_elementwise_operators_are_quantized_by_their_own_range():
    build = Build(1)
    factor = Tensor.constant("factor", np.array([0.5, 2.0, -1.0], np.float32))
    model = build.model(build.op("MUL", [build.conv(build.image, 3), factor], (1, 16, 24, 3), "out"))
    quantized = quantize(model, recipe(), frames()).model
    constant = quantized.operators[-1].inputs[1]
    assert constant.dtype == "int8"
    np.testing.assert_allclose(constant.quantization.dequantize(constant.data), factor.data, atol=float(constant.quantization.scale[0]) / 2)
    assert np.abs(run_float(model, frames()[0])["out"] - run_codes(quantized, frames()[0])["out"]).max() < 0.05


@pytest.mark.parametrize(("bits", "io"), [(8, "int8"), (8, "uint8"), (8, "float32"), (16, "int16"), (16, "float32")])
def test_inputs_and_outputs_have_the_asked_for_type_and_the_known_names(bits, io):
    model = mini_red()
    quantized = quantize(model, recipe(bits, io), frames()).model
    assert [(tensor.name, tensor.dtype) for tensor in quantized.inputs + quantized.outputs] == [("image", io), ("enhanced", io)]
    edges = [operator.kind for operator in quantized.operators if operator.kind in ("QUANTIZE", "DEQUANTIZE")]
    expected = {"int8": [], "int16": [], "uint8": ["QUANTIZE", "QUANTIZE"], "float32": ["QUANTIZE", "DEQUANTIZE"]}[io]
    assert edges == expected
    difference = run_float(model, frames()[1])["enhanced"] - run_codes(quantized, frames()[1])["enhanced"]
    assert np.abs(difference).mean() < (0.01 if bits == 8 else 0.004)


def test_uint8_codes_of_an_image_are_its_bytes():
    quantized = quantize(mini_red(), recipe(io="uint8"), frames()).model
    for tensor in (quantized.inputs[0], quantized.outputs[0]):
        assert (float(tensor.quantization.scale[0]), int(tensor.quantization.zero_point[0])) == (pytest.approx(1 / 255), 0)


@pytest.mark.parametrize(("bits", "io"), [(8, "int16"), (16, "int8"), (16, "uint8")])
def test_types_that_do_not_go_with_the_width_are_refused(bits, io):
    with pytest.raises(UsageError, match=f"{bits}-bit activations can be"):
        quantize(mini_red(), recipe(bits, io), frames())


def test_a_recipe_that_contradicts_tflite_is_refused():
    odd = Quantize(activations=ActivationQuantization(bits=8, symmetric=True))
    with pytest.raises(UsageError, match="asymmetrically"):
        quantize(mini_red(), odd, frames())


def test_16_bit_additions_do_not_ask_for_scales_of_powers_of_two():
    quantized = quantize(mini_red(), recipe(16), frames()).model
    assert all(operator.options["pot_scale_int16"] is False for operator in quantized.operators if operator.kind == "ADD")
