"""Scales of means: every runtime must round alike, and nothing that was held before may be cut off."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from quantize_models import Build, frames

from redmobile.core.converter import ActivationQuantization, Quantize
from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.quantize import quantize
from redmobile.quantize.whole_means import MOST_WIDENED, whole_scale

RECIPE = Quantize(activations=ActivationQuantization(search=0, observer="min_max"), equalize=False, bias_correction=False)


@pytest.mark.parametrize(("scale", "zero_point"), [(0.0309, -128), (0.02, 5), (0.04, -20), (0.031, 77)])
@pytest.mark.parametrize("source", [(0.0235, -128), (0.0424, 25), (0.0487, -30)])
def test_the_source_s_zero_point_is_whole_steps_away(scale, zero_point, source):
    mean, source = Quantization.per_tensor(scale, zero_point), Quantization.per_tensor(*source)
    found = whole_scale(mean, source)
    steps = source.zero_point[0] * np.float32(source.scale[0]) / np.float32(found.scale[0])
    assert abs(steps - round(float(steps))) < 1e-4
    assert 1 <= found.scale[0] / mean.scale[0] <= MOST_WIDENED
    step = float(found.scale[0])
    assert found.reach("int8")[0] <= mean.reach("int8")[0] + step / 2
    assert found.reach("int8")[1] >= mean.reach("int8")[1] - step / 2


@pytest.mark.parametrize("source", [(0.02, 0), (0.001, -3), (0.0195, -3)])
def test_where_that_would_cost_much_the_scale_stays(source):
    mean = Quantization.per_tensor(0.03, -10)
    assert whole_scale(mean, Quantization.per_tensor(*source)) is mean


def test_means_come_out_alike_with_and_without_xnnpack():
    build = Build(5, 64, 96)
    looked = build.conv(build.image, 64, 3)
    mean = build.op("MEAN", [looked, build.ints(1, 2)], (1, 1, 1, 64), keep_dims=True)
    pictures = frames(3, 64, 96)
    model = quantize(build.model(mean), RECIPE, pictures).model
    found = [_run(model, pictures[1], resolver) for resolver in (OpResolverType.AUTO, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)]
    difference = found[0].astype(int) - found[1]
    assert len(np.unique(found[0])) > 8
    assert np.abs(difference).max() <= 1
    assert np.abs(difference.mean()) < 0.1  # it was 0.43 on RED-mobile's gates


def _run(model, picture, resolver):
    """Codes of the only output."""
    engine = Interpreter(model_content=write_tflite(model), experimental_op_resolver_type=resolver)
    engine.allocate_tensors()
    codes = model.inputs[0].quantization.quantize(np.linspace(0, 1, 256), "int8")
    engine.set_tensor(engine.get_input_details()[0]["index"], codes[picture][None])
    engine.invoke()
    return engine.get_tensor(engine.get_output_details()[0]["index"])
