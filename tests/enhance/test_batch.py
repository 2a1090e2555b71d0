"""Files, folders and videos: whole results or none, what fails is named, what comes along is kept."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from enhance_models import gain_file, load, photo_like, tflite_file
from PIL import Image as PillowImage

from redmobile.data.frames import Image, read_image, write_image
from redmobile.data.video import open_video
from redmobile.enhance.batch import Outcome, Settings, enhance_all, raise_failures
from redmobile.enhance.jobs import Job, plan_jobs
from redmobile.errors import InputError, OutputError, UsageError


def make_clip(path, frames=8, size=(64, 96)):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "10"})
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        for index in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(photo_like(*size, seed=index), format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def model(tmp_path):
    return load(gain_file(tmp_path / "model.onnx"))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "in"
    (made / "below").mkdir(parents=True)
    write_image(made / "a.png", Image(photo_like(70, 100)))
    write_image(made / "below" / "b.jpg", Image(photo_like(50, 40)))
    write_image(made / "c.tiff", Image(photo_like(30, 40), deep=photo_like(30, 40).astype(np.uint16) * 257))
    make_clip(made / "d.mp4")
    return made


def test_a_folder_is_mirrored(tmp_path, folder, model):
    seen = []
    jobs = plan_jobs([folder], tmp_path / "out").jobs
    outcomes = list(enhance_all(jobs, model, on_progress=lambda job, done, total: seen.append((job.source.name, done, total))))
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()) == [
        "a.png",
        "below/b.jpg",
        "c.tiff",
        "d.mp4",
    ]
    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert {outcome.source.name: outcome.frames for outcome in outcomes} == {"a.png": 1, "b.jpg": 1, "c.tiff": 1, "d.mp4": 8}
    assert seen.count(("a.png", 1, 1)) == 1
    assert ("d.mp4", 8, 8) in seen
    before, after = read_image(folder / "a.png").frame, read_image(tmp_path / "out" / "a.png").frame
    assert np.abs(after - np.clip(before * 2.0, 0, 255)).mean() < 0.5
    assert read_image(tmp_path / "out" / "c.tiff").deep is not None
    raise_failures(outcomes)


def test_what_comes_along_is_kept(tmp_path, model):
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker"
    PillowImage.fromarray(photo_like(40, 60)).save(tmp_path / "a.png", exif=exif.tobytes())
    alpha = np.arange(60 * 40, dtype=np.uint16).reshape(60, 40).astype(np.uint8)
    write_image(tmp_path / "b.png", Image(photo_like(60, 40), alpha=alpha))
    write_image(tmp_path / "g.png", Image(photo_like(60, 40), grey=True))
    list(enhance_all([Job(tmp_path / name, tmp_path / "out" / name) for name in ("a.png", "b.png", "g.png")], model))
    turned = read_image(tmp_path / "out" / "a.png")
    assert turned.frame.shape == (60, 40, 3)
    assert b"Maker" in turned.exif
    assert np.array_equal(read_image(tmp_path / "out" / "b.png").alpha, alpha)
    assert read_image(tmp_path / "out" / "g.png").grey


@pytest.mark.parametrize("size", [(1, 1), (3, 2000)])
def test_extreme_pictures(tmp_path, model, size):
    write_image(tmp_path / "a.png", Image(np.full((*size, 3), 40, np.uint8)))
    list(enhance_all([Job(tmp_path / "a.png", tmp_path / "b.png")], model))
    assert np.unique(read_image(tmp_path / "b.png").frame).tolist() == [80]


def test_side_by_side(tmp_path, model, folder):
    jobs = [Job(folder / name, tmp_path / "out" / name) for name in ("a.png", "d.mp4", "c.tiff")]
    outcomes = list(enhance_all(jobs, model, Settings(compare=True)))
    assert [outcome.error for outcome in outcomes] == [None] * 3
    made = read_image(tmp_path / "out" / "a.png").frame
    assert made.shape[1] > 200
    assert np.array_equal(made[-70:, :100], read_image(folder / "a.png").frame)
    with open_video(tmp_path / "out" / "d.mp4") as reader:
        assert reader.info.width > 192


def test_broken_files_are_named_and_the_others_done(tmp_path, folder, model):
    for name, keep in (("a.png", 0.5), ("d.mp4", 0.6)):
        data = (folder / name).read_bytes()
        (folder / f"broken_{name}").write_bytes(data[: int(len(data) * keep)])
    outcomes = list(enhance_all(plan_jobs([folder], tmp_path / "out").jobs, model))
    assert sorted(outcome.source.name for outcome in outcomes if outcome.error) == ["broken_a.png", "broken_d.mp4"]
    assert len([path for path in (tmp_path / "out").rglob("*") if path.is_file()]) == 4
    with pytest.raises(InputError, match=r"2 of 6 files.*broken_a\.png, .*broken_d\.mp4"):
        raise_failures(outcomes)


def test_a_single_failure_is_raised_as_it_is(tmp_path):
    error = UsageError("why")
    with pytest.raises(UsageError, match="why"):
        raise_failures([Outcome(tmp_path, None, error=error)])
    raise_failures([])


def test_transparency_into_jpeg_is_named(tmp_path, model):
    write_image(tmp_path / "a.png", Image(photo_like(8, 8), alpha=np.zeros((8, 8), np.uint8)))
    (outcome,) = enhance_all([Job(tmp_path / "a.png", tmp_path / "b.jpg")], model)
    assert "transparency" in str(outcome.error)


def test_skip_existing(tmp_path, folder, model):
    jobs = plan_jobs([folder], tmp_path / "out").jobs
    list(enhance_all(jobs[:2], model))
    before = (tmp_path / "out" / "a.png").stat().st_mtime_ns
    outcomes = list(enhance_all(jobs, model, Settings(skip_existing=True)))
    assert sum(outcome.skipped for outcome in outcomes) == 2
    assert (tmp_path / "out" / "a.png").stat().st_mtime_ns == before


def test_results_that_cannot_be_written_stop_the_run(tmp_path, folder, model):
    (tmp_path / "out").write_text("a file where a folder should be")
    with pytest.raises(OutputError, match="cannot be written"):
        list(enhance_all(plan_jobs([folder], tmp_path / "out").jobs, model))


SLOW = """
import pathlib, sys, time
sys.path.insert(0, {here!r})
from enhance_models import load
from redmobile.enhance.batch import enhance_all
from redmobile.enhance.jobs import plan_jobs
folder = pathlib.Path({folder!r})
model = load(folder / "model.tflite")
for outcome in enhance_all(plan_jobs([folder / "in"], folder / "out").jobs, model, on_progress=lambda *_: time.sleep(0.002)):
    print(outcome.final, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pictures", "video"])
def test_kill_9_leaves_nothing_half_written(tmp_path, kind):
    """Killed at several moments: whatever stands under a final name is whole; a second run finishes the work."""
    tflite_file(tmp_path / "model.tflite")
    (tmp_path / "in").mkdir()
    if kind == "pictures":
        for index in range(60):
            write_image(tmp_path / "in" / f"{index:02}.png", Image(photo_like(120, 180, seed=index % 3)))
    else:
        make_clip(tmp_path / "in" / "clip.mp4", frames=400)
    code = SLOW.format(here=str(Path(__file__).parent), folder=str(tmp_path))
    for delay in (0.0, 0.1, 0.3):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
            if kind == "pictures":
                assert process.stdout.readline()
            else:
                while not list(tmp_path.glob("out/.*partial*")) and process.poll() is None:
                    time.sleep(0.01)
            time.sleep(delay)
            process.kill()
            process.wait()
        assert process.returncode in (-signal.SIGKILL, 0)
        for path in (tmp_path / "out").iterdir():
            if not path.name.startswith("."):
                assert kind == "pictures" or process.returncode == 0
                assert read_image(path).frame.shape == (120, 180, 3) if kind == "pictures" else True
        for partial in (tmp_path / "out").glob(".*"):
            partial.unlink()
    jobs = plan_jobs([tmp_path / "in"], tmp_path / "out").jobs
    outcomes = list(enhance_all(jobs, load(tmp_path / "model.tflite"), Settings(skip_existing=True)))
    assert all(outcome.error is None for outcome in outcomes)
    assert all(job.final.is_file() for job in jobs)


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="file sizes cannot be limited here")
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tiff"])
def test_full_disk(tmp_path, name):
    """The largest file size allowed to the process stands in for the full disk: writes fail in the same place."""
    gain_file(tmp_path / "model.onnx")
    rng = np.random.default_rng(0)
    write_image(tmp_path / name, Image(rng.integers(0, 100, (200, 300, 3), dtype=np.uint8)))
    code = f"""
import pathlib, resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from enhance_models import load
from redmobile.enhance.batch import enhance_all
from redmobile.enhance.jobs import Job
from redmobile.errors import OutputError
folder = pathlib.Path({str(tmp_path)!r})
model = load(folder / "model.onnx")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
try:
    list(enhance_all([Job(folder / {name!r}, folder / "out" / {name!r})], model))
except OutputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cannot be written" in done.stdout
    assert list((tmp_path / "out").iterdir()) == []
