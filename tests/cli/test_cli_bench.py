"""`redmobile bench`: what is printed and written, and with which code it ends."""

import json
import sys

import pytest
from onnx import TensorProto, helper, save

from redmobile import cli

CLOSED = "says = 'x'\nthreads = 1\n[closed_loop]\nwarm_up = 1\nruns = 4\nblock = 2\n[budget]\n"
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


@pytest.fixture
def model(tmp_path):
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3, 24, 40)) for name in ("image", "enhanced")]
    graph = helper.make_graph([helper.make_node("Sqrt", ["image"], ["enhanced"])], "g", [values[0]], [values[1]])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), tmp_path / "small.onnx")
    return str(tmp_path / "small.onnx")


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """(plan's text or name, arguments) → (exit code, stdout, stderr)."""

    def run(plan, *arguments):
        if "\n" in plan:
            (tmp_path / "plan.toml").write_text(plan)
            plan = str(tmp_path / "plan.toml")
        monkeypatch.setattr(sys, "argv", ["redmobile", "bench", *([plan] if plan else []), *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


def test_met(call, model, tmp_path):
    code, out, err = call(CLOSED + TRUSTING, "--model", model, "--fps", "0.001", "--out", str(tmp_path / "r.json"), "--plot", str(tmp_path / "r.png"))
    assert code == 0
    assert err == ""
    assert "small.onnx" in out
    assert "p99 ms" in out
    assert "Budget: met. 4 of 4 frames (100.0%)" in out
    assert len(json.loads((tmp_path / "r.json").read_text())["measured"]["samples_ms"]) == 4
    assert (tmp_path / "r.png").stat().st_size > 1000


def test_missed_ends_with_6_after_everything_was_written(call, model, tmp_path):
    code, out, err = call(CLOSED + TRUSTING, "--model", model, "--fps", "1e9", "--out", str(tmp_path / "r.json"))
    assert code == 6
    assert "Budget: missed. 0 of 4" in out
    assert err.startswith("redmobile: ")
    assert "missed. 0 of 4 frames" in err
    assert err.count("\n") == 1
    assert json.loads((tmp_path / "r.json").read_text())["verdict"]["outcome"] == "missed"


def test_doubtful_figures_end_with_0_unless_enforced(call, model):
    doubtful = CLOSED + "[stability]\nmin_samples = 1000\n"
    code, out, err = call(doubtful, "--model", model, "--fps", "1e9")
    assert (code, err) == (0, "")
    assert "not to be trusted: only 4 samples" in out
    code, _, err = call(doubtful, "--model", model, "--fps", "1e9", "--enforce")
    assert code == 6
    assert "not to be trusted" in err


def test_json_and_peers(call, model):
    code, out, _ = call(CLOSED + TRUSTING, "--model", model, "--peer", model, "--fps", "0.001", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["kind"] == "latency"
    assert found["ratios"][0]["peer"] == "small.onnx"
    code, out, _ = call(CLOSED + TRUSTING, "--model", model, "--peer", model, "--fps", "0.001")
    assert "× as long" in out


def test_open_loop(call, model):
    plan = "says = 'x'\nthreads = 1\n[open_loop]\nseconds = 0.2\nwarm_up = 1\nheight = 24\nwidth = 40\nwindow_seconds = 0.1\n"
    code, out, _ = call(plan, "--model", model)
    assert code == 0
    assert "6 frames from a made scene, 40×24" in out
    assert "arrival to finished" in out
    assert "0.1 to 0.2" in out
    assert "Budget: no budget" in out


def test_schema(call):
    code, out, _ = call("", "--schema")
    assert code == 0
    assert {"LatencyResult", "VideoResult", "EmulationResult"} <= json.loads(out)["$defs"].keys()


@pytest.mark.parametrize(
    ("plan", "arguments", "code", "said"),
    [
        ("", (), 2, "Which plan? One of accuracy, conversion_peers, model_latency, peak_memory"),
        ("no_such_plan", (), 10, "Unknown benchmark 'no_such_plan'. Known: accuracy, conversion_peers, model_latency"),
        ("says = 'x'\n[closed_loop]\nrnus = 3\n", (), 3, "unknown field `rnus`"),
        ("model_latency", ("--model", "gone.tflite"), 10, "gone.tflite: no such file."),
        ("video_1080p30", ("--runs", "3", "--model", "gone.tflite"), 2, "--runs belongs to a plan with [closed_loop]"),
        ("model_latency", ("--model", __file__), 2, "a network file ends with"),
    ],
)
def test_errors_are_one_line_with_their_code(call, plan, arguments, code, said):
    found, out, err = call(plan, *arguments)
    assert found == code
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


CONVERTERS = """
says = "x"
[closed_loop]
runs = 4
block = 2
warm_up = 1
[conversion]
precisions = ["fp32"]
threads = [1]
frames = 1
pictures = 1
network = []
[[conversion.converter]]
name = "nobody"
driver = "nobody.py"
"""


def test_a_plan_of_converters_tells_what_became_of_each(call, model, tmp_path):
    folder = tmp_path / "kept"
    code, out, err = call(CONVERTERS, "--networks", model, "--folder", str(folder), "--out", str(tmp_path / "r.json"))
    assert (code, err) == (0, "")
    assert "small fp32, nobody: failed: " in out
    assert "nobody.py: no such driver" in out
    written = json.loads((tmp_path / "r.json").read_text())
    assert written["format"] == "redmobile.peers/1"
    assert written["networks"][0]["name"] == "small"
    assert json.loads((folder / "result.json").read_text()) == written
    code, out, _ = call(CONVERTERS, "--networks", model, "--folder", str(folder), "--json", "--only", "small", "--peer", "nobody")
    assert code == 0
    assert [row["outcome"] for row in json.loads(out)["rows"]] == ["failed"]


@pytest.mark.parametrize(
    ("plan", "arguments", "said"),
    [
        ("model_latency", ("--only", "unet", "--folder", "x"), "--only, --folder: belongs to a plan with [conversion]"),
        (CONVERTERS, ("--video", "a.mp4", "--enforce"), "--enforce, --video: does not belong to a plan with [conversion]"),
        (CONVERTERS, ("--model", "other"), "--model: does not belong"),
        (CONVERTERS, ("--only", "unet"), "no network 'unet'"),
    ],
)
def test_options_of_other_plans_are_refused(call, plan, arguments, said):
    code, out, err = call(plan, *arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_a_result_that_cannot_be_written(call, model, tmp_path):
    (tmp_path / "taken").mkdir()
    code, _, err = call(CLOSED + TRUSTING, "--model", model, "--fps", "0.001", "--out", str(tmp_path / "taken"))
    assert code == 11
    assert "is a folder" in err


def test_record_and_compare(call, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ("--model", model, "--fps", "0.001", "--out", str(tmp_path / "r.json"))
    code, _, err = call(CLOSED + TRUSTING, *arguments, "--record")
    assert code == 0
    (kept,) = (tmp_path / "benchmarks" / "baselines").rglob("*.json")
    assert kept.name == "plan-small-1t.json"
    assert err.replace("\n", "") == f"Recorded as baseline: {kept.relative_to(tmp_path)}"
    code, out, _ = call("compare", "benchmarks/baselines", str(tmp_path / "r.json"), "--json", "--tolerance", "99")
    assert (code, json.loads(out)[0]["outcome"]) == (0, "same")
    slower = json.loads((tmp_path / "r.json").read_text())
    slower["measured"]["samples_ms"] = [1000 * value for value in slower["measured"]["samples_ms"]]
    (tmp_path / "slower.json").write_text(json.dumps(slower))
    code, out, err = call("compare", str(tmp_path / "r.json"), str(tmp_path / "slower.json"), "--out", str(tmp_path / "c.json"))
    assert code == 6
    assert "worse" in out
    assert err.startswith("redmobile: worse: latency, median")
    assert json.loads((tmp_path / "c.json").read_text())[0]["format"] == "redmobile.compare/1"


def test_what_cannot_be_trusted_is_not_recorded(call, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(CLOSED + "[stability]\nmin_samples = 1000\n", "--model", model, "--fps", "0.001", "--record")
    assert code == 6
    assert "cannot become a baseline: it is not to be trusted: only 4 samples" in err
    assert not (tmp_path / "benchmarks").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("old.json", "new.json"), 10, "new.json: no such file."),
        (("kept", "bad.json"), 3, "bad.json: is no result of `redmobile bench`"),
        (("kept",), 2, "Missing argument 'NEW'"),
    ],
)
def test_compare_names_what_is_wrong(call, tmp_path, monkeypatch, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text("{}")
    (tmp_path / "kept").mkdir()
    found, out, err = call("compare", *arguments)
    assert (found, out) == (code, "")
    assert said in err


@pytest.mark.parametrize("pair", ["k", "=v"])
def test_pairs_are_key_and_value(call, pair):
    code, _, err = call("model_latency", "--target-option", pair)
    assert code == 2
    assert f"'{pair}' is no pair; expected KEY=VALUE" in err
