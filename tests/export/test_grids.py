"""What quantization-aware training leaves: into the ONNX file as advice, into the INT8 file, and back."""

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
pytest.importorskip("onnxscript", reason="needs the extra 'torch'")

from redmobile.data.datasets import Photos
from redmobile.data.frames import read_image
from redmobile.errors import InputError, UnsupportedModelError, UsageError
from redmobile.export.read_back import read_back
from redmobile.export.torch_to_onnx import export_onnx
from redmobile.graph.onnx_quantization import SCALE, TRAINED
from redmobile.nets.blocks.rounding import measuring, roundings, set_rounding
from redmobile.nets.checkpoint import INT8_WEIGHTS, WEIGHTS, build_network, float_state, load_weights, save_weights
from redmobile.nets.model_document import load_model_document
from redmobile.pipeline import convert
from redmobile.runtimes.base import open_runtime
from redmobile.runtimes.litert_tensors import LitertTensors

SIZE = (128, 192)


@pytest.fixture(scope="module")
def document():
    return load_model_document("red_mobile")[1]


@pytest.fixture(scope="module")
def twin(document):
    """The shipped network with grids measured on a few dim pictures, and biases that differ from the float ones."""
    network = build_network(document)
    load_weights(network, load_model_document("red_mobile")[0] / WEIGHTS)
    with measuring(network), torch.no_grad():
        for level in (0.1, 0.3, 0.8):
            network(torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(1)) * level)
        network.tail.residual[0].convolution.bias.add_(0.02)
    return network.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, twin):
    """Float and INT8 weights, and the ONNX file of both."""
    made = tmp_path_factory.mktemp("grids")
    save_weights(made / INT8_WEIGHTS, twin.state_dict())
    export_onnx("red_mobile", made / "advised.onnx", int8_weights=made / INT8_WEIGHTS, size=SIZE)
    export_onnx("red_mobile", made / "plain.onnx", weights=load_model_document("red_mobile")[0] / WEIGHTS, size=SIZE)
    return made


def test_the_onnx_file_is_the_float_network_for_everybody_else(folder):
    picture = np.random.default_rng(0).random((1, 3, *SIZE), np.float32)
    ends = [open_runtime(folder / f"{name}.onnx", "onnxruntime").run(picture)[0] for name in ("advised", "plain")]
    assert np.array_equal(*ends)
    model = onnx.load(folder / "advised.onnx")
    assert not {node.domain for node in model.graph.node} - {""}
    assert [opset.domain for opset in model.opset_import] == [""]
    said = {entry.key for annotation in model.graph.quantization_annotation for entry in annotation.quant_parameter_tensor_names}
    assert {SCALE, TRAINED} <= said
    assert not onnx.load(folder / "plain.onnx").graph.quantization_annotation


def test_float_files_do_not_take_the_advice_and_int8_files_do(folder):
    assert convert(folder / "advised.onnx", "litert_fp32").report.operators == convert(folder / "plain.onnx", "litert_fp32").report.operators
    report = convert(folder / "advised.onnx", "litert_int8").report
    assert report.quantization.stages["measured"] == 0
    assert {tensor.observer for tensor in report.quantization.tensors} <= {"given", "fixed", "clamp"}


def test_sixteen_bits_are_chosen_by_measurement_as_ever(folder):
    frames = [np.full((*SIZE, 3), level, np.uint8) for level in (20, 90)]
    report = convert(folder / "advised.onnx", "litert_int16x8", frames).report
    assert "given" not in {tensor.observer for tensor in report.quantization.tensors}


def test_the_int8_file_computes_what_training_computed(folder, twin):
    """A value that lies between two codes falls here or there, and the network multiplies that; but it falls to both sides alike."""
    made = convert(folder / "advised.onnx", "litert_int8")
    photograph = next((load_model_document("red_mobile")[0] / "demo").glob("*.jpg"))
    codes = read_image(photograph).frame[: SIZE[0], : SIZE[1]]
    found = LitertTensors(made.data).run((codes.astype(np.int16) - 128).astype(np.int8)[None])[made.model.outputs[0].name].astype(np.int16) + 128
    with torch.no_grad():
        set_rounding(twin, on=True)
        expected = twin(torch.from_numpy(codes).permute(2, 0, 1)[None].float() / 255)
        set_rounding(twin, on=False)
        whole = twin(torch.from_numpy(codes).permute(2, 0, 1)[None].float() / 255)
    simulated, unrounded = ((end * 255).round().permute(0, 2, 3, 1).numpy() for end in (expected, whole))
    assert abs((found - simulated).mean()) < 0.5
    assert np.square(found - simulated).mean() < np.square(found - unrounded).mean() / 2


def test_an_int8_file_is_read_back_as_it_was_trained(folder, twin, document, tmp_path):
    file = tmp_path / "made.tflite"
    file.write_bytes(convert(folder / "advised.onnx", "litert_int8").data)
    state = read_back(file, document)
    again = build_network(document)
    again.load_state_dict(state)
    run = {place for place, module in twin.named_modules() if module in roundings(twin)} - {"stages.0.0.added", "stages.1.0.added", "fusions.1.added"}
    for place in run:
        mine, its = again.get_submodule(place).grid, twin.get_submodule(place).grid
        assert mine.zero_point == its.zero_point
        assert mine.scale == pytest.approx(its.scale, rel=1e-6)
    for key, value in float_state(again).items():
        step = 1e-3 if key.endswith("bias") else float(value.abs().max()) / 127
        assert (value - float_state(twin)[key]).abs().max() <= step * 0.51 + 1e-6, key


def test_files_that_are_not_this_network_in_int8_are_refused(folder, document, tmp_path):
    file = tmp_path / "float.tflite"
    file.write_bytes(convert(folder / "plain.onnx", "litert_fp32").data)
    with pytest.raises(UnsupportedModelError, match=r"float\.tflite: holds no INT8 tensor for '.*' of the network"):
        read_back(file, document)


def test_weights_without_grids_cannot_advise(tmp_path):
    plain = load_model_document("red_mobile")[0] / WEIGHTS
    with pytest.raises(InputError, match="holds no grids of activations"):
        export_onnx("red_mobile", tmp_path / "x.onnx", int8_weights=plain, size=SIZE)
    assert not (tmp_path / "x.onnx").exists()


def test_advice_that_names_what_is_not_there_is_refused(folder, tmp_path):
    model = onnx.load(folder / "advised.onnx")
    model.graph.quantization_annotation[0].quant_parameter_tensor_names[0].value = "nowhere"
    onnx.save(model, tmp_path / "bad.onnx")
    with pytest.raises(InputError, match=r"bad\.onnx: the annotation of '.*' names the initializer 'nowhere', which is missing"):
        convert(tmp_path / "bad.onnx", "litert_int8")
    convert(tmp_path / "bad.onnx", "litert_fp32")


def test_training_for_int8_starts_from_float_weights_and_comes_last(document, folder, tmp_path):
    from redmobile.train.loop import Pictures, Training
    from redmobile.train.plan import Phase, TrainingPlan

    phases = tuple(Phase(source="photos", steps=1, batch=1, crop=(64, 64), quantize=quantize) for quantize in (True, False))
    with pytest.raises(UsageError, match="must come after all others"):
        TrainingPlan(phase=phases).check()
    plan = TrainingPlan(phase=())
    with pytest.raises(UsageError, match="was trained for INT8 already"):
        Training(document, plan, Pictures(None, None, ()), tmp_path, folder / INT8_WEIGHTS)


def test_training_begins_with_the_int8_file_and_keeps_the_float_weights(document, folder, twin, tmp_path):
    """A step of a rate near zero leaves the grids of the file, and beside them the float network as it came in."""
    from redmobile.train.loop import Pictures, Training
    from redmobile.train.plan import Phase, TrainingPlan

    file = tmp_path / "calibrated.tflite"
    file.write_bytes(convert(folder / "advised.onnx", "litert_int8").data)
    plain = load_model_document("red_mobile")[0] / WEIGHTS
    picture = np.random.default_rng(0).integers(0, 90, (80, 80, 3), np.uint8)
    photos = Photos([picture])
    phase = Phase(source="photos", steps=1, batch=1, crop=(64, 64), learning_rate=1e-12, quantize=True)
    run = tmp_path / "run"
    made = Training(
        document, TrainingPlan(phase=(phase,)), Pictures(photos, None, [(picture // 4, picture)]), run, plain, read_back(file, document)
    ).go()
    assert made == run / INT8_WEIGHTS
    found, whole = build_network(document), build_network(document)
    load_weights(found, made)
    load_weights(whole, run / WEIGHTS)
    assert found.stem.mix.rounded.grid.scale == pytest.approx(twin.stem.mix.rounded.grid.scale, rel=1e-5)
    assert whole.stem.mix.rounded.grid is None
    shipped = build_network(document)
    load_weights(shipped, plain)
    assert all(torch.equal(value, float_state(shipped)[key]) for key, value in float_state(whole).items())
