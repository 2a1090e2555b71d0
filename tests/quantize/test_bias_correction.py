"""Corrected biases bring the means of the output back."""

import numpy as np
import pytest
from quantize_models import Build, frames, mini_red, run_codes, run_float, scaled_v3

from redmobile.core.converter import ActivationQuantization, Quantize, WeightQuantization
from redmobile.graph.tflite_model import Tensor
from redmobile.quantize.quantize import quantize


def recipe(flag):
    return Quantize(activations=ActivationQuantization(search=0, observer="min_max"), equalize=False, bias_correction=flag)


def mean_error(model, corrected, name="out"):
    quantized = quantize(model, recipe(corrected), frames(6)).model
    differences = [run_codes(quantized, picture)[name] - run_float(model, picture)[name] for picture in frames(6)]
    return float(np.abs(np.mean(differences, axis=(0, 1, 2, 3))).max())


def coarse(build, kind):
    """An operator whose small weights are rounded badly: one large one in each channel sets the scale."""
    if kind == "DEPTHWISE_CONV_2D":
        out = build.depthwise(build.conv(build.image, 8, activation="RELU"), 5, "out")
    elif kind == "FULLY_CONNECTED":
        weights = build.rng.normal(0, 0.1, (8, 3)).astype(np.float32)
        bias = Tensor.constant("b", np.zeros(8, np.float32))
        out = build.op(kind, [build.image, Tensor.constant("w", weights), bias], (1, 16, 24, 8), "out", keep_num_dims=True)
    elif kind == "TRANSPOSE_CONV":
        weights = build.rng.normal(0, 0.1, (8, 4, 4, 3)).astype(np.float32)
        size = Tensor.constant("size", np.array([1, 32, 48, 8], np.int32))
        out = build.op(kind, [size, Tensor.constant("w", weights), build.image], (1, 32, 48, 8), "out", padding="SAME", stride_w=2, stride_h=2)
    else:
        out = build.conv(build.conv(build.image, 32, activation="RELU"), 8, 5, "out")
    weights = build.operators[-1].inputs[1].data
    weights += 0.02
    weights[(0, 0, 0) if kind == "DEPTHWISE_CONV_2D" else (slice(None), *[0] * (weights.ndim - 1))] = 6.0
    return out


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"])
def test_the_mean_of_the_output_comes_closer_to_the_float_graph(kind):
    build = Build(11)
    model = build.model(coarse(build, kind))
    assert mean_error(model, corrected=True) < 0.7 * mean_error(model, corrected=False)


def test_the_report_says_what_it_brought_and_a_correction_that_harms_is_dropped():
    stages = quantize(mini_red(), recipe(True), frames()).report.stages
    figures = stages["bias_correction"]
    assert figures["kept"] == (figures["with_psnr_db"] > figures["without_psnr_db"])
    assert stages["psnr_db"] == max(figures["with_psnr_db"], figures["without_psnr_db"])


def test_badly_scaled_depthwise_channels_regain_four_fifths_of_what_one_scale_for_all_weights_loses():
    """MobileNetV3's known trouble: with one weight scale a tensor, small channels of a depthwise convolution round to nothing but their mean."""
    lost = {False: 0.0, True: 0.0}
    for seed in range(3):
        model = scaled_v3(seed)
        for flag in lost:
            activations = ActivationQuantization(search=0, observer="percentile_99_99")
            tensorwise = Quantize(activations=activations, weights=WeightQuantization(granularity="tensor"), equalize=False, bias_correction=flag)
            quantized = quantize(model, tensorwise, frames(6)).model
            for picture in frames(4, seed=8):
                (expected,), (found,) = run_float(model, picture).values(), run_codes(quantized, picture).values()
                lost[flag] += float(np.square(expected - found).mean() / np.ptp(expected) ** 2)
    assert lost[True] < 0.2 * lost[False]
