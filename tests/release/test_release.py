"""A small model's folder, remade: files of two sizes, figures, and what is measured already is left."""

import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from redmobile.data.frames import Image, write_image
from redmobile.errors import InputError, ParityError, UnsupportedModelError, UsageError
from redmobile.graph.tflite_read import read_tflite
from redmobile.nets.model_document import load_model_document
from redmobile.pipeline import ConversionOptions, convert
from redmobile.release.card import BEGIN, END, figures
from redmobile.release.document import load_release
from redmobile.release.files import frames_of, graph_size, released
from redmobile.release.release import Asked, release
from redmobile.shelf import find

SHIPPED = find("models", "red_mobile")


@pytest.fixture
def folder(tmp_path):
    """RED-mobile's weights, for frames of 64×128, 60×64, and 128×256 with the body at half of that."""
    made = tmp_path / "tiny"
    made.mkdir()
    for name in ("weights.safetensors", "weights_int8.safetensors"):
        shutil.copy(SHIPPED / name, made / name)
    lines = (SHIPPED / "model.toml").read_text().splitlines()
    lines = [line for line in lines if not line.startswith(("height ", "width ", "frames "))]
    lines.insert(lines.index("[input]") + 1, "height = 64\nwidth = 128")
    lines.insert(lines.index("[input]"), "frames = [{ size = [60, 64] }, { size = [128, 256], body = 2 }]\n")
    (made / "model.toml").write_text("\n".join(lines))
    (made / "card.md").write_text(f"# tiny\n{BEGIN}\n{END}\nThe end.\n")
    return made


def _photo(seed):
    coarse = np.random.default_rng(seed).random((5, 8, 3)).astype(np.float32)
    return (cv2.resize(coarse, (128, 64), interpolation=cv2.INTER_LINEAR) * 200 + 20).astype(np.uint8)


@pytest.fixture
def pictures(tmp_path):
    base = tmp_path / "pictures"
    for index in range(4):
        write_image(base / "photos" / f"{index}.png", Image(_photo(index)))
        write_image(base / "pairs" / "low" / f"{index}.png", Image(_photo(index) // 4))
        write_image(base / "pairs" / "high" / f"{index}.png", Image(_photo(index)))
        write_image(base / "old" / f"{index}.png", Image(_photo(index) // 3))
    return base


def test_frames_are_mirrored_on_to_what_the_network_takes():
    _, document = load_model_document("red_mobile")
    sizes = {frame.size: graph_size(document, frame) for frame in frames_of(document)}
    assert sizes == {(1088, 1920): (1088, 1920), (720, 1280): (768, 1280), (2160, 3840): (2176, 3840)}


@pytest.mark.slow
def test_everything_is_remade_from_the_weights(folder, pictures, tmp_path):
    command = [sys.executable, "-m", "redmobile", "release", folder, "--photos", pictures / "photos"]
    command += ["--unpaired", pictures / "old", "--sheets", tmp_path / "sheets", "--noise", 1, "--cost", "host", "--runs", 4, "--json"]
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    found = load_release(folder)
    assert json.loads(ended.stdout)["files"][0]["sha256"] == found.files[0].sha256

    own, small, large = found.files
    assert [file.graph for file in found.files] == [(64, 128), (64, 64), (128, 256)]
    assert [file.partitions for file in found.files] == [1, 1, 1]
    assert [file.file for file in found.files] == ["tiny_int8.tflite", "tiny_int8_60p.tflite", "tiny_int8_128p.tflite"]
    assert small.macs < own.macs < large.macs < 2 * own.macs
    same, half = ({tensor.name: float(tensor.quantization.scale[0]) for tensor in _activations(folder / file.file)} for file in (own, small))
    assert same == half, "the scales that training learned are those of every size"

    assert list(found.evaluations) == ["photos", "photos, left alone", "old, shown"]
    assert len(found.evaluations["photos"]["noise"]) == 7
    assert {cost.target for each in found.costs.values() for cost in each} == {"host"}
    assert sorted(path.name for path in (tmp_path / "sheets").iterdir()) == ["noise.png", "old.jpg", "photos.jpg"]
    assert (folder / "card.md").read_text() == f"# tiny\n{BEGIN}\n{figures(found)}\n{END}\nThe end.\n"

    told = []
    again = release(str(folder), Asked(photos=(pictures / "photos",), keep_files=True), told_to(told))
    assert again.evaluations == found.evaluations
    assert told == [], "nothing is measured twice"

    try:
        found = release(str(folder), Asked(pairs=pictures / "pairs", hold_out="1-2", keep_files=True))
        passed = True
    except ParityError:
        passed = False
    numerics = json.loads((folder / "numerics.json").read_text())
    assert numerics["images"] == ["1.png", "2.png"]
    assert numerics["passed"] == passed, "whether these made-up pictures pass the gate is not the question"
    if passed:
        assert found.closeness == tuple(gate["says"] for gate in numerics["gates"])
        assert {row["subject"] for row in found.evaluations["pairs"]["figures"]} == {"float", "int8"}

    shutil.copy(folder / small.file, folder / own.file)
    other = release(str(folder), Asked(keep_files=True))
    assert other.evaluations == {}, "figures are of the files that lie there"
    (folder / own.file).write_bytes(convert(folder / "tiny.onnx", "litert_int8", options=ConversionOptions(io="uint8")).data)
    with pytest.raises(UnsupportedModelError, match=r"tiny_int8\.tflite: one XNNPACK partition .*outside: QUANTIZE"):
        release(str(folder), Asked(keep_files=True))


def told_to(told):
    return lambda what, done, total: told.append((what, done, total))


def _activations(path):
    model = read_tflite(path.read_bytes(), path.name)
    return [tensor for tensor in model.tensors() if tensor.data is None and tensor.quantization is not None]


def test_a_file_that_is_missing_is_named(tmp_path):
    shutil.copy(SHIPPED / "model.toml", tmp_path)
    with pytest.raises(InputError, match=r"_int8\.tflite: no such file"):
        released(tmp_path)


def test_what_does_not_go_together_is_refused(tmp_path):
    with pytest.raises(UsageError, match="--unpaired only shows pictures: add --sheets"):
        release("red_mobile", Asked(unpaired=(tmp_path,), keep_files=True))
    with pytest.raises(InputError, match="Unknown model 'nothing'"):
        release("nothing", Asked())
