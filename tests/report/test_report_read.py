"""Documents become runs: every figure is the document's own, and what does not fit is named with its place."""

import json
import re

import msgspec
import pytest
import report_documents as documents

from redmobile.bench.conditions import Conditions
from redmobile.bench.header import FORMAT
from redmobile.bench.job import LoadGen
from redmobile.bench.measured import Try
from redmobile.bench.result import Bundle, to_builtins
from redmobile.core.results import write_json
from redmobile.errors import DocumentError, InputError, UsageError
from redmobile.report.compare import across
from redmobile.report.document import Place
from redmobile.report.figures import Figure
from redmobile.report.read import read_report
from redmobile.report.view import BarsBlock, ChartBlock, ListBlock, SliderBlock, SplitBlock, TableBlock


def look_up(document, path):
    """What stands at a path like 'stages[0].time.p50_ms'."""
    for step in re.findall(r"[^.\[\]]+", path):
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def figures_of(run):
    yield from run.tiles
    yield from run.compared.values()
    for block in run.blocks:
        if isinstance(block, TableBlock):
            yield from (cell for row in block.rows for cell in row if isinstance(cell, Figure))
        if isinstance(block, BarsBlock | SplitBlock):
            yield from (part.figure for part in block.parts)
        if isinstance(block, SplitBlock):
            yield from (cell for row in block.more for cell in row if isinstance(cell, Figure))


def titles(run):
    return [block.title for block in run.blocks]


@pytest.mark.parametrize("kind", ["latency", "video", "memory", "accuracy", "emulation", "estimate", "parity", "files", "peers", "npu", "evaluate"])
def test_every_figure_with_a_place_is_the_one_that_stands_there(written, kind):
    (run,) = read_report([written[kind]]).runs
    document = json.loads(written[kind].read_text())
    placed = [figure for figure in figures_of(run) if figure.path and ":" not in figure.path]
    for figure in placed:
        found = look_up(document, figure.path) if figure.value is not None else None
        assert figure.value == (float(found) if found in ("inf", "-inf") else found)
    assert len(placed) >= 2


def test_a_latency_run_has_all_that_people_look_for(written):
    (run,) = read_report([written["latency"]]).runs
    assert (run.verdict.word, run.verdict.sign, run.nature, run.name) == ("Met", "good", "measured", "AMD EPYC")
    assert titles(run)[:3] == ["Distribution", "Run after run", "Percentiles"]
    for title in (
        "Beside other networks",
        "Time by kind of operator",
        "Time by operator",
        "Delegate coverage",
        "Memory and start",
        "The machine meanwhile",
    ):
        assert title in titles(run)
    assert run.facts["Delegate"] == "XNNPACK (asked for: cpu)"
    assert run.facts["Model sha256"] == documents.MODEL.sha256
    assert run.command.startswith("redmobile bench model_latency --on host")


def test_a_stream_names_the_stage_to_blame_and_draws_the_heat(written):
    (run,) = read_report([written["video"]]).runs
    assert (run.verdict.sign, run.name) == ("bad", "Pixel <8>")
    (stages,) = (block for block in run.blocks if block.title == "Stages")
    assert stages.says == "To blame for what was not on time: infer."
    assert sum(part.share for part in stages.parts) == pytest.approx(1)
    assert max(stages.parts, key=lambda part: part.share).label == "infer"
    assert {"Temperature", "Clock", "Thermal status", "Battery"} <= {block.title for block in run.blocks if isinstance(block, ChartBlock)}


def test_an_emulator_gives_no_times_but_a_bound_that_says_what_it_is(written):
    (run,) = read_report([written["emulation"]]).runs
    assert run.labelled == "Emulated: counts, no times"
    timed = [figure for figure in figures_of(run) if figure.unit == "ms"]
    assert {figure.path.rsplit(".", 1)[1] for figure in timed} == {"not_faster_than_ms", "at_least_ms"}
    (bound,) = (block for block in run.blocks if block.title == "Not faster than")
    assert bound.says.startswith("Estimate: a lower bound")
    assert all(part.estimate for part in bound.parts)
    assert ListBlock("Outputs", ["Bit-equal to litert 2.3.0 on x86_64 on all 2 frames."]) in run.blocks


def test_outputs_that_differ_are_told_with_place_and_size(tmp_path):
    (run,) = read_report([documents.write(tmp_path / "d.json", documents.emulation(equal=False))]).runs
    (table,) = (block for block in run.blocks if block.title == "Outputs")
    assert table.says == "Not equal to litert 2.3.0 on x86_64."
    assert table.rows[0][2] == "0×3×4×1"


def test_an_estimate_is_called_one_everywhere_it_gives_times(written):
    (run,) = read_report([written["estimate"]]).runs
    assert run.labelled == "Estimate, nothing was measured"
    assert run.verdict.sign == "none"
    assert all("estimate" in figure.label for figure in run.tiles if figure.unit in ("ms", "fps"))
    (left,) = (block for block in run.blocks if block.title == "Left to the CPU")
    assert left.rows == [["c", "DepthToSpace", "Unsupported opType"]]
    assert (run.facts["Memory mode"], run.facts["Clock"]) == ("Dedicated_Sram", "1,000 MHz")


def test_a_comparison_brings_its_pictures(written):
    (run,) = read_report([written["parity"]]).runs
    (slider,) = (block for block in run.blocks if isinstance(block, SliderBlock))
    assert [pair.name for pair in slider.pairs] == ["Before and after", "float and int8", "Difference"]
    assert all(picture.data.startswith("data:image/webp;base64,") for picture in slider.pictures)
    assert [(check.name, check.outcome) for check in run.checks] == [
        ("int8: shape, dtype, layout, finiteness", "passed"),
        ("int8: psnr against float >= 40 dB", "passed"),
    ]


def test_a_tool_that_tells_only_a_summary_is_quoted_and_its_tries_are_shown(tmp_path, monkeypatch):
    result = documents.latency(monkeypatch)
    measured = msgspec.structs.replace(result.measured, samples_ms=(), summary_only="benchmark_model tells no single run")
    tries = tuple(Try(n=50, mean_ms=mean, min_ms=mean - 1, max_ms=mean + 1, waited_s=5.0, thermal_status=1) for mean in (22.0, 21.5))
    loadgen = LoadGen(version="5.1", valid=False, p90_ms=22.5, queries=120, says="too few queries")
    told = msgspec.structs.replace(result, measured=measured, tries=tries, loadgen=loadgen)
    (run,) = read_report([documents.write(tmp_path / "told.json", told)]).runs
    assert ListBlock("Runs", ["benchmark_model tells no single run"]) in run.blocks
    assert not [block for block in run.blocks if isinstance(block, ChartBlock)]
    by_title = {block.title: block for block in run.blocks}
    assert [row[0] for row in by_title["Tries"].rows] == ["try 1", "try 2"]
    assert by_title["MLPerf"].says == "MLPerf's LoadGen 5.1, single stream; by its rules not valid: too few queries."


def test_a_bundle_is_several_runs_of_one_file(tmp_path, monkeypatch):
    bundle = Bundle(format=FORMAT, results=(documents.latency(monkeypatch), documents.video(monkeypatch)))
    report = read_report([documents.write(tmp_path / "bundle.json", bundle)])
    assert [run.path for run in report.runs] == ["results[0]", "results[1]"]
    assert report.runs[1].tiles[0].path.startswith("results[1].")


def test_a_regression_is_told_with_its_interval(tmp_path):
    file = tmp_path / "changes.json"
    write_json(file, [msgspec.to_builtins(documents.change()), msgspec.to_builtins(documents.change(worse=False))])
    worse, same = read_report([file]).runs
    assert (worse.verdict.sign, worse.verdict.word, same.verdict.sign) == ("bad", "Worse", "good")
    assert worse.blocks[0].rows[0][4:] == ["+21.0 %", "+17.0 % to +26.0 %", "5 %", "worse"]
    assert (worse.path, [check.outcome for check in (*worse.checks, *same.checks)]) == ("[0]", ["failed", "passed"])


def test_what_cannot_be_trusted_says_why_once(tmp_path, monkeypatch):
    noisy = Conditions(cores=2, seconds=9.0, own_share=0.3, other_share=0.6, steal_share=0.0)
    (run,) = read_report([documents.write(tmp_path / "noisy.json", documents.latency(monkeypatch, conditions=noisy))]).runs
    assert (run.verdict.sign, run.verdict.word) == ("doubtful", "Not to be trusted")
    assert "other processes took 60%" in run.verdict.says
    assert "Not to be trusted, because" not in titles(run)
    assert run.checks[0].outcome == "skipped"


def test_a_run_that_was_cut_off_says_so(tmp_path, monkeypatch):
    cut = msgspec.structs.replace(documents.latency(monkeypatch), incomplete="the cable was pulled")
    (run,) = read_report([documents.write(tmp_path / "cut.json", cut)]).runs
    assert run.verdict.says.endswith("It ended before its time: the cable was pulled.")


def test_the_worst_verdict_is_that_of_all(written):
    report = read_report([written["latency"], written["video"], written["estimate"]])
    assert (report.verdict.sign, report.verdict.word) == ("bad", "Missed")
    assert report.verdict.says == "3 results: 1 missed, 1 met, 1 not measured."


def test_measured_and_not_measured_stand_in_tables_of_their_own(written):
    groups = across(read_report(list(written.values()))).groups
    assert [group.title for group in groups] == [
        "Measured",
        "Memory, measured",
        "Accuracy, measured",
        "Emulated: counts, no times",
        "Estimated, not measured",
        "Compared",
        "Converters",
        "NPU, not measured",
        "Quality of pictures",
    ]
    assert all(figure is None or figure.path for group in groups for _, figures in group.rows for figure in figures)


def test_bars_of_all_runs_share_a_scale_with_the_budget_on_it(written):
    bars = across(read_report([written["latency"], written["video"], written["estimate"]])).bars
    shares = [part.share / part.figure.value for part in bars.parts]
    assert shares == pytest.approx([shares[0]] * 3)
    assert [part.line for part in bars.parts] == pytest.approx([shares[0] * allowed for allowed in (1000 / 30, 2000 / 30, 1000 / 30)])
    assert bars.line == "what a frame may take: 33.3 ms or 66.7 ms"
    assert [part.estimate for part in bars.parts] == [False, False, True]


def edited(source, target, change):
    document = json.loads(source.read_text())
    change(document)
    write_json(target, document)
    return target


def remove(key):
    return lambda document: document["measured"].pop(key)


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("latency", remove("latency"), "'measured.latency' is missing or null"),
        (
            "latency",
            lambda document: document["measured"]["samples_ms"].__setitem__(3, "fast"),
            r"'measured.samples_ms\[3\]' is a text; a number was expected",
        ),
        ("latency", lambda document: document.update(format="redmobile.bench/1"), "format 'redmobile.bench/1' is not known"),
        ("latency", lambda document: document.update(kind="dream"), "kind 'dream' is not known"),
        ("video", lambda document: document.update(frames={}), "'frames' is an object; a list was expected"),
        ("parity", lambda document: document["sheet"].update(found="https://elsewhere/x.png"), "'sheet.found' is no picture"),
        ("parity", lambda document: document.update(passed=1), "'passed' is a number; true or false was expected"),
    ],
)
def test_a_document_that_does_not_fit_is_named_with_its_place(written, tmp_path, kind, change, says):
    file = edited(written[kind], tmp_path / "edited.json", change)
    with pytest.raises(DocumentError, match=says) as caught:
        read_report([file])
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[1, 2]", "[]", '"x"', "3", "null", "{}"])
def test_other_json_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DocumentError, match="format 'none' is not known"):
        read_report([tmp_path / "x.json"])


def test_no_json_no_file_and_no_results_are_errors_of_their_own(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(DocumentError, match="is not valid JSON"):
        read_report([tmp_path / "x.json"])
    with pytest.raises(InputError, match="no such file"):
        read_report([tmp_path / "missing.json"])
    with pytest.raises(UsageError, match="at least one result"):
        read_report([])


def test_a_place_names_what_it_found():
    place = Place({"a": [1, {"b": None}]}, "f.json")
    assert place["a"].items()[1].get("b") is None
    with pytest.raises(DocumentError, match=r"f.json: 'a\[1\]' is an object; a number was expected"):
        place["a"].items()[1].number()


def test_documents_of_the_tests_follow_the_published_schema(written):
    from redmobile.bench.result import from_builtins

    for kind in ("latency", "video", "memory", "accuracy", "emulation", "estimate"):
        result = from_builtins(json.loads(written[kind].read_text()), kind)
        assert to_builtins(result)["kind"] == kind
