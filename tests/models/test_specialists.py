"""The networks for one task each: what their files are, and that `--task` finds them."""

import pytest

from redmobile.core.artifact import read_bytes, sha256_file
from redmobile.enhance.tasks import SPECIALISTS, model_for
from redmobile.graph.onnx_graph import load_onnx
from redmobile.graph.tflite_read import read_tflite
from redmobile.nets.model_document import load_model_document
from redmobile.release.card import figures
from redmobile.release.document import load_release
from redmobile.release.files import int8_file, released
from redmobile.shelf import find, names

SHIPPED = {task: name for task, name in SPECIALISTS.items() if name in names("models")}


def test_these_tasks_have_specialists():
    assert set(SHIPPED) == {"deblur", "restore", "medical"}


@pytest.mark.parametrize(("task", "name"), SHIPPED.items())
def test_a_task_takes_its_specialist(task, name):
    assert model_for(task, None) == name
    assert load_model_document(name)[1].tasks == (task,)


@pytest.mark.parametrize("name", SHIPPED.values())
def test_the_graph_is_that_of_red_mobile_with_other_weights(name):
    folder = find("models", name)
    general = find("models", "red_mobile")
    made, first = (read_tflite(read_bytes(int8_file(place)), str(place)) for place in (folder, general))
    assert sorted(operator.kind for operator in made.operators) == sorted(operator.kind for operator in first.operators)
    onnx = load_onnx(folder / f"{name}.onnx")
    assert onnx.metadata["redmobile.weights_sha256"] != load_onnx(general / "red_mobile.onnx").metadata["redmobile.weights_sha256"]


@pytest.mark.parametrize("name", SHIPPED.values())
def test_the_card_tells_what_was_measured_of_these_files(name):
    folder = find("models", name)
    found = load_release(folder)
    assert found is not None
    assert found.files == released(folder)
    assert found.files[0].sha256 == sha256_file(int8_file(folder))
    assert figures(found) in (folder / "card.md").read_text(encoding="utf-8")
    (row,) = next(iter(found.evaluations.values()))["figures"]
    assert row["gain_db"] > 0
