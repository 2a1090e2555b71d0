"""An evaluation on a cluster says what one without it says."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("distributed", reason="needs the extra 'cluster'")

from redmobile.data.frames import Image, write_image
from redmobile.enhance.control import Control
from redmobile.enhance.spread import read_network
from redmobile.errors import InputError, UsageError
from redmobile.evaluate.evaluate import Wanted, evaluate
from redmobile.evaluate.result import Subject
from redmobile.evaluate.spread import Sent, _score_one
from redmobile.evaluate.subjects import Enhancer, open_subjects

_spec = importlib.util.spec_from_file_location("enhance_models", Path(__file__).parents[1] / "enhance" / "enhance_models.py")
models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(models)


@pytest.fixture
def pairs(tmp_path):
    for index in range(9):
        half = models.photo_like(50, 70, index) // 2
        for part, frame in (("low", half), ("high", np.minimum(half * 2 + index, 255).astype(np.uint8))):
            write_image(tmp_path / "pairs" / part / f"{index}.png", Image(frame))
    return tmp_path / "pairs"


@pytest.mark.slow
def test_the_same_figures_and_errors_as_without(pairs, tmp_path):
    files = models.gain_file(tmp_path / "double.onnx", 2.0), models.gain_file(tmp_path / "triple.onnx", 3.0)
    with open_subjects(str(files[0]), (), files[1:], Control(auto=True), 1) as subjects:
        here = evaluate(subjects, Wanted(pairs=pairs))
        there = evaluate(subjects, Wanted(pairs=pairs, cluster="local:2"))
        assert there.figures == here.figures


def test_a_picture_that_cannot_be_judged_comes_back_as_an_error(tmp_path):
    tiny = np.zeros((4, 4, 3), np.uint8)
    network = read_network(str(models.gain_file(tmp_path / "double.onnx")), None, 1)
    assert isinstance(_score_one(tiny, tiny, Sent({"double": (network, Control())})).error, InputError)


def test_what_has_no_file_cannot_be_sent(pairs):
    subject = Enhancer(Subject(name="torch", file="w", sha256="0", runtime="torch"), lambda frame: frame)
    with pytest.raises(UsageError, match="torch does not go with --cluster"):
        evaluate([subject], Wanted(pairs=pairs, cluster="local:2"))
