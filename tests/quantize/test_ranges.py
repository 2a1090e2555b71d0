"""Groups, fixed scales, input ranges, and what is refused."""

import numpy as np
import pytest
from quantize_models import Build, frames, mini_red, run_codes, run_float

from redmobile.core.converter import ActivationQuantization, Quantize
from redmobile.core.quant_math import Quantization
from redmobile.errors import UnsupportedModelError, UsageError
from redmobile.graph.tflite_model import Tensor, TfliteModel
from redmobile.quantize.quantize import quantize
from redmobile.quantize.ranges import lay_out

PLAIN = Quantize(activations=ActivationQuantization(search=0, observer="min_max"), equalize=False, bias_correction=False)
SHAPE = (1, 16, 24, 3)


def quantization_of(model, name):
    return next(tensor.quantization for tensor in model.tensors() if tensor.name == name)


@pytest.mark.parametrize(
    ("low_high", "expected"), [((0, 1), (1 / 255, -128)), ((0, 255), (1.0, -128)), ((-1, 1), (2 / 255, 0)), ((0.5, 1), (1 / 255, -128))]
)
def test_the_input_is_quantized_by_its_range_whatever_was_seen(low_high, expected):
    build = Build()
    model = build.model(build.conv(build.image, 2))
    quantized = quantize(model, PLAIN, [frames()[0] // 4], input_range=low_high).model
    assert quantized.inputs[0].quantization == Quantization.per_tensor(*expected)


@pytest.mark.parametrize("low_high", [(1, 0), (0, 0), (float("nan"), 1), (0, float("inf"))])
def test_a_range_without_width_or_end_is_refused(low_high):
    build = Build()
    with pytest.raises(UsageError, match="input range"):
        quantize(build.model(build.conv(build.image, 2)), PLAIN, frames(), input_range=low_high)


@pytest.mark.parametrize(("kind", "expected"), [("LOGISTIC", (1 / 256, -128)), ("TANH", (1 / 128, 0)), ("SOFTMAX", (1 / 256, -128))])
def test_the_specification_fixes_some_outputs(kind, expected):
    build = Build()
    options = {"beta": 1.0} if kind == "SOFTMAX" else {}
    out = build.op(kind, [build.conv(build.image, 3)], SHAPE, name="out", **options)
    assert quantize(build.model(out), PLAIN, frames()).model.outputs[0].quantization == Quantization.per_tensor(*expected)


@pytest.mark.parametrize(("kind", "end"), [("LOGISTIC", 6.236), ("TANH", 3.118)])
def test_what_only_a_saturating_function_reads_ends_where_its_codes_do(kind, end):
    build = Build()
    features = build.conv(build.image, 3, gain=60.0, name="features")
    model = build.model(build.op(kind, [features], SHAPE, name="out"))
    quantized = quantize(model, PLAIN, frames()).model
    low, high = quantization_of(quantized, "features").reach("int8")
    assert max(-low, high) == pytest.approx(end, rel=0.01)
    function = {"LOGISTIC": lambda x: 1 / (1 + np.exp(-x)), "TANH": np.tanh}[kind]
    step = float(quantized.outputs[0].quantization.scale[0])
    assert 1 - function(end) == pytest.approx(step / 2, rel=0.01)
    for picture in frames():
        np.testing.assert_allclose(run_codes(quantized, picture)["out"], run_float(model, picture)["out"], atol=6 * step)


def test_what_others_read_too_keeps_its_range():
    build = Build()
    features = build.conv(build.image, 3, gain=60.0, name="features")
    gate = build.op("LOGISTIC", [features], SHAPE)
    quantized = quantize(build.model(build.op("MUL", [features, gate], SHAPE)), PLAIN, frames()).model
    low, high = quantization_of(quantized, "features").reach("int8")
    assert max(-low, high) > 20


def test_a_fixed_scale_that_meets_another_is_rescaled_in_between():
    build = Build()
    gate = build.op("LOGISTIC", [build.conv(build.image, 3, gain=2.0)], SHAPE, name="gate")
    wide = build.conv(build.image, 3, gain=4.0)
    model = build.model(build.op("CONCATENATION", [gate, wide], (1, 16, 24, 6), name="out", axis=3))
    quantized = quantize(model, PLAIN, frames()).model
    assert [operator.kind for operator in quantized.operators] == ["CONV_2D", "LOGISTIC", "CONV_2D", "QUANTIZE", "CONCATENATION"]
    assert quantization_of(quantized, "gate") == Quantization.per_tensor(1 / 256, -128)
    assert quantization_of(quantized, "gate/rescaled") == quantized.outputs[0].quantization
    for picture in frames():
        expected, found = run_float(model, picture)["out"], run_codes(quantized, picture)["out"]
        assert np.abs(expected - found).max() < 3 * quantized.outputs[0].quantization.scale[0]


def test_the_image_joined_to_features_is_rescaled():
    build = Build()
    wide = build.conv(build.image, 3, gain=4.0)
    quantized = quantize(build.model(build.op("CONCATENATION", [build.image, wide], (1, 16, 24, 6), axis=3)), PLAIN, frames()).model
    assert quantized.inputs[0].quantization == Quantization.per_tensor(1 / 255, -128)
    assert "QUANTIZE" in [operator.kind for operator in quantized.operators]


def test_planes_of_the_input_keep_its_scale_without_rescaling():
    quantized = quantize(mini_red(), PLAIN, frames()).model
    kinds = [operator.kind for operator in quantized.operators]
    assert "QUANTIZE" not in kinds
    split = next(operator for operator in quantized.operators if operator.kind == "SPLIT")
    assert all(tensor.quantization == Quantization.per_tensor(1 / 255, -128) for tensor in split.outputs)


def test_tied_tensors_take_the_widest_of_what_flows_together():
    build = Build()
    narrow, wide = build.conv(build.image, 3, gain=0.1, name="narrow"), build.conv(build.image, 3, gain=4.0, name="wide")
    model = build.model(build.op("CONCATENATION", [narrow, wide], (1, 16, 24, 6), name="out", axis=3))
    result = quantize(model, PLAIN, frames())
    tensors = {tensor.name: tensor for tensor in result.report.tensors}
    assert tensors["narrow"].scale == tensors["wide"].scale == tensors["out"].scale
    assert tensors["out"].seen == tensors["wide"].seen
    assert len({tensors[name].group for name in ("narrow", "wide", "out")}) == 1


def test_a_padding_value_lies_in_the_range():
    build = Build()
    pads = Tensor.constant("pads", np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    far = Tensor.constant("far", np.array(-9.0, np.float32))
    padded = build.op("PADV2", [build.conv(build.image, 3), pads, far], (1, 18, 26, 3), name="out")
    quantized = quantize(build.model(padded), PLAIN, frames()).model
    assert quantized.outputs[0].quantization.reach("int8")[0] == pytest.approx(-9.0, abs=0.05)


def test_only_tensors_that_decide_are_observed():
    layout = lay_out(mini_red(), (0, 1), 8)
    assert "enhanced" not in layout.observed()
    assert not [name for name in layout.observed() if "reshape" in name or "concatenation" in name or "split" in name]
    assert "stem" in layout.observed()


def test_tensors_of_one_name_are_refused():
    build = Build()
    first = build.conv(build.image, 3, name="same")
    second = build.conv(first, 3, name="same")
    with pytest.raises(UnsupportedModelError, match=r"same name.*same"):
        lay_out(build.model(second), (0, 1), 8)


def test_a_quantized_model_is_refused():
    model = quantize(mini_red(), PLAIN, frames()).model
    with pytest.raises(UnsupportedModelError, match="quantized already"):
        lay_out(model, (0, 1), 8)


def test_an_empty_model_is_refused():
    with pytest.raises(UnsupportedModelError, match="Nothing to quantize"):
        lay_out(TfliteModel([], [], []), (0, 1), 8)
