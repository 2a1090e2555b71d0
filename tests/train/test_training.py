"""Training end to end on a few small pictures: resumable bit for bit, guarded, never half-written."""

import json
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

TINY = """
says = "small enough for a test"
network = "red_mobile"
version = "0"
[input]
height = 64
width = 64
[layers]
stem_width = 8
[[layers.encoder]]
kernel = 3
expand = 8
out = 8
stride = 2
[layers.context]
levels = 1
width = 8
"""


@pytest.fixture
def bench(tmp_path):
    """A folder with a tiny model.toml, three photographs, a single one and twelve pairs."""
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "model.toml").write_text(TINY)
    rng = np.random.default_rng(0)
    for folder, count in (("photos", 3), ("single", 1), ("pairs/low", 12), ("pairs/high", 12)):
        (tmp_path / folder).mkdir(parents=True)
        for index in range(count):
            cv2.imwrite(str(tmp_path / folder / f"{index:02}.png"), rng.integers(0, 256, (80, 96, 3), np.uint8))
    return tmp_path


def _arguments(bench, run, *more):
    sources = ["--photos", str(bench / "photos"), "--pairs", str(bench / "pairs")]
    sizes = ["--steps", "6", "--pair-steps", "6", "--batch", "2", "--crop", "64", "--every", "3", "--threads", "1"]
    return [sys.executable, "-m", "redmobile", "train", str(bench / "tiny"), *sources, *sizes, "--out", str(run), *more]


def _train(bench, run, *more):
    return subprocess.run(_arguments(bench, run, *more), capture_output=True, text=True, check=False)


KILLED = """
import os, signal, sys
from redmobile.cli import main
from redmobile.train import loop

save, saved = loop.save_checkpoint, []
def save_once(*arguments):
    if saved:
        os.kill(os.getpid(), signal.SIGKILL)
    saved.append(save(*arguments))

loop.save_checkpoint = save_once
main()
"""
"""`redmobile train`, killed when it is about to write its second checkpoint: the steps since the first one are lost."""


@pytest.mark.slow
def test_run_killed_in_the_middle_goes_on_bit_for_bit(bench):
    whole = _train(bench, bench / "whole", "--json")
    assert whole.returncode == 0, whole.stderr
    assert json.loads(whole.stdout)["steps"] == 12

    killed = bench / "killed"
    ended = subprocess.run([sys.executable, "-c", KILLED, *_arguments(bench, killed)[3:]], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert json.loads((killed / "checkpoint.json").read_text())["step"] == 3
    assert not (killed / "weights.safetensors").exists()

    resumed = _train(bench, killed, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    for name in ("weights.safetensors", "log.csv", "weights-photos-0000006.safetensors"):
        assert (killed / name).read_bytes() == (bench / "whole" / name).read_bytes(), name


@pytest.mark.slow
def test_run_leaves_what_people_look_for_and_is_not_overwritten(bench):
    run = bench / "run"
    assert _train(bench, run).returncode == 0
    lines = (run / "log.csv").read_text().splitlines()
    assert lines[0] == "step,source,learning_rate,loss,validation_psnr_db,validation_ssim"
    assert [line.split(",")[:2] for line in lines[1:]] == [["3", "photos"], ["6", "photos"], ["9", "pairs"], ["12", "pairs"]]
    assert cv2.imread(str(run / "validation.png")) is not None
    again = _train(bench, run)
    assert again.returncode == 11
    assert "already holds a run" in again.stderr
    other = _train(bench, run, "--resume", "--lr", "0.5")
    assert other.returncode == 2
    assert "another plan" in other.stderr


@pytest.mark.slow
def test_damaged_checkpoint_is_told(bench):
    run = bench / "run"
    assert _train(bench, run).returncode == 0
    file = next(run.glob("checkpoint-*.safetensors"))
    file.write_bytes(file.read_bytes()[:-1] + b"\0\0")
    found = _train(bench, run, "--resume")
    assert found.returncode == 10
    assert "damaged" in found.stderr


def test_loss_that_is_not_finite_stops_with_advice(bench):
    from redmobile.errors import TrainingError
    from redmobile.nets.model_document import load_model_document
    from redmobile.train.loop import Training
    from redmobile.train.pictures import load_pictures
    from redmobile.train.plan import Phase, TrainingPlan

    plan = TrainingPlan(phase=(Phase(source="photos", steps=3, batch=2, crop=(64, 64)),))
    training = Training(load_model_document(str(bench / "tiny"))[1], plan, load_pictures(plan, bench / "photos", None, None), bench / "run")
    with torch.no_grad():
        training.network.stem.mix.convolution.bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"nan at step 0.*Try a lower --lr"):
        training.go()
    assert not (bench / "run" / "weights.safetensors").exists()


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--out", "RUN"], 2, "Nothing to learn from"),
        (["--photos", "absent", "--out", "RUN"], 10, "no such folder"),
        (["--photos", "tiny", "--out", "RUN"], 10, "holds no pictures"),
        (["--photos", "photos", "--out", "RUN", "--resume"], 10, "nothing to resume"),
        (["--photos", "photos", "--out", "RUN", "--plan", "absent.toml"], 10, "absent.toml: no such file"),
        (["--photos", "single", "--out", "RUN"], 2, "single: all its pictures, 1, are held out to validate"),
        (["--photos", "photos", "--out", "RUN", "--teacher-weights", "w.safetensors"], 2, "give --teacher MODEL too"),
        (["--photos", "photos", "--out", "RUN", "--degrade", "rain"], 2, "Unknown degradation 'rain'"),
        (["--photos", "photos", "--out", "RUN", "--degrade", "blur", "--plan", "absent.toml"], 2, "does not go with --plan"),
    ],
)
def test_bad_input_is_one_line(bench, more, code, words):
    found = subprocess.run(
        [sys.executable, "-m", "redmobile", "train", "tiny/model.toml", *more], cwd=bench, capture_output=True, text=True, check=False
    )
    assert found.returncode == code, found.stderr
    assert words in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.slow
def test_a_quantized_run_that_is_cut_off_goes_on_bit_for_bit(bench):
    """Grids are measured at the start of a phase, never again, and their scales are first moved there: both are part of the run."""
    from redmobile.nets.blocks.rounding import roundings
    from redmobile.nets.model_document import load_model_document
    from redmobile.train.loop import Training
    from redmobile.train.pictures import load_pictures
    from redmobile.train.plan import Phase, TrainingPlan

    phases = (Phase(source="photos", steps=1, batch=2, crop=(64, 64)), Phase(source="photos", steps=4, batch=2, crop=(64, 64), quantize=True))
    plan = TrainingPlan(phase=phases, every=3)
    document, pictures = load_model_document(str(bench / "tiny"))[1], load_pictures(plan, bench / "photos", None, None)
    whole = Training(document, plan, pictures, bench / "whole")
    whole.go()

    def cut_off(now):
        if now.step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Training(document, plan, pictures, bench / "cut").go(cut_off)
    resumed = Training(document, plan, pictures, bench / "cut")
    resumed.resume()
    assert resumed.step == 3
    resumed.go()
    assert (bench / "cut" / "weights.safetensors").read_bytes() == (bench / "whole" / "weights.safetensors").read_bytes()
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(resumed.network.buffers(), whole.network.buffers(), strict=True))
    assert all(rounding.grid for rounding in roundings(whole.network))


def test_a_red_detail_is_whitened_before_its_first_step_and_refuses_quantized_phases(bench):
    from redmobile.errors import UsageError
    from redmobile.nets.model_document import load_model_document
    from redmobile.train.loop import Training
    from redmobile.train.pictures import load_pictures
    from redmobile.train.plan import Phase, TrainingPlan

    def training(run, *, quantize):
        plan = TrainingPlan(phase=(Phase(source="photos", steps=2, batch=2, crop=(64, 64), quantize=quantize),))
        pictures = load_pictures(plan, bench / "photos", None, None)
        return Training(load_model_document("red_detail_deblur")[1], plan, pictures, bench / run)

    first = training("first", quantize=False)
    assert not first.network.stem.is_settled
    first.go()
    assert torch.equal(first.average.stem.whitening, first.network.stem.whitening)
    assert first.average.stem.is_settled
    with pytest.raises(UsageError, match="a RED-detail cannot learn yet"):
        training("second", quantize=True)
