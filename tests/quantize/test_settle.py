"""Known scales and ties: who takes whose, and where a QUANTIZE stands. Graphs run in LiteRT against the float graph."""

import numpy as np
import pytest
from quantize_models import Build, frames, run_codes, run_float

from redmobile.core.converter import load_converter
from redmobile.core.quant_math import Given, Quantization
from redmobile.graph.tflite_model import Tensor
from redmobile.quantize.quantize_given import quantize_given
from redmobile.quantize.ranges import lay_out

POOL = {"padding": "VALID", "stride_w": 2, "stride_h": 2, "filter_width": 2, "filter_height": 2, "fused_activation_function": "NONE"}
RECIPE = load_converter("litert_int8").quantize


def given(scale, zero_point=0, dtype="int8"):
    return Given(Quantization.per_tensor(scale, zero_point), dtype)


def kinds(model):
    return [operator.kind for operator in model.operators]


def settled(model):
    layout = lay_out(model, (0.0, 1.0), 8)
    return kinds(layout.model), {tensor.name: group.fixed for group in layout.groups for tensor in group.tensors}


def test_a_scale_goes_back_through_what_only_moves_values():
    build = Build()
    a = build.conv(build.image, 4, name="a")
    b = build.op("RESHAPE", [a, build.ints(1, 16, 96)], (1, 16, 96), "b", new_shape=[1, 16, 96])
    b.given = given(0.03, 5)
    found, scales = settled(build.model(b))
    assert found == ["CONV_2D", "RESHAPE"]
    assert scales["a"] == scales["b"] == Quantization.per_tensor(0.03, 5)


def test_a_scale_does_not_go_back_to_what_others_read():
    build = Build()
    a = build.conv(build.image, 4, name="a")
    b = build.op("RELU", [a], a.shape, "b")
    b.given = given(0.01, -128)
    found, scales = settled(build.model(b, build.op("ABS", [a], a.shape, "c")))
    assert found == ["CONV_2D", "QUANTIZE", "RELU", "ABS"]
    assert scales["a"] is None


def test_a_pool_works_in_its_inputs_scale_and_is_rescaled_behind():
    build = Build()
    a = build.conv(build.image, 4, name="a")
    b = build.op("AVERAGE_POOL_2D", [a], (1, 8, 12, 4), "b", **POOL)
    a.given, b.given = given(0.02, 3), given(0.01, 1)
    found, scales = settled(build.model(b))
    assert found == ["CONV_2D", "AVERAGE_POOL_2D", "QUANTIZE"]
    assert scales["b/unscaled"] == Quantization.per_tensor(0.02, 3)
    assert scales["b"] == Quantization.per_tensor(0.01, 1)


def test_a_clamp_works_in_its_outputs_scale_and_vanishes_into_the_rescaling():
    build = Build()
    a = build.conv(build.image, 4, name="a")
    b = build.op("RELU", [a], a.shape, "b")
    a.given, b.given = given(0.02, 3), given(0.01, -128)
    made = quantize_given(build.model(b, a), RECIPE).model
    assert kinds(made) == ["CONV_2D", "QUANTIZE"]
    expected = run_float(build.model(b), frames()[1])["b"]
    assert np.abs(run_codes(made, frames()[1])["b"] - expected).max() < 0.04


def test_pieces_of_other_scales_are_rescaled_each():
    build = Build()
    a = build.conv(build.image, 4, name="a")
    axis = Tensor.constant("axis", np.array(3, np.int32))
    b, c = build.op("SPLIT", [axis, a], (1, 16, 24, 2), "piece", outputs=2, num_splits=2)
    b.given, c.given = given(0.02, 3), given(0.03, 1)
    found, scales = settled(build.model(b, c))
    assert found == ["CONV_2D", "SPLIT", "QUANTIZE"]
    assert scales["a"] == scales[c.name] == Quantization.per_tensor(0.03, 1)


@pytest.mark.parametrize("known", [True, False])
def test_joined_tensors_take_the_scale_behind_them_or_else_the_widest(known):
    build = Build()
    a, b = build.conv(build.image, 4, name="a"), build.conv(build.image, 4, name="b")
    c = build.op("CONCATENATION", [a, b], (1, 16, 24, 8), "c", axis=3)
    a.given, b.given, c.given = given(0.02, 3), given(0.03, 1), given(0.025, 2) if known else None
    found, scales = settled(build.model(c))
    assert found.count("QUANTIZE") == (2 if known else 1)
    assert scales["c"] == Quantization.per_tensor(*((0.025, 2) if known else (0.03, 1)))


def test_a_factor_divides_the_scale_and_a_bound_is_a_range():
    build = Build()
    a = build.conv(build.image, 4, name="a")
    b = build.op("ADD", [a, Tensor.constant("three", np.array(3, np.float32))], a.shape, "b", fused_activation_function="RELU6")
    c = build.op("MUL", [a, b], a.shape, "c", fused_activation_function="NONE")
    d = build.op("MUL", [c, Tensor.constant("sixth", np.array(1 / 6, np.float32))], a.shape, "d", fused_activation_function="NONE")
    a.given, d.given, build.image.given = given(0.02, 3), given(0.015, -100), given(1 / 255, -128)
    made = quantize_given(build.model(d), RECIPE)
    by_name = {tensor.name: tensor for tensor in made.report.tensors}
    assert by_name["b"].observer == "clamp"
    assert by_name["b"].high == pytest.approx(6)
    assert by_name["c"].scale == pytest.approx(0.09, rel=1e-5)
    assert by_name["c"].zero_point == -100


def test_the_specification_comes_before_the_source():
    build = Build()
    a = build.conv(build.image, 4, name="a")
    b = build.op("LOGISTIC", [a], a.shape, "b")
    a.given, b.given = given(0.02, 3), given(0.0037, -128)
    _, scales = settled(build.model(b))
    assert scales["b"] == Quantization.per_tensor(1 / 256, -128)
