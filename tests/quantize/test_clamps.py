"""Clamps vanish where codes saturate by themselves, and only there."""

import numpy as np
import pytest
from quantize_models import Build, frames, mini_red, run_codes, run_float

from redmobile.core.converter import ActivationQuantization, Quantize
from redmobile.core.quant_math import Quantization
from redmobile.errors import UnsupportedModelError
from redmobile.graph.tflite_model import Tensor
from redmobile.quantize.quantize import quantize
from redmobile.quantize.ranges import lay_out

PLAIN = Quantize(activations=ActivationQuantization(search=0, observer="min_max"), equalize=False, bias_correction=False)
WIDE = Quantize(
    activations=ActivationQuantization(bits=16, symmetric=True, search=0, observer="min_max"), equalize=False, bias_correction=False, io="int16"
)
CODES = Quantization.per_tensor(1 / 255, -128)
SHAPE = (1, 16, 24, 3)


def kinds(model):
    return [operator.kind for operator in model.operators]


def scalar(value):
    return Tensor.constant("bound", np.array(value, np.float32))


def assert_close(model, quantized, pictures, codes=2.5):
    for picture in pictures:
        expected, found = run_float(model, picture), run_codes(quantized, picture)
        for name, values in expected.items():
            scale = next(tensor.quantization.scale[0] for tensor in quantized.outputs if tensor.name == name)
            assert np.abs(values - found[name]).max() <= codes * scale + 0.02


def test_the_output_clamp_of_the_row_planes_vanishes_into_codes_of_an_image():
    quantized = quantize(mini_red(), PLAIN, frames()).model
    assert "RELU_0_TO_1" not in kinds(quantized)
    output = quantized.outputs[0]
    assert (output.name, output.dtype, output.quantization) == ("enhanced", "int8", CODES)
    producer = {id(tensor): operator for operator in quantized.operators for tensor in operator.outputs}
    adds = producer[id(producer[id(output)].inputs[0])].inputs
    assert len(adds) == 4
    for plane in adds:
        assert plane.quantization == CODES
        assert producer[id(plane)].kind == "RESHAPE"
        assert producer[id(producer[id(plane)].inputs[0])].kind == "ADD"
        assert producer[id(plane)].inputs[0].quantization == CODES


@pytest.mark.parametrize("mover", ["DEPTH_TO_SPACE", "RESHAPE", "CONCATENATION", "RESIZE_NEAREST_NEIGHBOR", "MAX_POOL_2D"])
def test_operators_that_move_values_are_crossed(mover):
    build = Build(2)
    if mover == "DEPTH_TO_SPACE":
        moved = build.op(mover, [build.conv(build.image, 12, gain=3.0)], (1, 32, 48, 3), block_size=2)
    elif mover == "RESHAPE":
        moved = build.op(mover, [build.conv(build.image, 3, gain=3.0), build.ints(1, 384, 3)], (1, 384, 3), new_shape=[1, 384, 3])
    elif mover == "CONCATENATION":
        moved = build.op(mover, [build.conv(build.image, 2, gain=3.0), build.conv(build.image, 1, gain=3.0)], SHAPE, axis=3)
    elif mover == "RESIZE_NEAREST_NEIGHBOR":
        moved = build.op(mover, [build.conv(build.image, 3, gain=3.0), build.ints(32, 48)], (1, 32, 48, 3))
    else:
        pool = {"padding": "SAME", "stride_w": 1, "stride_h": 1, "filter_width": 2, "filter_height": 2}
        moved = build.op(mover, [build.conv(build.image, 3, gain=3.0)], SHAPE, **pool)
    model = build.model(build.op("RELU_0_TO_1", [moved], moved.shape, name="out"))
    quantized = quantize(model, PLAIN, frames()).model
    assert "RELU_0_TO_1" not in kinds(quantized)
    assert all(tensor.quantization == CODES for operator in quantized.operators for tensor in operator.outputs)
    assert_close(model, quantized, frames())


def test_an_interpolation_is_not_crossed():
    build = Build(2)
    resized = build.op("RESIZE_BILINEAR", [build.conv(build.image, 3, gain=3.0), build.ints(32, 48)], (1, 32, 48, 3), half_pixel_centers=True)
    model = build.model(build.op("RELU_0_TO_1", [resized], resized.shape, name="out"))
    quantized = quantize(model, PLAIN, frames()).model
    assert kinds(quantized)[-1] == "RELU_0_TO_1"
    assert_close(model, quantized, frames())


def test_a_clamp_stays_if_what_it_clamps_is_read_elsewhere():
    build = Build(2)
    features = build.conv(build.image, 3, gain=3.0)
    clamped = build.op("RELU", [features], SHAPE)
    model = build.model(build.op("ADD", [features, clamped], SHAPE, name="out"))
    quantized = quantize(model, PLAIN, frames()).model
    assert "RELU" in kinds(quantized)
    assert_close(model, quantized, frames())


def test_a_clamp_stays_if_its_scale_is_shared_with_wider_values():
    build = Build(2)
    clamped = build.op("RELU_0_TO_1", [build.conv(build.image, 3, gain=3.0)], SHAPE)
    wide = build.conv(build.image, 3, gain=5.0)
    model = build.model(build.op("CONCATENATION", [clamped, wide], (1, 16, 24, 6), name="out", axis=3))
    quantized = quantize(model, PLAIN, frames()).model
    assert "RELU_0_TO_1" in kinds(quantized)
    assert_close(model, quantized, frames())


def test_equal_clamps_that_share_a_scale_vanish_together():
    build = Build(2)
    clamped = [build.op("RELU_0_TO_1", [build.conv(build.image, 3, gain=3.0)], SHAPE) for _ in range(2)]
    model = build.model(build.op("CONCATENATION", clamped, (1, 16, 24, 6), name="out", axis=3))
    quantized = quantize(model, PLAIN, frames()).model
    assert kinds(quantized) == ["CONV_2D", "CONV_2D", "CONCATENATION"]
    assert_close(model, quantized, frames())


def test_minimum_and_maximum_with_constants_are_clamps_too():
    build = Build(2)
    low = build.op("MAXIMUM", [build.conv(build.image, 3, gain=3.0), scalar(0.0)], SHAPE)
    model = build.model(build.op("MINIMUM", [low, scalar(0.5)], SHAPE, name="out"))
    quantized = quantize(model, PLAIN, frames()).model
    assert kinds(quantized) == ["CONV_2D"]
    assert quantized.outputs[0].quantization == Quantization.per_tensor(0.5 / 255, -128)
    assert_close(model, quantized, frames())


def test_a_lower_bound_that_codes_cannot_tell_from_zero_vanishes():
    build = Build(2)
    positive = build.op("MAXIMUM", [build.conv(build.image, 3, gain=3.0), scalar(1e-4)], SHAPE)
    model = build.model(build.op("MINIMUM", [positive, scalar(1.0)], SHAPE, name="out"))
    quantized = quantize(model, PLAIN, frames()).model
    assert kinds(quantized) == ["CONV_2D"]
    assert quantized.outputs[0].quantization == CODES
    assert_close(model, quantized, frames())


@pytest.mark.parametrize(("low", "high"), [(0.003, 1.0), (1e-4, None)], ids=["a code and a half above zero", "of an unknown range"])
def test_a_lower_bound_above_zero_stays_where_codes_may_tell(low, high):
    build = Build(2)
    ends = build.op("MAXIMUM", [build.conv(build.image, 3, gain=3.0), scalar(low)], SHAPE, name="low")
    if high is not None:
        ends = build.op("MINIMUM", [ends, scalar(high)], SHAPE, name="out")
    model = build.model(ends)
    quantized = quantize(model, PLAIN, frames()).model
    assert "MAXIMUM" in kinds(quantized)
    assert_close(model, quantized, frames())


def test_a_bound_above_zero_that_stays_must_fit_its_scale():
    build = Build(2)
    clamped = build.op("RELU_0_TO_1", [build.conv(build.image, 3, gain=3.0)], SHAPE)
    raised = build.op("MAXIMUM", [build.conv(build.image, 3), scalar(5.0)], SHAPE)
    model = build.model(build.op("CONCATENATION", [clamped, raised], (1, 16, 24, 6), name="out", axis=3))
    quantized = quantize(model, PLAIN, frames()).model
    assert {"MAXIMUM", "RELU_0_TO_1"} <= set(kinds(quantized))
    assert_close(model, quantized, frames())


def test_an_output_clamped_by_a_fused_relu_and_a_minimum_has_codes_of_an_image():
    build = Build(2)
    total = build.op("ADD", [build.conv(build.image, 3), build.image], SHAPE, fused_activation_function="RELU")
    model = build.model(build.op("MINIMUM", [total, scalar(1.0)], SHAPE, name="out"))
    quantized = quantize(model, PLAIN, [frames()[0] // 4]).model
    assert kinds(quantized) == ["CONV_2D", "ADD"]
    assert quantized.outputs[0].quantization == CODES


def test_a_bound_that_leaves_out_zero_cannot_be_a_saturation():
    build = Build(2)
    model = build.model(build.op("MAXIMUM", [build.conv(build.image, 3, gain=3.0), scalar(0.25)], SHAPE, name="out"))
    quantized = quantize(model, PLAIN, frames()).model
    assert kinds(quantized) == ["CONV_2D", "MAXIMUM"]
    assert_close(model, quantized, frames())


def test_a_fixed_scale_does_not_saturate_at_a_clamp():
    build = Build(2)
    gate = build.op("LOGISTIC", [build.conv(build.image, 3, gain=3.0)], SHAPE)
    model = build.model(build.op("MINIMUM", [gate, scalar(0.5)], SHAPE, name="out"))
    quantized = quantize(model, PLAIN, frames()).model
    assert kinds(quantized) == ["CONV_2D", "LOGISTIC", "MINIMUM"]
    assert_close(model, quantized, frames())


def test_a_clamp_that_changes_nothing_vanishes_behind_a_fixed_scale():
    build = Build(2)
    gate = build.op("LOGISTIC", [build.conv(build.image, 3, gain=3.0)], SHAPE)
    model = build.model(build.op("RELU6", [gate], SHAPE, name="out"))
    assert kinds(quantize(model, PLAIN, frames()).model) == ["CONV_2D", "LOGISTIC"]


def test_a_clamp_of_the_input_itself_stays():
    build = Build(2)
    clamped = build.op("RELU6", [build.image], SHAPE)
    model = build.model(build.conv(clamped, 3, name="out"))
    quantized = quantize(model, PLAIN, frames()).model
    assert kinds(quantized) == ["RELU6", "CONV_2D"]
    assert_close(model, quantized, frames())


def test_relu6_inside_takes_its_range_from_what_was_seen():
    build = Build(2)
    clamped = build.op("RELU6", [build.conv(build.image, 4, gain=3.0)], (1, 16, 24, 4), name="inner")
    model = build.model(build.conv(clamped, 3, name="out"))
    result = quantize(model, PLAIN, frames())
    assert kinds(result.model) == ["CONV_2D", "CONV_2D"]
    inner = next(tensor for tensor in result.report.tensors if tensor.name == "inner")
    assert inner.low == 0
    assert 0 < inner.high < 6
    assert_close(model, result.model, frames())


def test_16_bits_keep_a_relu_because_symmetric_codes_do_not_stop_at_zero():
    build = Build(2)
    model = build.model(build.op("RELU_0_TO_1", [build.conv(build.image, 3, gain=3.0)], SHAPE, name="out"))
    quantized = quantize(model, WIDE, frames()).model
    assert kinds(quantized) == ["CONV_2D", "RELU"]
    assert quantized.outputs[0].quantization == Quantization.per_tensor(1 / 32767, 0)
    assert_close(model, quantized, frames(), codes=1)


def test_16_bits_fold_a_symmetric_clamp():
    build = Build(2)
    model = build.model(build.op("RELU_N1_TO_1", [build.conv(build.image, 3, gain=3.0)], SHAPE, name="out"))
    quantized = quantize(model, WIDE, frames()).model
    assert kinds(quantized) == ["CONV_2D"]
    assert_close(model, quantized, frames(), codes=1)


def test_16_bits_refuse_a_clamp_that_neither_vanishes_nor_has_a_kernel():
    build = Build(2)
    features = build.conv(build.image, 3, gain=3.0)
    clamped = build.op("RELU_0_TO_1", [features], SHAPE, name="held")
    with pytest.raises(UnsupportedModelError, match=r"RELU_0_TO_1 \('held'\)"):
        lay_out(build.model(build.op("ADD", [features, clamped], SHAPE)), (0, 1), 16)
