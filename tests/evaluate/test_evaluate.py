"""Figures against their definitions, on subjects whose answer is known."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from redmobile.core.metrics import psnr
from redmobile.data.frames import Image, write_image
from redmobile.errors import InputError, UsageError
from redmobile.evaluate.banding import BANDS, gradient_chart, measure_banding
from redmobile.evaluate.cases import pair_cases, photo_cases, photo_paths
from redmobile.evaluate.conditions import STANDARD, conditions_of
from redmobile.evaluate.evaluate import Wanted, evaluate
from redmobile.evaluate.flicker import measure_flicker
from redmobile.evaluate.noise import SWEEP_DB, measured_snr_db, sweep
from redmobile.evaluate.pictures import noise_curve
from redmobile.evaluate.result import Subject
from redmobile.evaluate.scores import luma, matched, score
from redmobile.evaluate.subjects import Enhancer, open_subjects


def _subject(enhance, name="mine"):
    return Enhancer(Subject(name=name, file="f", sha256="0", runtime="r"), enhance)


def _twice(frame):
    return np.clip(frame.astype(np.uint16) * 2, 0, 255).astype(np.uint8)


SAME, TWICE = _subject(lambda frame: frame.copy(), "same"), _subject(_twice, "twice")


def _photo(seed=0, size=(96, 128)):
    coarse = np.random.default_rng(seed).random((6, 8, 3)).astype(np.float32)
    return (cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_LINEAR) * 225 + 10).astype(np.uint8)


@pytest.fixture
def pairs(tmp_path):
    """Eight pairs; low is half of high, and a little noise that differs in strength."""
    for index in range(8):
        high = _photo(index) // 2 * 2
        noise = np.random.default_rng(index).integers(0, index + 1, high.shape)
        for part, frame in (("low", np.clip(high // 2 + noise, 0, 255).astype(np.uint8)), ("high", high)):
            write_image(tmp_path / "pairs" / part / f"{index}.png", Image(frame))
    return tmp_path / "pairs"


@pytest.fixture
def photos(tmp_path):
    for index in range(12):
        write_image(tmp_path / "photos" / f"{index:02}.png", Image(_photo(index)))
    return tmp_path / "photos"


def test_matching_takes_brightness_out_and_nothing_else():
    reference = _photo()
    half = reference // 2
    assert luma(matched(reference, half)).mean() == pytest.approx(luma(reference).mean(), abs=0.5)
    found = score(reference, half)
    assert found.psnr == pytest.approx(psnr(reference, half))
    assert found.psnr_matched > found.psnr + 20
    black = np.zeros_like(reference)
    assert score(reference, black).psnr_matched == score(reference, black).psnr
    assert score(reference, reference).psnr == float("inf")


def test_a_picture_smaller_than_the_window_of_ssim_is_refused():
    tiny = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(InputError, match="at least 11×11"):
        score(tiny, tiny)


def test_pairs_give_gain_best_median_and_worst(pairs, tmp_path):
    found = evaluate([SAME, TWICE], Wanted(pairs=pairs, sheet=tmp_path / "sheet.png"))
    same, twice = found.figures
    assert (same.condition, same.subject, twice.subject) == ("pairs", "same", "twice")
    assert same.gain_db == 0
    assert twice.gain_db > 10
    assert same.pooled_db == pytest.approx(-10 * np.log10(np.mean([10 ** (-row.after.psnr / 10) for row in same.images])))
    assert (twice.best, twice.worst) == ("0.png", "7.png")
    assert twice.median in {"3.png", "4.png"}
    assert [row.image for row in twice.images] == [f"{index}.png" for index in range(8)]
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape[0] > 3 * 240
    assert sheet.shape[1] > 4 * 300
    json.dumps(found.as_json())


def test_a_block_of_pairs_and_a_limit(pairs):
    assert [case.name for case in pair_cases(pairs, "2-5", None)] == ["2.png", "3.png", "4.png", "5.png"]
    assert [case.name for case in pair_cases(pairs, None, 4)] == ["0.png", "2.png", "4.png", "6.png"]


def test_photographs_are_degraded_each_always_in_the_same_way(photos):
    paths = photo_paths(photos, held_out=True, limit=None)
    assert [path.name for path in paths] == ["00.png", "10.png"]
    (blur,) = conditions_of(["blur"]).values()
    first, second, other = (photo_cases(paths, blur, seed) for seed in (1, 1, 2))
    assert len(first) == 2
    assert np.array_equal(first[0].given, second[0].given)
    assert np.array_equal(first[0].reference, _photo(0))
    (dark,) = conditions_of(["low_light"]).values()
    assert not np.array_equal(photo_cases(paths, dark, 1)[0].given, photo_cases(paths, dark, 2)[0].given)
    assert np.array_equal(first[1].given, other[1].given), "blur of one strength needs no chance"


def test_all_is_every_standard_condition_and_nothing_changes_nothing(photos):
    found = evaluate([SAME], Wanted(photos=photos, degrade=("all",), limit=2))
    assert [row.condition for row in found.figures] == list(STANDARD)
    by_name = {row.condition: row for row in found.figures}
    assert by_name["nothing"].after.psnr == by_name["nothing"].pooled_db == float("inf")
    assert all(row.after.psnr < 60 for name, row in by_name.items() if name != "nothing")
    assert found.as_json()["source"] == "photos photos (all, at most 2), seed 0"


def test_the_sweep_gets_louder_and_says_what_it_measured():
    points = sweep([lambda: _photo(3), lambda: _photo(4)], [SAME, TWICE], 0, lambda _: None)
    assert [point.snr_db for point in points] == list(SWEEP_DB)
    measured = [point.measured_snr_db for point in points]
    assert measured == sorted(measured)
    assert measured[SWEEP_DB.index(15.0)] == pytest.approx(15, abs=1)
    assert 0 <= measured[0] < 4
    assert points[0].after["same"] == points[0].before
    matched_db = [point.before.psnr_matched for point in points]
    assert matched_db == sorted(matched_db)
    assert noise_curve(points).shape == (520, 900, 3)


def test_signal_to_noise_ratio_is_its_formula():
    quiet = np.full((10, 10, 3), 100, np.uint8)
    assert measured_snr_db(quiet, quiet + 10) == pytest.approx(20)
    assert measured_snr_db(quiet, quiet) == float("inf")


def test_bands_are_found_where_they_are():
    chart = gradient_chart()
    assert chart.shape == (88 * len(BANDS), 1280, 3)
    calm = measure_banding(SAME)
    assert calm.ripple_codes == pytest.approx(calm.unavoidable_codes, abs=0.02)
    assert calm.dip_codes < 0.51
    coarse = measure_banding(_subject(lambda frame: frame // 12 * 12))
    assert coarse.ripple_codes > 4 * coarse.unavoidable_codes
    wavy = _subject(lambda frame: np.clip(frame + (8 * np.sin(np.arange(frame.shape[1]) / 30))[None, :, None], 0, 255).astype(np.uint8))
    assert measure_banding(wavy).dip_codes > 8


def test_flicker_of_a_subject_that_follows_the_noise_and_of_one_that_does_not():
    scene = _photo(2)
    same = measure_flicker(SAME, scene, 0)
    assert same.brightness_after_percent == same.brightness_before_percent > 0
    assert same.blocks_after_percent == same.blocks_before_percent > same.brightness_before_percent
    still = measure_flicker(_subject(lambda frame: np.full_like(frame, 90)), scene, 0)
    assert still.brightness_after_percent == still.blocks_after_percent == 0
    brightness = iter((40, 60) * 6)
    nervous = measure_flicker(_subject(lambda frame: np.full_like(frame, next(brightness))), scene, 0)
    assert nervous.brightness_after_percent == pytest.approx(40)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, "either --pairs DIR"),
        ({"pairs": "p", "photos": "q"}, "either --pairs DIR"),
        ({"pairs": "p", "degrade": ("blur",)}, "--degrade goes with --photos"),
        ({"photos": "p"}, "Say what is done"),
        ({"photos": "p", "degrade": ("blur",), "hold_out": "1-2"}, "--hold-out goes with --pairs"),
        ({"pairs": "p", "held_out": True}, "--held-out goes with --photos"),
        ({"pairs": "p", "noise_curve": "n.png"}, "add --noise"),
    ],
)
def test_what_does_not_go_together_is_refused(wanted, words):
    with pytest.raises(UsageError, match=words):
        evaluate([SAME], Wanted(**wanted))


def test_stages_of_a_model_that_is_not_built_and_of_a_file_are_refused(tmp_path):
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "model.toml").write_text('says = "x"')
    for stage, file in (("int8", "bare_int8.tflite"), ("float", "bare.onnx"), ("onnx", "bare.onnx")):
        with pytest.raises(InputError, match=f"holds no {file}"), open_subjects(str(folder), [stage], []):
            pass
    with pytest.raises(UsageError, match="--stage goes with"), open_subjects("a.tflite", ["int8"], []):
        pass


def test_float_and_int8_of_the_network_that_comes_along(pairs):
    """Real files: the float stage is lowered on the fly, and both brighten."""
    with open_subjects("red_mobile", ["float", "int8"], [], threads=1) as subjects:
        found = evaluate(subjects, Wanted(pairs=pairs, limit=1))
    assert [subject.name for subject in found.subjects] == ["float", "int8"]
    assert found.subjects[0].file == "lowered from red_mobile.onnx"
    assert abs(found.figures[0].after.psnr - found.figures[1].after.psnr) < 2


def test_unpaired_pictures_are_shown_and_hints_are_given(photos, tmp_path):
    found = evaluate([SAME, TWICE], Wanted(unpaired=photos, limit=3, sheet=tmp_path / "sheet.jpg"))
    assert found.figures == ()
    assert found.source == "unpaired photos (all, at most 3), seed 0"
    assert [(look.image, look.subject) for look in found.looks[:3]] == [("00.png", "same"), ("00.png", "twice"), ("04.png", "same")]
    same, twice = found.looks[:2]
    assert same.before == same.after
    assert twice.after.brightness > 1.5 * twice.before.brightness
    assert twice.after.burnt_percent > twice.before.burnt_percent
    sheet = cv2.imread(str(tmp_path / "sheet.jpg"))
    assert sheet.shape[0] > 300
    assert sheet.shape[1] <= 2400


def test_cast_is_the_distance_from_grey(tmp_path):
    grey, red = np.full((40, 40, 3), 90, np.uint8), np.full((40, 40, 3), (120, 80, 80), np.uint8)
    write_image(tmp_path / "p" / "grey.png", Image(grey))
    found = evaluate([_subject(lambda _: red)], Wanted(unpaired=tmp_path / "p", sheet=tmp_path / "sheet.png"))
    (look,) = found.looks
    assert look.before.cast == pytest.approx(0, abs=0.1)
    assert look.after.cast == pytest.approx(18.3, abs=1), "sRGB (120, 80, 80) is CIELAB (39, 16.6, 7.6)"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted(unpaired=Path("p")), "add --sheet"),
        (Wanted(unpaired=Path("p"), sheet=Path("s.png"), noise=2), "--unpaired only shows pictures"),
        (Wanted(unpaired=Path("p"), sheet=Path("s.png"), degrade=("blur",)), "--degrade goes with --photos"),
        (Wanted(unpaired=Path("p"), pairs=Path("q"), sheet=Path("s.png")), "Give either"),
    ],
)
def test_unpaired_goes_with_a_sheet_alone(wanted, words):
    with pytest.raises(UsageError, match=words):
        evaluate([SAME], wanted)
