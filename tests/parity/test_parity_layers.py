"""Which layer parts first: damaged layers are named, sound ones are not, and channel factors do not hide or feign errors."""

import copy
import math

import numpy as np
import pytest
from layer_networks import lowered, network, pictures, quantized, rescaled, write

from redmobile.errors import UsageError
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.parity.check import check_parity
from redmobile.parity.counting import counting_limits
from redmobile.parity.files import check_files
from redmobile.parity.gains import channel_gains
from redmobile.parity.layer_plot import plot_layers, write_layer_plot
from redmobile.parity.sides import isolate
from redmobile.quantize.calibrate import measure_peaks
from redmobile.quantize.equalize import equalize, measured


@pytest.fixture
def frames(tmp_path):
    np.savez(tmp_path / "frames.npz", image=pictures())
    return tmp_path / "frames.npz"


def layers(*files, frames):
    result = check_files(files, frames, layers=True, threads=1)
    assert result.passed
    return result.layers


def by_name(pair):
    return {layer.name: layer for layer in pair.layers}


def test_a_lowered_graph_is_the_onnx_graph_layer_by_layer(tmp_path, frames):
    onnx = network(tmp_path / "a.onnx")
    (pair,) = layers(onnx, write(tmp_path / "b.tflite", lowered(onnx)), frames=frames)
    assert pair.first_bad is None
    names = [layer.name for layer in pair.layers]
    assert names == ["stem", "deep", "projected", "skip", "gate_in", "gate", "gated", "tail", "enhanced"]
    assert min(layer.sqnr_db for layer in pair.layers) > 110
    assert max(layer.of_peak for layer in pair.layers) < 1e-5
    assert all(layer.own_steps is None for layer in pair.layers)
    assert pair.frames == ("frames.npz#0", "frames.npz#1", "frames.npz#2")


def test_the_first_damaged_float_layer_is_named(tmp_path, frames):
    onnx = network(tmp_path / "a.onnx")
    model = lowered(onnx)
    operator = next(operator for operator in model.operators if operator.outputs[0].name == "projected")
    weights = operator.inputs[1].data.copy()
    weights[2, 0, 0, 1] += 0.05
    operator.inputs[1].data = weights
    (pair,) = layers(onnx, write(tmp_path / "b.tflite", model), frames=frames)
    assert pair.first_bad == "projected"
    assert [layer.name for layer in pair.layers if not layer.bad] == ["stem", "deep"]


def test_channels_before_a_pixel_shuffle_may_lie_in_another_order(tmp_path, frames):
    onnx = network(tmp_path / "a.onnx", shuffled=True)
    from redmobile.core.converter import LoweringChoices

    model = lowered(onnx, lowering=LoweringChoices(pixel_shuffle="depth_to_space"))
    (pair,) = layers(onnx, write(tmp_path / "b.tflite", model), frames=frames)
    assert pair.first_bad is None
    assert "tail" in by_name(pair)
    assert pair.remarks == ("Channels lie in the order of a pixel shuffle in tail.",)


@pytest.mark.parametrize("equalized", [True, False])
def test_a_sound_quantized_file_has_no_bad_layer(tmp_path, frames, equalized):
    onnx = network(tmp_path / "a.onnx", uneven=20)
    model = lowered(onnx)
    first, second = write(tmp_path / "b.tflite", model), write(tmp_path / "c.tflite", quantized(model, equalize=equalized))
    (pair,) = layers(first, second, frames=frames)
    found = by_name(pair)
    assert pair.first_bad is None
    assert len(found) == len(pair.layers) >= 8
    assert all(0 <= layer.own_steps < 0.6 for layer in pair.layers)
    assert found["skip"].own_steps == pytest.approx(math.sqrt(1 / 12), abs=0.1)
    assert (found["stem"].gain_high > 2) is equalized
    assert bool(pair.remarks) is equalized
    assert (found["enhanced"].gain_low, found["enhanced"].gain_high) == (1, 1)
    assert found["stem"].sqnr_db > 25


def test_between_onnx_and_our_quantized_file_stands_the_float_graph(tmp_path, frames):
    onnx = network(tmp_path / "a.onnx")
    pairs = layers(onnx, write(tmp_path / "c.tflite", quantized(lowered(onnx))), frames=frames)
    assert [(pair.expected, pair.found) for pair in pairs] == [("a.onnx", "float"), ("float", "c.tflite")]
    assert all(pair.first_bad is None for pair in pairs)
    assert pairs[0].layers[0].own_steps is None
    assert pairs[1].layers[0].own_steps is not None


@pytest.mark.parametrize(("name", "factor"), [("projected", 0.3), ("gated", 0.2), ("deep", 0.25)])
def test_a_range_that_is_too_narrow_is_the_first_bad_layer(tmp_path, frames, name, factor):
    model = lowered(network(tmp_path / "a.onnx"))
    damaged = rescaled(quantized(model), name, factor)
    (pair,) = layers(write(tmp_path / "b.tflite", model), write(tmp_path / "c.tflite", damaged), frames=frames)
    assert pair.first_bad == name
    assert by_name(pair)[name].clipped > 0.01
    assert by_name(pair)["stem"].bad is False


def test_a_range_that_is_too_wide_wastes_codes(tmp_path, frames):
    model = lowered(network(tmp_path / "a.onnx"))
    (pair,) = layers(write(tmp_path / "b.tflite", model), write(tmp_path / "c.tflite", rescaled(quantized(model), "skip", 8)), frames=frames)
    found = by_name(pair)
    assert found["skip"].used < 0.2 < found["projected"].used
    assert found["skip"].clipped == 0
    assert found["skip"].sqnr_db < found["projected"].sqnr_db


def test_an_error_of_one_layer_does_not_make_those_behind_it_bad(tmp_path, frames):
    model = lowered(network(tmp_path / "a.onnx"))
    broken = quantized(model)
    operator = next(operator for operator in broken.operators if operator.outputs[0].name == "stem")
    bias = operator.inputs[2]
    bias.data = bias.data + np.int32(30) * np.ptp(bias.data) // 100
    (pair,) = layers(write(tmp_path / "b.tflite", model), write(tmp_path / "c.tflite", broken), frames=frames)
    assert [layer.name for layer in pair.layers if layer.bad] == ["stem"]
    assert by_name(pair)["enhanced"].sqnr_db < 35


def test_factors_are_those_of_the_equalizer(tmp_path):
    model = lowered(network(tmp_path / "a.onnx", uneven=20))
    shots = list(pictures(4, seed=8))
    balanced = equalize(model, measure_peaks(model, shots, (0.0, 1.0), measured(model)))
    found = channel_gains(model, quantized(model))
    assert {"stem", "deep", "skip"} <= set(found)
    for name, gains in found.items():
        operators = [next(op for op in each.operators if op.outputs[0].name == name) for each in (model, balanced)]
        if operators[0].kind.endswith("CONV_2D"):
            bias = [operator.inputs[2].data for operator in operators]
            np.testing.assert_allclose(gains, bias[1] / bias[0], rtol=1e-3)
    assert channel_gains(model, quantized(model, equalize=False)) == {}


def test_an_error_of_scale_does_not_hide_at_the_output(tmp_path, frames):
    model = lowered(network(tmp_path / "a.onnx"))
    broken = quantized(model)
    last = next(operator for operator in broken.operators if operator.outputs[0].name == "enhanced")
    rescaled(broken, last.inputs[1].name, 1.1)
    (pair,) = layers(write(tmp_path / "b.tflite", model), write(tmp_path / "c.tflite", broken), frames=frames)
    assert pair.first_bad == "enhanced"
    assert pair.layers[-1].sqnr_db < 25


def test_only_what_counts_is_compared():
    x = Tensor("x", (1, 4, 4, 3), "float32")
    made = {name: Tensor(name, (1, 4, 4, 3), "float32") for name in ("a", "b", "c", "d", "free")}
    operators = [
        Operator("ABS", [x], [made["a"]]),
        Operator("RESHAPE", [made["a"], Tensor.constant("shape", np.array([1, 4, 4, 3], np.int32))], [made["b"]], {"new_shape": [1, 4, 4, 3]}),
        Operator("RELU_0_TO_1", [made["b"]], [made["c"]]),
        Operator("ABS", [x], [made["free"]]),
        Operator("LOGISTIC", [made["free"]], [made["d"]]),
    ]
    found = counting_limits(TfliteModel(operators, [x], [made["c"], made["d"]]))
    assert found["a"] == found["b"] == (0, 1)
    assert found["free"] == (pytest.approx(-math.log(511)), pytest.approx(math.log(511)))
    assert "d" not in found


def test_operators_are_isolated_at_the_given_tensors():
    x = Tensor("x", (1, 4), "float32")
    a, b, c = (Tensor(name, (1, 4), "float32") for name in "abc")
    model = TfliteModel([Operator("ABS", [x], [a]), Operator("EXP", [a], [b]), Operator("ADD", [b, a], [c])], [x], [c])
    alone = isolate(model, ["a", "c"], {"a", "c"})
    assert {tensor.name for tensor in alone.inputs} == {"x", "a"}
    assert [tensor.name for tensor in alone.outputs] == ["a/own", "c/own"]
    assert [operator.kind for operator in alone.operators] == ["ABS", "EXP", "ADD"]
    reader = alone.operators[1].inputs[0]
    assert reader.name == "a"
    assert any(reader is tensor for tensor in alone.inputs)
    assert [tensor.name for tensor in model.tensors()] == ["x", "a", "b", "c"]


def test_what_has_no_partner_is_said(tmp_path, frames):
    onnx = network(tmp_path / "a.onnx")
    model = lowered(onnx)
    for tensor in model.tensors():
        if tensor.name in ("stem", "deep"):
            tensor.name = f"other/{tensor.name}"
    (pair,) = layers(onnx, write(tmp_path / "b.tflite", model), frames=frames)
    assert pair.unmatched == ("other/stem", "other/deep")
    assert "projected" in by_name(pair)


def test_float16_weights_are_allowed_their_error(tmp_path, frames):
    from redmobile.pipeline import convert

    onnx = network(tmp_path / "a.onnx")
    (tmp_path / "b.tflite").write_bytes(convert(onnx, "litert_fp16").data)
    (pair,) = layers(onnx, tmp_path / "b.tflite", frames=frames)
    assert pair.first_bad is None
    assert max(layer.of_peak for layer in pair.layers) > 1e-4


def test_16_bits_are_told_in_steps_of_8(tmp_path, frames):
    from redmobile.core.converter import ActivationQuantization, Quantize
    from redmobile.quantize.quantize import quantize

    model = lowered(network(tmp_path / "a.onnx"))
    recipe = Quantize(activations=ActivationQuantization(bits=16, symmetric=True, search=0), io="int16")
    wide = quantize(model, recipe, list(pictures(4, seed=8))).model
    (pair,) = layers(write(tmp_path / "b.tflite", model), write(tmp_path / "c.tflite", wide), frames=frames)
    assert pair.first_bad is None
    assert pair.layers[0].dtype == "int16"
    assert max(layer.own_steps for layer in pair.layers) < 0.5


def test_the_chain_has_layers_too(tmp_path, frames):
    onnx = network(tmp_path / "a.onnx")
    model = write(tmp_path / "c.tflite", quantized(lowered(onnx)))
    seen = []
    result = check_parity(str(model), frames, onnx=onnx, layers=True, threads=1, on_progress=lambda *step: seen.append(step)).result
    assert [(pair.expected, pair.found) for pair in result.layers] == [("onnx", "float"), ("float", "int8")]
    assert seen[-1][0] == seen[-1][1]
    assert check_parity(str(model), frames, onnx=onnx, threads=1).result.layers == ()


def test_the_picture_shows_bad_layers_in_red(tmp_path, frames):
    model = lowered(network(tmp_path / "a.onnx"))
    sound = write(tmp_path / "c.tflite", quantized(model))
    damaged = write(tmp_path / "d.tflite", rescaled(copy.deepcopy(quantized(model)), "projected", 0.3))
    first = write(tmp_path / "b.tflite", model)

    def red(pairs):
        picture = plot_layers(pairs).astype(int)
        assert picture.shape == (560 * len(pairs), 1500, 3)
        return int(np.count_nonzero((picture[..., 0] > 170) & (picture[..., 1] < 80)))

    good, bad = layers(first, sound, frames=frames), layers(first, damaged, frames=frames)
    assert red(good) == 0 < red(bad)
    assert red([*good, *bad]) == red(bad)
    write_layer_plot(tmp_path / "p.png", bad)
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"p\.svg: the picture of the layers is a \.png"):
        write_layer_plot(tmp_path / "p.svg", bad)


def test_two_quantized_files_are_compared_but_not_judged(tmp_path, frames):
    model = lowered(network(tmp_path / "a.onnx"))
    files = [write(tmp_path / f"{name}.tflite", quantized(model, equalize=False)) for name in "bc"]
    (pair,) = layers(*files, frames=frames)
    assert pair.first_bad is None
    assert all(layer.sqnr_db == math.inf and layer.own_steps is None for layer in pair.layers)
    assert "No layer is judged" in pair.remarks[0]
