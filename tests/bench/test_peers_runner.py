"""A whole comparison in real processes: our converter, one of a few lines that copies our file, and one whose environment cannot be had."""

import dataclasses
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image as PillowImage

from redmobile.bench.fidelity import Fidelity
from redmobile.bench.peers.figures import why_not_timed
from redmobile.bench.peers.networks import load_frames, onnx_network
from redmobile.bench.peers.result import PeersResult, Row, to_builtins
from redmobile.bench.peers.runner import Choice, compare_converters
from redmobile.bench.peers.table import cells, columns, notes
from redmobile.bench.peers.unfinished import Part, Unfinished
from redmobile.core.artifact import sha256_file
from redmobile.core.results import read_json
from redmobile.errors import DocumentError, InputError, UnsupportedModelError, UsageError

PLAN = """
says = "a small comparison"
[closed_loop]
warm_up = 1
runs = 8
block = 2
[conversion]
precisions = ["int8"]
threads = [1]
frames = 2
pictures = 2
[[conversion.converter]]
name = "ours"
driver = "redmobile_convert"
recipes = { int8 = "litert_int8" }
[[conversion.converter]]
name = "copies"
driver = "copies.py"
[[conversion.converter]]
name = "modules"
driver = "copies.py"
takes = "module"
[[conversion.converter]]
name = "nowhere"
driver = "onnx2tf"
environment = "nowhere"
[conversion.environment.nowhere]
requirements = "nowhere.txt"
disk_mib = 1
[conversion.environment.networks]
requirements = "nowhere.txt"
disk_mib = 1
[[conversion.network]]
name = "classifier"
source = "timm"
what = "resnet18"
size = [64, 64]
"""
DRIVER = """
from pathlib import Path
PACKAGES = ("numpy",)

def convert(job):
    made = Path(job.folder) / "copy.tflite"
    made.write_bytes((Path(__file__).parent / "small.tflite").read_bytes())
    return made
"""


def write_pictures(folder, count):
    folder.mkdir()
    rng = np.random.default_rng(count)
    for index in range(count):
        PillowImage.fromarray(rng.integers(0, 120, (40, 60, 3), np.uint8)).save(folder / f"{index}.png")
    return folder


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "copies.py").write_text(DRIVER)
    (tmp_path / "nowhere.txt").write_text("redmobile-has-no-such-package==9.9\n")
    return str(tmp_path / "plan.toml")


@pytest.fixture
def choice(tmp_path, onnx_file, write_int8, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_int8(tmp_path / "small.tflite", 24, 40)
    pictures = {"calibrate": write_pictures(tmp_path / "calibrate", 3), "pictures": write_pictures(tmp_path / "pictures", 2)}
    return Choice(Path("out"), onnx=[onnx_file], **pictures)


@pytest.mark.parametrize(
    ("precision", "psnr_db", "said"),
    [("int8", 8.53, "8.5 dB from it, at least 15"), ("fp32", 30.0, "30.0 dB from it, at least 40"), ("int8", 15.0, None), ("fp32", None, None)],
)
def test_a_file_that_computes_something_else_is_not_timed(precision, psnr_db, said):
    row = Row(network="net", converter="other", precision=precision, outcome="converted", reason="", fidelity=Fidelity(psnr_db, 0.5, 4))
    reason = why_not_timed(row)
    assert (reason is None) if said is None else said in reason
    assert why_not_timed(msgspec.structs.replace(row, fidelity=None)) is None


def test_a_part_is_found_again_with_the_same_things_to_depend_on_only(tmp_path):
    unfinished = Unfinished(tmp_path)
    row = Row(network="net", converter="other", precision="int8", outcome="converted", reason="", fidelity=Fidelity(31.5, 0.5, 4))
    unfinished.keep("net_int8", ["plan", "tool"], Part(rows=(row,), runs=()))
    assert Unfinished(tmp_path).find("net_int8", ["plan", "tool"]) == Part(rows=(row,), runs=())
    assert unfinished.find("net_int8", ["plan", "another tool"]) is None
    assert unfinished.find("net_fp32", ["plan", "tool"]) is None
    (file,) = (tmp_path / "unfinished").iterdir()
    file.write_text(file.read_text()[:20])
    assert unfinished.find("net_int8", ["plan", "tool"]) is None
    unfinished.clear()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_comparison_that_was_stopped_goes_on(plan, choice, tmp_path):
    Path(plan).write_text(PLAN.split("[[conversion.network]]", maxsplit=1)[0].replace("[conversion]", "[conversion]\nnetwork = []"))

    def stop(what, *_):
        if what == "done":
            raise KeyboardInterrupt

    choice = dataclasses.replace(choice, converters=["copies"])
    with pytest.raises(KeyboardInterrupt):
        compare_converters(plan, choice, on_progress=stop)
    assert not (tmp_path / "out" / "result.json").exists()
    seen = []
    result = compare_converters(plan, choice, on_progress=lambda *step: seen.append(step))
    assert not any("small int8" in what for what, _, _ in seen)
    assert seen[-1][1] == seen[-1][2]
    assert [(row.network, row.converter, len(row.latency)) for row in result.rows] == [("small", "ours", 1), ("small", "copies", 1)]
    assert len(result.runs) == 1
    compare_converters(plan, choice, on_progress=lambda *step: seen.append(step))
    assert any("small int8: latency" in what for what, _, _ in seen)


@pytest.mark.slow
def test_a_whole_comparison(plan, choice, monkeypatch, tmp_path, onnx_file):
    for variable in ("UV_OFFLINE", "PIP_NO_INDEX"):
        monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("REDMOBILE_CACHE", str(tmp_path / "cache"))
    seen = []
    result = compare_converters(plan, choice, on_progress=lambda *step: seen.append(step))
    rows = {(row.network, row.converter): row for row in result.rows}
    assert list(rows) == [(network, converter) for network in ("classifier", "small") for converter in ("ours", "copies", "modules", "nowhere")]

    for converter in ("ours", "copies", "modules", "nowhere"):
        row = rows["classifier", converter]
        assert (row.outcome, row.conversion) == ("failed", None)
        assert "The environment 'networks' cannot be made" in row.reason
    assert "The environment 'nowhere' cannot be made" in rows["small", "nowhere"].reason
    assert (rows["small", "modules"].outcome, rows["small", "modules"].conversion) == ("not applicable", None)

    ours, copies = rows["small", "ours"], rows["small", "copies"]
    for row in (ours, copies):
        assert (row.outcome, row.reason, row.missing, row.cached) == ("converted", "", {}, False)
        assert (row.graph.count, row.graph.transposes, row.graph.float_islands) == (1, 0, 0)
        assert row.load.coverage.partitions == 1
        assert row.fidelity.pictures == 2
        assert row.conversion.file.sha256 == sha256_file(choice.out / row.conversion.file.file)
        assert [(latency.threads, latency.time.n) for latency in row.latency] == [(1, 8)]
        assert row.vela is None
    assert copies.conversion.file.sha256 == sha256_file(tmp_path / "small.tflite")
    assert ours.latency[0].ratio is None
    assert copies.latency[0].ratio.peer == "copies"
    assert copies.latency[0].ratio.of_medians > 0

    assert [(network.name, network.onnx_sha256, network.size) for network in result.networks] == [("small", sha256_file(onnx_file), (24, 40))]
    assert list(result.calibration) == ["0.png", "2.png"]
    assert list(result.pictures) == ["0.png", "1.png"]
    assert result.plan_sha256 == sha256_file(tmp_path / "plan.toml")
    assert [(run.network, run.precision, run.threads) for run in result.runs] == [("small", "int8", 1)]
    assert seen[0] == ("environment of ours", 0, seen[0][2])
    assert seen[-1] == ("done", seen[-1][2], seen[-1][2])
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)

    assert msgspec.convert(read_json(choice.out / "result.json"), PeersResult) == result
    assert msgspec.convert(to_builtins(result), PeersResult) == result
    table_of(result)

    again = compare_converters(plan, Choice(choice.out, ["small"], ["copies"], choice.onnx, choice.calibrate, choice.pictures))
    assert [(row.converter, row.cached) for row in again.rows] == [("ours", True), ("copies", True)]
    assert again.rows[0].conversion == ours.conversion
    assert cells(again.rows[0], [1])[3].endswith("*")


def table_of(result):
    lines = [cells(row, [1]) for row in result.rows]
    assert {len(line) for line in lines} == {len(columns([1]))}
    by_name = [dict(zip(columns([1]), line, strict=True)) for line in lines]
    assert [line[">s"] for line in by_name if line["converter"] == "nowhere"] == ["failed", "failed"]
    (copies,) = (line for line in by_name if (line["network"], line["converter"]) == ("small", "copies"))
    assert (copies[">ops"], copies[">partitions"], copies[">outside"], copies[">islands"]) == ("1", "1", "0", "0")
    assert "×" in copies[">1 thread ms (×)"]
    assert float(copies[">s"]) > 0
    assert float(copies[">PSNR dB"]) > 20
    said = notes(result)
    assert len(said) == 6
    assert "small int8, modules: not applicable: takes PyTorch modules, and this network is an ONNX file" in said
    assert said[-1].startswith("small int8, nowhere: failed: The environment 'nowhere' cannot be made")


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"only": ["resnet"]}, UsageError, r"no network 'resnet' \(known: classifier, small\)"),
        ({"converters": ["tf"]}, UsageError, r"no converter 'tf' \(known: ours, copies, modules, nowhere\)"),
        ({"only": ["a"], "converters": ["b"]}, UsageError, "no network 'a' .*; no converter 'b'"),
        ({"calibrate": "gone"}, InputError, "gone: no such file or folder"),
        ({"pictures": "gone"}, InputError, "gone: no such file or folder"),
    ],
)
def test_wrong_choices_are_refused_before_anything_is_installed(plan, choice, tmp_path, change, error, said, monkeypatch):
    monkeypatch.setenv("REDMOBILE_CACHE", str(tmp_path / "cache"))
    values = {name: tmp_path / value if isinstance(value, str) else value for name, value in change.items()}
    given = {name: getattr(choice, name) for name in ("out", "only", "converters", "onnx", "calibrate", "pictures")}
    with pytest.raises(error, match=said):
        compare_converters(plan, Choice(**{**given, **values}))
    assert not (tmp_path / "cache").exists()


def test_two_networks_of_one_name_are_refused(plan, choice, onnx_file):
    with pytest.raises(UsageError, match="two networks are called 'small'"):
        compare_converters(plan, Choice(choice.out, onnx=[onnx_file, onnx_file]))


def test_a_plan_without_conversions_is_refused(choice):
    with pytest.raises(DocumentError, match=r"model_latency: has no table \[conversion\]"):
        compare_converters("model_latency", choice)


def test_an_onnx_network_says_what_it_takes(onnx_file, tmp_path):
    found = onnx_network(onnx_file)
    assert (found.name, found.size, found.module, found.onnx_sha256) == ("small", (24, 40), None, sha256_file(onnx_file))
    with pytest.raises(InputError, match=r"gone\.onnx: no such file"):
        onnx_network(tmp_path / "gone.onnx")


def test_a_network_that_takes_no_picture_is_refused(tmp_path):
    import onnx
    from onnx import TensorProto, helper

    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 7)) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), tmp_path / "row.onnx")
    with pytest.raises(UnsupportedModelError, match=r"expected one input of 1×3×H×W \(RGB\) .* found x: 1×7 float32"):
        onnx_network(tmp_path / "row.onnx")


def test_frames_are_the_pictures_that_our_converter_takes(choice):
    found = load_frames(choice.calibrate, 2, (24, 40), choice.out)
    values = np.load(found.file)
    assert (values.shape, values.dtype) == ((2, 24, 40, 3), np.float32)
    first = np.asarray(PillowImage.open(choice.calibrate / "0.png"))[8:32, 10:50]
    assert np.array_equal(values[0], first.astype(np.float32) / np.float32(255))
    assert load_frames(choice.calibrate, 2, (24, 40), choice.out) == found
    assert load_frames(choice.calibrate, 3, (24, 40), choice.out).sha256 != found.sha256
