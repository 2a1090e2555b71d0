"""A short version of the recipe: degraded photographs alone lift a network from nothing, on a picture that it never saw."""

import tarfile
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
skimage = pytest.importorskip("skimage", reason="its photographs are those that everybody has")

from redmobile.nets.model_document import load_model_document
from redmobile.train.board import Board
from redmobile.train.evaluate import evaluate
from redmobile.train.loop import Training
from redmobile.train.pictures import load_pictures
from redmobile.train.plan import Phase, TrainingPlan

PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg", "hubble_deep_field.jpg")
"""The first by name is held out, as every tenth is."""


def _shard(path):
    data = Path(skimage.__file__).parent / "data"
    with tarfile.open(path, "w") as archive:
        for name in PHOTOS:
            archive.add(data / name, name)


@pytest.mark.slow
def test_120_steps_on_six_photographs_in_a_shard_improve_validation_by_3_db(tmp_path):
    _shard(tmp_path / "photos.tar")
    phase = Phase(source="photos", degrade="low_light", steps=120, batch=4, crop=(128, 128), learning_rate=5e-3, warmup=10)
    plan = TrainingPlan(phase=(phase,), every=60, ema=0.95)
    _, document = load_model_document("red_mobile_small")
    pictures = load_pictures(plan, tmp_path / "photos.tar", None, None)
    assert (len(pictures.photos.frames), len(pictures.validation)) == (5, 1)
    training = Training(document, plan, pictures, tmp_path / "run")
    training.board = Board(tmp_path / "run")
    before = evaluate(training.network, pictures.validation, document.size_multiple).psnr
    training.go()
    after = training.rows[-1]["validation_psnr_db"]
    assert after >= before + 3
    assert [row["step"] for row in training.rows] == [60, 120]

    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("validation_psnr_db")] == [60, 120]
    assert events.Scalars("validation_psnr_db")[-1].value == pytest.approx(after, abs=1e-3)
    assert events.Images("validation")
