"""Anybody's files on the same frames: names, places, layouts, dtypes, and figures against numpy."""

import json

import cv2
import msgspec
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto
from parity_networks import CLASSES, HEIGHT, WIDTH, classifier_onnx, classifier_tflite, two_inputs_onnx, two_inputs_tflite

from redmobile.core.results import to_json
from redmobile.errors import InputError, UnsupportedModelError, UsageError
from redmobile.graph.tflite_read import read_tflite
from redmobile.graph.tflite_write import write_tflite
from redmobile.parity.files import FilesResult, check_files


@pytest.fixture
def arrays(tmp_path):
    """Four frames for the classifier, and for the network of two inputs."""
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (4, HEIGHT, WIDTH, 3), np.uint8)
    np.savez(tmp_path / "image.npz", image=image)
    np.savez(tmp_path / "two.npz", strength=rng.uniform(0.5, 2, (4, 1, 1, 1)).astype(np.float32), image=image)
    return image


def run_onnx(path, image):
    """Outputs by name for (H, W, 3) uint8, in onnxruntime, without our own code."""
    session = onnxruntime.InferenceSession(path)
    values = (image.astype(np.float32) / 255).transpose(2, 0, 1)[None]
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, {"image": values}), strict=True))


@pytest.mark.usefixtures("arrays")
def test_outputs_are_matched_and_equal(tmp_path):
    result = check_files([classifier_onnx(tmp_path / "a.onnx"), classifier_tflite(tmp_path / "b.tflite")], tmp_path / "image.npz")
    (pair,) = result.pairs
    assert (pair.expected, pair.found) == ("a.onnx", "b.tflite")
    assert [(output.name, output.shape) for output in pair.outputs] == [("logits", (1, CLASSES)), ("mask", (1, HEIGHT, WIDTH, 1))]
    for output in pair.outputs:
        assert output.figures["sqnr"] > 100
        assert output.figures["cosine"] == pytest.approx(1)
    assert pair.outputs[0].figures["same_class"] == 1
    assert "same_class" not in pair.outputs[1].figures
    assert result.passed
    assert result.frames == ("image.npz#0", "image.npz#1", "image.npz#2", "image.npz#3")
    assert msgspec.convert(json.loads(to_json(msgspec.to_builtins(result))), FilesResult, strict=False).frames == result.frames


def test_figures_are_those_of_all_values_together(tmp_path, arrays):
    first, second = classifier_onnx(tmp_path / "a.onnx"), classifier_tflite(tmp_path / "b.tflite", off=0.4)
    logits, _ = check_files([first, second], tmp_path / "image.npz").pairs[0].outputs
    outputs = [run_onnx(first, image)["logits"] for image in arrays]
    from redmobile.runtimes.base import open_runtime

    runtime = open_runtime(second)
    found = [runtime.run((image / 255).astype(np.float32)[None])[0] for image in arrays]
    x, y = np.concatenate(outputs).astype(np.float64), np.concatenate(found).astype(np.float64)
    assert logits.figures["max_difference"] == pytest.approx(np.abs(y - x).max(), rel=1e-4)
    assert logits.figures["mean_difference"] == pytest.approx(np.abs(y - x).mean(), rel=1e-4)
    assert logits.figures["sqnr"] == pytest.approx(10 * np.log10((x**2).sum() / ((y - x) ** 2).sum()), abs=1e-3)
    assert logits.figures["cosine"] == pytest.approx((x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum()))
    alone = [10 * np.log10((a**2).sum() / ((b - a) ** 2).sum()) for a, b in zip(x, y, strict=True)]
    assert logits.worst["sqnr"].image == f"image.npz#{int(np.argmin(alone))}"
    assert logits.worst["sqnr"].value == pytest.approx(min(alone), abs=1e-3)


@pytest.mark.usefixtures("arrays")
def test_other_names_are_matched_by_place(tmp_path):
    renamed = classifier_tflite(tmp_path / "b.tflite", names=("serving_default_x:0", "PartitionedCall:0", "PartitionedCall:1"))
    (pair,) = check_files([classifier_onnx(tmp_path / "a.onnx"), renamed], tmp_path / "image.npz").pairs
    assert [(output.name, output.found_name) for output in pair.outputs] == [("logits", "PartitionedCall:0"), ("mask", "PartitionedCall:1")]
    assert min(output.figures["sqnr"] for output in pair.outputs) > 100


@pytest.mark.usefixtures("arrays")
@pytest.mark.parametrize("dtype", [TensorProto.FLOAT, TensorProto.FLOAT16])
def test_several_inputs_of_other_order_layout_and_dtype(tmp_path, dtype):
    first, second = two_inputs_onnx(tmp_path / "a.onnx", dtype), two_inputs_tflite(tmp_path / "b.tflite")
    result = check_files([first, second], tmp_path / "two.npz")
    total, light = result.pairs[0].outputs
    assert total.figures["sqnr"] > (100 if dtype == TensorProto.FLOAT else 60)
    assert total.figures["psnr"] > 60
    assert light.figures["equal"] == 1
    assert "equal" not in total.figures


@pytest.mark.usefixtures("arrays")
def test_three_files_are_two_pairs(tmp_path):
    first, second = classifier_onnx(tmp_path / "a.onnx"), classifier_tflite(tmp_path / "b.tflite")
    third = classifier_tflite(tmp_path / "c.tflite", off=0.1)
    result = check_files([first, second, third], tmp_path / "image.npz")
    assert [(pair.expected, pair.found) for pair in result.pairs] == [("a.onnx", "b.tflite"), ("b.tflite", "c.tflite")]
    assert result.pairs[1].outputs[0].figures["sqnr"] < 40


@pytest.mark.usefixtures("arrays")
def test_files_of_one_name_are_told_apart(tmp_path):
    folders = [tmp_path / "old", tmp_path / "new"]
    for folder in folders:
        folder.mkdir()
        classifier_tflite(folder / "net.tflite")
    result = check_files([folder / "net.tflite" for folder in folders], tmp_path / "image.npz")
    assert [file.name for file in result.files] == ["old/net.tflite", "new/net.tflite"]
    again = check_files([folders[0] / "net.tflite"] * 2, tmp_path / "image.npz")
    assert [file.name for file in again.files] == ["net.tflite (1)", "net.tflite (2)"]


def test_pictures_feed_a_network_of_one_picture(tmp_path, arrays):
    folder = tmp_path / "photos"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), np.ascontiguousarray(arrays[0][..., ::-1]))
    first, second = classifier_onnx(tmp_path / "a.onnx"), classifier_tflite(tmp_path / "b.tflite", off=0.4)
    by_picture = check_files([first, second], folder)
    np.savez(tmp_path / "one.npz", image=arrays[:1])
    by_array = check_files([first, second], tmp_path / "one.npz")
    assert by_picture.pairs[0].outputs[0].figures == by_array.pairs[0].outputs[0].figures
    wide = check_files([first, second], folder, input_range=(0.0, 255.0))
    assert wide.input_range == (0, 255)
    assert wide.pairs[0].outputs[0].figures["max_difference"] == pytest.approx(
        255 * by_picture.pairs[0].outputs[0].figures["max_difference"], rel=1e-3
    )


def test_arrays_may_be_nchw_and_real(tmp_path, arrays):
    np.savez(tmp_path / "real.npz", image=(arrays / 255).astype(np.float32).transpose(0, 3, 1, 2))
    first, second = classifier_onnx(tmp_path / "a.onnx"), classifier_tflite(tmp_path / "b.tflite", off=0.4)
    by_codes, by_reals = (check_files([first, second], tmp_path / name).pairs[0].outputs[0].figures for name in ("image.npz", "real.npz"))
    assert by_codes["sqnr"] == pytest.approx(by_reals["sqnr"], abs=1e-3)


def test_axes_that_fit_in_several_orders_are_taken_as_they_agree_best(tmp_path):
    """Four channels of 4×4: the shapes say nothing."""
    from onnx import helper
    from parity_networks import save

    from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

    first = save(tmp_path / "a.onnx", [helper.make_node("Abs", ["x"], ["y"])], {"x": (1, 4, 4, 4)}, {"y": (1, 4, 4, 4)}, {})
    x, y = Tensor("x", (1, 4, 4, 4), "float32"), Tensor("y", (1, 4, 4, 4), "float32")
    (tmp_path / "b.tflite").write_bytes(write_tflite(TfliteModel([Operator("ABS", [x], [y])], [x], [y])))
    np.savez(tmp_path / "x.npz", x=np.random.default_rng(0).normal(size=(2, 4, 4, 4)).astype(np.float32))
    result = check_files([first, tmp_path / "b.tflite"], tmp_path / "x.npz")
    assert result.pairs[0].outputs[0].figures["max_difference"] == 0


@pytest.mark.usefixtures("arrays")
def test_an_output_below_what_was_asked_for_fails(tmp_path):
    files = [classifier_onnx(tmp_path / "a.onnx"), classifier_tflite(tmp_path / "b.tflite", off=0.4)]
    assert check_files(files, tmp_path / "image.npz").passed
    result = check_files(files, tmp_path / "image.npz", least_sqnr_db=60.0)
    assert not result.passed
    assert {output.name for _, output in result.below()} == {"logits", "mask"}
    assert check_files([files[0], files[0]], tmp_path / "image.npz", least_sqnr_db=300.0).passed


@pytest.mark.usefixtures("arrays")
def test_what_does_not_fit_is_found_before_a_number_is_computed(tmp_path):
    first = classifier_onnx(tmp_path / "a.onnx")
    model = read_tflite(classifier_tflite(tmp_path / "b.tflite").read_bytes())
    model.outputs = model.outputs[:1]
    (tmp_path / "b.tflite").write_bytes(write_tflite(model))
    result = check_files([first, tmp_path / "b.tflite", two_inputs_tflite(tmp_path / "c.tflite")], tmp_path / "image.npz")
    assert not result.passed
    assert result.pairs == ()
    assert len(result.findings) == 3
    assert "b.tflite: outputs: 1 (logits: 1×5 float32), the file before has 2" in result.findings[1]
    assert result.findings[0].startswith("c.tflite: inputs: 2 (strength")


@pytest.mark.usefixtures("arrays")
def test_values_that_are_not_finite_are_found_with_file_and_frame(tmp_path):
    first = two_inputs_onnx(tmp_path / "a.onnx")
    values = {name: np.load(tmp_path / "two.npz")[name] for name in ("image", "strength")}
    values["strength"][2] = np.inf
    np.savez(tmp_path / "bad.npz", **values)
    result = check_files([first, first], tmp_path / "bad.npz")
    (finding,) = result.findings
    assert finding.startswith("bad.npz#2: a.onnx")
    assert "'sum' are not finite" in finding


@pytest.mark.usefixtures("arrays")
@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        ({"photo": np.zeros((1, 8, 12, 3), np.uint8), "x": np.zeros((1, 2))}, InputError, "holds arrays photo, x; none is called 'image'"),
        (
            {"image": np.zeros((1, 8, 13, 3), np.uint8)},
            InputError,
            "'image' is 8×13×3 for one frame; the network takes image: 1×3×8×12",
        ),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, values, error, said):
    first = classifier_onnx(tmp_path / "a.onnx")
    np.savez(tmp_path / "odd.npz", **values)
    with pytest.raises(error, match=said):
        check_files([first, first], tmp_path / "odd.npz")


def test_pictures_cannot_feed_two_inputs(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 12, 3), np.uint8))
    first = two_inputs_onnx(tmp_path / "a.onnx")
    with pytest.raises(UsageError, match=r"feed one picture; .*Give an \.npz"):
        check_files([first, first], tmp_path / "a.png")


@pytest.mark.usefixtures("arrays")
def test_one_file_alone(tmp_path):
    with pytest.raises(UsageError, match="At least two files"):
        check_files([tmp_path / "a.onnx"], tmp_path / "image.npz")


@pytest.mark.usefixtures("arrays")
def test_a_range_that_is_none_is_refused(tmp_path):
    import onnx

    first = classifier_onnx(tmp_path / "a.onnx")
    model = onnx.load(first)
    onnx.helper.set_model_props(model, {"redmobile.input_range": "much"})
    onnx.save(model, first)
    with pytest.raises(UnsupportedModelError, match="input range is 'much'"):
        check_files([first, first], tmp_path / "image.npz")
