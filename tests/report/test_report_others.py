"""What `redmobile npu`, `evaluate` and `bench conversion_peers` leave, as runs beside the others."""

import pytest
import report_documents as documents
from other_documents import evaluation, npu, peers
from report_documents import write

from redmobile.core.results import write_json
from redmobile.report.compare import across
from redmobile.report.junit import to_junit
from redmobile.report.markdown import to_markdown
from redmobile.report.read import read_report
from redmobile.report.view import BarsBlock, ChartBlock, ListBlock, TableBlock


def run_of(path, document):
    write_json(path, document)
    (run,) = read_report([path]).runs
    return run


def blocks(run):
    return {block.title: block for block in run.blocks}


@pytest.mark.parametrize(
    ("asked", "sign", "says"),
    [
        ({}, "good", "0 of 3 operators fall back to the CPU."),
        ({"taken": False}, "bad", "1 of 3 operators fall back to the CPU: DEPTH_TO_SPACE 'big'. 1 group of operators computes on floats."),
        ({"unknown": True, "estimated": False}, "doubtful", "0 of 3 operators fall back to the CPU. Of 1 nothing is known."),
    ],
)
def test_an_npu_takes_all_or_it_is_said_what_not(tmp_path, monkeypatch, asked, sign, says):
    run = run_of(tmp_path / "npu.json", npu(monkeypatch, **asked))
    assert (run.verdict.sign, run.verdict.says) == (sign, says)
    assert [check.outcome for check in run.checks] == [{"good": "passed", "bad": "failed", "doubtful": "skipped"}[sign]]
    assert run.name == ("ethos_u65, ethos-u65-512" if asked.get("estimated", True) else "ethos_u65")


def test_why_an_operator_is_left_stands_once_for_its_kind(tmp_path, monkeypatch):
    found = blocks(run_of(tmp_path / "npu.json", npu(monkeypatch, taken=False)))
    assert found["Left to the CPU"].rows == [["DEPTH_TO_SPACE", "1", "No NPU takes it.", "Row planes.", "DEPTH_TO_SPACE 'big'"]]
    assert found["What Vela leaves to the CPU"].rows == [["big", "DepthToSpace", "Unsupported opType"]]
    assert found["Float islands"].items == ["f1, f2"]
    assert [part.label for part in found["Operators on each unit"].parts] == ["NPU", "falls back to the CPU"]


def test_no_figure_of_an_npu_looks_measured(tmp_path, monkeypatch):
    judged = run_of(tmp_path / "judged.json", npu(monkeypatch, estimated=False))
    estimated = run_of(tmp_path / "estimated.json", npu(monkeypatch))
    assert (judged.labelled, estimated.labelled) == ("Judged by rules, nothing ran", "Estimate, nothing was measured")
    assert [figure.text for figure in estimated.tiles if "estimate" in figure.label] == ["33.2 fps"]
    assert estimated.facts["Memory mode"] == "Dedicated_Sram"


def test_quality_stands_condition_by_condition_with_what_was_given(tmp_path):
    run = run_of(tmp_path / "quality.json", evaluation())
    assert (run.verdict.sign, run.verdict.word) == ("none", "Evaluated")
    assert run.verdict.says == "int8 on pairs: 7.77 dB as given, 21.43 dB enhanced, mean of 1 pictures. 3 more below."
    found = blocks(run)
    assert [(part.label, part.figure.text) for part in found["PSNR: pairs"].parts] == [
        ("as given", "7.77 dB"),
        ("int8", "21.43 dB"),
        ("mobileie", "23.63 dB"),
    ]
    assert [part.share for part in found["PSNR: nothing"].parts] == pytest.approx([1.0, 21.43 / 23.63, 1.0])
    assert found["PSNR: nothing"].parts[0].figure.text == "∞"
    gained = [row[4].text for row in found["Against the ground truth"].rows]
    assert gained == ["13.66 dB", "15.86 dB", "−∞", "−∞"]


def test_noise_is_a_curve_over_decibels(tmp_path):
    found = blocks(run_of(tmp_path / "quality.json", evaluation()))
    assert isinstance(found["Under noise"], ChartBlock)
    assert "over 20 dB." in found["Under noise"].chart
    assert [row[0] for row in found["Under noise, in figures"].rows] == ["0 dB", "10 dB", "20 dB"]
    assert {"Banding", "Flicker"} <= set(found)


def test_converters_stand_side_by_side_and_what_is_missing_is_said(tmp_path):
    write(tmp_path / "peers.json", peers())
    (run,) = read_report([tmp_path / "peers.json"]).runs
    assert run.verdict.says == "redmobile converted 2 of 2; onnx2tf converted 1 of 2."
    found = blocks(run)
    bars = found["Time: unet<1>, fp32"]
    assert isinstance(bars, BarsBlock)
    assert [part.label for part in bars.parts] == ["redmobile", "onnx2tf"]
    assert found["What is missing"].items == [
        "unet<1> int8, redmobile: no load: LiteRT refuses it",
        "unet<1> int8, onnx2tf: failed: KeyError: 'x'",
    ]
    assert "2 of 6 times are not to be trusted" in found["Worth knowing"].items[0]
    table = found["unet<1>, fp32"]
    assert isinstance(table, TableBlock)
    assert [len(row) for row in table.rows] == [len(table.columns)] * 2
    assert [row[8] for row in table.rows] == ["", "?"]
    assert [row[1] for row in found["unet<1>, int8"].rows][1] == "failed"


def test_they_stand_in_tables_of_their_own_in_markdown_and_junit(tmp_path, monkeypatch):
    for name, document in (("npu", npu(monkeypatch)), ("quality", evaluation())):
        write_json(tmp_path / f"{name}.json", document)
    write(tmp_path / "peers.json", peers())
    documents.write(tmp_path / "latency.json", documents.latency(monkeypatch))
    report = read_report([tmp_path / f"{name}.json" for name in ("npu", "quality", "peers", "latency")])
    assert [group.title for group in across(report).groups] == ["NPU, not measured", "Quality of pictures", "Converters", "Measured"]
    assert "Quality of pictures" in to_markdown(report)
    assert to_junit(report).count(b"<testcase ") == 2
    assert any(isinstance(block, ListBlock) for run in report.runs for block in run.blocks)
