"""Plans carried out on small networks, in real processes. Nothing here depends on how long anything takes."""

import json
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pytest

from redmobile.bench import result as results
from redmobile.bench.inputs import arrays_for, dark_scene
from redmobile.bench.job import LatencyJob, LatencyRecord, LoadJob, LoadRecord, Network
from redmobile.bench.plan import ClosedLoop
from redmobile.bench.plot import plot, write_plot
from redmobile.bench.process import run_job
from redmobile.bench.runner import bench, model_file
from redmobile.bench.target import TARGETS, open_target
from redmobile.core.artifact import sha256_file
from redmobile.core.documents import from_dict
from redmobile.core.quant_math import Quantization
from redmobile.core.results import read_json, to_json, write_json
from redmobile.core.tensor_spec import TensorSpec
from redmobile.errors import DeviceError, InputError, MissingExtraError, ToolError, UnsupportedModelError, UsageError
from redmobile.shelf import shelf_folders

TRUSTING = """
[stability]
min_samples = 1
min_seconds = 1e-9
max_relative_iqr = 1e9
max_drift = 1e9
max_other_share = 1
max_steal_share = 1
max_clock_change = 1
"""
CLOSED = "says = 'x'\nthreads = 1\n[closed_loop]\nwarm_up = 1\nruns = 8\nblock = 2\n"


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "closed.toml"
    path.write_text(CLOSED + "[budget]\nshare = 0.5\n" + TRUSTING)
    return str(path)


@pytest.fixture(scope="module")
def latency(tmp_path_factory, write_int8):
    folder = tmp_path_factory.mktemp("latency")
    (folder / "plan.toml").write_text(CLOSED + TRUSTING)
    return bench(str(folder / "plan.toml"), str(write_int8(folder / "small_int8.tflite")))


def test_every_figure_stands_beside_what_it_was_taken_with(latency):
    file = Path(latency.measured.model.file)
    assert latency.measured.model.sha256 == sha256_file(file)
    assert latency.measured.model.bytes == file.stat().st_size
    assert latency.measured.load.runtime.startswith("litert ")
    assert str(latency.measured.load.inputs[0]) == "1×32×48×3 int8"
    assert latency.plan_sha256 == sha256_file(Path(latency.plan))
    assert (latency.target, latency.threads, latency.format) == ("host", 1, "redmobile.bench/2")
    assert latency.environment.packages["redmobile"]
    assert latency.command.startswith(f"redmobile bench {latency.plan} --model ")
    assert latency.conditions.seconds > 0


def test_figures_of_one_network(latency):
    measured = latency.measured
    assert measured.latency.n == len(measured.samples_ms) == 8
    assert measured.latency.p50_ms == pytest.approx(np.percentile(measured.samples_ms, 50))
    assert measured.load.init_ms > 0
    assert measured.load.first_ms > 0
    assert measured.load.peak_bytes >= measured.load.before_bytes > 1_000_000
    assert measured.load.coverage.partitions == 1
    assert (measured.load.coverage.macs_inside, measured.load.coverage.macs_outside) == (32 * 48 * 3 * 3, 0)
    assert measured.load.delegate.ran == "XNNPACK"
    assert latency.peers == latency.ratios == ()


def test_result_survives_json_and_fits_its_schema(latency, tmp_path):
    write_json(tmp_path / "r.json", results.to_builtins(latency))
    assert results.from_builtins(read_json(tmp_path / "r.json"), "r.json") == latency
    check_fits(latency)


def test_peers_run_in_the_same_process_by_turns(plan, int8_file, float_file, onnx_file):
    seen = []
    found = bench(plan, str(int8_file), peers=[str(float_file), str(onnx_file)], on_progress=lambda *step: seen.append(step))
    assert [row.latency.n for row in (found.measured, *found.peers)] == [8, 8, 8]
    assert [str(row.load.inputs[0]) for row in found.peers] == ["1×16×20×3 float32", "1×3×24×40 float32"]
    assert [row.load.runtime.split()[0] for row in found.peers] == ["litert", "onnxruntime"]
    assert found.peers[1].load.coverage is None
    assert [ratio.peer for ratio in found.ratios] == ["small_float.tflite", "small.onnx"]
    assert all(ratio.of_medians > 0 for ratio in found.ratios)
    assert ("runs", 4, 4) in seen


def test_a_peer_is_brought_to_the_model_s_size(plan, int8_file, float_file):
    found = bench(plan, str(int8_file), peers=[str(float_file)], resize_peers=True)
    assert str(found.peers[0].load.inputs[0]) == "1×32×48×3 float32"
    assert str(found.peers[0].load.outputs[0]) == "1×32×48×3 float32"


def test_a_peer_of_the_same_size_stays_as_it_is(plan, int8_file):
    assert bench(plan, str(int8_file), peers=[str(int8_file)], resize_peers=True).peers[0].load.inputs[0].shape == (1, 32, 48, 3)


def test_an_onnx_peer_cannot_be_brought_to_another_size(plan, int8_file, onnx_file):
    with pytest.raises(UnsupportedModelError, match=r"small\.onnx: onnxruntime .* only a \.tflite can be"):
        bench(plan, str(int8_file), peers=[str(onnx_file)], resize_peers=True)


@pytest.mark.parametrize(("fps", "outcome", "over"), [(0.001, "met", 0), (1e9, "missed", 8)])
def test_verdict_and_runs_over_the_budget(plan, int8_file, fps, outcome, over):
    found = bench(plan, str(int8_file), fps=fps)
    assert found.verdict.outcome == outcome
    assert found.measured.over_budget == over


def test_doubtful_figures_are_neither_met_nor_missed(tmp_path, int8_file):
    strict = tmp_path / "strict.toml"
    strict.write_text(CLOSED + "[budget]\n[stability]\nmin_samples = 1000\n")
    found = bench(str(strict), str(int8_file), fps=0.001)
    assert found.verdict.outcome == "not to be trusted"
    assert "only 8 samples, at least 1000 are needed" in found.verdict.says
    assert not found.measured.stability.trusted


def test_options_stand_in_the_result(plan, int8_file):
    found = bench(plan, str(int8_file), runs=3, threads=2)
    assert (found.settings.closed_loop.runs, found.threads, found.measured.latency.n) == (3, 2, 4)


def test_missing_and_broken_networks(plan, tmp_path, int8_file):
    with pytest.raises(InputError, match=r"none\.tflite: no such file"):
        bench(plan, str(tmp_path / "none.tflite"))
    with pytest.raises(InputError, match="Unknown model 'nobody'"):
        bench(plan, "nobody")
    with pytest.raises(InputError, match=r"none\.onnx: no such file"):
        bench(plan, str(int8_file), peers=[str(tmp_path / "none.onnx")])
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(int8_file.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"cut\.tflite"):
        bench(plan, str(cut))
    other = tmp_path / "weights.bin"
    other.write_bytes(b"abc")
    with pytest.raises(UsageError, match=r"weights\.bin: a network file ends with"):
        bench(plan, str(other))


def test_a_model_without_its_int8_file_says_how_to_make_it(tmp_path, monkeypatch):
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text("")
    monkeypatch.setenv("REDMOBILE_SHELF", str(tmp_path))
    with pytest.raises(InputError, match=r"mine_int8\.tflite; convert it first: redmobile convert mine --with litert_int8"):
        model_file("mine")
    (folder / "mine_int8.tflite").write_bytes(b"x")
    assert model_file("mine") == folder / "mine_int8.tflite"


def test_wrong_combinations(plan, int8_file, tmp_path):
    with pytest.raises(UsageError, match=r"--video belongs to a plan with \[open_loop\]"):
        bench(plan, str(int8_file), video=tmp_path / "a.mp4")
    with pytest.raises(UsageError, match="no peers to bring"):
        bench(plan, str(int8_file), resize_peers=True)
    with pytest.raises(UsageError, match=r"--peer belongs to a plan with \[closed_loop\]; this one has \[open_loop\]"):
        bench("video_1080p30", str(int8_file), peers=[str(int8_file)])
    with pytest.raises(InputError, match=r"none\.mp4: no such file"):
        bench("video_1080p30", str(int8_file), video=tmp_path / "none.mp4")


def test_the_plot_shows_every_network(plan, int8_file, float_file, tmp_path):
    found = bench(plan, str(int8_file), peers=[str(float_file)])
    picture = plot(found)
    assert picture.shape == (640, 1500, 3)
    for colour in ((26, 115, 232), (232, 113, 10), (197, 34, 31)):
        assert (np.abs(picture.astype(int) - colour).max(axis=2) < 12).any()
    write_plot(tmp_path / "p.png", found)
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"p\.svg: the picture of the durations is a \.png"):
        write_plot(tmp_path / "p.svg", found)


def test_errors_come_back_from_the_process_as_their_own_class(tmp_path):
    with pytest.raises(InputError, match=r"gone\.tflite: no such file"):
        run_job(LoadJob(network=Network(path=str(tmp_path / "gone.tflite")), threads=1), LoadRecord)


def test_an_error_with_a_message_of_its_own_making_comes_back_whole():
    from redmobile.bench.job import Failure
    from redmobile.bench.process import _error

    found = _error(Failure(kind="MissingExtraError", message="it is missing"))
    assert isinstance(found, MissingExtraError)
    assert (str(found), found.exit_code) == ("it is missing", 12)
    assert isinstance(_error(Failure(kind="DeviceError", message="x")), DeviceError)


def test_a_process_that_dies_is_a_tool_error(int8_file, monkeypatch):
    import sys

    from redmobile.bench import process

    monkeypatch.setattr(
        process, "_COMMAND", (sys.executable, "-c", "import os, sys; sys.stderr.write('it hurts\\n'); sys.stderr.flush(); os.abort()")
    )
    with pytest.raises(ToolError, match="died before it had a result: it hurts"):
        run_job(LoadJob(network=Network(path=str(int8_file)), threads=1), LoadRecord)


def test_no_process_is_left_when_the_listener_gives_up(int8_file):
    import psutil

    def give_up(*_):
        raise KeyboardInterrupt

    before = {child.pid for child in psutil.Process().children()}
    job = LatencyJob(networks=(Network(path=str(int8_file)),), threads=1, loop=ClosedLoop(runs=100_000))
    with pytest.raises(KeyboardInterrupt):
        run_job(job, LatencyRecord, give_up)
    assert {child.pid for child in psutil.Process().children()} <= before


def test_memory_is_the_network_s_own_not_the_caller_s(int8_file):
    ballast = np.ones(60_000_000, np.float64)
    record = run_job(LoadJob(network=Network(path=str(int8_file)), threads=1), LoadRecord)
    assert record.load.peak_bytes < ballast.nbytes


def test_targets_on_the_list():
    assert "host" in TARGETS.names()
    with pytest.raises(UsageError, match=r"Unknown target 'phone'\. Known: .*host"):
        open_target("phone:1")


def test_jobs_and_records_are_strict():
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"path": "x", "shape": [1]}', type=Network)
    assert from_dict({"path": "x"}, Network, "n").input_shape is None


INT8 = Quantization.per_tensor(1 / 255, -128)


@pytest.mark.parametrize(
    ("spec", "low", "high"),
    [
        (TensorSpec("x", (1, 70, 90, 3), "int8", "NHWC", INT8), -128, -40),
        (TensorSpec("x", (1, 3, 70, 90), "float32", "NCHW"), 0, 0.35),
        (TensorSpec("x", (2, 70, 90, 1), "uint8", "NHWC"), 0, 90),
        (TensorSpec("x", (1, 70, 90, 4), "float16", "NHWC"), 0, 0.35),
    ],
)
def test_inputs_are_dark_pictures_in_the_network_s_own_codes(spec, low, high):
    (made,) = arrays_for([spec])
    assert (made.shape, made.dtype.name) == (spec.shape, spec.dtype)
    assert low <= made.min() < made.max() <= high
    assert len(np.unique(made)) > 20
    np.testing.assert_array_equal(made, arrays_for([spec])[0])


def test_inputs_that_are_no_pictures_are_zeros():
    (made,) = arrays_for([TensorSpec("x", (1, 10), "int32", "?")])
    assert not made.any()


def test_the_scene_is_dark_and_noisy():
    scene = dark_scene(200, 300)
    assert scene.shape == (200, 300, 3)
    assert 10 < scene.mean() < 80
    assert (np.diff(scene.astype(int), axis=1) != 0).mean() > 0.5


OPEN = "says = 'x'\nthreads = 1\nfps = 50\n[open_loop]\nseconds = 0.5\nwarm_up = 2\nheight = 30\nwidth = 44\n[budget]\n"


@pytest.fixture
def open_plan(tmp_path):
    path = tmp_path / "open.toml"
    path.write_text(OPEN + TRUSTING)
    return str(path)


def check_fits(found):
    """The document is what the published schema says."""
    (folder,) = shelf_folders("benchmarks")
    jsonschema.validate(json.loads(to_json(results.to_builtins(found))), json.loads((folder / results.SCHEMA_FILE).read_text()))


def check_accounts(found, offered):
    check_fits(found)
    assert found.offered == offered
    assert found.on_time + found.late + found.dropped == offered
    assert len(found.frames) == found.on_time + found.late == found.latency.n
    assert [frame.number for frame in found.frames] == sorted({frame.number for frame in found.frames})
    assert all(len(frame.stages_ms) == 4 and min(frame.stages_ms) >= 0 for frame in found.frames)
    assert all(frame.latency_ms >= sum(frame.stages_ms) - 1e-3 for frame in found.frames)


def test_open_loop_accounts_for_every_frame(open_plan, int8_file, tmp_path):
    found = bench(open_plan, str(int8_file))
    check_accounts(found, 25)
    assert [stage.name for stage in found.stages] == ["make", "pre", "infer", "post"]
    assert found.source == "a made scene, 44×30"
    assert found.model.sha256 == sha256_file(int8_file)
    write_json(tmp_path / "v.json", results.to_builtins(found))
    assert results.from_builtins(read_json(tmp_path / "v.json"), "v.json") == found
    assert plot(found).shape == (640, 1500, 3)


def test_an_impossible_rate_drops_frames_and_names_a_stage(open_plan, int8_file):
    found = bench(open_plan, str(int8_file), fps=1e6, seconds=0.01)
    check_accounts(found, 10_000)
    assert found.dropped > 0
    assert found.verdict.outcome == "missed"
    assert found.verdict.blame in {"make", "pre", "infer", "post"}


def write_video(path, frames=7):
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for number in range(frames):
            picture = np.full((32, 48, 3), 20 + 10 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_frames_of_a_video_that_is_shorter_than_the_plan(open_plan, int8_file, tmp_path):
    video = write_video(tmp_path / "clip.mp4")
    found = bench(open_plan, str(int8_file), video=video)
    check_accounts(found, 25)
    assert found.source == "clip.mp4, 48×32"
    assert found.stages[0].name == "decode"


def test_decoded_frames_skip_and_begin_again(tmp_path):
    from redmobile.bench.video_source import open_source

    with open_source(1, 1, write_video(tmp_path / "clip.mp4")) as source:
        levels = [round((float(source.frame(number).mean()) - 20) / 10) for number in (0, 1, 4, 6, 7, 9, 15)]
    assert levels == [0, 1, 4, 6, 0, 2, 1]


def test_made_frames_move_and_are_the_same_each_time():
    from redmobile.bench.video_source import open_source

    with open_source(40, 60, None) as source:
        first, second, again = source.frame(0), source.frame(1), source.frame(0)
    assert first.shape == (40, 60, 3)
    assert (first != second).any()
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[3:, 7:], second[:-3, :-7])


def test_a_truncated_video_is_named(open_plan, int8_file, tmp_path):
    video = write_video(tmp_path / "clip.mp4")
    video.write_bytes(video.read_bytes()[:-300])
    with pytest.raises(InputError, match=r"clip\.mp4"):
        bench(open_plan, str(int8_file), video=video)


def test_memory_is_measured_in_fresh_processes(tmp_path, int8_file):
    plan = tmp_path / "memory.toml"
    plan.write_text("says = 'x'\nthreads = 1\n[memory]\nrepeats = 2\nruns = 2\n[budget]\npeak_mib = 4000\n[stability]\nmin_samples = 2\n")
    found = bench(str(plan), str(int8_file))
    check_fits(found)
    assert (found.verdict.outcome, found.stability.trusted) == ("met", True)
    assert found.peak_bytes == max(load.peak_bytes for load in found.loads) > found.own_bytes > 0
    assert found.arena_bytes == 2 * 32 * 48 * 3
    plan.write_text(plan.read_text().replace("4000", "1").replace("= 2", "= 1"))
    missed = bench(str(plan), str(int8_file), runs=3)
    assert (missed.verdict.outcome, missed.settings.memory.runs, len(missed.loads)) == ("missed", 3, 1)


@pytest.fixture
def pictures(tmp_path):
    import cv2

    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(2):
        cv2.imwrite(str(folder / f"{number}.png"), dark_scene(32, 48) + np.uint8(9 * number))
    return folder


def test_accuracy_is_told_against_the_network_a_file_was_made_of(tmp_path, int8_file, float_file, pictures):
    plan = tmp_path / "accuracy.toml"
    plan.write_text("says = 'x'\nthreads = 1\n[accuracy]\n[budget]\npsnr_db = 40\nssim = 0.99\n")
    found = bench(str(plan), str(int8_file), reference=str(float_file), images=pictures)
    check_fits(found)
    assert found.verdict.outcome == "met"
    assert [picture.picture for picture in found.pictures] == ["0.png", "1.png"]
    assert found.psnr_db is None or found.psnr_db > 45
    assert found.reference.sha256 == sha256_file(float_file)
    same = bench(str(plan), str(int8_file), reference=str(int8_file), images=pictures)
    assert (same.psnr_db, same.worst_db, same.ssim) == (None, None, pytest.approx(1))
    assert same.verdict.says.startswith("equal and SSIM 1.0000 on 2 pictures")
    with pytest.raises(UsageError, match="which network's outputs are right"):
        bench(str(plan), str(int8_file), images=pictures)


def test_frames_from_a_folder(open_plan, int8_file, pictures):
    found = bench(open_plan, str(int8_file), video=pictures)
    check_accounts(found, 25)
    assert found.source == "pictures/, 2 pictures, 48×32"
    import cv2

    cv2.imwrite(str(pictures / "2.png"), dark_scene(32, 50))
    with pytest.raises(InputError, match=r"2\.png: frames of a stream have one size; 48×32 as the first one was expected, 50×32 was found"):
        bench(open_plan, str(int8_file), video=pictures)


def test_frames_larger_than_the_network_go_through_in_tiles(open_plan, int8_file, tmp_path):
    import cv2

    folder = tmp_path / "large"
    folder.mkdir()
    cv2.imwrite(str(folder / "0.png"), dark_scene(50, 70))
    found = bench(open_plan, str(int8_file), video=folder, seconds=0.1)
    assert [stage.name for stage in found.stages] == ["decode", "tiles"]


def test_made_frames_of_photographs(pictures):
    from redmobile.bench.video_source import open_source

    with open_source(40, 60, None, pictures) as source:
        first, second, other = source.frame(0), source.frame(1), source.frame(90)
    assert source.says == "2 photographs in motion, 60×40"
    np.testing.assert_array_equal(first[3:, 7:], second[:-3, :-7])
    assert abs(float(other.mean()) - float(first.mean())) > 3


def test_targets_refuse_what_is_not_theirs(plan, int8_file):
    with pytest.raises(UsageError, match=r"target 'host' takes no option speed\. It takes: none"):
        bench(plan, str(int8_file), target_options={"speed": "9"})
    with pytest.raises(UsageError, match="takes no argument, found 'host:1'"):
        bench(plan, str(int8_file), on="host:1")
    with pytest.raises(InputError, match="Unknown device 'nothing'"):
        bench(plan, str(int8_file), device="nothing")
    with pytest.raises(UsageError, match=r"--policy belongs to a plan with \[open_loop\]"):
        bench(plan, str(int8_file), policy="block")


def test_the_command_does_it_again(open_plan, int8_file):
    found = bench(open_plan, str(int8_file), policy="block", queue=2, seconds=0.1)
    assert found.command == f"redmobile bench {open_plan} --model {int8_file} --seconds 0.1 --policy block --queue 2"
    assert (found.settings.open_loop.policy, found.settings.open_loop.queue) == ("block", 2)


def test_where_the_time_goes_by_the_engine_that_says_it(plan, onnx_file, latency):
    found = bench(plan, str(onnx_file)).measured.profile
    assert found.operators[0].kind == "Conv"
    assert all(operator.mean_ms > 0 for operator in found.operators)
    assert found.says.startswith("onnxruntime ")
    assert latency.measured.profile.operators == ()
    assert "gives no times of single operators" in latency.measured.profile.says


def test_delegates_of_this_machine(plan, open_plan, int8_file):
    found = bench(plan, str(int8_file), delegates=["cpu"])
    assert (found.measured.load.delegate.asked, found.measured.name) == (None, int8_file.name)
    with pytest.raises(UsageError, match="belongs to a --delegate; none was named"):
        bench(plan, str(int8_file), delegates=["cpu"], delegate_options={"a": "b"})
    with pytest.raises(UsageError, match="several delegates run by turns"):
        bench(open_plan, str(int8_file), delegates=["cpu", "redmobile"])
