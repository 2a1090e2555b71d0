"""redmobile enhance, as a user calls it."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from redmobile.cli import main
from redmobile.data.frames import Image, read_image, write_image

_spec = importlib.util.spec_from_file_location("enhance_models", Path(__file__).parents[1] / "enhance" / "enhance_models.py")
models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(models)


def redmobile(*arguments):
    return subprocess.run([sys.executable, "-m", "redmobile", *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture
def model(tmp_path):
    return models.gain_file(tmp_path / "model.onnx")


@pytest.fixture
def picture(tmp_path):
    write_image(tmp_path / "dark.png", Image(models.photo_like(50, 70)))
    return tmp_path / "dark.png"


def test_one_picture(tmp_path, model, picture):
    done = redmobile("enhance", picture, "--out", tmp_path / "bright.png", "--model", model)
    assert (done.returncode, done.stderr) == (0, "")
    first, last = done.stdout.splitlines()
    assert first == f"{picture} -> {tmp_path / 'bright.png'}"
    assert last.startswith("1 enhanced (1 frames, ")
    assert "model.onnx in onnxruntime" in last
    expected = np.clip(read_image(picture).frame * 2.0, 0, 255)
    assert np.abs(read_image(tmp_path / "bright.png").frame - expected).max() <= 0.5


def test_options_and_json(tmp_path, model, picture):
    done = redmobile(
        "enhance", picture, "--out", tmp_path / "b.png", "--model", model, "--runtime", "onnxruntime", "--threads", 1, "--strength", 0, "--json"
    )
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["network"].startswith("model.onnx in onnxruntime")
    assert result["files"][0] | {"seconds": 0} == {
        "source": str(picture),
        "result": str(tmp_path / "b.png"),
        "frames": 1,
        "seconds": 0,
        "skipped": False,
        "remarks": [],
        "error": None,
    }
    assert np.array_equal(read_image(tmp_path / "b.png").frame, read_image(picture).frame)


def test_a_folder_with_a_broken_file(tmp_path, model, picture):
    (tmp_path / "in").mkdir()
    data = picture.read_bytes()
    (tmp_path / "in" / "good.png").write_bytes(data)
    (tmp_path / "in" / "cut.png").write_bytes(data[:200])
    done = redmobile("enhance", tmp_path / "in", tmp_path / "none.jpg", "--out", tmp_path / "out", "--model", model)
    assert done.returncode == 10
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.png"]
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"failed: {tmp_path / 'none.jpg'}: no such file")
    assert lines[1].startswith(f"failed: {tmp_path / 'in' / 'cut.png'}: is broken or cut short")
    assert lines[2].startswith("redmobile: 2 of 3 files could not be enhanced: ")
    assert "1 enhanced" in done.stdout
    assert "2 failed" in done.stdout
    again = redmobile("enhance", tmp_path / "in", "--out", tmp_path / "out", "--model", model, "--skip-existing", "--json")
    assert again.returncode == 10
    assert [row["skipped"] for row in json.loads(again.stdout)["files"]] == [False, True]


def _cut(case):
    case.given.write_bytes(case.given.read_bytes()[:300])


def _empty(case):
    case.given.write_bytes(b"")


def _text(case):
    case.given = case.folder / "notes.txt"
    case.given.write_text("x")


def _empty_folder(case):
    case.given, case.out = case.folder / "empty", case.folder / "out"
    case.given.mkdir()


def _folder_as_model(case):
    case.model = case.folder / "folder.onnx"
    case.model.mkdir()


def _broken_onnx(case):
    case.model.write_bytes(case.model.read_bytes()[:40])


def _broken_tflite(case):
    case.model = models.tflite_file(case.folder / "model.tflite")
    case.model.write_bytes(case.model.read_bytes()[:400])


def _no_tflite(case):
    case.model = case.model.rename(case.folder / "model.tflite")


def _file_in_the_way(case):
    (case.folder / "file").write_text("x")
    case.out = case.folder / "file" / "out.png"


@pytest.mark.parametrize(
    ("break_it", "code", "says"),
    [
        (lambda case: vars(case).update(given=case.folder / "none.png"), 10, "no such file"),
        (_cut, 10, "cut short"),
        (_empty, 10, "is empty"),
        (_text, 10, "by its ending"),
        (_empty_folder, 10, "holds no pictures"),
        (lambda case: vars(case).update(out=case.given), 2, "one of the inputs"),
        (lambda case: vars(case).update(out=case.folder / "out.mp4"), 2, "is a picture"),
        (lambda case: vars(case).update(model=case.folder / "none.tflite"), 10, "no such file"),
        (_folder_as_model, 10, "is a folder"),
        (lambda case: vars(case).update(model="nope"), 10, "Unknown model 'nope'"),
        (_broken_onnx, 10, "cannot load it"),
        (_broken_tflite, 10, "damaged or truncated"),
        (_no_tflite, 10, "not a TFLite file"),
        (lambda case: vars(case).update(model=models.gain_file(case.folder / "four.onnx", channels=4)), 4, "no RGB image"),
        (_file_in_the_way, 11, "cannot be written"),
    ],
)
def test_one_line_of_error_each(tmp_path, model, picture, capsys, monkeypatch, *, break_it, code, says):
    case = SimpleNamespace(folder=tmp_path, given=picture, out=tmp_path / "out.png", model=model)
    break_it(case)
    monkeypatch.setattr(sys, "argv", ["redmobile", "enhance", str(case.given), "--out", str(case.out), "--model", str(case.model)])
    with pytest.raises(SystemExit) as stop:
        main()
    stderr = capsys.readouterr().err
    assert stop.value.code == code, stderr
    assert len(stderr.splitlines()) == 1, stderr
    assert stderr.startswith("redmobile: ")
    assert says in stderr
    assert not (tmp_path / "out.png").exists()


@pytest.mark.slow
def test_torch_runs_a_model_by_name(tmp_path, picture):
    pytest.importorskip("torch", reason="the extra torch is not installed")
    done = redmobile("enhance", picture, "--out", tmp_path / "b.png", "--model", "red_mobile", "--runtime", "torch")
    assert (done.returncode, done.stderr) == (0, "")
    assert "weights of red_mobile in torch" in done.stdout
    assert read_image(tmp_path / "b.png").frame.mean() > read_image(picture).frame.mean()


def test_help_is_light():
    heavy = ("numpy", "cv2", "av", "torch", "onnxruntime")
    code = f"import sys; from redmobile.cli.enhance import command; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    assert "Exit code 10" in redmobile("enhance", "--help").stdout


def test_a_sentence_is_understood_or_refused_and_stands_alone(tmp_path, model, picture):
    done = redmobile("enhance", picture, "--out", tmp_path / "b.png", "--model", model, "--say", "brighten the shadows a little, leave the sky")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "understood: task lowlight, strength 0.5, only shadows, not sky\n"
    refused = redmobile("enhance", picture, "--out", tmp_path / "c.png", "--model", model, "--say", "brighten the cat")
    assert refused.returncode == 2
    assert "'cat' is not understood" in refused.stderr
    both = redmobile("enhance", picture, "--out", tmp_path / "c.png", "--model", model, "--say", "brighten it", "--strength", 1)
    assert both.returncode == 2
    assert "give the sentence or the flags" in both.stderr


def test_urls_need_a_cluster_and_a_task_its_network(tmp_path, picture):
    found = redmobile("enhance", "s3://photos", "--out", tmp_path / "out")
    assert (found.returncode, "URLs go with --cluster" in found.stderr) == (2, True)
    found = redmobile("enhance", picture, "--out", tmp_path / "b.png", "--task", "medical", "--model", "red_mobile")
    assert (found.returncode, "red_mobile was trained for lowlight only" in found.stderr) == (2, True)
