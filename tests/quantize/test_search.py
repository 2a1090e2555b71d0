"""The search for observers: judged by the output, counted, deterministic."""

import numpy as np
import pytest
from quantize_models import Build, frames, mini_red, run_codes, run_float

from redmobile.core.converter import ActivationQuantization, Quantize
from redmobile.data.calibration import FrameSet
from redmobile.quantize.calibrate import Wanted, calibrate, float_outputs
from redmobile.quantize.effort import FRAME_WORK
from redmobile.quantize.judge import Judge, decibels, judged
from redmobile.quantize.observers import OBSERVERS
from redmobile.quantize.quantize import quantize
from redmobile.quantize.ranges import lay_out
from redmobile.quantize.search import Candidates, search


@pytest.fixture
def candidates():
    layout = lay_out(mini_red(), (0, 1), 8)
    return Candidates(layout, calibrate(layout.model, frames(), (0, 1), Wanted(layout.observed())).statistics)


def scored(candidates, wished):
    """A judge for whom each group that has the wished-for scale is worth one."""

    def judge(quantizations):
        groups = candidates._layout.groups
        return sum(quantizations[id(groups[place].tensors[0])] != candidates.quantization(place, wished[place]) for place in candidates.free) + 1.0

    return judge


def test_each_group_gets_the_observer_that_the_output_likes(candidates):
    names = list(OBSERVERS)
    wished = {place: names[index % 3] for index, place in enumerate(candidates.free)}
    found = search(candidates, scored(candidates, wished), trials=1000)
    assert found.error == 1.0
    assert found.trials < 1000


@pytest.mark.parametrize("trials", [1, 4, 6, 9])
def test_trials_are_counted_and_never_exceeded(candidates, trials):
    calls = []
    found = search(candidates, lambda quantizations: calls.append(quantizations) or 1.0, trials)
    assert found.trials == len(calls) <= trials


def test_it_is_never_worse_than_the_best_observer_everywhere():
    recipe = Quantize(activations=ActivationQuantization(search=40))
    stages = quantize(mini_red(), recipe, frames()).report.stages["search"]
    assert stages["psnr_db"] >= max(stages["uniform_psnr_db"].values())
    assert set(stages["uniform_psnr_db"]) == set(OBSERVERS)


def test_progress_is_told(candidates):
    told = []
    search(candidates, lambda _: 1.0, 8, lambda *args: told.append(args))
    assert told[0] == ("searching", 1, 8)


def test_a_model_without_choices_needs_no_search():
    build = Build()
    out = build.op("LOGISTIC", [build.image], build.image.shape)
    recipe = Quantize(activations=ActivationQuantization(search=10))
    assert "search" not in quantize(build.model(out), recipe, frames()).report.stages


@pytest.mark.parametrize("count", [1, 2, 4, 5, 30])
def test_up_to_four_frames_from_dark_to_bright_in_any_order_are_judged_by(count):
    shades = [np.full((4, 6, 3), 8 * index, np.uint8) for index in range(count)]
    made = judged(shades, 4)
    assert len(made) == min(count, 4)
    levels = [int(frame.max()) for frame in made]
    assert levels == sorted(set(levels))
    assert max(levels) - min(levels) >= 8 * (count // 2)
    for one, other in zip(made, judged(shades[::-1], 4), strict=True):
        np.testing.assert_array_equal(one, other)


def test_pictures_are_judged_mirrored_and_what_is_no_picture_as_it_is():
    frame, numbers = np.arange(24, dtype=np.uint8).reshape(2, 4, 3), np.arange(5, dtype=np.uint8)
    (made,) = judged([frame], 4)
    np.testing.assert_array_equal(made, frame[:, ::-1])
    (several,) = judged([FrameSet((frame, numbers))], 4)
    np.testing.assert_array_equal(several.frames[0], frame[:, ::-1])
    np.testing.assert_array_equal(several.frames[1], numbers)


def test_the_judge_takes_the_mean_deviation_of_its_pictures():
    model = mini_red()
    outputs = float_outputs(model, frames(2), (0, 1))
    judge = Judge(frames(2), outputs, (0, 1), {"enhanced": 1.0})
    recipe = Quantize(activations=ActivationQuantization(search=0))
    quantized = quantize(model, recipe, frames(2)).model
    expected = [
        np.sqrt(np.square(run_codes(quantized, picture)["enhanced"] - run_float(model, picture)["enhanced"])[:, ::3].mean()) for picture in frames(2)
    ]
    assert decibels(judge.error(quantized)) == pytest.approx(-20 * np.log10(np.mean(expected)), abs=1e-3)


def test_decibels():
    assert decibels(0.01) == pytest.approx(20)
    assert decibels(0) == float("inf")
    assert np.isfinite(decibels(1e-12))


@pytest.mark.parametrize(("costs", "judges"), [(1.0, 3), (FRAME_WORK * 3, 1)])
def test_the_report_says_how_many_frames_judged(monkeypatch, costs, judges):
    monkeypatch.setattr("redmobile.quantize.quantize.work_of", lambda _: costs)
    stages = quantize(mini_red(), Quantize(activations=ActivationQuantization(search=30)), frames()).report.stages
    assert stages["judged_by"] == judges
    assert (stages["search"]["trials"] > 12) == (judges > 1)
