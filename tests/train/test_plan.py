"""Plans: phases follow one another, the rate warms up and anneals."""

import numpy as np
import pytest

from redmobile.core.documents import load_toml
from redmobile.data.composition import Degrader, single
from redmobile.data.degradations.blur import Blur
from redmobile.data.degradations.jpeg import Jpeg
from redmobile.data.degradations.low_light import LowLight
from redmobile.errors import DocumentError
from redmobile.train.plan import Phase, TrainingPlan

PLAN = TrainingPlan(phase=(Phase(source="photos", steps=10), Phase(source="pairs", steps=5)))


def test_steps_fall_into_phases():
    assert PLAN.steps == 15
    assert PLAN.at(9) == (PLAN.phase[0], 9)
    assert PLAN.at(10) == (PLAN.phase[1], 0)
    with pytest.raises(IndexError):
        PLAN.at(15)


def test_rate_warms_up_to_the_highest_and_anneals_to_nothing():
    phase = Phase(source="photos", steps=1000, learning_rate=1e-3, warmup=100)
    assert phase.rate(0) == pytest.approx(1e-5)
    assert max(map(phase.rate, range(1000))) == pytest.approx(1e-3, rel=0.03)
    assert phase.rate(500) == pytest.approx(5e-4, rel=0.01)
    assert phase.rate(999) < 1e-8


def test_default_rate_and_batch_are_those_of_the_paper():
    assert (PLAN.phase[0].learning_rate, PLAN.phase[0].batch) == (1e-4, 16)


def test_unknown_key_is_refused(tmp_path):
    (tmp_path / "plan.toml").write_text('[[phase]]\nsource = "photos"\nsteps = 3\nlerning_rate = 1.0\n')
    with pytest.raises(DocumentError, match="lerning_rate"):
        load_toml(tmp_path / "plan.toml", TrainingPlan)


def test_photographs_are_degraded_as_the_phase_says(tmp_path):
    text = """
[[phase]]
source = "photos"
steps = 3
degrade = "blur"
[[phase]]
source = "photos"
steps = 3
degrade = [{ steps = [{ kind = "jpeg", quality = [5, 5] }] }]
[[phase]]
source = "photos"
steps = 3
"""
    (tmp_path / "plan.toml").write_text(text)
    plan = load_toml(tmp_path / "plan.toml", TrainingPlan)
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    degradations = (Blur(), Jpeg(quality=(5, 5)), LowLight())
    for phase, degradation in zip(plan.phase, degradations, strict=True):
        expected = Degrader((single(degradation),))(photo, np.random.default_rng(1))
        assert np.array_equal(phase.degrader()(photo, np.random.default_rng(1)), expected)


def test_a_step_that_makes_no_sense_is_refused_with_its_place(tmp_path):
    (tmp_path / "plan.toml").write_text('[[phase]]\nsource = "photos"\nsteps = 3\ndegrade = [{ steps = [{ kind = "rain" }] }]\n')
    with pytest.raises(DocumentError, match=r"one of blur.*found 'rain'.*phase.*degrade"):
        load_toml(tmp_path / "plan.toml", TrainingPlan)
