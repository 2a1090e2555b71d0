"""Two processes train as one does: the same gradient, one checkpoint, and a run goes on with another number of them."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
pytest.importorskip("accelerate", reason="needs the extra 'torch'")
import safetensors.torch

from redmobile.data.datasets import Pairs, Photos
from redmobile.errors import UsageError
from redmobile.nets.model_document import Layers, load_model_document
from redmobile.train.loop import Pictures, Training
from redmobile.train.plan import Phase, TrainingPlan
from redmobile.train.processes import Processes

WORKER = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import test_processes as here

run = Path(sys.argv[1])
here.torch.set_num_threads(1)
training = here.training_in(run)
training.start()
here.train(training, run / f"gradients-{{training.processes.rank}}.safetensors", stop_after=4)
training.processes.end()
"""


class StoppedError(Exception):
    """As if somebody had pulled the plug."""


def training_in(run):
    _, document = load_model_document("red_mobile")
    rows = tuple(msgspec.structs.replace(row, expand=8, out=8) for row in document.layers.encoder)
    document = msgspec.structs.replace(document, layers=Layers(encoder=rows, stem_width=8))
    frames = [np.random.default_rng(index).integers(0, 256, (80, 96, 3), np.uint8) for index in range(4)]
    pairs = [(frame // 4, frame) for frame in frames]
    phase = Phase(source="pairs", steps=6, batch=16, crop=(64, 64), photos_share=0.25, warmup=1)
    plan = TrainingPlan(phase=(phase,), every=3, clip_norm=1e9)
    return Training(document, plan, Pictures(Photos(frames), Pairs(pairs), pairs[:1]), run)


def train(training, gradients, stop_after=None):
    """To the end, or until `stop_after` steps; the gradients of the first step are kept."""

    def look(now):
        if now.step == 1:
            found = {
                name: parameter.grad.clone().contiguous() for name, parameter in training.network.named_parameters() if parameter.grad is not None
            }
            safetensors.torch.save_file(found, gradients)
        if now.step == stop_after:
            raise StoppedError

    try:
        training.go(look)
    except StoppedError:
        assert stop_after


@pytest.mark.slow
def test_two_processes_of_8_take_the_steps_of_one_of_16_and_one_goes_on_alone(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    worker = tmp_path / "worker.py"
    worker.write_text(WORKER.format(tests=str(Path(__file__).parent)))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(worker), str(tmp_path / "two")]
    ended = subprocess.run(launch, capture_output=True, text=True, check=False, timeout=500)
    assert ended.returncode == 0, ended.stderr[-3000:]

    whole = training_in(tmp_path / "one")
    train(whole, tmp_path / "one" / "gradients-0.safetensors")
    alone, first, second = (
        safetensors.torch.load_file(tmp_path / file)
        for file in ("one/gradients-0.safetensors", "two/gradients-0.safetensors", "two/gradients-1.safetensors")
    )
    assert max(float(gradient.abs().max()) for gradient in alone.values()) > 1e-3
    for name, gradient in alone.items():
        assert torch.equal(first[name], second[name]), name
        assert float((gradient - first[name]).abs().max()) <= 1e-6, name

    assert len(list((tmp_path / "two").glob("checkpoint-*.safetensors"))) == 1
    assert json.loads((tmp_path / "two" / "checkpoint.json").read_text())["processes"] == 2
    resumed = training_in(tmp_path / "two")
    resumed.resume()
    assert resumed.step == 3
    train(resumed, None)
    for mine, its in zip(resumed.rows, whole.rows, strict=True):
        assert mine["step"] == its["step"]
        assert mine["loss"] == pytest.approx(its["loss"], rel=1e-4)
        assert mine["validation_psnr_db"] == pytest.approx(its["validation_psnr_db"], abs=0.01)


def test_a_batch_that_cannot_be_split_is_refused():
    processes = Processes()
    assert list(processes.share(6)) == list(range(6))
    processes.count, processes.rank = 4, 2
    assert list(processes.share(8)) == [4, 5]
    with pytest.raises(UsageError, match="batch of 6 cannot be split evenly over 4"):
        processes.share(6)
