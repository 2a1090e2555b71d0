"""Layers of other widths: conversions stand where widths meet, the names stay, the numbers get better."""

import numpy as np
import pytest
from quantize_models import Build, frames, mini_red, run_codes, run_float

from redmobile.core.converter import ActivationQuantization, Quantize
from redmobile.errors import UsageError
from redmobile.quantize.quantize import quantize

PLAIN = Quantize(activations=ActivationQuantization(search=0, observer="min_max"), equalize=False, bias_correction=False)


def chain():
    """Three convolutions; the one in the middle loses most, as its channels differ most."""
    build = Build(3)
    first = build.conv(build.image, 6, 3, name="first", activation="RELU6")
    middle = build.conv(first, 6, name="middle")
    factors = np.geomspace(1e-2, 1, 6).astype(np.float32)
    for constant in build.operators[-1].inputs[1:]:
        constant.data *= factors.reshape(-1, *[1] * (constant.data.ndim - 1))
    last = build.conv(middle, 3, name="last")
    build.operators[-1].inputs[1].data /= factors
    return build.model(last)


def recipe(**layers):
    return Quantize(activations=PLAIN.activations, equalize=False, bias_correction=False, **layers)


def kinds(model):
    return [(operator.kind, operator.outputs[0].dtype) for operator in model.operators]


def error(model, quantized):
    (name,) = (tensor.name for tensor in model.outputs)
    return float(np.mean([np.square(run_float(model, each)[name] - run_codes(quantized, each)[name]).mean() for each in frames()]))


def test_a_wide_layer_stands_between_two_conversions():
    quantized = quantize(chain(), recipe(wide=("middle",)), frames()).model
    assert kinds(quantized) == [
        ("CONV_2D", "int8"),
        ("QUANTIZE", "int16"),
        ("CONV_2D", "int16"),
        ("QUANTIZE", "int8"),
        ("CONV_2D", "int8"),
    ]
    assert quantized.outputs[0].name == "last"


def test_a_layer_kept_float_stands_between_dequantize_and_quantize():
    quantized = quantize(chain(), recipe(keep_float=("middle",)), frames()).model
    assert [kind for kind, _ in kinds(quantized)] == ["CONV_2D", "DEQUANTIZE", "CONV_2D", "QUANTIZE", "CONV_2D"]
    assert quantized.operators[2].inputs[1].dtype == "float32"


@pytest.mark.parametrize("layers", [{"wide": ("middle", "last")}, {"keep_float": ("middle", "last")}])
def test_outputs_keep_their_name_and_width(layers):
    quantized = quantize(chain(), recipe(**layers), frames()).model
    assert [(tensor.name, tensor.dtype) for tensor in (*quantized.inputs, *quantized.outputs)] == [("image", "int8"), ("last", "int8")]
    assert len({tensor.name for tensor in quantized.tensors() if tensor.data is None}) == len(kinds(quantized)) + 1
    plain = quantize(chain(), PLAIN, frames()).model
    assert error(chain(), quantized) < error(chain(), plain) / 3


def test_a_tensor_that_two_widths_read_is_converted_once_for_each():
    build = Build(3)
    source = build.conv(build.image, 4, name="source")
    parts = [build.conv(source, 4, name=name) for name in ("one", "two", "three")]
    out = build.op("CONCATENATION", parts, (1, 16, 24, 12), name="out", axis=3)
    quantized = quantize(build.model(out), recipe(wide=("one", "two")), frames()).model
    assert [kind for kind, _ in kinds(quantized)].count("QUANTIZE") == 3  # source once, one and two back
    for picture in frames():
        step = float(quantized.outputs[0].quantization.scale[0])
        np.testing.assert_allclose(run_codes(quantized, picture)["out"], run_float(build.model(out), picture)["out"], atol=4 * step)


@pytest.mark.parametrize("field", ["wide", "keep_float"])
def test_every_layer_of_a_network_in_another_width(field):
    """All of mini_red's operators, with its gate, clamp and row planes, run in the other width too."""
    model = mini_red()
    names = tuple(operator.outputs[0].name for operator in model.operators)
    full = Quantize(activations=ActivationQuantization(search=8), **{field: names})
    quantized = quantize(model, full, frames()).model
    assert error(model, quantized) < 2e-5


def test_the_full_recipe_goes_along_with_mixed_widths():
    full = Quantize(activations=ActivationQuantization(search=12), wide=("middle",))
    quantized = quantize(chain(), full, frames())
    assert quantized.report.stages["bias_correction"]
    assert {tensor.observer for tensor in quantized.report.tensors if tensor.name in ("middle", "first/int16")} == {"min_max"}


def test_unknown_layers_are_named():
    with pytest.raises(UsageError, match="no layers called else, nowhere; a layer's name"):
        quantize(chain(), recipe(wide=("nowhere",), keep_float=("else",)), frames())
