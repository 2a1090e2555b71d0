"""Equalizing leaves the function of a graph and makes its channels alike."""

import numpy as np
import pytest
from quantize_models import Build, frames, mini_red, run_codes, run_float

from redmobile.core.converter import ActivationQuantization, Quantize
from redmobile.graph.tflite_model import Tensor
from redmobile.quantize.calibrate import measure_peaks
from redmobile.quantize.equalize import LARGEST_GAIN, equalize, measured
from redmobile.quantize.quantize import quantize

SHAPE = (1, 16, 24, 6)


def equalized(model, pictures):
    return equalize(model, measure_peaks(model, pictures, (0.0, 1.0), measured(model)))


def uneven(build, source, channels, smallest=1e-3, **options):
    """A convolution whose channels differ in range by up to 1000."""
    out = build.conv(source, channels, **options)
    factors = np.geomspace(smallest, 1, channels).astype(np.float32)
    build.operators[-1].inputs[1].data *= factors[:, None, None, None]
    build.operators[-1].inputs[2].data *= factors
    return out


def graphs():
    def chain(build):
        return build.conv(build.depthwise(uneven(build, build.image, 6, activation="RELU6"), activation="RELU"), 3)

    def skip(build):
        first, second = uneven(build, build.image, 6), uneven(build, build.image, 6, activation="RELU")
        return build.conv(build.op("ADD", [first, second], SHAPE, fused_activation_function="RELU"), 3, 3)

    def pooled(build):
        features = uneven(build, build.image, 6)
        mean = build.op("MEAN", [features, build.ints(1, 2)], (1, 1, 1, 6), keep_dims=True)
        return build.conv(build.op("SUB", [features, mean], SHAPE), 3)

    def gated(build):
        features = uneven(build, build.image, 6)
        gate = build.op("LOGISTIC", [build.conv(features, 6)], SHAPE)
        return build.conv(build.op("MUL", [features, gate], SHAPE), 3)

    def joined(build):
        both = build.op("CONCATENATION", [uneven(build, build.image, 2), uneven(build, build.image, 4)], SHAPE, axis=3)
        wide = build.op("RESIZE_BILINEAR", [both, build.ints(32, 48)], (1, 32, 48, 6), half_pixel_centers=True)
        return build.conv(wide, 3)

    def shaped(build):
        flat = build.op("RESHAPE", [uneven(build, build.image, 6), build.ints(1, 384, 6)], (1, 384, 6), new_shape=[1, 384, 6])
        return build.op("SOFTMAX", [flat], (1, 384, 6), beta=1.0)

    def constants(build):
        offset = Tensor.constant("offset", np.arange(6, dtype=np.float32))
        features = build.op("ADD", [uneven(build, build.image, 6), offset], SHAPE)
        return build.conv(build.op("ADD", [features, Tensor.constant("one", np.array(1.0, np.float32))], SHAPE), 3)

    def shared(build):
        features = uneven(build, build.image, 6)
        first = build.depthwise(features)
        weights, bias = build.operators[-1].inputs[1:]
        options = build.operators[-1].options
        return build.conv(build.op("DEPTHWISE_CONV_2D", [first, weights, bias], SHAPE, **options), 3)

    return [chain, skip, pooled, gated, joined, shaped, constants, shared]


@pytest.mark.parametrize("graph", graphs(), ids=lambda graph: graph.__name__)
def test_the_function_stays(graph):
    build = Build(5)
    out = graph(build)
    model = build.model(out)
    before = [operator.inputs[1].data.copy() for operator in model.operators if operator.kind == "CONV_2D"]
    other = equalized(model, frames())
    for picture in frames(2, seed=9):
        expected = run_float(model, picture)[out.name]
        np.testing.assert_allclose(run_float(other, picture)[out.name], expected, atol=2e-5 * max(1, np.abs(expected).max()))
    after = [operator.inputs[1].data for operator in model.operators if operator.kind == "CONV_2D"]
    assert all(np.array_equal(one, two) for one, two in zip(before, after, strict=True)), "the model itself must not change"


def test_the_function_of_a_network_stays():
    model = mini_red()
    other = equalized(model, frames())
    for picture in frames():
        np.testing.assert_allclose(run_float(other, picture)["enhanced"], run_float(model, picture)["enhanced"], atol=1e-5)


def test_channels_come_closer_and_the_widest_stays():
    build = Build(5)
    model = build.model(build.conv(uneven(build, build.image, 6, name="features"), 3))
    peaks = [measure_peaks(each, frames(), (0, 1), ["features"])["features"] for each in (model, equalized(model, frames()))]
    assert peaks[0].max() / peaks[0].min() > 300
    assert peaks[1].max() / peaks[1].min() < 35
    assert peaks[1].max() == pytest.approx(peaks[0].max(), rel=1e-5)


def test_a_channel_at_the_bound_of_a_relu6_keeps_its_gain_and_others_keep_below_it():
    build = Build(5)
    features = uneven(build, build.image, 6, activation="RELU6", name="features")
    build.operators[0].inputs[1].data *= 300
    model = build.model(build.conv(features, 3))
    before = measure_peaks(model, frames(), (0, 1), ["features"])["features"]
    after = measure_peaks(equalized(model, frames()), frames(), (0, 1), ["features"])["features"]
    assert before.max() == after.max() == 6
    held = before == 6
    np.testing.assert_array_equal(after[held], before[held])
    assert (after[~held] <= 6 / 1.25 + 1e-5).all() or (after[~held] <= before[~held] * 1.001).any()


def test_a_dead_channel_is_not_blown_up_without_bound():
    build = Build(5)
    features = build.conv(build.image, 2, name="features")
    build.operators[0].inputs[1].data[0] = 0
    build.operators[0].inputs[2].data[0] = 0
    model = build.model(build.conv(features, 3))
    weights = [equalized(model, frames()).operators[1].inputs[1].data, model.operators[1].inputs[1].data]
    assert np.abs(weights[1] / weights[0]).max() <= LARGEST_GAIN


def test_uneven_channels_survive_8_bits_only_when_equalized():
    build = Build(5)
    features = uneven(build, build.image, 6, smallest=1e-2)
    out = build.conv(features, 3, name="out")
    build.operators[-1].inputs[1].data /= np.geomspace(1e-2, 1, 6).astype(np.float32)
    model = build.model(out)
    errors = []
    for flag in (False, True):
        recipe = Quantize(activations=ActivationQuantization(search=0, observer="min_max"), equalize=flag, bias_correction=False)
        quantized = quantize(model, recipe, frames()).model
        errors.append(np.abs(run_float(model, frames()[0])["out"] - run_codes(quantized, frames()[0])["out"]).mean())
    assert errors[1] < errors[0] / 5


def test_channels_that_meet_twice_are_tied_once():
    """Both halves of the concatenation are one tensor: its channels meet those of `other` in pairs, in an order that has no last word."""
    build = Build(5)
    other, half = uneven(build, build.image, 6, name="other"), uneven(build, build.image, 3)
    out = build.op("ADD", [other, build.op("CONCATENATION", [half, half], SHAPE, axis=3)], SHAPE)
    model = build.model(build.conv(out, 3, name="out"))
    picture = frames()[0]
    np.testing.assert_allclose(run_float(equalized(model, frames()), picture)["out"], run_float(model, picture)["out"], atol=1e-5)
