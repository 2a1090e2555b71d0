"""A whole network: determinism, order of frames, report, refusals."""

import json

import numpy as np
import pytest
from quantize_models import Build, frames, mini_red, run_codes, run_float

from redmobile.core.converter import ActivationQuantization, Quantize, load_converter
from redmobile.core.results import to_json
from redmobile.data.calibration import FrameSet
from redmobile.errors import UnsupportedModelError, UsageError
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.quantize import quantize

PLAIN = Quantize(activations=ActivationQuantization(search=0, observer="percentile_99_99"))


@pytest.mark.parametrize("name", ["litert_int8", "litert_int16x8"])
def test_the_recipes_on_the_shelf_come_close_to_float(name):
    model = mini_red()
    quantized = quantize(model, load_converter(name).quantize, frames(6)).model
    for picture in frames(3, seed=5):
        error = run_float(model, picture)["enhanced"] - run_codes(quantized, picture)["enhanced"]
        assert -10 * np.log10(np.mean(np.square(error))) > (32 if name == "litert_int8" else 38)


def test_the_same_inputs_give_the_same_bytes_and_the_model_stays_as_it_was():
    model = mini_red()
    before = write_tflite(model)
    recipe = load_converter("litert_int8").quantize
    files = {write_tflite(quantize(model, recipe, frames()).model) for _ in range(2)}
    assert len(files) == 1
    assert write_tflite(model) == before


def test_the_order_of_frames_does_not_matter():
    pictures = frames(5)
    files = {write_tflite(quantize(mini_red(), PLAIN, order).model) for order in (pictures, pictures[::-1], pictures[2:] + pictures[:2])}
    assert len(files) == 1


def test_the_report_names_every_tensor_and_is_json():
    result = quantize(mini_red(), load_converter("litert_int8").quantize, frames())
    report = json.loads(to_json(result.report.as_json()))
    names = {tensor["name"] for tensor in report["tensors"]}
    assert {tensor.name for tensor in result.model.tensors() if tensor.data is None} <= names
    by_name = {tensor["name"]: tensor for tensor in report["tensors"]}
    assert by_name["image"]["observer"] == "fixed"
    assert by_name["enhanced"]["observer"] == "clamp"
    assert by_name["enhanced"]["scale"] == pytest.approx(1 / 255)
    assert by_name["stem"]["seen"][0] >= 0
    assert report["stages"]["frames"] == 3
    clipped = result.report.hardest_clipped(3)
    assert len(clipped) == 3
    assert clipped[0].clipped >= clipped[1].clipped >= clipped[2].clipped


def test_progress_names_the_stages():
    stages = []
    quantize(mini_red(), load_converter("litert_int8").quantize, frames(), on_progress=lambda stage, *_: stages.append(stage))
    assert list(dict.fromkeys(stages)) == ["measuring channels", "calibrating", "searching"]


def test_no_frames_is_refused():
    with pytest.raises(UsageError, match="No frames"):
        quantize(mini_red(), PLAIN, [])


@pytest.mark.parametrize("frame", [np.zeros((16, 24, 4), np.uint8), np.zeros((24, 16, 3), np.uint8), np.zeros((16, 24, 3), np.float32)])
def test_a_frame_that_does_not_fit_is_refused(frame):
    with pytest.raises(UsageError, match="frame 1 is"):
        quantize(mini_red(), PLAIN, [frames()[0], frame])


def test_several_inputs_are_refused():
    one, two = Tensor("one", (1, 4, 4, 3), "float32"), Tensor("two", (1, 4, 4, 3), "float32")
    out = Tensor("out", (1, 4, 4, 3), "float32")
    with pytest.raises(UnsupportedModelError, match="2 inputs"):
        quantize(TfliteModel([Operator("ADD", [one, two], [out])], [one, two], [out]), PLAIN, frames(height=4, width=4))


def test_a_network_that_overflows_is_refused_with_the_tensor():
    build = Build()
    out = build.conv(build.conv(build.image, 3, name="exploding"), 3)
    build.operators[0].inputs[1].data *= np.float32(1e35)
    with pytest.raises(UnsupportedModelError, match="'exploding'"):
        quantize(build.model(out), Quantize(equalize=False), frames())


def test_two_outputs():
    build = Build()
    features = build.conv(build.image, 4, name="features")
    final = build.conv(features, 3, name="final")
    model = build.model(final, features)
    quantized = quantize(model, load_converter("litert_int8").quantize, frames()).model
    expected, found = run_float(model, frames()[1]), run_codes(quantized, frames()[1])
    assert expected.keys() == found.keys() == {"final", "features"}
    assert all(np.abs(expected[name] - found[name]).mean() < 0.02 for name in expected)


def test_several_inputs_are_calibrated_by_an_array_each():
    one, two, out = (Tensor(name, (1, 8, 8, 3), "float32") for name in ("one", "two", "out"))
    model = TfliteModel([Operator("ADD", [one, two], [out])], [one, two], [out])
    rng = np.random.default_rng(3)
    sets = [FrameSet(tuple(rng.integers(0, 256, (8, 8, 3), np.uint8) for _ in range(2))) for _ in range(2)]
    found = quantize(model, PLAIN, sets)
    assert [tensor.dtype for tensor in found.model.inputs] == ["int8", "int8"]
    seen = max(float((each.frames[0] / 255 + each.frames[1] / 255).max()) for each in sets)
    assert next(tensor.high for tensor in found.report.tensors if tensor.name == "out") == pytest.approx(seen, rel=0.02)
    assert found.report.stages["psnr_db"] > 40
